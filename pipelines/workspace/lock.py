"""One run at a time: locks that the kernel frees when their holder dies."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import HeadwaterError
from pipelines.workspace.files import FILE_MODE
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import clean


@contextmanager
def exclusive(workspace: Workspace, purpose: str) -> Iterator[None]:
    """Hold the workspace's lock; what a killed run left is cleaned up first. Raises E601 (exit 6) naming the holder."""
    handle = os.open(workspace.root / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeadwaterError("E601", holder=os.pread(handle, 200, 0).decode().strip() or "?") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()} ({purpose})".encode(), 0)
        clean(workspace)
        yield
    finally:
        os.close(handle)
