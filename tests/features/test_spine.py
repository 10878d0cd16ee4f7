"""Who is looked at: joined before the as-of date and not left before it."""

from datetime import date

import ibis
import pyarrow as pa
import pytest
from pydantic import ValidationError

from features.contracts import ALWAYS
from features.spine import Population, everyone, population
from tests.tables import table

CUSTOMERS = """
    customer_id | activated_on | deactivated_on
    old         | 2020-01-01   | null
    yesterday   | 2024-06-30   | null
    today       | 2024-07-01   | null
    gone        | 2020-01-01   | 2024-06-30
    going       | 2020-01-01   | 2024-07-01
    will go     | 2020-01-01   | 2024-08-15
"""
BILLS = """
    customer_id | happened_at | known_at   | amount
    old         | 2024-04-01  | 2024-04-01 | 10
    old         | 2024-04-01  | 2024-04-01 | 20
    going       | 2024-03-31  | 2024-03-31 | 10
    will go     | 2024-06-01  | 2024-07-01 | 10
    yesterday   | 2024-06-30  | 2024-06-30 | 0
    gone        | 2024-06-01  | 2024-06-01 | 10
"""
JULY = date(2024, 7, 1)


def who(con: ibis.BaseBackend, days: list[date], rule: Population) -> dict[date, list[str]]:
    """The customers of each day, in order, each as often as they stand there."""
    tables = {"customers": table("customers", CUSTOMERS), "bills": table("bills", BILLS)}
    rows = con.to_pyarrow(population(tables, days, "UTC", rule)).to_pylist()
    return {day: sorted(row["customer_id"] for row in rows if row["as_of"] == day) for day in days}


def test_joined_and_not_left(con: ibis.BaseBackend):
    """Who leaves on the as-of date or later is still there: leaving is what we predict."""
    days = [JULY, date(2024, 7, 2), date(2020, 1, 1)]
    assert who(con, days, Population()) == {
        JULY: ["going", "old", "will go", "yesterday"],
        date(2024, 7, 2): ["old", "today", "will go", "yesterday"],
        date(2020, 1, 1): [],
    }


def test_billed_means_a_bill_above_zero_seen_in_the_lookback(con: ibis.BaseBackend):
    """91 days before 1 July begin with 1 April. A bill not yet known, of nothing, or too old does not count."""
    assert who(con, [JULY], Population(rule="billed"))[JULY] == ["old"]
    assert who(con, [JULY], Population(rule="billed", lookback_days=92))[JULY] == ["going", "old"]
    assert who(con, [date(2024, 7, 2)], Population(rule="billed"))[date(2024, 7, 2)] == ["will go"]


def test_a_row_says_when_it_is_and_since_when(con: ibis.BaseBackend):
    row = con.to_pyarrow(everyone(table("customers", CUSTOMERS), [JULY, JULY], "Asia/Shanghai")).to_pylist()
    old = [r for r in row if r["customer_id"] == "old"]
    assert len(old) == 1, "a date given twice counts once"
    assert {c: str(v) for c, v in old[0].items()} == {
        "customer_id": "old",
        "as_of": "2024-07-01",
        "cutoff": "2024-06-30 16:00:00",
        "activated_on": "2020-01-01",
        "row": "1",
    }


def test_a_recycled_number_does_not_bring_bills_along(con: ibis.BaseBackend):
    """The bill is of the former holder: the new one is not billed."""
    customers = table("customers", "customer_id | activated_on\na | 2024-06-15")
    bills = table("bills", "customer_id | happened_at | amount\na | 2024-06-14 | 10")
    spine = population({"customers": customers, "bills": bills}, [JULY], "UTC", Population(rule="billed"))
    assert con.to_pyarrow(spine).num_rows == 0


@pytest.mark.parametrize("wrong", [{"rule": "all"}, {"lookback_days": 0}, {"unknown": 1}])
def test_settings_refuse_what_they_do_not_know(wrong: dict):
    with pytest.raises(ValidationError):
        Population(**wrong)


def test_a_table_without_dates_lists_everybody_but_those_who_have_left(con: ibis.BaseBackend):
    """Without the answer, as for training, nobody is missing; and nobody's day of joining is known."""
    ids = {"customer_id": ["a", "b", "c"], "churned": [True, False, None]}
    always = pa.array([ALWAYS] * 3, pa.timestamp("us"))
    rows = ibis.memtable(pa.table(ids | {"activated_on": pa.nulls(3, pa.date32()), "known_at": always}))
    for customers, expected in ((rows, ["b", "c"]), (rows.drop("churned"), ["a", "b", "c"])):
        found = population({"customers": customers}, [JULY], "UTC", Population(rule="listed"))
        spine = con.to_pyarrow(found).to_pylist()
        assert [row["customer_id"] for row in sorted(spine, key=lambda row: row["row"])] == expected
        assert all(row["activated_on"] is None and row["as_of"] == JULY for row in spine)
