"""The cut in time: half-open, on two clocks, one holder of the number, one version of each row."""

from datetime import date

import ibis
import pytest

from features.spine import cutoff, everyone
from features.visible import visible
from tests.tables import parse, table

CUSTOMERS = "customer_id | activated_on\na | 2024-01-01\nb | 2024-01-01"
SEEN_ON = date(2024, 7, 1)


def seen(con: ibis.BaseBackend, name: str, text: str, show: str, **when) -> list:
    """What customer `a` has in column `show`, in order (`when`: zone, day); no event at all is an empty list."""
    day, zone = when.get("day", SEEN_ON), when.get("zone", "UTC")
    spine = everyone(table("customers", CUSTOMERS), [day], zone)
    rows = visible(spine, table(name, text))
    rows = rows.filter(rows.happened_on.notnull())
    return sorted(con.to_pyarrow(rows.filter(rows.customer_id == "a"))[show].to_pylist(), key=str)


def test_an_event_at_the_cutoff_is_not_seen(con: ibis.BaseBackend):
    payments = """
        customer_id | payment_id      | happened_at                | known_at                   | amount
        a           | before          | 2024-06-30 23:59:59.999999 | 2024-06-30 23:59:59.999999 | 1
        a           | happens at      | 2024-07-01 00:00           | 2024-06-01 00:00           | 1
        a           | known at        | 2024-06-01 00:00           | 2024-07-01 00:00           | 1
        a           | known just then | 2024-06-01 00:00           | 2024-06-30 23:59:59.999999 | 1
        a           | known later     | 2024-06-01 00:00           | 2024-07-09 00:00           | 1
        a           | planned         | 2024-07-02 00:00           | 2024-06-01 00:00           | 1
        b           | of another      | 2024-06-01 00:00           | 2024-06-01 00:00           | 1
    """
    assert seen(con, "payments", payments, "payment_id") == ["before", "known just then"]


def test_a_plan_of_the_as_of_date_is_not_seen(con: ibis.BaseBackend):
    """Plans have dates, no times: the day before the as-of date is the newest."""
    plans = """
        customer_id | valid_from | plan     | known_at
        a           | 2024-06-30 | newest   | 2024-06-01
        a           | 2024-07-01 | tomorrow | 2024-06-01
    """
    assert seen(con, "subscriptions", plans, "plan") == ["newest"]


def test_what_a_former_holder_did_is_not_his(con: ibis.BaseBackend):
    """The number was given to `a` on 1 January: that day is theirs, the evening before is not."""
    payments = """
        customer_id | payment_id | happened_at      | amount
        a           | former     | 2023-12-31 23:59 | 1
        a           | first day  | 2024-01-01 00:00 | 1
    """
    assert seen(con, "payments", payments, "payment_id") == ["first day"]


@pytest.mark.parametrize(
    ("day", "versions"),
    [(date(2024, 6, 11), ["10"]), (date(2024, 6, 21), ["20"]), (date(2024, 6, 20), ["10"]), (date(2024, 7, 1), ["30"])],
)
def test_of_several_versions_the_newest_known_one_is_seen(con: ibis.BaseBackend, day: date, versions: list[str]):
    """A version is superseded at the instant at which the next becomes known: seen from that instant on, it counts."""
    bills = """
        customer_id | bill_id | happened_at | known_at   | superseded_at | amount
        a           | B1      | 2024-06-10  | 2024-06-10 | 2024-06-20    | 10
        a           | B1      | 2024-06-10  | 2024-06-20 | 2024-06-25    | 20
        a           | B1      | 2024-06-10  | 2024-06-25 | null          | 30
    """
    assert [str(a)[:2] for a in seen(con, "bills", bills, "amount", day=day)] == versions


