"""CSV in any declared encoding through Arrow's reader: every cell as text, decoded strictly."""

import codecs
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers import packed
from pipelines.ingest.readers.reader import Skipped

BLOCK = 8_000_000
LONGEST_CELL = 1_000_000
"""Bytes read at a time, and bytes of one cell at most; a row of two blocks stops as well."""


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """Every column is text."""
    return {name: pa.string() for name in needed}


def header(path: str, source: Source) -> list[str]:
    """Column names; empty for an empty file. Raises E219 for an encoding that nobody knows, E311 to E317, E7xx."""
    _known_encoding(source.encoding)
    reader = _opened(path, source, None, [])
    try:
        return list(reader.schema.names) if reader else []
    except (UnicodeError, *packed.DAMAGED) as error:
        raise _unreadable(path, source, error) from error


def _known_encoding(name: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise HeadwaterError("E219", column="source.encoding", found=name[:40]) from error


def _opened(
    path: str, source: Source, needed: list[str] | None, skipped: list[Skipped]
) -> csv.CSVStreamingReader | None:
    """A streaming reader, or None for a file without even a header. Raises E311 to E317, E7xx."""
    read = csv.ReadOptions(encoding=_strict(source.encoding), block_size=BLOCK, use_threads=False)
    parse = csv.ParseOptions(
        delimiter=source.delimiter, newlines_in_values=True, invalid_row_handler=_skipping(skipped)
    )
    convert = csv.ConvertOptions(
        column_types=dict.fromkeys(needed or [], pa.string()),
        include_columns=needed or [],
        strings_can_be_null=True,
        null_values=[""],
    )
    try:
        place = packed.stream(path) if packed.is_packed(path) else path
        return csv.open_csv(place, read_options=read, parse_options=parse, convert_options=convert)
    except (pa.ArrowInvalid, UnicodeError, *packed.DAMAGED) as error:
        if "mpty CSV file" in str(error):
            return None
        raise _unreadable(path, source, error) from error


def _strict(encoding: str) -> str:
    """UTF-8 too goes through Python's codec: Arrow's own check is late, and never made on rows that it skips."""
    return "utf_8_sig" if codecs.lookup(encoding).name == "utf-8" else encoding


def _skipping(skipped: list[Skipped]) -> Callable[[csv.InvalidRow], str]:
    def skip(row: csv.InvalidRow) -> str:
        skipped.append(Skipped(row.number - 1, row.text[:40], "\n" in row.text))
        return "skip"

    return skip


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The columns of `types` of one file, as text; rows of the wrong length are added to `skipped`.

    Raises E311 to E317, E7xx.
    """
    reader = _opened(path, source, list(types), skipped)
    if reader is None:
        return
    broken = False
    try:
        for batch in reader:
            _within_limit(path, batch)
            broken = broken or any(pc.any(pc.match_substring(c, "\n")).as_py() for c in batch.columns)
            yield batch
    except (pa.ArrowInvalid, UnicodeError, *packed.DAMAGED) as error:
        raise _unreadable(path, source, error) from error
    spanning = [row.row for row in skipped if row.broken]
    if (broken or spanning) and _odd_quotes(path):
        raise HeadwaterError("E313", file=path, row=next(iter(spanning), None))


def _within_limit(path: str, batch: pa.RecordBatch) -> None:
    if any((pc.max(pc.binary_length(column)).as_py() or 0) > LONGEST_CELL for column in batch.columns):
        raise HeadwaterError("E317", file=path, limit=LONGEST_CELL)


def _odd_quotes(path: str) -> bool:
    """An odd number of quotes in a file with line breaks inside cells: one was never closed and swallowed rows."""
    with packed.opened(path) as file:
        return sum(block.count(b'"') for block in iter(lambda: file.read(1 << 20), b"")) % 2 == 1


def _unreadable(path: str, source: Source, error: Exception) -> HeadwaterError:
    text = str(error)
    if isinstance(error, packed.DAMAGED) and packed.is_packed(path):
        return packed.damaged(path, error)
    if isinstance(error, UnicodeError) or "UTF8" in text:
        line, byte = _undecodable(path, source.encoding)
        return HeadwaterError("E311", file=path, row=line, encoding=source.encoding, byte=byte, likely=_likely(path))
    if "straddling" in text:
        return HeadwaterError("E317", file=path, limit=BLOCK)
    return HeadwaterError("E312", file=path, found=re.sub(r"\s+", " ", text)[:160])


def _undecodable(path: str, encoding: str) -> tuple[int, int]:
    """Line (from 1) and byte (from 0) of the first byte that the encoding cannot read."""
    decoder, lines, seen = codecs.getincrementaldecoder(encoding)("strict"), 1, 0
    with packed.opened(path) as file:
        while block := file.read(1 << 20):
            before = decoder.getstate()
            try:
                lines += decoder.decode(block).count("\n")
            except UnicodeError as error:
                good = max(0, getattr(error, "start", 0) - len(before[0]))
                decoder.setstate(before)  # line ends are counted as characters: a byte 0A can be half of another one
                return lines + decoder.decode(block[:good]).count("\n"), seen + good
            seen += len(block)
    return lines, seen


def _likely(path: str) -> str:
    """An encoding that does read the start of the file; a hint for people, never used by itself."""
    with packed.opened(path) as file:
        start = file.read(1 << 16)
    for name in ("utf-8", "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "gb18030", "gb18030"):
        try:
            codecs.getincrementaldecoder(name)("strict").decode(start)
        except UnicodeError:
            continue
        return {"gb18030": "gbk"}.get(name, name)
    return "gbk"
