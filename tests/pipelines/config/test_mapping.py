"""Mapping files: short and long forms are the same; what is beyond the contracts is of one's own."""

from datetime import timedelta

from pipelines.config.mapping import Freshness, Mapping, TableMapping


def table(**more):
    return TableMapping(**{"source": {"path": "a.csv"}, "columns": {"customer_id": "id"}} | more)


def test_short_forms_are_long_forms():
    short = table(happened_at="at", known_at="at + 5d")
    long = table(happened_at={"from": "at"}, known_at={"expr": "at + 5d"})
    assert short == long and list(short.forms()) == ["customer_id", "happened_at", "known_at"]


def test_clocks_may_stand_among_the_columns():
    assert table(columns={"customer_id": "id", "known_at": "seen"}) == table(known_at="seen")


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