def test_what_comes_true_later_is_hidden_until_then(con: ibis.BaseBackend):
    complaints = """
        customer_id | complaint_id | happened_at | resolved_at
        a           | solved       | 2024-06-01  | 2024-06-30 23:59
        a           | at cutoff    | 2024-06-01  | 2024-07-01 00:00
        a           | after        | 2024-06-01  | 2024-07-05 00:00
        a           | never        | 2024-06-01  | null
    """
    assert [v is None for v in seen(con, "complaints", complaints, "resolved_at")] == [False, True, True, True]
    plans = """
        customer_id | valid_from | plan    | valid_to   | contract_end
        a           | 2024-01-01 | ended   | 2024-06-30 | 2026-01-01
        a           | 2024-01-02 | ends    | 2024-07-01 | 2026-01-01
        a           | 2024-01-03 | will    | 2024-09-01 | 2026-01-01
    """
    assert seen(con, "subscriptions", plans, "valid_to") == [date(2024, 6, 30), None, None]
    assert seen(con, "subscriptions", plans, "contract_end") == [date(2026, 1, 1)] * 3, "signed, so known"


def test_days_ago_is_0_for_the_day_before(con: ibis.BaseBackend):
    payments = """
        customer_id | happened_at      | amount
        a           | 2024-06-30 23:00 | 1
        a           | 2024-06-30 00:00 | 1
        a           | 2024-06-01 12:00 | 1
    """
    assert seen(con, "payments", payments, "days_ago") == [0, 0, 29]


def test_a_customer_without_events_keeps_one_row(con: ibis.BaseBackend):
    spine = everyone(table("customers", CUSTOMERS), [SEEN_ON, date(2024, 6, 1)], "UTC")
    rows = visible(spine, table("payments", "customer_id | happened_at | amount\na | 2024-06-15 | 1"))
    answer = con.to_pyarrow(rows.order_by("customer_id", "as_of")).to_pylist()
    keys = [(row["customer_id"], row["as_of"].month, row["happened_on"] is None) for row in answer]
    assert keys == [("a", 6, True), ("a", 7, False), ("b", 6, True), ("b", 7, True)]


@pytest.mark.parametrize(
    ("day", "zone", "utc"),
    [
        ("2024-07-01", "Asia/Shanghai", "2024-06-30 16:00:00"),
        ("2024-01-01", "Asia/Shanghai", "2023-12-31 16:00:00"),
        ("2024-03-31", "Europe/Berlin", "2024-03-30 23:00:00"),
        ("2024-04-01", "Europe/Berlin", "2024-03-31 22:00:00"),
        ("2024-10-27", "Europe/Berlin", "2024-10-26 22:00:00"),
        ("2024-10-28", "Europe/Berlin", "2024-10-27 23:00:00"),
        ("2024-02-29", "America/New_York", "2024-02-29 05:00:00"),
        ("2024-02-29", "UTC", "2024-02-29 00:00:00"),
    ],
)
def test_the_cutoff_is_local_midnight(day: str, zone: str, utc: str):
    """The day on which clocks change has 23 or 25 hours; its midnight still has one instant."""
    found = cutoff(date.fromisoformat(day), zone)
    assert str(found) == utc
    assert found.tzinfo is None


@pytest.mark.parametrize(("zone", "expected"), [("Asia/Shanghai", ["late"]), ("Europe/Berlin", ["late", "night"])])
def test_local_midnight_cuts_not_that_of_utc(con: ibis.BaseBackend, zone: str, expected: list[str]):
    """15:59 UTC is the last minute of 30 June in Shanghai; in Berlin 21:59 UTC is."""
    payments = """
        customer_id | payment_id | happened_at      | amount
        a           | late       | 2024-06-30 15:59 | 1
        a           | night      | 2024-06-30 21:59 | 1
        a           | berlin     | 2024-06-30 22:00 | 1
    """
    assert seen(con, "payments", payments, "payment_id", zone=zone) == expected


def test_examples_are_read_as_they_are_written():
    assert parse("a | b\n1 | null\n") == [{"a": "1", "b": None}]
    with pytest.raises(ValueError, match="shorter"):
        parse("a | b\n1")
