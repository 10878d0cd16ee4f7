"""Worked examples of accounts, seen on 7 July: a family of three, a couple of which one has left, and single people."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on | deactivated_on | account_id
    mother      | 2020-01-01   | null           | F1
    son         | 2020-01-01   | null           | F1
    daughter    | 2024-07-01   | null           | F1
    unborn      | 2024-07-07   | null           | F1
    stayed      | 2020-01-01   | null           | C1
    gone        | 2020-01-01   | 2024-07-06     | C1
    longgone    | 2020-01-01   | 2024-03-01     | C1
    single      | 2020-01-01   | null           | S1
    unrecorded  | 2020-01-01   | null           | null
    unknown     | 2020-01-01   | null           | null
"""
BILLS = """
    customer_id | happened_at | known_at   | amount
    mother      | 2024-06-01  | 2024-06-06 | 60
    mother      | 2024-07-01  | 2024-07-06 | 60
    son         | 2024-07-01  | 2024-07-06 | 30
    son         | 2024-07-02  | 2024-07-08 | 99
    stayed      | 2024-07-01  | 2024-07-06 | 50
    gone        | 2024-07-01  | 2024-07-06 | 50
"""
COMPLAINTS = """
    customer_id | happened_at | known_at
    mother      | 2024-07-01  | 2024-07-01
    son         | 2024-06-01  | 2024-06-01
    son         | 2024-05-01  | 2024-07-08
    gone        | 2024-05-01  | 2024-05-01
"""


def test_who_is_there_and_who_left(con: ibis.BaseBackend):
    """Leaving on 6 July is seen from the 7th on. Somebody joining on the as-of date is not there yet."""
    expected = """
        customer_id | seen on    | household_members | household_left_90d | household_left_180d
        mother      | 2024-07-07 | 2                 | 0                  | 0
        daughter    | 2024-07-07 | 2                 | 0                  | 0
        mother      | 2024-07-08 | 3                 | 0                  | 0
        stayed      | 2024-07-06 | 1                 | 0                  | 1
        stayed      | 2024-07-07 | 0                 | 1                  | 2
        single      | 2024-07-07 | 0                 | 0                  | 0
        unrecorded  | 2024-07-07 | null              | null               | null
    """
    expect(con, expected, customers=CUSTOMERS)


def test_the_bill_of_the_account(con: ibis.BaseBackend):
    """60 + 60 + 30 in April, May and June are 50 a month. Whoever is alone has no account to speak of."""
    expected = """
        customer_id | seen on    | household_bill_3m | household_bill_share_3m
        mother      | 2024-07-07 | 50                | 120/150
        son         | 2024-07-07 | 50                | 30/150
        daughter    | 2024-07-07 | 50                | 0
        stayed      | 2024-07-06 | 0                 | null
        stayed      | 2024-07-07 | null              | null
        single      | 2024-07-07 | null              | null
        unrecorded  | 2024-07-07 | null              | null
    """
    expect(con, expected, customers=CUSTOMERS, bills=BILLS)


def test_complaints_of_the_others(con: ibis.BaseBackend):
    """Their own do not count, nor those of somebody who has left, nor one that is known on 8 July."""
    expected = """
        customer_id | seen on    | household_complaints_180d
        mother      | 2024-07-07 | 1
        mother      | 2024-07-09 | 2
        son         | 2024-07-07 | 1
        daughter    | 2024-07-07 | 2
        stayed      | 2024-07-06 | 1
        stayed      | 2024-07-07 | 0
        single      | 2024-07-07 | 0
        unrecorded  | 2024-07-07 | null
    """
    expect(con, expected, customers=CUSTOMERS, complaints=COMPLAINTS)
