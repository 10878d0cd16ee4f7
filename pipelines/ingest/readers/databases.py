"""Databases read through Ibis: whatever backend a connection string names, and nothing is ever written to it.

One connection serves all tables of a connection string; on PostgreSQL they are read in one snapshot, so that a bill
never comes without its customer. Rows arrive as Arrow batches of the mapped columns and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from ibis.common.exceptions import TableNotFound
from ibis.util import backend_entry_points
from sqlglot import exp

from features.errors import HeadwaterError
from pipelines.config import credentials
from pipelines.config.sources import Source
from pipelines.config.validation import nearest
from pipelines.ingest.readers.arrow_types import converted, plain
from pipelines.ingest.readers.reader import missing_columns

BATCH = 65_536
EXTRAS = ("postgres", "sqlite")
READ_ONLY = {"duckdb": {"read_only": True}}
SNAPSHOT = {"postgres": "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"}
"""How a connection is opened for reading only; every other backend is only ever sent one checked SELECT."""
CHANGING = (exp.DDL, exp.DML, exp.Drop, exp.Into, exp.Command)
TEXTS = (dt.UUID, dt.INET, dt.MACADDR, dt.JSON, dt.Unknown)
"""Types that come as text; a number of no declared precision does so too, because Arrow has no such number."""


@dataclass(frozen=True)
class Database:
    """An open connection; `place` is the connection string as written, `hidden` what no message may show."""

    con: Any
    place: str
    hidden: tuple[str, ...]

    def refusal(self, error: BaseException) -> HeadwaterError:
        """E712 with what the driver says, without secrets."""
        return _refusal(error, self.place, self.hidden)


def _refusal(error: BaseException, place: str, hidden: tuple[str, ...]) -> HeadwaterError:
    """What a driver says, without secrets. Cleaning up after an error often raises another: the first one counts."""
    while error.__context__ is not None:
        error = error.__context__
    sentence = (str(error).strip() or type(error).__name__).splitlines()[0]
    return HeadwaterError("E712", file=place, detail=credentials.without(sentence, hidden)[:200])


@contextmanager
def opened(connection: str) -> Iterator[Database]:
    """Raises E224 (variable not set), E226 (no such backend), E401 (no such file), E711 (no driver), E712 (no answer)."""
    url, hidden = credentials.resolved(connection)
    database = Database(_connected(connection, url, hidden), connection, hidden)
    try:
        yield database
    finally:
        database.con.disconnect()


def _connected(place: str, url: str, hidden: tuple[str, ...]) -> Any:
    """An Ibis connection that reads. Raised outside the handler: a driver's own error may hold the password."""
    name = _backend(place, url)
    _driver(place, name)
    try:
        con = ibis.connect(url, **READ_ONLY.get(name, {}))
        if name in SNAPSHOT:
            con.raw_sql(SNAPSHOT[name])
        return con
    except Exception as error:
        refused = _refusal(error, place, hidden)
    raise refused


def examine(connection: str) -> None:
    """What can be said without connecting: variables set, backend known, file there, driver installed."""
    url, _ = credentials.resolved(connection)
    _driver(connection, _backend(connection, url))


def _backend(place: str, url: str) -> str:
    """The Ibis backend of a URL. Raises E226, and E401 for a file that is not there: SQLite would create it."""
    parts = urlsplit(url)
    name = parts.scheme.replace("postgresql", "postgres")
    known = sorted(entry.name for entry in backend_entry_points())
    if name not in known:
        raise HeadwaterError("E226", file=place, name=name, nearest=nearest(name, known) or "postgres")
    if name in ("duckdb", "sqlite") and not Path(parts.netloc + parts.path).is_file():
        raise HeadwaterError("E401", file=place)
    return name


def _driver(place: str, name: str) -> None:
    """Raises E711 with the package to install."""
    try:
        getattr(ibis, name)
    except ImportError as error:
        package = f"headwater[{name}]" if name in EXTRAS else f"ibis-framework[{name}]"
        raise HeadwaterError("E711", file=place, name=name, package=package) from error


def relation(database: Database, source: Source) -> ir.Table:
    """The table or query of a source. Raises E404 for a table that is not there, E217 for a query that is no SELECT."""
    if source.sql is not None:
        return _query(database, source.sql)
    *schema, name = (source.table or "").split(".")
    try:
        return database.con.table(name, database=tuple(schema) if len(schema) > 1 else next(iter(schema), None))
    except TableNotFound:
        near = nearest(name, _known_tables(database, schema))
    except Exception as error:
        raise database.refusal(error) from None
    raise HeadwaterError("E404", file=database.place, name=source.table, nearest=near)


def tables(connection: str) -> list[str]:
    """Every table and view of a database. Raises E226, E401, E711 or E712."""
    with opened(connection) as database:
        try:
            return sorted(name for name in _listed(database, []) if not name.startswith("sqlite_"))
        except Exception as error:
            raise database.refusal(error) from None


def _known_tables(database: Database, schema: list[str]) -> list[str]:
    """For a suggestion; nothing where the database does not tell."""
    try:
        return _listed(database, schema)
    except Exception:
        return []


def _listed(database: Database, schema: list[str]) -> list[str]:
    if database.con.name == "duckdb":  # Ibis 12.0 asks DuckDB 2 by a name that is gone
        named = database.con.con.execute("SELECT table_name FROM information_schema.tables")
        return [name for (name,) in named.fetchall()]
    return database.con.list_tables(database=schema[-1] if schema else None)


