"""One row per customer, and the plans that they signed."""

from datetime import date

import ibis

from features.blocks import customers
from tests.features.blocks.rows import rows_of

RECORD = "customer_id | activated_on | region\nold | 2024-03-10 | north\nnew | 2024-06-28 | null"
PLANS = """
    customer_id | valid_from | valid_to   | plan | monthly_fee
    busy        | 2024-06-01 | null       | L    | 30.00
    busy        | 2024-03-10 | 2024-06-01 | S    | 10.00
    busy        | 2024-05-01 | 2024-07-01 | M    | null
"""


def test_a_record_has_its_age_and_closed_months(con: ibis.BaseBackend):
    """May is the newest closed month on 1 July: March, April and May; who joined in June has none."""
    found = rows_of(con, customers.customers, "region", "age", "closed", customers=RECORD)
    assert found == {"old": [("north", 113, 3)], "new": [(None, 3, 0)]}


def test_attributes_are_what_is_recorded(con: ibis.BaseBackend):
    found = rows_of(con, customers.attributes, "region", customers=RECORD)
    assert found == {"old": [("north",)], "new": [(None,)]}


def test_a_plan_has_not_ended_before_it_has(con: ibis.BaseBackend):
    found = rows_of(con, customers.subscriptions, "plan", "valid_to", subscriptions=PLANS)
    assert found["busy"] == [("L", None), ("M", None), ("S", date(2024, 6, 1))]
    assert found["idle"] == [(None, None)]


def test_a_move_is_the_fee_against_that_of_the_plan_before(con: ibis.BaseBackend):
    """Where either fee is unknown, so is the change."""
    found = rows_of(con, customers.plan_moves, "days_ago", "change", subscriptions=PLANS)
    assert found["busy"] == [(29, None), (60, None), (112, None)]
    known = PLANS.replace("| null\n", "| 45.00\n")
    assert rows_of(con, customers.plan_moves, "days_ago", "change", subscriptions=known)["busy"] == [
        (29, -15.0),
        (60, 35.0),
        (112, None),
    ]
