"""Worked examples of how regularly customers use what they have: periods of four weeks back from the as-of date."""

import ibis

from features.settings import FeatureSettings
from tests.features.families.test_usage import CUSTOMERS, USAGE
from tests.tables import expect


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


def test_when_each_measure_was_used(con: ibis.BaseBackend):
    """Data on 3 June, 28 days ago, is in the newest four weeks; voice goes back to the four weeks that ended on 7 April.
    Long ago: 2 July 2023 is the 365th day back, before the 52 weeks."""
    expected = """
        customer_id | seen on    | days_since_voice_minutes | days_since_data_mb | weeks_since_first_voice_minutes | weeks_since_first_data_mb
        rising      | 2024-07-01 | 1                        | 28                 | 12                              | 0
        young       | 2024-07-01 | 21                       | null               | 4                               | null
        long ago    | 2024-07-01 | 365                      | null               | null                            | null
        silent      | 2024-07-01 | null                     | null               | null                            | null
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)


def test_days_with_a_measure(con: ibis.BaseBackend):
    """Twelve weeks go back to 8 April: neither 7 April nor a day on which nothing or an unknown amount was used counts."""
    expected = """
        customer_id | seen on    | voice_minutes_days_12w | data_mb_days_12w
        rising      | 2024-07-01 | 4                      | 1
        young       | 2024-07-01 | 2                      | 0
        new         | 2024-07-01 | 1                      | 0
        silent      | 2024-07-01 | 0                      | 0
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)


def test_taken_up_and_given_up(con: ibis.BaseBackend):
    """Rising has used voice since April; data came within twelve weeks. Twelve weeks later both are given up."""
    expected = """
        customer_id | seen on    | usage_adopted_12w | usage_dropped_12w
        rising      | 2024-07-01 | 1                 | 0
        rising      | 2024-10-01 | 0                 | 2
        young       | 2024-07-01 | null              | null
        silent      | 2024-07-01 | 0                 | 0
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)


def test_share_of_days_and_idle_time(con: ibis.BaseBackend):
    """Rising: 30 June and 3 June, besides 2 June and 5 May; before 7 April nothing for nine periods of the year. Young
    used both of their two, on 10 May and 10 June."""
    expected = """
        customer_id | seen on    | usage_days_share_4w | usage_days_share_12w | usage_gap_max_52w
        rising      | 2024-07-01 | 2/28                | 4/84                 | 36
        young       | 2024-07-01 | 1/28                | 2/56                 | 0
        new         | 2024-07-01 | null                | null                 | null
        silent      | 2024-07-01 | 0                   | 0                    | 52
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)
    weekly = "customer_id | seen on | usage_days_share_4w\nrising | 2024-07-01 | 2/4"
    expect(con, weekly, FeatureSettings(usage_grain="week"), customers=CUSTOMERS, usage=USAGE)


def test_idle_time_of_a_measure(con: ibis.BaseBackend):
    """Data in one of thirteen periods; the young customer has two, both with voice, neither with data."""
    expected = """
        customer_id | seen on    | data_mb_idle_52w | voice_minutes_idle_52w
        rising      | 2024-07-01 | 12/13            | 9/13
        young       | 2024-07-01 | 1                | 0
        new         | 2024-07-01 | null             | null
        silent      | 2024-07-01 | 1                | 1
    """
    expect(con, expected, customers=CUSTOMERS, usage=USAGE)
