"""Raw tables into DuckDB: files, DuckDB databases and queries, every row with its file and its number.

Everything arrives as a stream of Arrow batches of the columns that the mapping names, plus `__file` (position in the
list of inputs, from 0) and `__row` (data row in that file, from 1). CSV columns are text.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.mapping import Source
from pipelines.config.validation import nearest
from pipelines.ingest.readers import csvs, parquets

FILE, ROW = "__file", "__row"
BATCH = 131_072


@dataclass(frozen=True)
class InputFile:
    """The fingerprint of one input (reliability.md, R4); `rows` counts data rows, unreadable ones included."""

    path: str
    size: int
    sha256: str
    rows: int = 0


@dataclass(frozen=True)
class BadLine:
    """A CSV row with more or fewer cells than the header; it never reaches a table."""

    file: int
    row: int
    text: str


@dataclass
class Raw:
    """What one source holds: its inputs, its header, and what was noticed on the way."""

    source: Source
    inputs: list[InputFile]
    header: list[str]
    repeated: list[tuple[str, str]]
    bad_lines: list[BadLine]
    failure: BaseException | None = None

    def name(self, index: int) -> str:
        return self.inputs[index].path

    @property
    def shown(self) -> str:
        """The file, or the pattern or query that several rows came by."""
        return self.inputs[0].path if len(self.inputs) == 1 else self.source.files or "sql"


def find(source: Source) -> Raw:
    """List the inputs of a source, with their fingerprints. Raises E401 when nothing matches, E217 for bad SQL."""
    if _is_query(source):
        return Raw(source, [_query_fingerprint(source)], _query_header(source), [], [])
    if source.connection and not source.files:
        raise ValueError("a database is fetched into files before it is read: extracts.extract")
    pattern = source.files or source.database or ""
    paths = sorted(name for name in glob(pattern, recursive=True) if Path(name).is_file())  # noqa: PTH207  Path.glob takes no absolute pattern
    if not paths:
        raise HeadwaterError("E401", file=pattern)
    inputs, repeated = _once([_fingerprint(Path(path)) for path in paths])
    raw = Raw(source, inputs, [], repeated, [])
    raw.header = _header(raw)
    return raw


def _is_query(source: Source) -> bool:
    """A query of DuckDB's own; the query of a connection has been fetched into files."""
    return source.sql is not None and source.connection is None


def _fingerprint(path: Path) -> InputFile:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return InputFile(path.as_posix(), file.tell(), digest)


def _once(inputs: list[InputFile]) -> tuple[list[InputFile], list[tuple[str, str]]]:
    """The same bytes under two names are read once."""
    first: dict[str, InputFile] = {}
    repeated = []
    for file in inputs:
        if file.sha256 in first and file.size:
            repeated.append((file.path, first[file.sha256].path))
        else:
            first[file.sha256] = file
    kept = [file for file in inputs if file.path not in {again for again, _ in repeated}]
    return kept, repeated


def _header(raw: Raw) -> list[str]:
    """Column names of the first input; other inputs may have more."""
    if raw.source.database:
        return _query_header(raw.source)
    names = csvs.header if raw.source.is_csv else parquets.header
    found = (names(file.path, raw.source) for file in raw.inputs)
    return next((columns for columns in found if columns), [])


def require(raw: Raw, needed: set[str], positions: Sequence[int] | None = None) -> None:
    """Every input has every column that the mapping names. Raises E302 naming the nearest one, E316 for a doubled one.

    `positions`: those of the inputs to look at; all by default.
    """
    for file in raw.inputs if positions is None else [raw.inputs[index] for index in positions]:
        columns = _file_header(raw, file)
        missing = sorted(needed - set(columns))
        if missing and columns:
            near = nearest(missing[0], columns)
            others = ", ".join(missing[1:]) or "—"
            raise HeadwaterError("E302", file=file.path, column=missing[0], nearest=near or "—", others_missing=others)
        doubled = sorted(name for name in needed if columns.count(name) > 1)
        if doubled:
            raise HeadwaterError("E316", file=file.path, column=doubled[0])


def _file_header(raw: Raw, file: InputFile) -> list[str]:
    if _is_query(raw.source) or raw.source.database:
        return raw.header
    names = csvs.header if raw.source.is_csv else parquets.header
    return names(file.path, raw.source)


def types(raw: Raw, needed: list[str]) -> dict[str, pa.DataType]:
    """The type of each column over all inputs, whichever are read; a query is one input and needs none."""
    if _is_query(raw.source) or raw.source.database:
        return {}
    return csvs.types(needed) if raw.source.is_csv else parquets.types([f.path for f in raw.inputs], needed)


