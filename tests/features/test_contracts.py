"""The contracts: one object that gives types, documentation, samples and rules."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import ibis
import pytest

from features.contracts import CONTRACTS, MONEY, TIME, Contract
from tests.tables import table

EVENTS = [c for c in CONTRACTS.values() if c.event]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_every_column_is_typed_and_explained_in_both_languages(contract: Contract):
    names = [c.name for c in contract.columns]
    assert len(names) == len(set(names))
    assert set(contract.key) <= set(names)
    for column in contract.columns:
        assert ibis.dtype(column.dtype)
        assert column.en and re.search(r"[\u4e00-\u9fff]", column.zh)
        assert contract.column(column.name) is column
    assert contract.en and re.search(r"[\u4e00-\u9fff]", contract.zh)
    assert "customer_id" in names


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_samples_are_values_of_their_type(contract: Contract):
    readers: dict[str, Callable[[str], object]] = {
        "date": date.fromisoformat,
        TIME: datetime.fromisoformat,
        MONEY: Decimal,
        "int64": int,
    }
    for column in contract.columns:
        if column.sample:
            readers.get(column.dtype, str)(column.sample)
        else:
            assert column.nullable, f"{column.name} must be there: it needs a sample"


@pytest.mark.parametrize("contract", EVENTS, ids=[c.name for c in EVENTS])
def test_events_carry_two_clocks_and_their_local_date(contract: Contract):
    schema = contract.schema()
    assert schema["happened_on"] == "date"
    assert schema["known_at"] == TIME and not contract.column("known_at").nullable
    began = contract.column("valid_from" if contract.name == "subscriptions" else "happened_at")
    assert not began.nullable


def test_money_is_decimal_ids_are_text_and_no_number_is_a_float():
    for contract in CONTRACTS.values():
        for column in contract.columns:
            if column.name.endswith("_id"):
                assert column.dtype == "string", column.name
            if column.unit.startswith("currency") or column.name in {"amount", "value", "cost"}:
                assert column.dtype == MONEY, column.name
            assert column.dtype != "float64", column.name


def test_measures_are_numbers_that_are_not_negative(con: ibis.BaseBackend):
    usage = CONTRACTS["usage"].with_measures(("sms", "data_mb"))
    assert usage.schema()["sms"] == usage.schema()["data_mb"] == "float64"
    assert [rule.column for rule in usage.rules] == ["sms", "data_mb"]
    assert "sms" not in CONTRACTS["usage"].schema(), "the contract itself is not changed"
    rows = ibis.memtable({"sms": [1.0, 0.0, -1.0, None]})
    held = con.to_pyarrow(rows.select(held=usage.rules[0].holds(rows)))["held"].to_pylist()
    assert held == [True, True, False, None]


@pytest.mark.parametrize(
    ("name", "text", "broken"),
    [
        ("customers", "customer_id | activated_on | deactivated_on\na | 2024-01-02 | 2024-01-01", "left_after_joining"),
        ("customers", "customer_id | activated_on | deactivated_on\na | 2024-01-02 | 2024-01-02", None),
        ("customers", "customer_id | activated_on | deactivated_on\na | 2024-01-02 | null", None),
        ("subscriptions", "customer_id | valid_from | monthly_fee\na | 2024-01-02 | -5", "not_negative"),
        ("subscriptions", "customer_id | valid_from | monthly_fee\na | 2024-01-02 | null", None),
        ("complaints", "customer_id | happened_at | resolved_at\na | 2024-01-02 | 2024-01-01", "resolved_after_opened"),
        ("complaints", "customer_id | happened_at | resolved_at\na | 2024-01-02 | 2024-01-02", None),
        ("contacts", "customer_id | happened_at | direction\na | 2024-01-02 | sideways", "direction_known"),
        ("contacts", "customer_id | happened_at | direction\na | 2024-01-02 | inbound", None),
        ("surveys", "customer_id | happened_at | score\na | 2024-01-02 | 6", "one_to_five"),
        ("surveys", "customer_id | happened_at | score\na | 2024-01-02 | 0", "one_to_five"),
        ("surveys", "customer_id | happened_at | score\na | 2024-01-02 | 5", None),
    ],
)
def test_rules_say_which_rows_go_to_quarantine(con: ibis.BaseBackend, name: str, text: str, broken: str | None):
    rows = table(name, text)
    rules = CONTRACTS[name].rules
    held = con.to_pyarrow(rows.select(**{rule.name: rule.holds(rows) for rule in rules})).to_pylist()[0]
    assert [rule for rule, holds in held.items() if holds is False] == ([broken] if broken else [])
    for rule in rules:
        assert rule.column in CONTRACTS[name].schema()
        assert rule.en and re.search(r"[\u4e00-\u9fff]", rule.zh)


def test_what_no_project_goes_without():
    assert {name for name, contract in CONTRACTS.items() if contract.needed} == {"customers"}
