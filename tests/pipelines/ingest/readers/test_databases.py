"""Databases: only the mapped columns, in one snapshot, a batch at a time, and nothing is written."""

import sqlite3
import traceback
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers import databases
from tests import postgres
from tests.raw import at


def read(source: Source, needed: list[str]) -> list[dict]:
    """The rows of a source as they leave the database."""
    with databases.opened(source.connection or "") as database:
        rows = databases.selection(databases.relation(database, source), source, needed, None)
        kinds = databases.types(rows)
        found = list(databases.batches(database, rows, kinds))
    return pa.Table.from_batches(found, pa.schema(list(kinds.items()))).to_pylist()


def refused(source: Source, needed: list[str]) -> HeadwaterError:
    with pytest.raises(HeadwaterError) as error:
        read(source, needed)
    return error.value


def test_values_arrive_as_they_are(database):
    database.run(
        "DROP TABLE IF EXISTS kinds",
        "DROP TYPE IF EXISTS mood",
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        """CREATE TABLE kinds ("编号" text, small smallint, large bigint, amount numeric(12, 2), exact numeric, half real,
           yes boolean, day date, local_time timestamp, instant timestamptz, id uuid, state mood, code char(3), doc jsonb)""",
        """INSERT INTO kinds VALUES ('0017', 1, 9007199254740993, 12.30, 0.12345678901234567890123, 0.5, true,
           '2026-02-28', '2026-02-28 23:59:59.123456', '2026-03-01 08:00:00+08',
           '11111111-2222-3333-4444-555555555555', 'bad', 'ab', '{"a": 1}')""",
        "INSERT INTO kinds (\"编号\") VALUES ('')",
    )
    names = ["编号", "small", "large", "amount", "exact", "half", "yes", "day"]
    names += ["local_time", "instant", "id", "state", "code"]
    source = Source(connection=database.url, table="kinds")
    first, empty = read(source, names)
    assert first == {
        "编号": "0017",
        "small": 1,
        "large": 9007199254740993,
        "amount": Decimal("12.30"),
        "exact": "0.12345678901234567890123",
        "half": 0.5,
        "yes": True,
        "day": date(2026, 2, 28),
        "local_time": at("2026-02-28 23:59:59.123456"),
        "instant": datetime(2026, 3, 1, tzinfo=UTC),
        "id": "11111111-2222-3333-4444-555555555555",
        "state": "bad",
        "code": "ab ",
    }
    assert empty == dict.fromkeys(names, None) | {"编号": ""}
    by_query = Source(connection=database.url, sql="SELECT * FROM kinds WHERE \"编号\" <> '';")
    assert read(by_query, names) == [first]


def test_columns_nobody_mapped_are_not_asked_for(database):
    database.run("CREATE TABLE IF NOT EXISTS zero AS SELECT 0 AS n")
    database.run("CREATE OR REPLACE VIEW trap AS SELECT 'x'::text AS id, 1 / n AS never FROM zero")
    assert read(Source(connection=database.url, table="trap"), ["id"]) == [{"id": "x"}]
    assert refused(Source(connection=database.url, table="trap"), ["never"]).problem.code == "E712"


def test_rows_stream(database):
    """A billion rows would take minutes and a hundred gigabytes; the first batch takes neither."""
    source = Source(connection=database.url, sql="SELECT generate_series(1, 1000000000)::bigint AS n")
    with databases.opened(database.url) as opened:
        rows = databases.selection(databases.relation(opened, source), source, ["n"], None)
        batches = databases.batches(opened, rows, databases.types(rows))
        assert next(batches).num_rows == databases.BATCH
        assert next(batches)["n"][0].as_py() == databases.BATCH + 1
        batches.close()


def test_all_tables_of_a_connection_are_of_one_instant(database):
    database.run("DROP TABLE IF EXISTS one, two", "CREATE TABLE one (n int)", "CREATE TABLE two (n int)")
    with databases.opened(database.url) as opened:
        counts = [opened.con.table("one").count().execute()]
        database.run("INSERT INTO one VALUES (1)", "INSERT INTO two VALUES (1)")
        counts += [opened.con.table(name).count().execute() for name in ("one", "two")]
    assert counts == [0, 0, 0]


