"""Files that are there whole or not at all: the one way in which anything is written that somebody else may read."""

import fcntl
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.wording.errors import disk_error

_log = logging.getLogger("headwater")
FILE_MODE, FOLDER_MODE, SECRET_MODE = 0o640, 0o750, 0o600
AHEAD = 8_192
"""Bytes that a held log keeps for the lines to come, so that its last one finds room on a disk that is full by then."""


@contextmanager
def replacing(path: Path, mode: int = FILE_MODE) -> Iterator[Path]:
    """An empty file beside `path` to write to, for its owner alone; at the end it is synced and takes the place of `path`.

    If anything fails it is removed, and `path` stays as it was, as it does if the file is removed on purpose. What a
    killed process leaves is called `.<name>.….tmp`.
    Raises HeadwaterError E703 to E705 (exit 7) for what the disk refuses.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if temporary.exists():
            temporary.chmod(mode)
            sync(temporary)
            temporary.replace(path)
    except OSError as error:
        raise disk_error(error, path) from error
    finally:
        with suppress(OSError):  # what came of it is known by now, and the next `clean` removes what is left
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Replace a small file by a text in UTF-8, for good; gives the path."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    settle(path.parent)
    return path


def write_json(path: Path, value: object) -> Path:
    """Replace a small file by a JSON document, its keys sorted; what JSON does not know becomes text."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n")


def write_parquet(path: Path, tables: Iterable[pa.Table], schema: pa.Schema) -> int:
    """Replace a Parquet file. Pages carry checksums.

    Parameters
    ----------
    path
        The file.
    tables
        Each becomes a group of rows, in order.
    schema
        Of the file; tables are cast to it.

    Returns
    -------
    int
        The number of rows.
    """
    with replacing(path) as temporary:
        return fill_parquet(temporary, tables, schema)


def fill_parquet(path: Path, tables: Iterable[pa.Table | pa.RecordBatch], schema: pa.Schema) -> int:
    """The same as `write_parquet` into a file that nobody reads yet, such as one of `replacing`."""
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", write_page_checksum=True) as writer:
        for table in tables:
            writer.write(table.cast(schema))
            rows += table.num_rows
    return rows


def append_json(path: Path, line: object) -> None:
    """Add one line of JSON to a file, synced; a kill leaves at most its beginning, which no later line is joined to."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, FILE_MODE)
    with os.fdopen(handle, "a", encoding="utf-8") as out:
        end = os.fstat(handle).st_size
        torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
        out.write("\n" * torn + json.dumps(line, ensure_ascii=False, default=str) + "\n")
        out.flush()
        os.fsync(out.fileno())


class HeldLog:
    """A new file of JSON lines that stays locked as long as its writer lives: the kernel frees it when they are gone.

    What is kept for lines to come reads as zero bytes behind the last line.
    Raises FileExistsError where the file is there, and OSError for what the disk refuses.
    """

    def __init__(self, path: Path):
        self._handle, self._end = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE), 0
        fcntl.flock(self._handle, fcntl.LOCK_EX)  # waits for whoever asks just now whether it is held
        try:
            os.posix_fallocate(self._handle, 0, AHEAD)
        except OSError:
            os.close(self._handle)
            path.unlink(missing_ok=True)
            raise

    def append(self, line: object) -> None:
        """Add a line, synced. One that the disk refuses is left out, and the next takes its place."""
        content = (json.dumps(line, ensure_ascii=False, default=str) + "\n").encode()
        written = 0
        while written < len(content):
            written += os.pwrite(self._handle, content[written:], self._end + written)
        os.fsync(self._handle)
        self._end += len(content)
        with suppress(OSError):
            os.posix_fallocate(self._handle, self._end, AHEAD)

    def close(self) -> None:
        """Give back what was kept, and the lock. Twice does nothing."""
        handle, self._handle = self._handle, -1
        if handle < 0:
            return
        try:
            os.ftruncate(handle, self._end)
        finally:
            os.close(handle)


def read_held_log(path: Path) -> tuple[list[dict], bool]:
    """The lines of a held log that are whole, and whether its writer lives."""
    with path.open("rb") as file:
        held = False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            held = True
        content = file.read()
    return [line for line in map(_json_object, content.split(b"\n")) if line], held


def _json_object(text: bytes) -> dict | None:
    """The object of a line, None of one that was not written whole."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def settle(folder: Path) -> None:
    """Sync a folder in which something has got its name. The file is there already: what fails is only logged."""
    try:
        sync(folder)
    except OSError as error:
        _log.warning("%s is written; its folder could not be synced: %s", folder, error)


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder to a name that is free. Raises the OSError of the first file that the disk refuses."""
    target.mkdir(mode=FOLDER_MODE)
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(mode=FOLDER_MODE)
        else:
            copy.write_bytes(path.read_bytes())
            copy.chmod(FILE_MODE)


def sync_tree(folder: Path) -> None:
    """Everything below a folder is on disk after this, names included."""
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """What a file or a folder holds is on disk after this."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    """Of the bytes of a file, as 64 hexadecimal digits."""
    return digest(path, "sha256")


def digest(path: Path, algorithm: str) -> str:
    """Of the bytes of a file, in hexadecimal digits.

    Parameters
    ----------
    path
        Of the file.
    algorithm
        As `hashlib` names it.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, algorithm).hexdigest()
