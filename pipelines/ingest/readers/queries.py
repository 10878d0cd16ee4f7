"""What DuckDB reads: a query of its own, or a table of a database file opened for reading only. One source, one input."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest import deliveries
from pipelines.ingest.readers.arrow_types import converted, plain
from pipelines.ingest.readers.reader import Reader, Skipped, reader_of

BATCH = 131_072


def header(path: str, source: Source) -> list[str]:
    """Column names. Raises E217, E401 or E312."""
    return list(_schema(source).names)


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """The plain type of each column. Raises E217, E401 or E312."""
    schema = _schema(source)
    return {name: plain(schema.field(name).type) for name in needed}


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The rows in the order given; none is ever skipped. Raises E217, E401 or E312."""
    for batch in _rows(source):
        yield converted(batch, types)


def content_sha256(source: Source) -> str:
    """Of a query: made of its text and of the rows that it gives, whatever their order."""
    header("sql", source)
    counted = f"SELECT count(*) AS n, bit_xor(hash(r)) AS h FROM ({(source.sql or '').strip().rstrip(';')}) AS r"
    row = _rows(Source(sql=counted, reads=source.reads)).read_all().to_pylist()[0]
    return hashlib.sha256(f"{source.sql}|{row['n']}|{row['h']}".encode()).hexdigest()


def _schema(source: Source) -> pa.Schema:
    """Names and types of the columns; the query is not run for them. Raises E217, E401 or E312."""
    return _rows(source, limit=" LIMIT 0").schema


def _rows(source: Source, limit: str = "") -> pa.RecordBatchReader:
    """The rows as a stream. Raises E217, E401 or E312."""
    try:
        con = duckdb.connect(source.database or ":memory:", read_only=bool(source.database))
        con.execute("SET enable_progress_bar = false")  # it is drawn on stdout, where the document of --json goes
        if source.sql is None:
            return con.table(source.table or "").to_arrow_reader(BATCH)
        sql = _one_select(con, source.sql)
        for name, files in source.reads.items():
            _load(con, name, files, empty=bool(limit))
        return con.sql(f"SELECT * FROM ({sql}){limit}" if limit else sql).to_arrow_reader(BATCH)
    except duckdb.IOException as error:
        code = "E401" if "No files found" in str(error) else "E312"
        raise HeadwaterError(code, file=source.database or "sql", found=_first_line(error)) from error
    except duckdb.Error as error:
        raise HeadwaterError("E217", column="source", found=_first_line(error)) from error


def _load(con: duckdb.DuckDBPyConnection, name: str, source: Source, *, empty: bool) -> None:
    """Files as a table of a query; every cell of CSV is text, columns that a file lacks are null there.

    Raises E401 where nothing matches, E312 for a row that cannot be read, and what the reader raises.
    """
    found = deliveries.delivery(source)
    paths, rows = found.whole, dict[str, int]()
    if not paths:
        raise HeadwaterError("E401", file=source.path)
    reader = reader_of(source)
    headers = {path: reader.header(path, source) for path in paths}
    kinds = _kinds(reader, source, headers)
    con.register("_part", pa.schema(list(kinds.items())).empty_table())
    con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM _part')
    for path in () if empty else paths:
        own = {column: kinds[column] for column in headers[path]}
        skipped: list[Skipped] = []
        rows[path] = 0
        for batch in reader.batches(path, source, own, skipped):
            rows[path] += batch.num_rows
            con.register("_part", pa.Table.from_batches([batch]))
            con.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM _part')
        if skipped:
            raise HeadwaterError("E312", file=path, row=skipped[0].row, found=skipped[0].text)
    deliveries.check_rows(found.listed, rows)


def _kinds(reader: Reader, source: Source, headers: Mapping[str, Sequence[str]]) -> dict[str, pa.DataType]:
    """One type for each column over the files that have it."""
    columns = dict.fromkeys(column for header in headers.values() for column in header)
    having = {column: [path for path, header in headers.items() if column in header] for column in columns}
    return {column: reader.types(paths, [column], source)[column] for column, paths in having.items()}


def _one_select(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Without the semicolon. Raises E217 for anything but one SELECT."""
    statements = con.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise HeadwaterError("E217", column="source.sql", found=sql[:80])
    return sql.strip().rstrip(";")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
