"""Worked examples of plans and contracts, seen on 1 July."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    downgraded  | 2023-01-01
    unpriced    | 2023-01-01
    ended       | 2023-01-01
    extra       | 2023-01-01
    none        | 2023-01-01
"""
SUBSCRIPTIONS = """
    customer_id | valid_from | plan | monthly_fee | valid_to   | contract_end
    downgraded  | 2023-01-01 | P50  | 50          | 2023-09-01 | 2025-01-01
    downgraded  | 2023-09-01 | P80  | 80          | 2024-05-01 | 2025-09-01
    downgraded  | 2024-05-01 | P40  | 40          | null       | 2024-06-21
    downgraded  | 2024-07-01 | P99  | 99          | null       | 2026-07-01
    unpriced    | 2023-01-01 | P50  | 50          | 2024-01-01 | 2025-01-01
    unpriced    | 2024-01-01 | free | null        | null       | null
    ended       | 2023-01-01 | P50  | 50          | 2024-06-30 | null
    extra       | 2023-01-01 | P50  | 50          | null       | 2024-07-31
    extra       | 2024-03-01 | trip | 10          | 2024-03-08 | null
"""


def test_the_plan_in_force(con: ibis.BaseBackend):
    """P99 begins on the as-of date itself: not yet. A plan without a fee has no fee, not that of the plan before it.
    Ended on 30 June is no plan on 1 July; seen from 30 June it was still running. A trip does not end the plan."""
    expected = """
        customer_id | seen on    | plan | plan_fee | plan_days | contract_days_left
        downgraded  | 2024-07-01 | P40  | 40       | 61        | -10
        downgraded  | 2024-07-02 | P99  | 99       | 1         | 729
        unpriced    | 2024-07-01 | free | null     | 182       | null
        ended       | 2024-06-30 | P50  | 50       | 546       | null
        ended       | 2024-07-01 | null | null     | null      | null
        extra       | 2024-03-02 | trip | 10       | 1         | null
        extra       | 2024-07-01 | P50  | 50       | 547       | 30
        none        | 2024-07-01 | null | null     | null      | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS)


def test_changes(con: ibis.BaseBackend):
    """The first plan ever is no change."""
    expected = """
        customer_id | seen on    | plan_changes_182d | plan_changes_365d | plan_fee_change | plan_fee_of_peak
        downgraded  | 2024-07-01 | 1                 | 2                 | -10             | 1/2
        downgraded  | 2023-02-01 | 0                 | 0                 | 0               | 1
        unpriced    | 2024-07-01 | 1                 | 1                 | null            | null
        ended       | 2024-07-01 | 0                 | 0                 | null            | null
        none        | 2024-07-01 | 0                 | 0                 | null            | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS)


def test_bill_over_fee(con: ibis.BaseBackend):
    """Bills of 60 a month on a plan of 40; nothing billed is 0, no plan is unknown."""
    bills = """
        customer_id | happened_at | amount
        downgraded  | 2024-04-01  | 60
        downgraded  | 2024-05-01  | 60
        downgraded  | 2024-06-01  | 60
        none        | 2024-06-01  | 60
    """
    expected = """
        customer_id | seen on    | bill_over_fee
        downgraded  | 2024-07-01 | 1.5
        extra       | 2024-07-01 | 0
        unpriced    | 2024-07-01 | null
        none        | 2024-07-01 | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS, bills=bills)


def test_up_and_down(con: ibis.BaseBackend):
    """50, 80, 40 and from 1 July 99. Without a fee there is no up and down; a trip for 10 is cheaper than the plan."""
    expected = """
        customer_id | seen on    | plan_upgrades_365d | plan_downgrades_365d | days_since_upgrade | days_since_downgrade
        downgraded  | 2024-07-01 | 1                  | 1                    | 304                | 61
        downgraded  | 2024-07-02 | 2                  | 1                    | 1                  | 62
        unpriced    | 2024-07-01 | 0                  | 0                    | null               | null
        extra       | 2024-07-01 | 0                  | 1                    | null               | 122
        none        | 2024-07-01 | 0                  | 0                    | null               | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS)


def test_what_lies_beyond_the_fee(con: ibis.BaseBackend):
    """60, 60 and 90 are 70 a month on a plan of 40."""
    bills = """
        customer_id | happened_at | amount
        downgraded  | 2024-04-01  | 60
        downgraded  | 2024-05-01  | 60
        downgraded  | 2024-06-01  | 90
        none        | 2024-06-01  | 60
    """
    expected = """
        customer_id | seen on    | bill_beyond_fee | peak_over_fee
        downgraded  | 2024-07-01 | 30              | 90/40
        extra       | 2024-07-01 | 0               | 0
        unpriced    | 2024-07-01 | null            | null
        none        | 2024-07-01 | null            | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS, bills=bills)


def test_what_is_signed_and_has_not_begun(con: ibis.BaseBackend):
    """Known from 10 June on, P99 begins on 1 July: on that date it is ahead by no days, on the next it is in force. The
    nearest of two announced plans counts; what nobody had signed yet is nothing; one without a fee has an unknown one; of what was signed anew only the new one is ahead."""
    subscriptions = """
        customer_id | valid_from | known_at   | plan | monthly_fee | valid_to | contract_end | superseded_at
        downgraded  | 2024-05-01 | 2024-05-01 | P40  | 40          | null     | null         | null
        downgraded  | 2024-07-01 | 2024-06-10 | P99  | 99          | null     | null         | null
        downgraded  | 2024-09-01 | 2024-06-10 | P10  | 10          | null     | null         | null
        unpriced    | 2024-05-01 | 2024-05-01 | P40  | 40          | null     | null         | null
        unpriced    | 2024-08-01 | 2024-06-10 | free | null        | null     | null         | null
        extra       | 2024-08-01 | 2024-06-10 | P50  | 50          | null     | null         | 2024-06-20
        extra       | 2024-08-01 | 2024-06-20 | P60  | 60          | null     | null         | null
    """
    expected = """
        customer_id | seen on    | plans_announced | next_fee | days_to_next_plan | next_fee_change
        downgraded  | 2024-06-10 | 0               | null     | null              | 0
        downgraded  | 2024-06-11 | 2               | 99       | 20                | 59
        downgraded  | 2024-07-01 | 2               | 99       | 0                 | 59
        downgraded  | 2024-07-02 | 1               | 10       | 61                | -89
        unpriced    | 2024-07-02 | 1               | null     | 30                | null
        extra       | 2024-06-20 | 1               | 50       | 42                | null
        extra       | 2024-07-02 | 1               | 60       | 30                | null
        none        | 2024-07-02 | 0               | null     | null              | 0
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=subscriptions)
