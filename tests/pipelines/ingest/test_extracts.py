"""Extracts: a database table becomes files that grow by what is new, and nothing is lost, doubled or half written."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.mapping import Mapping, TableMapping
from pipelines.config.sources import Source
from pipelines.ingest import extracts
from pipelines.ingest.readers import databases, sources
from tests.raw import Raw, at

COLUMNS = {"bill_id": "id", "customer_id": "who", "amount": "fee"}


def mapping(source: dict, columns: dict | None = None) -> Mapping:
    table = TableMapping(source=Source(**source), columns=columns or COLUMNS, happened_at="day", known_at="changed")
    return Mapping(tables={"bills": table})


def fetched(source: dict, folder: Path, columns: dict | None = None) -> list[Path]:
    """The files after one more night; each night begins with a mapping freshly loaded."""
    tables = mapping(source, columns)
    extracts.extract(tables, folder)
    return [Path(file.path) for file in sources.find(tables.tables["bills"].source).inputs]


def rows(files: list[Path]) -> list[tuple]:
    return [tuple(row.values()) for file in files for row in pq.read_table(file).to_pylist()]


class Table:
    """A table of a DuckDB file, changed between nights."""

    def __init__(self, folder: Path):
        self.path = folder / "source.duckdb"
        self.url = f"duckdb://{self.path}"
        self.run(
            "CREATE TABLE bills (id INTEGER, who TEXT, fee DECIMAL(12, 2), day DATE, changed TIMESTAMP, extra INT)"
        )

    def run(self, *statements: str) -> None:
        with duckdb.connect(str(self.path)) as con:
            for statement in statements:
                con.execute(statement)

    def add(self, number: int, fee: int, changed: datetime | None) -> None:
        mark = f"'{changed}'" if changed else "NULL"
        self.run(f"INSERT INTO bills VALUES ({number}, 'C{number}', {fee}, '2026-01-01', {mark}, 7)")

    def now(self) -> set[tuple]:
        """What is in the table, in the order of the columns of an extract."""
        with duckdb.connect(str(self.path), read_only=True) as con:
            return set(con.execute("SELECT changed, day, fee, id, who FROM bills").fetchall())


DAWN = datetime.fromisoformat("2026-03-01T00:00:00")
CHANGE = st.tuples(
    st.sampled_from(["add", "add", "update", "delete", "unmarked"]), st.integers(1, 5), st.integers(0, 47)
)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(nights=st.lists(st.lists(CHANGE, max_size=6), min_size=1, max_size=5))
def test_every_version_that_a_night_could_see_is_kept_once(tmp_path_factory, nights):
    """New rows come up to two days late, change, repeat at the very border, lack a mark, and disappear."""
    folder = tmp_path_factory.mktemp("nights")
    table, seen = Table(folder), set()
    source = {"connection": table.url, "table": "bills", "watermark": "changed"}
    for night, changes in enumerate(nights):
        for kind, number, hours in changes:
            changed = DAWN + timedelta(days=night) - timedelta(hours=hours)
            if kind == "add":
                table.add(number, 10 * night + number, changed)
            elif kind == "unmarked":
                table.add(number, number, None)
            elif kind == "update":
                moment = DAWN + timedelta(days=night)
                table.run(f"UPDATE bills SET fee = fee + 1, changed = '{moment}' WHERE id = {number}")
            else:
                table.run(f"DELETE FROM bills WHERE id = {number}")
        files = fetched(source, folder / "extracts")
        seen |= table.now()
        assert set(rows(files)) == seen
        one_each = [set(rows([file])) for file in files]
        assert sum(map(len, one_each)) == len(seen)


def test_only_what_is_new_is_asked_for(tmp_path):
    """Rows from before the overlap cannot even be read any more, and the night goes on."""
    table = Table(tmp_path)
    for day in range(1, 11):
        table.add(day, day, DAWN + timedelta(days=day))
    table.run("ALTER TABLE bills RENAME TO stored", "CREATE VIEW bills AS SELECT * FROM stored")
    source = {"connection": table.url, "table": "bills", "watermark": "changed", "overlap": "12h"}
    assert len(rows(fetched(source, tmp_path / "extracts"))) == 10
    table.run("ALTER TABLE stored ALTER fee TYPE TEXT", "UPDATE stored SET fee = 'broken' WHERE id < 10")
    table.run(f"INSERT INTO stored VALUES (11, 'C11', '11', '2026-01-01', '{DAWN + timedelta(days=10, hours=1)}', 7)")
    table.run("CREATE OR REPLACE VIEW bills AS SELECT * REPLACE (fee::DECIMAL(12, 2) AS fee) FROM stored")
    files = fetched(source, tmp_path / "extracts")
    assert [len(rows([file])) for file in files] == [10, 1]
    with pytest.raises(HeadwaterError, match="broken"):
        fetched(source | {"watermark": None}, tmp_path / "whole")


def test_rows_before_since_are_never_fetched(tmp_path):
    table = Table(tmp_path)
    for day in range(1, 6):
        table.add(day, day, DAWN + timedelta(days=day))
    source = {"connection": table.url, "table": "bills", "watermark": "changed", "since": date(2026, 3, 4)}
    for _ in range(2):
        assert sorted(row[3] for row in rows(fetched(source, tmp_path / "extracts"))) == [3, 4, 5]


def test_a_date_is_a_watermark_too(tmp_path):
    table = Table(tmp_path)
    table.run("ALTER TABLE bills ALTER changed TYPE DATE")
    source = {"connection": table.url, "table": "bills", "watermark": "changed", "overlap": "0h"}
    for number in range(1, 4):
        table.add(number, number, DAWN)
        assert len(rows(fetched(source, tmp_path / "extracts"))) == number


def test_without_a_watermark_there_is_one_file_and_it_is_replaced(tmp_path):
    table = Table(tmp_path)
    table.add(1, 1, DAWN)
    source = {"connection": table.url, "table": "bills"}
    (file,) = fetched(source, tmp_path / "extracts")
    before = file.stat()
    assert fetched(source, tmp_path / "extracts") == [file]
    assert file.stat() == before
    table.run("UPDATE bills SET fee = 2", "DELETE FROM bills WHERE id = 9")
    assert fetched(source, tmp_path / "extracts") == [file]
    assert set(rows([file])) == table.now()


def test_a_column_more_is_another_extract(tmp_path):
    table = Table(tmp_path)
    table.add(1, 1, DAWN)
    source = {"connection": table.url, "table": "bills", "watermark": "changed"}
    (narrow,) = fetched(source, tmp_path / "extracts")
    (wide,) = fetched(source, tmp_path / "extracts", COLUMNS | {"due_on": "extra"})
    assert pq.read_schema(narrow).names == ["changed", "day", "fee", "id", "who"]
    assert pq.read_schema(wide).names == ["changed", "day", "extra", "fee", "id", "who"]
    assert narrow.parent != wide.parent


@pytest.mark.parametrize("batches", [0, 1])
def test_a_fetch_that_dies_leaves_no_file(tmp_path, monkeypatch, batches):
    table = Table(tmp_path)
    table.add(1, 1, DAWN)
    source = {"connection": table.url, "table": "bills", "watermark": "changed"}
    (first,) = fetched(source, tmp_path / "extracts")
    table.add(2, 2, DAWN)
    real = databases.batches

    def dying(*asked):
        yield from list(real(*asked))[:batches]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(databases, "batches", dying)
    with pytest.raises(HeadwaterError, match="E703"):
        fetched(source, tmp_path / "extracts")
    monkeypatch.setattr(databases, "batches", real)
    assert [path.name for path in first.parent.iterdir()] == [first.name]
    (first.parent / ".000002-77.tmp").write_bytes(b"PAR1 half")
    assert [len(rows([file])) for file in fetched(source, tmp_path / "extracts")] == [1, 1]
    assert not list(first.parent.glob(".*.tmp"))


def test_files_are_whole_private_and_checked(tmp_path):
    table = Table(tmp_path)
    table.run("INSERT INTO bills SELECT n, 'C' || n, n, '2026-01-01', '2026-01-01', 7 FROM range(200) AS r(n)")
    (file,) = fetched({"connection": table.url, "table": "bills"}, tmp_path / "extracts")
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.parent.stat().st_mode & 0o777 == 0o750
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 4] ^= 1
    file.write_bytes(damaged)
    with pytest.raises((pa.ArrowInvalid, OSError)):
        pq.read_table(file, page_checksum_verification=True)


def test_it_is_fetched_once_for_each_loaded_mapping(tmp_path):
    table = Table(tmp_path)
    table.add(1, 1, DAWN)
    tables = mapping({"connection": table.url, "table": "bills"})
    for fee in (1, 2):
        extracts.extract(tables, tmp_path / "extracts")
        table.run("UPDATE bills SET fee = 2")
        found = sources.find(tables.tables["bills"].source)
        assert [row[2] for row in rows([Path(found.inputs[0].path)])] == [1], fee


def test_every_table_is_tried_before_it_stops(tmp_path):
    table = Table(tmp_path)
    tables = mapping({"connection": table.url, "table": "bill"})
    other = TableMapping(source=Source(connection=table.url, table="pay"), columns={}, known_at="x")
    tables = tables.model_copy(update={"tables": tables.tables | {"payments": other}})
    with pytest.raises(HeadwaterError) as error:
        extracts.extract(tables, tmp_path / "extracts")
    told = [error.value.problem, *error.value.others]
    assert [(problem.code, problem.values["table"]) for problem in told] == [("E404", "bills"), ("E404", "payments")]


def test_a_changed_row_is_a_correction_from_the_day_it_is_known(tmp_path, con):
    """The old amount stands until the change was made; the old night can be run again as it was."""
    raw = Raw(tmp_path)
    path = tmp_path / "billing.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute("CREATE TABLE bill (id TEXT, who TEXT, fee DECIMAL(12, 2), ended TIMESTAMP, changed TIMESTAMP)")
        values = [[f"B{n}", f"{n:05d}", 10, at("2026-02-01 00:00:00"), at("2026-02-05 00:00:00")] for n in range(1, 9)]
        base.executemany("INSERT INTO bill VALUES (?, ?, ?, ?, ?)", values)
    raw.mapping["tables"]["bills"] = {
        "source": {"connection": f"duckdb://{path}", "table": "bill", "watermark": "changed"},
        "columns": {"bill_id": "id", "customer_id": "who", "amount": "fee"},
        "happened_at": "ended",
        "known_at": "changed",
    }
    assert raw.read(con).counts["bills"].used == 8
    with duckdb.connect(str(path)) as base:
        base.execute("UPDATE bill SET fee = 12, changed = '2026-02-20' WHERE id = 'B3'")
    found = raw.read(con)
    assert (found.counts["bills"].in_, found.counts["bills"].used) == (9, 9)
    bills = found["bills"].filter(found["bills"].bill_id == "B3").order_by("known_at").to_pyarrow().to_pylist()
    assert [(float(row["amount"]), row["superseded_at"]) for row in bills] == [
        (10.0, bills[1]["known_at"]),
        (12.0, None),
    ]


def test_the_password_is_no_part_of_the_identity(monkeypatch):
    source = {"connection": "postgres://reader:${PW}@${HOST}/db", "table": "bills"}
    found = []
    for secret, host in (("a", "one"), ("b", "one"), ("b", "two")):
        monkeypatch.setenv("PW", secret)
        monkeypatch.setenv("HOST", host)
        found.append(extracts.identity(mapping(source).tables["bills"], ["fee"]))
    assert found[0] == found[1] != found[2]
    assert "PW" in json.dumps(mapping(source).model_dump(mode="json"))
