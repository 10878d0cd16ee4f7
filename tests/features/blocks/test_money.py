"""Bills by month, purchases by day, and bills against their payments: rows as they are laid before features."""

import ibis

from features.blocks import money
from features.settings import FeatureSettings
from tests.features.blocks.rows import rows_of

NOTHING = (None, None)
BILLS = """
    customer_id | happened_at | amount | due_on
    busy        | 2024-05-01  | 20.00  | 2024-05-20
    busy        | 2024-05-01  | 0.07   | null
    busy        | 2024-06-01  | 30.50  | 2024-06-20
    busy        | 2024-06-01  | -5.00  | null
"""


def test_bills_of_a_month_are_one_row_in_hundredths(con: ibis.BaseBackend):
    """Billed in arrears: the bill of 1 June is that of May, the newest closed month on 1 July is May."""
    found = rows_of(con, money.bills, "ago", "billed", "bills", "known", bills=BILLS)
    assert found["busy"] == [(0, 2550.0, 1, 3), (1, 2007.0, 2, 3)], "a credit note is no bill"
    assert found["idle"] == [(None, None, None, 3)]
    at_once = rows_of(con, money.bills, "ago", "billed", bills=BILLS, settings=FeatureSettings(billed_in_arrears=False))
    assert at_once["busy"] == [(-1, 2550.0), (0, 2007.0)], "June is not closed before 5 July"


def test_purchases_are_days_with_bills_above_zero(con: ibis.BaseBackend):
    found = rows_of(con, money.purchases, "ago", "orders", "paid", "largest", "gap", "age", bills=BILLS)
    assert found["busy"][:2] == [(29, 1, 3050.0, 3050.0, 31, 113), (60, 2, 2007.0, 2000.0, None, 113)]
    assert found["busy"][2:] == [], "money given back is no purchase"
    back = rows_of(con, money.purchases, "back", "returns", "returned", bills=BILLS)
    assert back["busy"] == [(29, 1, 500.0), (None, 0, None)]
    assert found["idle"] == [(None, 0, None, None, None, 113)]


def test_a_bill_is_late_until_the_day_of_its_last_payment(con: ibis.BaseBackend):
    payments = """
        customer_id | bill_id | happened_at | amount
        busy        | 0       | 2024-05-25  | 12.00
        busy        | 0       | 2024-05-28  | 8.00
    """
    found = rows_of(con, money.settled, "due_ago", "late", "open", "split", bills=BILLS, payments=payments)
    assert found["busy"][:2] == [(10, 11, 3050.0, None), (41, 8, 0.0, True)]


def test_whose_payments_name_no_bill_has_bills_that_cannot_be_judged(con: ibis.BaseBackend):
    payments = "customer_id | bill_id | happened_at | amount\nbusy | null | 2024-05-25 | 12.00"
    found = rows_of(con, money.settled, "dated", "due_ago", bills=BILLS, payments=payments)
    assert set(found["busy"]) == {(False, None), NOTHING} and found["idle"] == [NOTHING]


def test_payments_count_back_from_the_as_of_date(con: ibis.BaseBackend):
    payments = "customer_id | happened_at | amount\nbusy | 2024-06-30 | 12.00\nbusy | 2024-07-01 | 9.00"
    found = rows_of(con, money.payments, "days_ago", payments=payments)
    assert found == {"busy": [(0,)], "idle": [(None,)]}