def _query(database: Database, sql: str) -> ir.Table:
    """One SELECT in the words of the database, checked before it is sent."""
    try:
        parsed = sqlglot.parse(sql, read=database.con.dialect)
    except sqlglot.errors.SqlglotError as error:
        raise HeadwaterError("E217", column="source.sql", found=str(error).splitlines()[0][:200]) from None
    statement = parsed[0] if len(parsed) == 1 else None
    if not isinstance(statement, exp.Query) or any(statement.find_all(*CHANGING)):
        raise HeadwaterError("E217", column="source.sql", found=sql[:80])
    plain = sql.strip().rstrip(";")
    try:
        known = SCHEMAS.get(database.con.name)
        return database.con.sql(plain, schema=known and known(database.con, plain))
    except Exception as error:
        detail = database.refusal(error).problem.values["detail"]
    raise HeadwaterError("E217", column="source.sql", found=detail)


def _postgres_schema(con: Any, sql: str) -> ibis.Schema:
    """Names and types of a query. Ibis would create a view to find them, which a reading transaction forbids."""
    types = con.compiler.type_mapper
    with con.con.transaction(), con.con.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({sql}) AS q LIMIT 0")
        shown = {column.name: column.type_display.replace("bpchar", "char") for column in cursor.description}
    return ibis.schema({name: types.from_string(kind) for name, kind in shown.items()})


def _duckdb_schema(con: Any, sql: str) -> ibis.Schema:
    """As DuckDB itself says; Ibis 12.0 asks it by a name that is gone."""
    return ibis.Schema.from_pyarrow(con.con.sql(sql).to_arrow_reader(1).schema)


SCHEMAS = {"postgres": _postgres_schema, "duckdb": _duckdb_schema}


def selection(table: ir.Table, source: Source, needed: list[str], least: date | datetime | None) -> ir.Table:
    """The needed columns of the rows from `least` on, by the watermark; rows without one are always among them.

    Raises E302 for a column that is not there, E314 for one of a type that cannot be read, E225 for the watermark's.

    Parameters
    ----------
    table
        Of the database.
    source
        Names the watermark, if any.
    needed
        Columns.
    least
        Oldest watermark to fetch; None for all.
    """
    place = _place_of(source)
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise missing_columns(place, missing, table.columns)
    if source.watermark is not None:
        kind = table[source.watermark].type()
        if not (kind.is_date() or kind.is_timestamp()):
            raise HeadwaterError("E225", file=place, column=source.watermark, found=str(kind))
        if least is not None:
            mark = table[source.watermark]
            table = table.filter((mark >= ibis.literal(least, type=kind)) | mark.isnull())
    return table.select(**{name: _readable(table[name], place) for name in needed})


def readable(table: ir.Table) -> list[str]:
    """The columns that are number, text, truth, date or time."""
    return [name for name, kind in table.schema().items() if not _is_unreadable(kind)]


def _is_unreadable(kind: dt.DataType) -> bool:
    is_odd = kind.is_nested() or kind.is_binary() or kind.is_time() or kind.is_interval() or kind.is_geospatial()
    return is_odd and not isinstance(kind, TEXTS)


def _readable(column: ir.Value, place: str) -> ir.Value:
    """A column as number, text, truth, date or time. Raises E314 for lists, bytes, times of day and the like."""
    kind = column.type()
    if isinstance(kind, TEXTS) or (kind.is_decimal() and kind.precision is None):
        return column.cast("string")
    if _is_unreadable(kind):
        raise HeadwaterError(
            "E314", file=place, column=column.get_name(), name=column.get_name(), expected="scalar", found=str(kind)
        )
    return column


def types(rows: ir.Table) -> dict[str, pa.DataType]:
    """The plain Arrow type of every column, as files are read in them."""
    return {field.name: plain(field.type) for field in rows.schema().to_pyarrow()}


def batches(database: Database, rows: ir.Table, kinds: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """The rows in their plain types, a batch at a time where the backend streams. Raises E712.

    Parameters
    ----------
    database
        The open connection.
    rows
        What to fetch.
    kinds
        Column -> plain Arrow type.
    """
    try:
        for batch in STREAMS.get(database.con.name, _by_ibis)(database.con, rows):
            yield converted(batch, kinds)
    except Exception as error:
        raise database.refusal(error) from None


def _by_ibis(con: Any, rows: ir.Table) -> Iterator[pa.RecordBatch]:
    yield from con.to_pyarrow_batches(rows, chunk_size=BATCH)


def _by_cursor(con: Any, rows: ir.Table) -> Iterator[pa.RecordBatch]:
    """A cursor on the server. Ibis has one too, which closes after its transaction and so hides the error before."""
    kind = rows.schema().as_struct().to_pyarrow()
    with con.con.transaction(), con.con.cursor(name="headwater") as cursor:
        cursor.execute(con.compile(rows))
        while fetched := cursor.fetchmany(BATCH):
            yield pa.RecordBatch.from_struct_array(pa.array(fetched, type=kind))


def _by_arrow(con: Any, rows: ir.Table) -> Iterator[pa.RecordBatch]:
    """DuckDB's own stream: Ibis 12.0 asks DuckDB 2 for one by a name that is gone."""
    yield from con.con.sql(con.compile(rows)).to_arrow_reader(BATCH)


STREAMS = {"postgres": _by_cursor, "duckdb": _by_arrow}


def _place_of(source: Source) -> str:
    """The database source as messages name it; a connection string holds no secret, only names of variables."""
    return f"{source.connection} > {source.table or 'sql'}"
