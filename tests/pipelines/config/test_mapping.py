"""Mapping files: short and long forms are the same, and what contradicts itself is refused before any data is read."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from features.errors import HeadwaterError
from pipelines.config.mapping import Form, Freshness, Mapping, Source, TableMapping, load_mapping
from tests.raw import Raw


def table(**more):
    return TableMapping(**{"source": {"path": "a.csv"}, "columns": {"customer_id": "id"}} | more)


def test_short_forms_are_long_forms():
    short = table(happened_at="at", known_at="at + 5d")
    long = table(happened_at={"from": "at"}, known_at={"expr": "at + 5d"})
    assert short == long and list(short.forms()) == ["customer_id", "happened_at", "known_at"]


def test_clocks_may_stand_among_the_columns():
    assert table(columns={"customer_id": "id", "known_at": "seen"}) == table(known_at="seen")


@pytest.mark.parametrize(
    ("source", "reader", "shown"),
    [
        ({"path": "*.csv"}, "csv_files", "*.csv"),
        ({"path": "a.dat", "format": "csv"}, "csv_files", "a.dat"),
        ({"path": "a.parquet"}, "parquet_files", "a.parquet"),
        ({"sql": "SELECT 1"}, "queries", "sql"),
        (
            {"sql": "FROM a, b", "reads": {"a": {"path": "a*.csv"}, "b": {"path": "b.csv"}}},
            "queries",
            "sql (a*.csv, b.csv)",
        ),
        ({"database": "a.duckdb", "table": "t"}, "queries", "a.duckdb"),
        ({"connection": "postgres://host/base", "table": "t"}, "connections", "t"),
    ],
)
def test_each_source_has_its_reader_and_its_name_in_messages(source, reader, shown):
    assert (Source(**source).reader, Source(**source).shown) == (reader, shown)


def test_a_fetched_connection_is_read_from_its_files_and_says_the_same():
    source = Source(connection="postgres://host/base", table="bills")
    said = source.model_dump_json()
    source.read_from("folder/*.parquet")
    assert (source.reader, source.files, source.model_dump_json()) == ("parquet_files", "folder/*.parquet", said)


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"path": "a", "sql": "SELECT 1"},
        {"path": "a", "table": "t"},
        {"database": "a"},
        {"connection": "postgres://host/base"},
        {"connection": "postgres://host/base", "table": "t", "sql": "SELECT 1"},
        {"path": "a", "watermark": "at"},
        {"connection": "postgres://host/base", "table": "t", "since": "2026-01-01"},
        {"connection": "postgres://user:secret@host/base", "table": "t"},
    ],
)
def test_sources_of_no_kind_or_of_two_are_refused(source):
    with pytest.raises(ValidationError) as error:
        Source(**source)
    assert "secret@" not in str(error.value)


@pytest.mark.parametrize(
    "form",
    [{}, {"from": "a", "value": "b"}, {"from": "a", "other": "x"}, {"expr": "1 +"}, {"from": "a", "add": "soon"}],
)
def test_columns_made_in_no_way_or_in_two_are_refused(form):
    with pytest.raises(ValidationError):
        Form(**form)


def test_ages_are_days_or_hours():
    freshness = Freshness(warn_after="12h", error_after="35d")
    assert (freshness.warn_after, freshness.error_after) == (timedelta(hours=12), timedelta(days=35))


AGE = {"from": "a", "type": "number"}


def test_columns_beyond_the_contract_are_measures_and_attributes():
    usage = table(columns={"customer_id": "id", "data_mb": "mb", "sms": "n"}, happened_at="at", known_at="at")
    customers = table(columns={"customer_id": "id", "activated_on": "on", "branch": "b", "age": AGE})
    mapping = Mapping(tables={"usage": usage, "customers": customers})
    assert (mapping.measures, mapping.attributes, mapping.typed) == (
        ("data_mb", "sms"),
        ("branch",),
        (("age",), (), ()),
    )
    assert [Mapping(tables={}, currency=c).decimals for c in ("CNY", "JPY")] == [2, 0]


@pytest.mark.parametrize(
    ("change", "code", "column"),
    [
        (lambda t: t.pop("customers"), "E208", "tables.customers"),
        (lambda t: t["bills"].pop("known_at"), "E209", "tables.bills"),
        (lambda t: t["bills"]["columns"].pop("bill_id"), "E210", "tables.bills"),
        (lambda t: t["bills"]["columns"].update(amuont="x"), "E245", "tables.bills.columns.amuont"),
        (lambda t: t["usage"]["columns"].update({"Data MB": "x"}), "E214", "tables.usage.columns.Data MB"),
    ],
)
def test_tables_that_do_not_fit_their_contract_are_refused_at_their_place(tmp_path, change, code, column):
    raw = Raw(tmp_path)
    change(raw.mapping["tables"])
    with pytest.raises(HeadwaterError) as error:
        load_mapping(raw.write())
    assert (error.value.problem.code, error.value.problem.column) == (code, column)


def test_every_problem_of_a_mapping_is_told_at_once(tmp_path):
    raw = Raw(tmp_path)
    tables = raw.mapping["tables"]
    tables["invoices"] = tables["bills"]
    tables["bills"]["columns"]["ammount"] = "应收_分"
    del tables["usage"]["known_at"], tables["usage"]["columns"]["customer_id"]
    with pytest.raises(HeadwaterError) as error:
        raw.load()
    told = [(problem.code, problem.column) for problem in error.value.problems]
    assert told == [
        ("E211", "tables.invoices"),
        ("E245", "tables.bills.columns.ammount"),
        ("E209", "tables.usage"),
        ("E210", "tables.usage"),
    ]
    assert all(problem.file == str(tmp_path / "mapping.yaml") for problem in error.value.problems)


def test_only_events_close(tmp_path):
    raw = Raw(tmp_path)
    raw.mapping["tables"]["customers"]["closes"] = "5d"
    with pytest.raises(HeadwaterError) as error:
        raw.load()
    problem = error.value.problem
    assert (problem.code, problem.column, problem.values["table"]) == ("E276", "tables.customers.closes", "customers")
    raw.mapping["tables"]["bills"]["closes"] = raw.mapping["tables"]["customers"].pop("closes")
    assert raw.load().tables["bills"].closes == timedelta(days=5)


def test_a_series_of_months_has_one_source(tmp_path):
    """The fix works: one pattern for all files."""
    raw = Raw(tmp_path)
    customers = raw.mapping["tables"]["customers"] | {"history": "months", "month": {"file": "cust-%Y-%m.csv"}}
    parts = [{"name": name, "source": {"path": f"{name}-*.csv"}} for name in ("cust", "kunde")]
    several = {name: said for name, said in customers.items() if name != "source"} | {"sources": parts}
    raw.mapping["tables"]["customers"] = several
    with pytest.raises(HeadwaterError) as error:
        raw.load()
    assert (error.value.problem.code, error.value.problem.column) == ("E279", "tables.customers")
    raw.mapping["tables"]["customers"] = customers
    assert raw.load().tables["customers"].monthly
