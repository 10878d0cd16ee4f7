"""Worked examples of survey answers, seen on 1 July."""

import ibis

from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    asked       | 2020-01-01
    long ago    | 2020-01-01
    silent      | 2020-01-01
"""
SURVEYS = """
    customer_id | happened_at | item    | score
    asked       | 2024-06-01  | overall | 5
    asked       | 2024-06-01  | speed   | 2
    asked       | 2023-12-01  | overall | 4
    asked       | 2024-07-01  | overall | 1
    long ago    | 2023-07-01  | overall | 1
"""


def test_answers_of_the_last_year(con: ibis.BaseBackend):
    """Who does not answer is unknown, not dissatisfied."""
    expected = """
        customer_id | seen on    | satisfaction_365d | satisfaction_low_365d | survey_answers_365d
        asked       | 2024-07-01 | 11/3              | 2                     | 3
        asked       | 2024-07-02 | 3                 | 1                     | 4
        long ago    | 2024-06-30 | 1                 | 1                     | 1
        long ago    | 2024-07-01 | null              | null                  | 0
        silent      | 2024-07-01 | null              | null                  | 0
    """
    expect(con, expected, customers=CUSTOMERS, surveys=SURVEYS)
