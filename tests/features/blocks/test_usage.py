"""Periods of four weeks: sums in hundredths, days with use as bits, and what is still arriving."""

from datetime import timedelta

import ibis

from features.blocks.usage import SLOTS, USAGE_LOOKBACK, usage
from features.settings import FeatureSettings
from tests.features.blocks.rows import SEEN_ON, rows_of

USAGE = """
    customer_id | happened_at | sms | data_mb
    busy        | 2024-06-30  | 2   | 0.01
    busy        | 2024-06-29  | 0   | 1
    busy        | 2024-06-03  | 4   | null
    busy        | 2024-06-02  | 1   | 0
"""


def test_a_period_is_four_weeks_with_its_sums_days_and_newest_day(con: ibis.BaseBackend):
    """30 June is a Sunday and 0 days ago, 3 June is 27 days ago, 2 June begins the period before."""
    shown = ("ago", "sms", "data_mb", "days", "days_sms", "newest", "newest_data_mb", "known")
    found = rows_of(con, usage, *shown, usage=USAGE)
    assert found["busy"] == [(0, 600.0, 101.0, 3, 2, 0, 0, 4), (1, 100.0, 0.0, 1, 1, 28, None, 4)]
    assert found["idle"] == [(None, None, None, 0, 0, None, None, 4)]


def test_days_that_are_still_arriving_belong_to_no_period(con: ibis.BaseBackend):
    found = rows_of(con, usage, "ago", "sms", "newest", usage=USAGE, settings=FeatureSettings(usage_closing_days=2))
    assert found["busy"] == [(-1, 200.0, 0), (0, 500.0, 27)], "recency sees them"


def test_weekends_are_there_where_the_source_has_days(con: ibis.BaseBackend):
    found = rows_of(con, usage, "ago", "weekend_sms", "slots", usage=USAGE)
    assert found["busy"] == [(0, 200.0, SLOTS["day"]), (1, 100.0, SLOTS["day"])]
    weekly = rows_of(con, usage, "ago", "slots", usage=USAGE, settings=FeatureSettings(usage_grain="week"))
    assert weekly["busy"] == [(0, SLOTS["week"]), (1, SLOTS["week"])]


def test_use_before_the_lookback_is_not_read(con: ibis.BaseBackend):
    first = SEEN_ON - timedelta(days=USAGE_LOOKBACK)
    days = "".join(f"busy | {first + timedelta(days=n)} | 1\n" for n in (-1, 0))
    customers = "customer_id | activated_on\nbusy | 2020-01-01"
    found = rows_of(con, usage, "days", customers=customers, usage=f"customer_id | happened_at | sms\n{days}")
    assert found["busy"] == [(1,)]
