"""Folders for the time of some work, beside what is kept; a run that is killed leaves nothing for good."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def folder(root: Path, prefix: str) -> Iterator[Path]:
    """A folder of its own in `root`, removed afterwards; those that killed runs left under the prefix go first.

    A process that works in one holds a lock on it, which the kernel frees when the process dies.
    """
    with ExitStack() as locks:
        with _locked(root):  # nobody looks between the making of a folder and its lock
            for left in root.glob(f"{prefix}*"):
                with suppress(OSError), _locked(left, fcntl.LOCK_NB):
                    shutil.rmtree(left)
            path = Path(locks.enter_context(TemporaryDirectory(prefix=prefix, dir=root)))
            locks.enter_context(_locked(path))
        yield path


@contextmanager
def _locked(path: Path, how: int = 0) -> Iterator[None]:
    """Hold the lock of a file or folder; with `LOCK_NB`, raise BlockingIOError where somebody else does."""
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(handle)
