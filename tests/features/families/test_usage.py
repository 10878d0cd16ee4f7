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
    """Young: 60 days are two whole periods. New: eleven days are none, so a level is unknown, though they have used."""
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


def test_weekends(con: ibis.BaseBackend):
    """30 June 2024 is a Sunday, 2 June too: 40 + 30 of the 90 minutes of twelve weeks, besides 20 on Monday 3 June; 5 May
    is a Sunday. Where a row is a week, its day says nothing."""
    expected = """
        customer_id | seen on    | voice_minutes_weekend_12w | data_mb_weekend_12w
        rising      | 2024-07-01 | 85/105                    | 0
        young       | 2024-07-01 | 0                         | null
        silent      | 2024-07-01 | null                      | null
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)
    unknown = "customer_id | seen on | voice_minutes_weekend_12w\nrising | 2024-07-01 | null"
    expect(con, unknown, FeatureSettings(usage_grain="week"), customers=CUSTOMERS, usage=USAGE)


def test_a_part_of_a_measure(con: ibis.BaseBackend):
    """12.5 of 60 in four weeks; nothing used has no share."""
    expected = """
        customer_id | seen on    | data_mb_share_4w | data_mb_share_12w
        rising      | 2024-07-01 | 125/600          | 125/1050
        young       | 2024-07-01 | 0                | 0
        silent      | 2024-07-01 | null             | null
    """
    settings = FeatureSettings(parts={"data_mb": "voice_minutes"})
    expect(con, expected, settings, customers=CUSTOMERS, usage=USAGE)
