"""Files of a folder become tables: what belongs together is one, what cannot be read is named."""

import sqlite3
from contextlib import closing

import duckdb
import ibis
import pytest

from features.errors import HeadwaterError
from pipelines.recognition import raw_tables
from tests.pipelines.ingest.readers.test_packed import packed
from tests.pipelines.ingest.readers.test_xlsx_files import book
from tests.pipelines.recognition import folders
from tests.pipelines.recognition.folders import written


def test_files_whose_names_differ_in_digits_are_one_table(tmp_path):
    for month in ("202601", "202602"):
        written(tmp_path / f"bill_{month}.csv", [["用户编号", "金额"], ["1", month]], "gbk")
    (table,) = raw_tables.folder(tmp_path).tables
    assert table.source.path == str(tmp_path / "bill_*.csv")
    assert (table.rows, len(table.paths), table.source.encoding) == (2, 2, "gb18030")


def test_columns_that_are_called_differently_are_the_same(tmp_path):
    (table,) = raw_tables.folder(folders.shop(tmp_path)).tables
    assert table.header[:2] == ("Invoice", "StockCode")
    assert table.aliases[tmp_path / "lines-2026.csv"]["Price"] == "UnitPrice"
    assert table.columns["Price"].known == table.rows


def test_other_headers_are_other_tables(tmp_path):
    written(tmp_path / "a1.csv", [["customer_id", "signup_date"], ["1", "2026-01-01"]])
    written(tmp_path / "a2.csv", [["ticket_id", "priority", "opened"], ["1", "2", "x"]])
    assert len(raw_tables.folder(tmp_path).tables) == 2


def test_separators_and_databases(tmp_path):
    written(tmp_path / "semi.csv", [["customer_id", "plan"], ["1", "a,b"]], mark=";")
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as con:
        con.execute("CREATE TABLE orders AS SELECT '1' AS customer_id, 5.5 AS amount")
    found = {table.title: table for table in raw_tables.folder(tmp_path).tables}
    assert found[str(tmp_path / "semi.csv")].source.delimiter == ";"
    assert found[f"{tmp_path / 'crm.duckdb'} · orders"].columns["amount"].middle == 5.5


def test_tables_of_sqlite_are_looked_into(tmp_path):
    """What cannot be read of a table is no column, and what has the name of a database need not be one."""
    folder = folders.in_sqlite(folders.operator(tmp_path), "gbk")
    with closing(sqlite3.connect(folder / "客户 crm.db")) as con, con:
        con.execute("CREATE TABLE photos (id INTEGER PRIMARY KEY AUTOINCREMENT, photo BLOB)")
    (folder / "Thumbs.db").write_bytes(b"no database")
    found = raw_tables.folder(folder)
    known = {table.source.table: table for table in found.tables}
    assert set(known) == {"bill", "cust", "photos", "usage"}
    assert known["photos"].header == ("id",) and known["bill"].rows == 176
    assert known["bill"].source.connection == f"sqlite://{folder}/客户 crm.db"
    assert [(each.path.name, each.why) for each in found.unread] == [("Thumbs.db", "unknown")]


def test_a_driver_of_sqlite_that_is_missing_is_told(tmp_path, monkeypatch):
    def without(_name: str):
        raise ImportError("no driver")

    folder = folders.in_sqlite(folders.answers(tmp_path))
    monkeypatch.delattr(ibis, "sqlite", raising=False)
    monkeypatch.setattr(ibis, "__getattr__", without)
    with pytest.raises(HeadwaterError, match="E711") as raised:
        raw_tables.folder(folder)
    assert raised.value.problem.values["package"] == "headwater[sqlite]"
    written(folder / "a.csv", [["customer_id"], ["1"]])
    assert [each.why for each in raw_tables.folder(folder).unread] == ["E711"]


def test_workbooks_and_packed_files_are_tables(tmp_path):
    for month in ("01", "02"):
        book(
            tmp_path / f"use_{month}.xlsx",
            用量=[("用户编号", "流量_MB"), ("1", 5)],
            账单=[("用户编号", "金额"), ("1", 7)],
        )
    packed(tmp_path / "pay.csv.gz")
    found = {table.title: table for table in raw_tables.folder(tmp_path).tables}
    assert set(found) == {
        f"{tmp_path}/use_*.xlsx · 用量", f"{tmp_path}/use_*.xlsx · 账单", f"{tmp_path}/pay.csv.gz",
    }  # fmt: skip
    bills = found[f"{tmp_path}/use_*.xlsx · 账单"]
    assert (bills.source.sheet, bills.rows, bills.header) == ("账单", 2, ("用户编号", "金额"))


def test_what_is_not_read_is_named(tmp_path):
    written(tmp_path / "a.csv", [["customer_id"], ["1"]])
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    for name in ("old.xls", "more.tar.gz", "events.jsonl.gz"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "none.csv").write_text("", encoding="utf-8")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    found = raw_tables.folder(tmp_path)
    assert {each.path.name: each.why for each in found.unread} == {
        "book.xlsx": "E312",
        "old.xls": "unknown",
        "more.tar.gz": "unknown",
        "events.jsonl.gz": "unknown",
        "none.csv": "empty",
        "bad.parquet": "E312",
    }
    assert len(found.tables) == 1


def test_results_and_hidden_files_are_no_data(tmp_path):
    written(tmp_path / "a.csv", [["customer_id"], ["1"]])
    written(tmp_path / "workspace" / "shop" / "lists" / "vip.csv", [["customer_id"], ["1"]])
    written(tmp_path / ".cache" / "b.csv", [["customer_id"], ["1"]])
    assert [table.title for table in raw_tables.folder(tmp_path).tables] == [str(tmp_path / "a.csv")]


@pytest.mark.parametrize(("place", "code"), [("none", "E250"), (".", "E251")])
def test_nothing_to_look_at(tmp_path, place, code):
    with pytest.raises(HeadwaterError, match=code):
        raw_tables.folder(tmp_path / place)


def test_long_tables_are_read_for_some_customers_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_tables, "MOST_ROWS", 50)
    written(
        tmp_path / "u.csv", [["customer_id", "date"], *[[n % 100, f"2026-01-{1 + n // 100:02d}"] for n in range(1000)]]
    )
    (table,) = raw_tables.folder(tmp_path).tables
    assert 1 < table.share < 20
    assert 0 < table.rows < 1000
    assert table.rows == 10 * table.columns["customer_id"].distinct


@pytest.mark.parametrize(
    ("texts", "plain", "mark"),
    [
        (["1.234,50", "12,5", "-3,00"], [1234.5, 12.5, -3.0], ","),
        (["1,234.50", "12.5", "3,000"], [1234.5, 12.5, 3000.0], "."),
        (["1,234", "5,678", "12"], [1234.0, 5678.0, 12.0], "."),
    ],
)
def test_numbers_as_people_write_them_are_numbers(tmp_path, texts, plain, mark):
    """And dates with dots, and names with commas, are not."""
    rows = [[text, "03.08.2026", f"Smith, {n}"] for n, text in enumerate(texts)]
    (tmp_path / "a.csv").write_text("".join(";".join(row) + "\n" for row in [["x", "day", "who"], *rows]))
    (table,) = raw_tables.folder(tmp_path).tables
    found = table.con.sql(f"SELECT x::DOUBLE, day, who FROM {table.name}").fetchall()
    assert found == [(number, *row[1:]) for number, row in zip(plain, rows, strict=True)]
    assert table.marks == {"x": mark} and table.columns["x"].is_number and table.columns["day"].is_date
