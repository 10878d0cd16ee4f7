"""The bytes of a text file: unpacked where its name ends with `.gz`, or with `.zip` and there is one file of data in it."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from features.errors import HeadwaterError

PACKED = (".gz", ".zip")
TEXTS = (".csv", ".txt", ".tsv")
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile)
"""What the libraries raise for archives that are cut or damaged."""
LOCKED = (RuntimeError, NotImplementedError)
"""What they raise for one with a password, or packed in a way that they do not know."""


def is_packed(path: str | Path) -> bool:
    """Does the name say so?"""
    return str(path).lower().endswith(PACKED)


@contextmanager
def opened(path: str | Path) -> Iterator[BinaryIO]:
    """The bytes that a file holds. Raises E312 for a damaged archive, E326 for one without exactly one file of data."""
    with stream(path) as file:
        try:
            yield file
        except DAMAGED as error:
            raise damaged(path, error) from error


def stream(path: str | Path) -> BinaryIO:
    """The same, to be closed by whoever asked; damage behind its beginning is one of `DAMAGED` while it is read."""
    name = str(path).lower()
    if name.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path))
    if name.endswith(".zip"):
        return _only_member(path)
    return Path(path).open("rb")


def damaged(path: str | Path, error: Exception) -> HeadwaterError:
    """E312 in the library's words."""
    return HeadwaterError("E312", file=str(path), found=f"{type(error).__name__}: {str(error)[:120]}")


def _only_member(path: str | Path) -> BinaryIO:
    try:
        archive = zipfile.ZipFile(path)
        names = [n for n in archive.namelist() if n.lower().endswith(TEXTS) and not n.startswith("__MACOSX/")]
        if len(names) == 1:
            return cast(BinaryIO, archive.open(names[0]))
    except (*DAMAGED, *LOCKED) as error:
        raise damaged(path, error) from error
    shown = ", ".join(names[:5]) or "—"
    raise HeadwaterError("E326", file=str(path), count=len(names), names=shown)