def stream(raw: Raw, needed: list[str], positions: Sequence[int] | None = None) -> pa.RecordBatchReader:
    """The rows of a source as one stream; `raw.inputs[...].rows` and `raw.bad_lines` are complete when it ends.

    `positions`: those of the inputs to read, in order; all by default. Numbers and types are the same either way.
    """
    if _is_query(raw.source) or raw.source.database:
        return _numbered_query(raw, needed)
    common = types(raw, needed)
    schema = pa.schema([*common.items(), (FILE, pa.int32()), (ROW, pa.int64())])
    chosen = range(len(raw.inputs)) if positions is None else positions
    return pa.RecordBatchReader.from_batches(schema, _remembered(raw, _numbered_files(raw, common, schema, chosen)))


def _remembered(raw: Raw, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """DuckDB hides what goes wrong inside a stream; `raw.failure` keeps it."""
    try:
        yield from batches
    except Exception as error:
        raw.failure = error
        raise


def _numbered_files(
    raw: Raw, types: dict[str, pa.DataType], schema: pa.Schema, positions: Sequence[int]
) -> Iterator[pa.RecordBatch]:
    for index in positions:
        file = raw.inputs[index]
        bad: list[csvs.Skipped] = []
        rows = (
            csvs.batches(file.path, raw.source, types, bad) if raw.source.is_csv else parquets.batches(file.path, types)
        )
        count = 0
        for batch in rows:
            numbers = row_numbers(count, batch.num_rows, [skipped.row for skipped in bad])
            count += batch.num_rows
            yield _with_numbers(batch, index, numbers, schema)
        raw.bad_lines += [BadLine(index, skipped.row, skipped.text) for skipped in bad]
        raw.inputs[index] = InputFile(file.path, file.size, file.sha256, count + len(bad))


def row_numbers(before: int, rows: int, skipped: list[int]) -> np.ndarray:
    """Numbers in the file of the next readable rows, when `skipped` (sorted, from 1) are not among them."""
    positions = np.arange(before + 1, before + rows + 1, dtype=np.int64)
    gaps = np.asarray(skipped, dtype=np.int64) - np.arange(len(skipped))
    return positions + np.searchsorted(gaps, positions, side="right")


def _with_numbers(batch: pa.RecordBatch, index: int, numbers: np.ndarray, schema: pa.Schema) -> pa.RecordBatch:
    files = pa.array(np.full(batch.num_rows, index, dtype=np.int32))
    return pa.RecordBatch.from_arrays([*batch.columns, files, pa.array(numbers)], schema=schema)


def _numbered_query(raw: Raw, needed: list[str]) -> pa.RecordBatchReader:
    """Rows of a query or database table, numbered in the order given."""
    given = _run_query(raw.source)
    types = {name: parquets.plain(given.schema.field(name).type) for name in needed}
    schema = pa.schema([*types.items(), (FILE, pa.int32()), (ROW, pa.int64())])
    place = raw.inputs[0]

    def numbered() -> Iterator[pa.RecordBatch]:
        count = 0
        for batch in given:
            plain = parquets.converted(batch.select(needed), types)
            yield _with_numbers(plain, 0, row_numbers(count, batch.num_rows, []), schema)
            count += batch.num_rows
        raw.inputs[:] = [InputFile(place.path, place.size, place.sha256, count)]

    return pa.RecordBatchReader.from_batches(schema, _remembered(raw, numbered()))


def _query_fingerprint(source: Source) -> InputFile:
    """A query has no file of its own: its fingerprint is made of the rows that it gives, whatever their order."""
    counted = Source(
        sql=f"SELECT count(*) AS n, bit_xor(hash(r)) AS h FROM ({(source.sql or '').strip().rstrip(';')}) AS r"
    )
    row = _run_query(counted).read_all().to_pylist()[0] if _run_query(source) else {}
    digest = hashlib.sha256(f"{source.sql}|{row['n']}|{row['h']}".encode()).hexdigest()
    return InputFile("sql", len(source.sql or ""), digest)


def _query_header(source: Source) -> list[str]:
    return list(_run_query(source).schema.names)


def _run_query(source: Source) -> pa.RecordBatchReader:
    """Rows of `sql`, or of a table in a `database` opened for reading only. Raises E217, E401 or E312."""
    place = source.database or ":memory:"
    try:
        con = duckdb.connect(place, read_only=bool(source.database))
        if source.sql is None:
            return con.table(source.table or "").to_arrow_reader(BATCH)
        statements = con.extract_statements(source.sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise HeadwaterError("E217", column="source.sql", found=source.sql[:80])
        return con.sql(source.sql).to_arrow_reader(BATCH)
    except duckdb.IOException as error:
        missing = "No files found" in str(error)
        raise HeadwaterError(
            "E401" if missing else "E312", file=source.database or "sql", found=_first_line(error)
        ) from error
    except duckdb.Error as error:
        raise HeadwaterError("E217", column="source", found=_first_line(error)) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
