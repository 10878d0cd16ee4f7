"""Labels of ids that are handed on: each holder has outcomes of their own, by what is on record when labels are taken."""

from datetime import date, datetime

import ibis
import pytest

from features.settings import FeatureSettings
from features.spine import everyone
from models.targets.churn import CHURN, ChurnTarget
from models.targets.follow_up import FollowUp
from tests.tables import table

CUSTOMERS = """
    customer_id | activated_on | deactivated_on | known_at   | superseded_at
    handed on   | 2020-01-01   | 2024-01-20     | 1971-01-01 | null
    handed on   | 2024-02-10   | null           | 2024-02-10 | null
    late        | 2020-01-01   | null           | 1971-01-01 | 2024-02-20
    late        | 2020-01-01   | 2024-01-15     | 2024-02-20 | null
    gone        | 2020-01-01   | null           | 1971-01-01 | 2024-02-01
    purged      | 2020-01-01   | null           | 1971-01-01 | 2024-01-25
    purged      | 2020-01-01   | 2024-01-24     | 2024-01-25 | 2024-02-15
    redated     | 2020-01-01   | null           | 1971-01-01 | 2024-01-05
    redated     | 2020-03-01   | null           | 2024-01-05 | null
    stays       | 2020-01-01   | null           | 1971-01-01 | null
"""
BILLS = """
    customer_id | happened_at | amount
    handed on   | 2024-01-15  | 10
    handed on   | 2024-02-09  | 1
    handed on   | 2024-02-20  | 500
    stays       | 2024-02-20  | 20
    gone        | 2024-01-31  | 30
"""
JANUARY = date(2024, 1, 1)


def after(con: ibis.BaseBackend, as_of: date, until: datetime) -> FollowUp:
    tables = {name: table(name, text) for name, text in (("customers", CUSTOMERS), ("bills", BILLS))}
    made = {name: con.create_table(f"held_{name}", rows, temp=True, overwrite=True) for name, rows in tables.items()}
    return FollowUp(everyone(made["customers"], [as_of], "UTC"), made, until, FeatureSettings())


def churned(con: ibis.BaseBackend, as_of: date, until: datetime) -> dict[str, bool | None]:
    rows = con.to_pyarrow(CHURN.labels(after(con, as_of, until), ChurnTarget(horizon_days=60))).to_pylist()
    return {row["customer_id"]: row["churned_60"] for row in rows}


def test_each_holder_has_an_outcome_of_their_own(con: ibis.BaseBackend):
    assert churned(con, JANUARY, datetime.fromisoformat("2024-04-01")) == {
        "handed on": True,
        "late": True,
        "gone": None,
        "purged": True,
        "redated": False,
        "stays": False,
    }
    later = churned(con, date(2024, 2, 15), datetime.fromisoformat("2024-05-01"))
    assert later["handed on"] is False and later["late"] is None, "left before the window, known after the date"


@pytest.mark.parametrize(("until", "left"), [("2024-02-20", False), ("2024-02-20 00:00:00.000001", True)])
def test_leaving_counts_from_the_moment_that_it_is_known(con: ibis.BaseBackend, until: str, left: bool):
    assert churned(con, JANUARY, datetime.fromisoformat(until))["late"] is left


def test_nothing_crosses_from_one_holder_to_the_next(con: ibis.BaseBackend):
    """The last bill of the former holder comes after they left; the next one pays their own."""
    until = datetime.fromisoformat("2024-09-01")
    first = con.to_pyarrow(after(con, JANUARY, until).billed(0, 90)).to_pylist()
    assert {r["customer_id"]: r["value"] for r in first if r["value"]} == {
        "handed on": 11.0,
        "stays": 20.0,
        "gone": 30.0,
    }
    second = con.to_pyarrow(after(con, date(2024, 2, 15), until).billed(0, 90)).to_pylist()
    assert {r["customer_id"]: r["value"] for r in second if r["value"]} == {"handed on": 500.0, "stays": 20.0}
