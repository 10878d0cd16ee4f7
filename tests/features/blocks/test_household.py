"""What members of an account do, seen from each of them; nobody's account but one's own costs nothing."""

import ibis

from features.blocks import household
from tests.features.blocks.rows import rows_of
from tests.tables import table

CUSTOMERS = """
    customer_id | account_id | activated_on | deactivated_on
    one         | A          | 2024-01-01   | null
    two         | A          | 2024-01-01   | null
    gone        | A          | 2024-01-01   | 2024-06-20
    alone       | B          | 2024-01-01   | null
    unknown     | null       | 2024-01-01   | null
"""
BILLS = """
    customer_id | happened_at | amount
    one         | 2024-06-01  | 10.00
    two         | 2024-06-01  | 5.00
    gone        | 2024-06-01  | 99.00
    alone       | 2024-06-01  | 7.00
"""


def test_only_accounts_of_several_are_looked_at(con: ibis.BaseBackend):
    several = con.to_pyarrow(household.sharing(table("customers", CUSTOMERS)))
    assert sorted(several["customer_id"].to_pylist()) == ["gone", "one", "two"]


def test_members_are_counted_by_the_day_on_which_they_left(con: ibis.BaseBackend):
    found = rows_of(con, household.household, "account_id", "days_ago", "members", customers=CUSTOMERS)
    assert found["one"] == found["two"] == [("A", 10, 1), ("A", None, 2)]
    assert found["alone"] == [("B", None, None)] and found["unknown"] == [(None, None, None)]
    assert "gone" not in found


def test_bills_are_those_of_members_with_us(con: ibis.BaseBackend):
    found = rows_of(con, household.household_bills, "ago", "total", "own", customers=CUSTOMERS, bills=BILLS)
    assert found == {"one": [(0, 1500.0, 1000.0)], "two": [(0, 1500.0, 500.0)]}


def test_complaints_of_a_day_are_those_of_all_and_of_oneself(con: ibis.BaseBackend):
    complaints = "customer_id | happened_at\none | 2024-06-30\ntwo | 2024-06-30\ntwo | 2024-06-01\ngone | 2024-06-01"
    found = rows_of(
        con, household.household_complaints, "days_ago", "total", "own", customers=CUSTOMERS, complaints=complaints
    )
    assert found["one"] == [(0, 2.0, 1.0), (29, 1.0, None)] and found["two"] == [(0, 2.0, 1.0), (29, 1.0, 1.0)]
    assert found["alone"] == [(None, None, None)]
