"""Worked examples of the bill against the same months of the year before, seen on 10 July: June is the newest closed."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    festive     | 2020-01-01
    grown       | 2020-01-01
    unbilled    | 2020-01-01
    since June  | 2023-06-20
    since July  | 2023-07-01
"""
BILLS = """
    customer_id | happened_at | amount
    festive     | 2023-05-01  | 30
    festive     | 2023-06-01  | 30
    festive     | 2023-07-01  | 90
    festive     | 2024-06-01  | 30
    festive     | 2024-07-01  | 90
    grown       | 2023-07-01  | 40
    grown       | 2024-07-01  | 60
    unbilled    | 2024-07-01  | 60
    since June  | 2023-07-01  | 20
    since June  | 2024-07-01  | 30
    since July  | 2024-07-01  | 30
"""


def test_against_a_year_before(con: ibis.BaseBackend):
    """Festive bills are high every June. April 2023 counts for three months: 30 for April, May and 90 for June are 150.
    Who joined in June 2023 has a June to compare with, but no April."""
    expected = """
        customer_id | seen on    | arpu_year_change_1m | arpu_year_ratio_1m | arpu_year_change_3m | arpu_year_ratio_3m
        festive     | 2024-07-10 | 0                   | 1                  | -10                 | 120/150
        grown       | 2024-07-10 | 20                  | 1.5                | 20/3                | 1.5
        unbilled    | 2024-07-10 | 60                  | null               | 20                  | null
        since June  | 2024-07-10 | 10                  | 1.5                | null                | null
        since July  | 2024-07-10 | null                | null               | null                | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)
