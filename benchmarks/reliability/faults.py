"""Every call that asks something of the disk, failing in turn: what is told must be what is so.

The idea is that of SQLite's tests: let call 1 fail, then call 2, until an act comes through whole. A call fails once, or
from then on for good. What is told as done must be done, and of what is told as failed readers must see nothing; after
that the act is done again on a disk that works. Statements of the tracking store count as calls, too.
"""

import errno
import io
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq
import sqlalchemy

from benchmarks.reliability.acts import Act, unsynced
from benchmarks.reliability.crashes import read_disk, write_disk
from pipelines.wording import errors
from pipelines.workspace.paths import Workspace

ERRNOS = (errno.ENOSPC, errno.EIO, errno.EACCES)
BY_PATH = ("open", "mkdir", "unlink", "rmdir", "chmod", "symlink", "link", "rename", "replace")
BY_HANDLE = ("fsync", "write", "pwrite", "ftruncate", "posix_fallocate", "sendfile")
SQL = {
    errno.ENOSPC: "database or disk is full",
    errno.EIO: "disk I/O error",
    errno.EACCES: "unable to open database file",
}
"""How SQLite words what the disk refuses."""


@dataclass
class Faults:
    """Counts the calls below a folder, and lets some of them fail.

    Attributes
    ----------
    root
        The folder.
    first
        Number of the first call that fails; 0 lets none fail.
    code
        Its `errno`.
    lasting
        Do all later ones fail, too?
    calls
        What was called, in order.
    """

    root: Path
    first: int = 0
    code: int = errno.EIO
    lasting: bool = False
    calls: list[str] = field(default_factory=list)
    _lock: Any = field(default_factory=threading.RLock)

    def ask(self, name: str, path: object) -> None:
        """One call; raises OSError where it is to fail."""
        where = Path(os.path.realpath(f"/proc/self/fd/{path}")) if isinstance(path, int) else Path(str(path)).absolute()
        if not where.is_relative_to(self.root):
            return
        if self._fails(f"{name} {where.relative_to(self.root)}"):
            raise OSError(self.code, os.strerror(self.code), str(where))

    def ask_store(self, statement: str) -> None:
        """One statement of the tracking store."""
        if self._fails(f"sql {statement.split(maxsplit=1)[0]}"):
            raise sqlalchemy.exc.OperationalError(statement, {}, Exception(SQL[self.code]))

    def _fails(self, called: str) -> bool:
        with self._lock:
            self.calls.append(called)
            number = len(self.calls)
        return bool(self.first) and (number >= self.first if self.lasting else number == self.first)


class _File(io.FileIO):
    """A file whose reads and writes are asked for."""

    faults: Faults

    def write(self, data: Any) -> int:
        self.faults.ask("write", self.fileno())
        return super().write(data)

    def readinto(self, buffer: Any) -> int | None:
        self.faults.ask("read", self.fileno())
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self.faults.ask("read", self.fileno())
        return super().readall()


