"""Worked examples of complaints, seen on 1 July."""

from datetime import date

import ibis

from features.build import build
from features.settings import FeatureSettings
from features.spine import everyone
from tests.tables import chosen, expect, table

SOLVING = (
    "complaints_open",
    "complaint_open_days",
    "complaint_solving_days_365d",
    "complaint_solving_max_365d",
    "complaints_unsolved_share_365d",
)
CUSTOMERS = """
    customer_id | activated_on
    angry       | 2020-01-01
    solved      | 2020-01-01
    quiet       | 2020-01-01
"""
COMPLAINTS = """
    customer_id | happened_at      | known_at         | topic   | severity | resolved_at
    angry       | 2024-06-30 12:00 | 2024-06-30 12:00 | billing | 2        | 2024-07-01 00:00
    angry       | 2024-06-10 00:00 | 2024-06-10 00:00 | billing | 1        | 2024-06-11 12:00
    angry       | 2024-04-01 00:00 | 2024-04-01 00:00 | network | 3        | null
    angry       | 2024-03-15 00:00 | 2024-03-15 00:00 | null    | null     | 2024-03-15 12:00
    angry       | 2024-06-20 00:00 | 2024-07-02 00:00 | service | 3        | null
    solved      | 2023-07-02 00:00 | 2023-07-02 00:00 | billing | null     | 2023-07-12 00:00
"""


def test_how_many_and_how_long_ago(con: ibis.BaseBackend):
    """The complaint of 20 June is known only on 2 July."""
    expected = """
        customer_id | seen on    | complaint_count_30d | complaint_count_365d | days_since_complaint | complaint_recent_share
        angry       | 2024-07-01 | 2                   | 4                    | 1                    | 2/4
        angry       | 2024-07-03 | 3                   | 5                    | 3                    | 3/5
        solved      | 2024-07-01 | 0                   | 1                    | 365                  | 0
        solved      | 2024-07-02 | 0                   | 0                    | 366                  | null
        quiet       | 2024-07-01 | 0                   | 0                    | null                 | null
    """
    expect(con, expected, customers=CUSTOMERS, complaints=COMPLAINTS)


def test_what_about_and_how_grave(con: ibis.BaseBackend):
    """Billing twice is one repeat; a complaint without a topic repeats nothing."""
    expected = """
        customer_id | seen on    | complaint_topics_180d | complaints_repeated_180d | complaint_severity_180d
        angry       | 2024-07-01 | 2                     | 1                        | 3
        solved      | 2024-07-01 | 0                     | 0                        | null
        quiet       | 2024-07-01 | 0                     | 0                        | null
    """
    expect(con, expected, customers=CUSTOMERS, complaints=COMPLAINTS)


def test_solved_or_not(con: ibis.BaseBackend):
    """Solved at the cutoff itself is not solved yet; a day later it is, half a day after it was made."""
    expected = """
        customer_id | seen on    | complaints_open | complaint_open_days | complaint_solving_days_365d
        angry       | 2024-07-01 | 2               | 91                  | 1
        angry       | 2024-07-02 | 1               | 92                  | 5/6
        solved      | 2024-07-01 | 0               | 0                   | 10
        quiet       | 2024-07-01 | 0               | 0                   | null
    """
    expect(con, expected, customers=CUSTOMERS, complaints=COMPLAINTS)


def test_topics_that_are_counted_apart(con: ibis.BaseBackend):
    """Two about billing, one about the network; the complaint about the service is not known yet."""
    expected = """
        customer_id | seen on    | complaints_billing_180d | complaints_network_180d | complaints_service_180d
        angry       | 2024-07-01 | 2                       | 1                       | 0
        angry       | 2024-07-03 | 2                       | 1                       | 1
        quiet       | 2024-07-01 | 0                       | 0                       | 0
    """
    settings = FeatureSettings(topics=("billing", "network", "service"))
    expect(con, expected, settings, customers=CUSTOMERS, complaints=COMPLAINTS)


def test_unsolved_slow_and_repeated(con: ibis.BaseBackend):
    """Of four, the one of 1 April is open and that of 30 June is solved at the as-of date itself: not yet. From 15 March
    to 30 June it is 107 days in three gaps."""
    expected = """
        customer_id | seen on    | complaints_unsolved_share_365d | complaint_solving_max_365d | complaint_gap_365d
        angry       | 2024-07-01 | 2/4                            | 1.5                        | 107/3
        solved      | 2024-07-01 | 0                              | 10                         | null
        quiet       | 2024-07-01 | null                           | null                       | null
    """
    expect(con, expected, customers=CUSTOMERS, complaints=COMPLAINTS)


def test_life_after_a_complaint(con: ibis.BaseBackend):
    """A complaint of 1 June, seen on 7 July (36 days ago): June over May, four weeks over four. Seen on 7 August (67 days
    ago): three months over three, twelve weeks over twelve. A complaint of yesterday has no after yet."""
    customers = "customer_id | activated_on\na | 2020-01-01\nb | 2020-01-01"
    complaints = "customer_id | happened_at\na | 2024-06-01\nb | 2024-07-06"
    bills = """
        customer_id | happened_at | amount
        a           | 2024-05-01  | 60
        a           | 2024-06-01  | 60
        a           | 2024-07-01  | 30
        a           | 2024-08-01  | 30
        b           | 2024-06-01  | 60
        b           | 2024-07-01  | 60
    """
    usage = """
        customer_id | happened_at | data_mb
        a           | 2024-05-20  | 80
        a           | 2024-06-20  | 20
        b           | 2024-06-20  | 20
    """
    expected = """
        customer_id | seen on    | bill_after_complaint | data_mb_after_complaint
        a           | 2024-07-07 | 30/60                | 20/80
        a           | 2024-08-07 | 120/60               | null
        a           | 2024-10-20 | null                 | null
        b           | 2024-07-07 | null                 | null
    """
    expect(con, expected, customers=customers, complaints=complaints, bills=bills, usage=usage)


def test_where_nobody_says_what_is_solved_nothing_is_known_to_be_open(con: ibis.BaseBackend):
    """Every complaint ever would wait for its solution, and its customer for a call about it."""
    given = {"customers": table("customers", CUSTOMERS), "complaints": table("complaints", COMPLAINTS)}
    given["complaints"] = given["complaints"].drop("resolved_at")
    spine = everyone(given["customers"], [date(2024, 7, 1)], "UTC")
    columns = chosen([*SOLVING, "complaint_count_365d", "days_since_complaint"], [], FeatureSettings())
    rows = {r["customer_id"]: r for r in build(given, spine, columns, FeatureSettings()).to_pyarrow().to_pylist()}
    assert {rows[who][column] for who in rows for column in SOLVING} == {None}
    assert rows["angry"]["complaint_count_365d"] == 4 and rows["quiet"]["complaint_count_365d"] == 0
