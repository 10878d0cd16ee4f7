"""Worked examples of complaints, seen on 1 July."""

import ibis

from tests.tables import expect

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