@contextmanager
def failing(faults: Faults) -> Iterator[Faults]:
    """Calls below the folder go through `faults` meanwhile; those of Parquet's writer count as one each."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(tempfile, "tempdir", str(_temporary(faults.root))))
        for name in BY_PATH + BY_HANDLE:
            stack.enter_context(patch.object(os, name, _asking(faults, name, getattr(os, name))))
        for name in ("__init__", "write_table", "close"):
            plain = getattr(pq.ParquetWriter, name)
            stack.enter_context(patch.object(pq.ParquetWriter, name, _asking_writer(faults, name, plain)))
        stack.enter_context(patch.object(io, "open", _opening(faults)))
        stack.enter_context(patch("builtins.open", _opening(faults)))
        stack.enter_context(patch.dict(os.environ, MLFLOW_SQLALCHEMYSTORE_POOLCLASS="NullPool"))
        stack.enter_context(_store_asking(faults))
        yield faults


def _temporary(root: Path) -> Path:
    """What lies here of strangers fails as well."""
    path = root / "tmp"
    path.mkdir(exist_ok=True)
    return path


def _asking(faults: Faults, name: str, plain: Callable) -> Callable:
    def call(path, *rest, **options):
        place = path
        if options.get("dir_fd") is not None:
            place = Path(os.path.realpath(f"/proc/self/fd/{options['dir_fd']}"), path)
        faults.ask(name, rest[0] if name == "symlink" else place)
        return plain(path, *rest, **options)

    return call


def _asking_writer(faults: Faults, name: str, plain: Callable) -> Callable:
    def call(self, *rest, **options):
        if name == "__init__":
            self.asked_for = rest[0]
        if name != "close":
            faults.ask(f"parquet {name}", self.asked_for)
            return plain(self, *rest, **options)
        if self.is_open:  # closing writes the last bytes, and is over then, well or not
            plain(self)
            faults.ask("parquet close", self.asked_for)
        return None

    return call


def _opening(faults: Faults) -> Callable:
    plain, kind = io.open, type("File", (_File,), {"faults": faults})

    def opened(file, mode="r", buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None):
        inside = Path(os.path.realpath(f"/proc/self/fd/{file}" if isinstance(file, int) else file))
        if not inside.is_relative_to(faults.root):
            return plain(file, mode, buffering, encoding, errors, newline, closefd, opener)
        if not isinstance(file, int):
            faults.ask("open", file)
        raw = kind(file, mode.replace("t", "").replace("b", ""), closefd, opener)
        both, writes = "+" in mode, any(letter in mode for letter in "wax")
        buffered: Any = (io.BufferedRandom if both else io.BufferedWriter if writes else io.BufferedReader)(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    return opened


@contextmanager
def _store_asking(faults: Faults) -> Iterator[None]:
    def connect(connection, record):
        connection.execute("PRAGMA synchronous = OFF")

    def execute(connection, cursor, statement, parameters, context, executemany):
        faults.ask_store(statement)

    def commit(connection):
        faults.ask_store("COMMIT")

    sqlalchemy.event.listen(sqlalchemy.Engine, "connect", connect)
    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", execute)
    sqlalchemy.event.listen(sqlalchemy.Engine, "commit", commit)
    try:
        yield
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "connect", connect)
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", execute)
        sqlalchemy.event.remove(sqlalchemy.Engine, "commit", commit)


@dataclass
class Tried:
    """What came of letting calls fail.

    Attributes
    ----------
    calls
        How many the act makes.
    tries
        How often it was tried.
    told
        How often it was told as done, and as failed with which code.
    wrong
        Of each try in which what was told was not so: how to try it again.
    """

    calls: int = 0
    tries: int = 0
    told: Counter = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@unsynced()
def tried(act: Act, folder: Path, *, step: int = 1, codes: tuple[int, ...] = ERRNOS) -> Tried:
    """Let each call of an act fail in turn, with each code, once and for good.

    Parameters
    ----------
    act
        What is done.
    folder
        An empty one, to work in.
    step
        Let only each so many-th call fail, the first, the second … of them in turn with the codes.
    codes
        Of the failures.
    """
    root = folder / "space" / "small"
    Workspace.open(root.parent, root.name)
    with failing(Faults(root)) as faults:  # from the beginning: no connection to a store outlives its file
        act.before(Workspace(root))
        before, old = read_disk(root), act.seen(Workspace(root))
        faults.calls.clear()
        act.do(Workspace(root))
    found = Tried(calls=len(faults.calls))
    trial = _Trial(act, root, before, {False: old, True: act.seen(Workspace(root))}, found)
    for turn, code in enumerate(codes):
        for lasting in (False, True):
            for first in count(1 + (turn + lasting) % step, step):
                if not trial.once(Faults(root, first, code, lasting)):
                    break
    return found


@dataclass
class _Trial:
    act: Act
    root: Path
    before: dict
    truth: dict[bool, Any]
    found: Tried

    def once(self, faults: Faults) -> bool:
        """Try once; gives whether any call failed."""
        _put_back(self.before, self.root)
        told, why = True, "done"
        with failing(faults):
            try:
                self.act.do(Workspace(self.root))
            except Exception as raised:
                told, error = False, errors.translate(raised)
                why = error.problem.code
                if error.exit_code != 7:
                    self._note(faults, f"told as exit {error.exit_code}: {error}")
        if len(faults.calls) < faults.first:
            return False
        self.found.tries += 1
        self.found.told[why] += 1
        self._check(faults, told, why)
        return True

    def _check(self, faults: Faults, told: bool, why: str) -> None:
        workspace = Workspace(self.root)
        try:
            if (seen := self.act.seen(workspace)) != self.truth[told]:
                self._note(faults, f"told {why}, and readers see {seen}")
            self.act.do(workspace)
            if (seen := self.act.seen(workspace)) != self.truth[True]:
                self._note(faults, f"told {why}, done again readers see {seen}")
        except Exception as error:  # whatever a reader or the next run would stumble over
            self._note(faults, f"told {why}, then {type(error).__name__}: {error}")

    def _note(self, faults: Faults, what: str) -> None:
        called = faults.calls[faults.first - 1] if len(faults.calls) >= faults.first else "?"
        how = f"{errno.errorcode[faults.code]} {'from' if faults.lasting else 'in'} call {faults.first} ({called})"
        self.found.wrong.append(f"{self.act.name}: {how}: {what}")


def _put_back(disk: dict, root: Path) -> None:
    """The workspace as it was before."""
    write_disk(disk, root)
