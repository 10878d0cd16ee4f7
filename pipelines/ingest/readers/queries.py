"""What DuckDB reads: a query of its own, or a table of a database file opened for reading only. One source, one input."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.mapping import Source
from pipelines.ingest.readers.arrow_types import converted, plain
from pipelines.ingest.readers.reader import Skipped

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
    row = _rows(Source(sql=counted)).read_all().to_pylist()[0]
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
        return con.sql(f"SELECT * FROM ({sql}){limit}" if limit else sql).to_arrow_reader(BATCH)
    except duckdb.IOException as error:
        code = "E401" if "No files found" in str(error) else "E312"
        raise HeadwaterError(code, file=source.database or "sql", found=_first_line(error)) from error
    except duckdb.Error as error:
        raise HeadwaterError("E217", column="source", found=_first_line(error)) from error


def _one_select(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Without the semicolon. Raises E217 for anything but one SELECT."""
    statements = con.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise HeadwaterError("E217", column="source.sql", found=sql[:80])
    return sql.strip().rstrip(";")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
