"""Worked examples of usage: periods of four weeks back from the as-of date, the weeks before joining not counted."""

import ibis

from features.settings import FeatureSettings
from tests.tables import expect

CUSTOMERS = """
    customer_id | activated_on
    rising      | 2020-01-01
    young       | 2024-05-02
    new         | 2024-06-20
    silent      | 2020-01-01
    long ago    | 2020-01-01
"""
# seen on 1 July: the newest four weeks are 3 to 30 June, those before 6 May to 2 June, 8 April to 5 May, 11 March to 7 April
USAGE = """
    customer_id | happened_at | voice_minutes | data_mb
    rising      | 2024-06-30  | 40            | 0
    rising      | 2024-06-03  | 20            | 12.5
    rising      | 2024-06-02  | 30            | null
    rising      | 2024-05-05  | 15            | 0
    rising      | 2024-04-07  | 15            | 0
    young       | 2024-06-10  | 10            | 0
    young       | 2024-05-10  | 50            | 0
    new         | 2024-06-25  | 10            | 0
    long ago    | 2023-07-02  | 5             | 0
    long ago    | 2023-07-01  | 7             | 0
"""


def test_level_and_change(con: ibis.BaseBackend):
    """Young: 60 days are two whole periods. New: eleven days are none, so a level is unknown, though he has used."""
    expected = """
        customer_id | seen on    | voice_minutes_mean_4w | voice_minutes_mean_12w | voice_minutes_ratio_4w | data_mb_mean_4w
        rising      | 2024-07-01 | 60                    | 105/3                  | 2                      | 12.5
        young       | 2024-07-01 | 10                    | 30                     | 1/5                    | 0
        new         | 2024-07-01 | null                  | null                   | null                   | null
        silent      | 2024-07-01 | 0                     | 0                      | null                   | 0
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)


def test_shape_over_24_weeks(con: ibis.BaseBackend):
    """Rising, newest first: 60, 30, 15, 15, 0, 0. Mean 20; slope (2.5*60 + 1.5*30 + 0.5*15 - 0.5*15) / 17.5 = 78/7.
    Four weeks later, 0, 60, 30, 15, 15, 0: slope (1.5*60 + 0.5*30 - 0.5*15 - 1.5*15) / 17.5 = 30/7."""
    expected = """
        customer_id | seen on    | voice_minutes_mean_24w | voice_minutes_trend_24w | voice_minutes_of_peak_24w
        rising      | 2024-07-01 | 20                     | 39/70                   | 1
        rising      | 2024-07-29 | 20                     | 3/14                    | 0
        silent      | 2024-07-01 | 0                      | null                    | null
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)


def test_recency_days_and_breadth(con: ibis.BaseBackend):
    """Yesterday is 1. The 365th day back still counts, the 366th is too long ago to know."""
    expected = """
        customer_id | seen on    | days_since_usage | usage_days_4w | usage_days_12w | usage_breadth_4w | usage_breadth_12w
        rising      | 2024-07-01 | 1                | 2             | 4              | 2                | 2
        young       | 2024-07-01 | 21               | 1             | 2              | 1                | 1
        new         | 2024-07-01 | 6                | 1             | 1              | 1                | 1
        silent      | 2024-07-01 | null             | 0             | 0              | 0                | 0
        long ago    | 2024-07-01 | 365              | 0             | 0              | 0                | 0
        long ago    | 2024-07-02 | null             | 0             | 0              | 0                | 0
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)


def test_days_still_arriving_are_left_out_of_levels_but_seen_by_recency(con: ibis.BaseBackend):
    """Three closing days: the newest four weeks end with 27 June."""
    expected = """
        customer_id | seen on    | voice_minutes_mean_4w | usage_days_4w | days_since_usage
        rising      | 2024-07-01 | 50                    | 2             | 1
    """
    expect(con, expected, FeatureSettings(usage_closing_days=3), customers=CUSTOMERS, usage=USAGE)