def test_schemas_are_named_and_a_near_name_is_proposed(database):
    database.run("DROP SCHEMA IF EXISTS crm CASCADE", "CREATE SCHEMA crm", "CREATE TABLE crm.bills (n int)")
    assert read(Source(connection=database.url, table="crm.bills"), ["n"]) == []
    problem = refused(Source(connection=database.url, table="crm.bill"), ["n"]).problem
    assert (problem.code, problem.values["nearest"]) == ("E404", "bills")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM safe",
        "SELECT 1 AS n; DELETE FROM safe",
        "WITH gone AS (DELETE FROM safe RETURNING n) SELECT n FROM gone",
        "SELECT n INTO copy FROM safe",
        "COPY safe TO STDOUT",
        "SELECT nextval('counter') AS n",
        "SELECT n FROM safe FOR UPDATE",
        "SELECT n FROM nowhere",
        "SELECT n FROM",
    ],
)
def test_nothing_but_one_select_is_run(database, sql):
    database.run("DROP TABLE IF EXISTS safe", "CREATE TABLE safe (n int)", "INSERT INTO safe VALUES (7)")
    database.run("DROP SEQUENCE IF EXISTS counter", "CREATE SEQUENCE counter")
    assert refused(Source(connection=database.url, sql=sql), ["n"]).problem.code in ("E217", "E712")
    with database.connect() as con:
        assert con.execute("SELECT n FROM safe").fetchall() == [(7,)]
        assert con.execute("SELECT is_called FROM counter").fetchall() == [(False,)]


@pytest.mark.parametrize("column", ["ARRAY[1]", "'x'::bytea", "interval '1 day'", "'10:00'::time"])
def test_types_without_a_place_in_a_table_are_refused(database, column):
    source = Source(connection=database.url, sql=f"SELECT {column} AS odd")
    assert refused(source, ["odd"]).problem.code == "E314"


def test_an_endless_date_is_told_with_its_value(database):
    source = Source(connection=database.url, sql="SELECT 'infinity'::date AS day")
    problem = refused(source, ["day"]).problem
    assert (problem.code, "infinity" in problem.values["detail"]) == ("E712", True)


def test_a_wrong_password_is_not_shown(server, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "wrong-" + postgres.PASSWORD)
    error = refused(Source(connection=server.url, table="x"), ["n"])
    assert (error.problem.code, error.exit_code) == ("E712", 7)
    told = "".join(traceback.format_exception(error)) + str(error)
    assert "authentication failed" in told
    assert postgres.PASSWORD not in told
    assert error.__context__ is None


def test_a_server_that_is_down(tmp_path, monkeypatch):
    pytest.importorskip("psycopg")
    monkeypatch.setenv("DB_PASSWORD", "secret")
    error = refused(Source(connection=f"postgres://a:${{DB_PASSWORD}}@/b?host={tmp_path}", table="x"), ["n"])
    assert error.problem.code == "E712"


def test_sqlite_and_duckdb_files_are_backends_like_any_other(tmp_path):
    rows = [("001", 1, "2026-01-02"), ("002", None, None)]
    with sqlite3.connect(tmp_path / "a.sqlite") as lite:
        lite.execute("CREATE TABLE bills (id TEXT, n INTEGER, day DATE)")
        lite.executemany("INSERT INTO bills VALUES (?, ?, ?)", rows)
    lite.close()
    with duckdb.connect(str(tmp_path / "a.duckdb")) as duck:
        duck.execute("CREATE TABLE bills (id TEXT, n INTEGER, day DATE)")
        duck.executemany("INSERT INTO bills VALUES (?, ?, ?)", rows)
    expected = [{"id": "001", "n": 1, "day": date(2026, 1, 2)}, {"id": "002", "n": None, "day": None}]
    for url in (f"sqlite://{tmp_path}/a.sqlite", f"duckdb://{tmp_path}/a.duckdb"):
        assert read(Source(connection=url, table="bills"), ["id", "n", "day"]) == expected
        assert read(Source(connection=url, sql="SELECT id FROM bills WHERE n = 1"), ["id"]) == [{"id": "001"}]
        assert refused(Source(connection=url, table="bill"), ["id"]).problem.values["nearest"] == "bills"
        assert refused(Source(connection=url, sql="DROP TABLE bills"), ["id"]).problem.code == "E217"
        assert refused(Source(connection=url, table="bills"), ["idd"]).problem.code == "E302"


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    for scheme in ("sqlite", "duckdb"):
        source = Source(connection=f"{scheme}://{tmp_path}/none.db", table="x")
        assert refused(source, ["n"]).problem.code == "E401"
    assert list(tmp_path.iterdir()) == []


def test_a_driver_that_is_missing_is_told_with_its_package(monkeypatch):
    import ibis

    def without(_name: str):
        raise ImportError("no driver")

    monkeypatch.delattr(ibis, "postgres", raising=False)
    monkeypatch.setattr(ibis, "__getattr__", without)
    problem = refused(Source(connection="postgresql://host/db", table="x"), ["n"]).problem
    assert (problem.code, problem.exit_code, problem.values["package"]) == ("E711", 7, "headwater[postgres]")
    problem = refused(Source(connection="trino://host/db", table="x"), ["n"]).problem
    assert problem.values["package"] == "ibis-framework[trino]"
