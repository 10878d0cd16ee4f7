"""Mapping files: what contradicts the contracts is refused at its place, before any data is read."""

from datetime import timedelta

import pytest

from features.errors import HeadwaterError
from pipelines.config.mapping_file import load_mapping
from tests.raw import Raw


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
