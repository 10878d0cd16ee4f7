"""Worked examples of customers beside each other, seen on 10 July: June is the newest closed month."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on | region
    low         | 2020-01-01   | north
    middle      | 2020-01-01   | north
    equal       | 2020-01-01   | south
    high        | 2020-01-01   | north
    planless    | 2020-01-01   | null
    new         | 2024-07-02   | north
"""
SUBSCRIPTIONS = """
    customer_id | valid_from | plan
    low         | 2023-01-01 | P50
    middle      | 2023-01-01 | P50
    equal       | 2023-01-01 | P50
    high        | 2023-01-01 | P99
    new         | 2024-07-02 | P50
"""
BILLS = """
    customer_id | happened_at | amount
    low         | 2024-04-01  | 60
    low         | 2024-07-01  | 30
    middle      | 2024-04-01  | 60
    middle      | 2024-07-01  | 60
    equal       | 2024-04-01  | 30
    equal       | 2024-07-01  | 60
    high        | 2024-07-01  | 300
    planless    | 2024-07-01  | 90
"""


def test_rank_of_the_bill(con: ibis.BaseBackend):
    """10, 20, 20, 100 and 30 a month; equals have as many below them. The newcomer has no month to compare yet."""
    expected = """
        customer_id | seen on    | arpu_rank_plan_3m | arpu_rank_region_3m | arpu_rank_all_3m
        low         | 2024-07-10 | 0                 | 0                   | 0
        middle      | 2024-07-10 | 1/2               | 1/2                 | 1/4
        equal       | 2024-07-10 | 1/2               | null                | 1/4
        high        | 2024-07-10 | null              | 1                   | 1
        planless    | 2024-07-10 | null              | null                | 3/4
        new         | 2024-07-10 | null              | null                | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS, bills=BILLS)


def test_beside_the_median(con: ibis.BaseBackend):
    """Changes are 1/2, 1 and 2: on the plan, where the middle one is 1, they are their own. Levels: 10, 20, 20."""
    expected = """
        customer_id | seen on    | arpu_of_plan_3m | arpu_ratio_of_plan_3m | arpu_ratio_of_all_3m
        low         | 2024-07-10 | 1/2             | 1/2                   | 1/2
        middle      | 2024-07-10 | 1               | 1                     | 1
        equal       | 2024-07-10 | 1               | 2                     | 2
        high        | 2024-07-10 | null            | null                  | null
        planless    | 2024-07-10 | null            | null                  | null
        new         | 2024-07-10 | null            | null                  | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS, bills=BILLS)


def test_what_everybody_does_is_the_season(con: ibis.BaseBackend):
    """In the newest twelve weeks low halves its use and the others double it: beside the median of 2 a quarter is left."""
    usage = """
        customer_id | happened_at | data_mb
        low         | 2024-03-01  | 80
        middle      | 2024-03-01  | 10
        equal       | 2024-03-01  | 20
        low         | 2024-07-01  | 40
        middle      | 2024-07-01  | 20
        equal       | 2024-07-01  | 40
        high        | 2024-07-01  | 99
    """
    expected = """
        customer_id | seen on    | data_mb_of_plan_12w | data_mb_ratio_of_all_12w
        low         | 2024-07-10 | 1                   | 1/4
        middle      | 2024-07-10 | 1/2                 | 1
        equal       | 2024-07-10 | 1                   | 1
        high        | 2024-07-10 | null                | null
        planless    | 2024-07-10 | null                | null
    """
    expect(con, expected, customers=CUSTOMERS, subscriptions=SUBSCRIPTIONS, usage=usage)


def test_other_dates_are_no_peers(con: ibis.BaseBackend):
    """Low on 10 July is compared with nobody of another day."""
    expected = """
        customer_id | seen on    | arpu_rank_all_3m
        low         | 2024-07-10 | 0
        low         | 2024-06-10 | 1
    """
    bills = "customer_id | happened_at | amount\nlow | 2024-06-01 | 30\nhigh | 2024-07-01 | 90\nhigh | 2024-05-01 | 1"
    customers = "customer_id | activated_on\nlow | 2020-01-01\nhigh | 2020-01-01"
    expect(con, expected, customers=customers, bills=bills)
