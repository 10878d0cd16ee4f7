"""Files without some customers: each is replaced as a whole, keeps its mode and its time, and stays what it was for its readers."""

import csv
import io
import os
import re
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.scores.score_table import RowsDigest
from pipelines.workspace.files import fill_parquet, replacing, settle
from pipelines.workspace.score_files import PREFIX
from pipelines.workspace.traces import DISTINCT, QUOTED, WORD

GONE = "…"
"""Stands where an id stood in a text."""
ROW = re.compile(rb"<row\b[^>]*?(?:/>|>.*?</row>)", re.DOTALL)
CELL = re.compile(rb"<c\b[^>]*?(?:/>|>.*?</c>)", re.DOTALL)
ITEM = re.compile(rb"<si\b[^>]*?(?:/>|>.*?</si>)", re.DOTALL)
TEXT = re.compile(rb"<t\b[^>]*>(.*?)</t>", re.DOTALL)
VALUE = re.compile(rb"<v>(\d+)</v>")
SHARED, EMPTY = "xl/sharedStrings.xml", b"<si><t></t></si>"


def without(path: Path, ids: Collection[str], columns: Collection[str] = ("customer_id",)) -> None:
    """Replace a file by one in which nothing is said of some customers.

    Parameters
    ----------
    path
        Parquet, CSV and workbooks lose the rows in which one of the ids is a cell; in other text `…` stands for the ids.
    ids
        Of customers.
    columns
        Of Parquet: names of columns in which a number may be an id.
    """
    if path.suffix == ".parquet":
        parquet_without(path, ids, columns)
    else:
        write = {".csv": _csv, ".xlsx": _workbook}.get(path.suffix, _text)
        _replaced(path, lambda target: target.write_bytes(write(path, set(ids))))


def parquet_without(
    path: Path,
    ids: Collection[str],
    columns: Collection[str] = ("customer_id",),
    changed: Callable[[Path], None] = lambda _: None,
) -> None:
    """A Parquet file without the rows of some customers, in the same groups; a score file says of itself what is so then.

    Parameters
    ----------
    path
        The file.
    ids
        Of customers.
    columns
        Names of columns in which a number may be an id.
    changed
        Gets the new file before it takes the place of the old one.
    """
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        meta = {k: v for k, v in (file.metadata.metadata or {}).items() if k != b"ARROW:schema"}
        rows, digest = 0, RowsDigest()
        for kept in _kept(file, ids, columns):
            rows += kept.num_rows
            digest.add(kept)
        if f"{PREFIX}rows_sha256".encode() in meta:
            own = {"rows": str(rows), "rows_sha256": digest.hexdigest()}
            meta |= {f"{PREFIX}{key}".encode(): value.encode() for key, value in own.items()}
        schema = file.schema_arrow.with_metadata(meta)

        def write(target: Path) -> None:
            fill_parquet(target, _kept(file, ids, columns), schema)
            changed(target)

        _replaced(path, write)


def _kept(file: pq.ParquetFile, ids: Collection[str], columns: Collection[str]) -> Iterator[pa.Table]:
    """Each group of rows without those of some customers; a dictionary holds what is used, and nothing else."""
    wanted = pa.array(sorted(ids), pa.string())
    for group in range(file.num_row_groups):
        table = file.read_row_group(group)
        for place, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):
                table = table.set_column(place, field.name, table[field.name].cast(field.type.value_type))
        gone = pa.array([False] * table.num_rows, pa.bool_())
        for name in table.column_names:
            if _may_hold_ids(name, table[name].type, columns):
                gone = pc.or_(gone, pc.is_in(table[name].cast(pa.string()), wanted))
        yield table.filter(pc.invert(gone))


def _may_hold_ids(name: str, kind: pa.DataType, columns: Collection[str]) -> bool:
    texts = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return texts or (name in columns and pa.types.is_integer(kind))


def _replaced(path: Path, write: Callable[[Path], object]) -> None:
    """Put what is written in the place of a file, under its mode and with its time: its age decides how long it is kept."""
    before = path.stat()
    with replacing(path, before.st_mode & 0o777) as temporary:
        write(temporary)
        os.utime(temporary, ns=(before.st_atime_ns, before.st_mtime_ns))
    settle(path.parent)


def _csv(path: Path, ids: set[str]) -> bytes:
    """The lines of a CSV file without the records in which a cell is one of the ids; the others stay as they are."""
    content = path.read_bytes().decode("utf-8", errors="surrogateescape")
    lines = io.StringIO(content, newline="").readlines()  # others' line breaks are part of a cell
    reader, kept, start = csv.reader(lines), list[str](), 0
    for record in reader:
        if not {cell.lstrip("\ufeff").removeprefix("'") for cell in record} & ids:
            kept += lines[start : reader.line_num]
        start = reader.line_num
    return "".join(kept).encode("utf-8", errors="surrogateescape")


def _text(path: Path, ids: set[str]) -> bytes:
    """Text in which `…` stands for ids: for long ones wherever they are words, for short ones where they are cells."""
    content = path.read_bytes()
    for customer_id in sorted(ids, key=len, reverse=True):
        before, after = WORD if len(customer_id) >= DISTINCT else QUOTED
        content = re.sub(before + re.escape(customer_id.encode()) + after, GONE.encode(), content)
    return content


def _workbook(path: Path, ids: set[str]) -> bytes:
    """A workbook without the rows in which a text is one of the ids, whoever saved it last: shared texts are looked up."""
    texts = {escape(customer_id).encode() for customer_id in ids}
    out = io.BytesIO()
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        items = ITEM.findall(book.read(SHARED)) if SHARED in book.namelist() else []
        shared = {number for number, item in enumerate(items) if _said(item) in texts}
        for part in book.infolist():
            content = book.read(part)
            if part.filename.startswith("xl/worksheets/"):
                content = ROW.sub(lambda row: b"" if _names(row.group(), texts, shared) else row.group(), content)
            content = ITEM.sub(lambda item: EMPTY if _said(item.group()) in texts else item.group(), content)
            content = TEXT.sub(lambda text: b"<t></t>" if text[1] in texts else text.group(), content)
            copy.writestr(part, content)
    return out.getvalue()


def _names(row: bytes, texts: set[bytes], shared: set[int]) -> bool:
    """Is one of the cells of a row one of the texts, its own or a shared one?"""
    for cell in CELL.findall(row):
        head, value = cell.partition(b">")[0], VALUE.search(cell)
        if b't="s"' in head and value and int(value[1]) in shared:
            return True
        if _said(cell) in texts:
            return True
    return False


def _said(cell: bytes) -> bytes:
    """The text of a cell or of a shared text, whatever parts it is written in."""
    return b"".join(TEXT.findall(cell))
