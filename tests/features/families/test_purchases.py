"""Worked examples of purchases: bills above zero, in days before the as-of date."""

import ibis

from features.settings import FeatureSettings
from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    regular     | 2024-01-02
    once        | 2024-06-01
    nothing     | 2024-01-02
    free        | 2024-01-02
"""
BILLS = """
    customer_id | happened_at      | amount
    regular     | 2024-05-01       | 20
    regular     | 2024-05-11       | 40
    regular     | 2024-06-10       | 10
    regular     | 2024-06-10 18:30 | 30
    once        | 2024-06-30       | 12.34
    free        | 2024-06-01       | 0
"""


def test_how_much_and_how_often(con: ibis.BaseBackend):
    """A bill of zero is no purchase. Seen on 10 June, the purchases of that day are not yet there."""
    expected = """
        customer_id | seen on    | spend_30d | spend_91d | spend_ever | orders_30d | orders_ever | purchase_days_91d
        regular     | 2024-07-01 | 40        | 100       | 100        | 2          | 4           | 3
        regular     | 2024-06-10 | 40        | 60        | 60         | 1          | 2           | 2
        regular     | 2024-06-11 | 40        | 100       | 100        | 2          | 4           | 3
        once        | 2024-07-01 | 12.34     | 12.34     | 12.34      | 1          | 1           | 1
        nothing     | 2024-07-01 | 0         | 0         | 0          | 0          | 0           | 0
        free        | 2024-07-01 | 0         | 0         | 0          | 0          | 0           | 0
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_the_spread_of_large_amounts(con: ibis.BaseBackend):
    """21,000 and 61,000 lie 20,000 from their mean; squares of so much are summed in parts."""
    bills = """
        customer_id | happened_at | amount
        regular     | 2024-05-01  | 21000
        regular     | 2024-06-01  | 61000
    """
    expected = """
        customer_id | seen on    | order_value_spread
        regular     | 2024-07-01 | 20000
    """
    expect(con, expected, customers=CUSTOMERS, bills=bills)


def test_a_window_holds_its_first_day_and_not_the_one_before(con: ibis.BaseBackend):
    """30 days before 31 May begin on 1 May."""
    expected = """
        customer_id | seen on    | spend_30d | orders_30d
        regular     | 2024-05-31 | 60        | 2
        regular     | 2024-06-01 | 40        | 1
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_rhythm(con: ibis.BaseBackend):
    """Regular buys on 1 May, 11 May and 10 June: gaps of 10 and 30 days. Two purchases on one day are no gap."""
    expected = """
        customer_id | seen on    | days_since_purchase | days_since_first_purchase | purchase_gap | purchase_overdue
        regular     | 2024-07-01 | 21                  | 61                        | 20           | 21/20
        once        | 2024-07-01 | 1                   | 1                         | null         | null
        nothing     | 2024-07-01 | null                | null                      | null         | null
        free        | 2024-07-01 | null                | null                      | null         | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)
    expected = """
        customer_id | seen on    | purchase_gap_max | purchase_gap_last | purchase_gap_spread | purchase_silence_share
        regular     | 2024-07-01 | 30               | 30                | 10                  | 21/61
        regular     | 2024-05-12 | 10               | 10                | 0                   | 1/11
        once        | 2024-07-01 | null             | null              | null                | 1
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_size_and_rate(con: ibis.BaseBackend):
    """Regular: 20, 40, 10 and 30, spread sqrt(125); the last day's largest is 30. With us for 181 days on 1 July."""
    expected = """
        customer_id | seen on    | order_value | order_value_max | order_value_last | order_rate | spend_rate | spend_ratio_91d
        regular     | 2024-07-01 | 25          | 40              | 30               | 120/181    | 3000/181   | null
        regular     | 2024-08-20 | 25          | 40              | 30               | 120/231    | 3000/231   | 2/3
        once        | 2024-07-01 | 12.34       | 12.34           | 12.34            | 1          | 12.34      | null
        nothing     | 2024-07-01 | null        | null            | null             | 0          | 0          | null
    """
    expect(con, expected, FeatureSettings(settle_days=0), customers=CUSTOMERS, bills=BILLS)
    expected = """
        customer_id | seen on    | order_value_spread
        regular     | 2024-07-01 | 11.180339887498949
        once        | 2024-07-01 | 0
        nothing     | 2024-07-01 | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_what_came_back(con: ibis.BaseBackend):
    """Goods for 30 of 60 come back on 20 June, and a credit note of 5 in another month: spending is counted before both.
    Who only returns has bought nothing to compare with."""
    bills = """
        customer_id | happened_at | amount
        regular     | 2024-05-11  | 60
        regular     | 2024-06-20  | -30
        regular     | 2024-06-20  | 20
        regular     | 2024-02-01  | -5
        once        | 2024-06-30  | -8
    """
    expected = """
        customer_id | seen on    | spend_91d | orders_91d | returns_91d | returned_91d | returns_365d | return_share_91d | days_since_return | arpu_1m
        regular     | 2024-07-08 | 80        | 2          | 1           | 30           | 2            | 30/80            | 18                | -10
        regular     | 2024-06-20 | 60        | 1          | 0           | 0            | 1            | 0                | 140               | 60
        once        | 2024-07-08 | 0         | 0          | 1           | 8            | 1            | null             | 8                 | -8
        nothing     | 2024-07-08 | 0         | 0          | 0           | 0            | 0            | null             | null              | 0
    """
    expect(con, expected, customers=CUSTOMERS, bills=bills)


def test_while_a_usual_bill_is_awaited_days_end_a_month_earlier(con: ibis.BaseBackend):
    """Seen on 20 July without the bill of 1 July the days end with 19 June; when it is 62 days late there is none."""
    months = [f"monthly | 2024-{month:02d}-01 | 50" for month in range(2, 7)]
    bills = "\n".join(["customer_id | happened_at | amount", *months, "monthly | 2024-07-10 | -5"])
    expected = """
        customer_id | seen on    | spend_30d | spend_91d | orders_30d | days_since_purchase | order_rate | returns_91d | bills_awaited
        monthly     | 2024-06-20 | 50        | 150       | 1          | 19                  | 150/170    | 0           | 0
        monthly     | 2024-07-03 | 50        | 150       | 1          | 2                   | 150/153    | 0           | 0
        monthly     | 2024-07-20 | 50        | 150       | 1          | 19                  | 150/170    | 0           | 1
        monthly     | 2024-09-20 | 0         | 0         | 0          | 111                 | 150/262    | 1           | 0
    """
    expect(con, expected, customers="customer_id | activated_on\nmonthly | 2024-01-02", bills=bills)
