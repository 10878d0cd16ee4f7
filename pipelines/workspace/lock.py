"""One run at a time: locks that the kernel frees when their holder dies."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import HeadwaterError
from pipelines.workspace import calls, disk, history
from pipelines.workspace.files import FILE_MODE
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import clean

NAME = ".lock"
"""The file that is locked; it is never deleted."""
_taken: ContextVar[Path | None] = ContextVar("taken", default=None)
"""The workspace whose lock the command that runs here has taken for itself as a whole."""


@contextmanager
def taken(workspace: Workspace, command: str) -> Iterator[None]:
    """Hold the lock for a whole command, before anything is loaded that takes seconds; `exclusive` inside has it already.

    Raises E601 (exit 6) naming the holder.
    """
    with exclusive(workspace, command):
        token = _taken.set(workspace.root)
        try:
            yield
        finally:
            _taken.reset(token)


@contextmanager
def exclusive(workspace: Workspace, purpose: str) -> Iterator[None]:
    """Hold the workspace's lock; what a killed run left is cleaned up first.

    Raises E601 (exit 6) naming the holder, E720 (exit 7) on a network file system, where a lock may not hold.
    `purpose` is the command that does this, with its date.
    """
    if _taken.get() == workspace.root:
        yield
        return
    disk.check_place(workspace)
    handle = os.open(workspace.root / NAME, os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeadwaterError("E601", **_holder(workspace, os.pread(handle, 1000, 0))) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, _described(purpose), 0)
        clean(workspace)
        yield
    finally:
        os.close(handle)


def _described(purpose: str) -> bytes:
    since = calls.now().isoformat()
    return json.dumps({"command": purpose, "pid": os.getpid(), "since": since}).encode()


def _holder(workspace: Workspace, written: bytes) -> dict[str, Any]:
    """Command, pid and start of who holds the lock: as the record of their call says it, or else the lock itself.

    What a version of before wrote is told as it stands; an empty lock is held by one who is about to write.
    """
    try:
        holder = json.loads(written)
        pid, _ = holder["pid"], datetime.fromisoformat(holder["since"])
    except (ValueError, LookupError, TypeError):
        return {"command": written.decode(errors="replace").strip() or "?", "pid": None, "since": None}
    asked = [call for call in history.running(workspace) if _holds(call, pid, str(holder["since"]))]
    if asked:
        holder |= {"command": asked[-1].line, "since": asked[-1].head["started"]}
    return {**holder, "since": str(holder["since"])[:19].replace("T", " ")}


def _holds(call: history.Call, pid: int, since: str) -> bool:
    """Is this the call that took the lock? It had begun by then: a process may hold it without one, and ask in another."""
    return call.head.get("pid") == pid and call.started is not None and call.started <= datetime.fromisoformat(since)


def is_held(workspace: Workspace) -> bool:
    """Does a run work in this workspace now?"""
    path = workspace.root / NAME
    if not path.is_file():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
