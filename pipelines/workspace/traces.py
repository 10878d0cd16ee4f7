"""Where ids of customers stand: every file as its reader would see it, compressed pages and parts included.

A cell that is the id is found in every file. In running text an id is looked for as a word of its own, and only one of at
least `DISTINCT` characters: a shorter one is met by chance in every figure.
"""

import gzip
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

DISTINCT = 6
"""Characters of an id that no figure has by chance."""
BLOCK = 16 * 1024 * 1024
ENCODINGS = ("utf-8", "utf-16-le", "gb18030")
QUOTED = (rb"(?<![^\"'>,;|\t\r\n])", rb"(?![^\"'<,;|\t\r\n])")
WORD = (rb"(?<![0-9A-Za-z_])", rb"(?![0-9A-Za-z_])")


class Readable(Protocol):
    """What text is read from."""

    def read(self, size: int, /) -> bytes: ...


class Unsearchable(Exception):
    """A file that says what it is and cannot be read as that, so that nobody knows who is in it."""


def found_in(path: Path, ids: Collection[str], columns: Collection[str] = ("customer_id",)) -> set[str]:
    """Those of some ids that stand in a file.

    Parameters
    ----------
    path
        Parquet, a workbook or another archive, compressed text, or anything else, which is read as text.
    ids
        Of customers.
    columns
        Names of columns in which a number may be an id.

    Returns
    -------
    set of str
        Empty where none of them does.

    Raises
    ------
    Unsearchable
        For a file whose bytes are not what its name says.
    """
    try:
        return _found(path, set(ids), set(columns))
    except (
        pa.ArrowException,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        gzip.BadGzipFile,
        NotImplementedError,
    ) as error:
        raise Unsearchable(str(path)) from error
    except OSError as error:
        if error.errno:
            raise
        raise Unsearchable(str(path)) from error  # Arrow's word for pages that it cannot make sense of


def _found(path: Path, ids: set[str], columns: set[str]) -> set[str]:
    if path.suffix == ".parquet":
        return _in_parquet(path, ids, columns) | _in_file(path, {name for name in ids if len(name) >= DISTINCT})
    if path.suffix in (".xlsx", ".zip"):
        with zipfile.ZipFile(path) as archive:
            return set().union(*(_in_stream(archive.open(name), ids) for name in archive.namelist()), set())
    if path.suffix == ".gz":
        with gzip.open(path) as stream:
            return _in_stream(stream, ids)
    return _in_file(path, ids)


def _in_parquet(path: Path, ids: set[str], columns: set[str]) -> set[str]:
    """Every value of every text, also what stands in a dictionary that no row refers to any more."""
    wanted, found = pa.array(sorted(ids), pa.string()), set[str]()
    with pq.ParquetFile(path) as file:
        flat = [field.name for field in file.schema_arrow if _is_text(field.type)]
    with pq.ParquetFile(path, read_dictionary=flat, page_checksum_verification=True) as file:
        for group in range(file.num_row_groups):
            for name, column in _columns(file.read_row_group(group)):
                for values in _texts(column, as_text=name in columns):
                    found.update(values.filter(pc.is_in(values, wanted)).to_pylist())
    return found


def _columns(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    for name in table.column_names:
        for chunk in table[name].chunks:
            yield name, chunk


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _texts(values: pa.Array, *, as_text: bool) -> Iterator[pa.Array]:
    """The texts of an array, those of lists and structs too; numbers as text where they may be ids."""
    if pa.types.is_dictionary(values.type):
        yield from _texts(values.dictionary, as_text=as_text)
    elif pa.types.is_list(values.type) or pa.types.is_large_list(values.type) or pa.types.is_map(values.type):
        yield from _texts(values.flatten() if not pa.types.is_map(values.type) else values.items, as_text=as_text)
    elif pa.types.is_struct(values.type):
        for field in values.flatten():
            yield from _texts(field, as_text=as_text)
    elif _is_text(values.type) or (as_text and pa.types.is_integer(values.type)):
        yield values.cast(pa.string())


def _in_file(path: Path, ids: set[str]) -> set[str]:
    with path.open("rb") as stream:
        return _in_stream(stream, ids)


def _in_stream(stream: Readable, ids: set[str]) -> set[str]:
    """Ids among the words of a text, block after block; one may lie across two of them."""
    patterns = [pattern for encoding in ENCODINGS for pattern in _patterns(ids, encoding)]
    longest, found, tail = max((4 * len(name) for name in ids), default=0) + 4, set[str](), b""
    while block := stream.read(BLOCK):
        text = tail + block
        found.update(*(_matched(pattern, encoding, text) for pattern, encoding in patterns))
        tail = text[-longest:]
    return found


def _patterns(ids: Iterable[str], encoding: str) -> Iterator[tuple[re.Pattern[bytes], str]]:
    """What finds ids in an encoding: long ones as words, short ones as cells of their own. ASCII reads alike in two of them."""
    own = [name for name in ids if encoding != "gb18030" or not name.isascii()]
    for names, (before, after) in (
        ([name for name in own if len(name) >= DISTINCT], WORD),
        ([name for name in own if len(name) < DISTINCT], QUOTED),
    ):
        if names and not (encoding == "utf-16-le" and before is QUOTED[0]):
            choices = b"|".join(re.escape(name.encode(encoding)) for name in sorted(names, key=len, reverse=True))
            yield re.compile(before + b"(?:" + choices + b")" + after), encoding


def _matched(pattern: re.Pattern[bytes], encoding: str, text: bytes) -> set[str]:
    return {match.group().decode(encoding) for match in pattern.finditer(text)}
