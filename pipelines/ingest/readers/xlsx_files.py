"""Excel workbooks through openpyxl: one sheet is a table, its first row that is not empty the header. Every cell is text."""

import datetime as dt
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers.reader import Skipped

BATCH = 65_536
Cells = tuple[Any, ...]


def sheets(path: str) -> list[str]:
    """Names of the visible sheets that have a header and a row below it. Raises E312."""
    with _workbook(path) as book:
        return [
            sheet.title for sheet in book.worksheets if _is_visible(sheet) and len(list(islice(_rows(sheet), 2))) > 1
        ]


def header(path: str, source: Source) -> list[str]:
    """Column names; empty for a sheet without any cell. Raises E312, E327."""
    with _workbook(path) as book:
        return [name for name in _names(next(_rows(_sheet(book, path, source)), ())) if name]


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """Every column is text."""
    return {name: pa.string() for name in needed}


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The columns of `types` of one sheet, as text: dates as 2026-03-04, whole numbers without a point; null where a
    cell is empty. Rows without any cell do not count.

    Raises E312, E327.
    """
    schema = pa.schema(list(types.items()))
    with _workbook(path) as book:
        rows = _rows(_sheet(book, path, source))
        names = _names(next(rows, ()))
        places = [names.index(name) for name in types]
        while some := list(islice(rows, BATCH)):
            columns = [[_text(row[place]) if place < len(row) else None for row in some] for place in places]
            yield pa.RecordBatch.from_arrays([pa.array(c, pa.string()) for c in columns], schema=schema)


@contextmanager
def _workbook(path: str) -> Iterator[Any]:
    """Opened for reading, closed at the end. What openpyxl cannot read is E312; what it does without is no news."""
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            book = load_workbook(path, read_only=True, data_only=True)
        except OSError as error:
            if error.errno:
                raise
            raise _damaged(path, error) from error
        except Exception as error:  # anything that damaged XML can lead to
            raise _damaged(path, error) from error
        try:
            yield book
        finally:
            book.close()


def _damaged(path: str, error: Exception) -> HeadwaterError:
    return HeadwaterError("E312", file=path, found=f"{type(error).__name__}: {str(error)[:120]}")


def _sheet(book: Any, path: str, source: Source) -> Any:
    """The sheet that the mapping names, or the only one that is a table. Raises E327."""
    tables = [sheet for sheet in book.worksheets if _is_visible(sheet) and len(list(islice(_rows(sheet), 2))) > 1]
    named = [sheet for sheet in book.worksheets if sheet.title == source.sheet] if source.sheet else tables
    if len(named) == 1:
        return named[0]
    names = ", ".join(repr(sheet.title) for sheet in tables) or "—"
    raise HeadwaterError("E327", file=path, column="source.sheet", count=len(tables), names=names)


def _is_visible(sheet: Any) -> bool:
    return bool(sheet.sheet_state == "visible")


def _rows(sheet: Any) -> Iterator[Cells]:
    """Rows with any cell."""
    sheet.reset_dimensions()  # what some programs write of them is wrong
    return (row for row in sheet.iter_rows(values_only=True) if any(cell is not None for cell in row))


def _names(row: Cells) -> list[str]:
    """Of the columns; "" above cells that nobody named."""
    return [(_text(cell) or "").strip() for cell in row]


def _text(cell: Any) -> str | None:
    """A cell as people read it."""
    if cell is None or isinstance(cell, str):
        return cell or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return str(cell.date()) if cell.time() == dt.time() else cell.isoformat(" ", "seconds")
    return str(cell)


def is_workbook(path: str | Path) -> bool:
    """Does the name say so?"""
    return str(path).lower().endswith(".xlsx")
