"""Lifecycle: the golden case, and what must hold for every customer whatever they do."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from features.build import whole_rows
from features.catalogue import definitions
from features.definition import columns
from features.families import lifecycle
from features.families.lifecycle import HEALTH, PAST_TRENDS, lifecycle_stage
from features.settings import FeatureSettings, StageSettings
from tests.tables import expect

RULES = StageSettings()
BOTH = {"usage_days_52w": 1.0, "spend_365d": 1.0, "days_since_purchase": 5.0}
"""Of who has usage and bills."""


def bills(**amounts: list[int]) -> str:
    """Bills of twelve months, July 2023 to June 2024, each dated to the first of the month after."""
    months = [f"2023-{m:02d}-01" for m in range(8, 13)] + [f"2024-{m:02d}-01" for m in range(1, 8)]
    rows = [f"{who} | {day} | {a}" for who, row in amounts.items() for day, a in zip(months, row, strict=True)]
    return "\n".join(["customer_id | happened_at | amount", *rows])


def test_the_same_mean_rising_flat_and_falling_are_three_stages(con: ibis.BaseBackend):
    """All three are billed 50 a month on average, in the last half year and in the year."""
    customers = """
        customer_id | activated_on
        rising      | 2020-01-01
        flat        | 2020-01-01
        falling     | 2020-01-01
    """
    amounts = bills(
        rising=[50] * 6 + [40, 44, 48, 52, 56, 60],
        flat=[50] * 12,
        falling=[50] * 6 + [60, 56, 52, 48, 44, 40],
    )
    usage = """
        customer_id | happened_at | voice_minutes
        rising      | 2024-07-01  | 10
        flat        | 2024-07-01  | 10
        falling     | 2024-07-01  | 10
    """
    expected = """
        customer_id | seen on    | arpu_6m | arpu_12m | lifecycle_stage | lifecycle_stage_before | lifecycle_direction | fluctuation_type
        rising      | 2024-07-07 | 50      | 50       | growing         | steady                 | improving           | rising
        flat        | 2024-07-07 | 50      | 50       | steady          | steady                 | steady              | steady
        falling     | 2024-07-07 | 50      | 50       | declining       | steady                 | worsening           | falling
    """
    expect(con, expected, customers=customers, bills=amounts, usage=usage)


def test_young_silent_and_swinging_customers(con: ibis.BaseBackend):
    """Never used: silent since joining. Once: a single bill in half a year is a spike, no decline."""
    customers = """
        customer_id | activated_on
        young       | 2024-05-01
        silent      | 2020-01-01
        unused      | 2024-03-01
        swing       | 2020-01-01
        once        | 2020-01-01
        nothing     | 2020-01-01
    """
    amounts = bills(
        silent=[50] * 12,
        swing=[50] * 6 + [80, 20, 50, 50, 20, 80],
        once=[0] * 6 + [0, 0, 60, 0, 0, 0],
    )
    usage = """
        customer_id | happened_at | voice_minutes
        young       | 2024-05-02  | 10
        silent      | 2024-05-23  | 10
        swing       | 2024-05-24  | 10
        once        | 2024-07-01  | 10
        nothing     | 2024-07-01  | 10
    """
    expected = """
        customer_id | seen on    | lifecycle_stage | lifecycle_stage_before | lifecycle_direction | fluctuation_type
        young       | 2024-07-07 | onboarding      | null                   | null                | null
        silent      | 2024-07-07 | dormant         | steady                 | worsening           | steady
        unused      | 2024-07-07 | dormant         | null                   | null                | null
        swing       | 2024-07-07 | steady          | steady                 | steady              | volatile
        once        | 2024-07-07 | declining       | steady                 | worsening           | spike
        nothing     | 2024-07-07 | steady          | steady                 | steady              | null
    """
    expect(con, expected, customers=customers, bills=amounts, usage=usage)


def test_how_long_a_stage_has_lasted(con: ibis.BaseBackend):
    """Falling: 100, then 50 in June alone: the slope of half a year falls by 7.1 of 91.7 a month; the month before, flat.
    Longer: two months of 50 (May, June). Silent: last used on 23 April, 75 days ago: 30 days beyond the 45."""
    customers = """
        customer_id | activated_on
        falling     | 2020-01-01
        longer      | 2020-01-01
        flat        | 2020-01-01
        silent      | 2020-01-01
        longsilent  | 2020-01-01
        young       | 2024-05-20
    """
    amounts = bills(
        falling=[100] * 11 + [50], longer=[100] * 10 + [50] * 2, flat=[50] * 12, silent=[50] * 12, longsilent=[50] * 12
    )
    usage = """
        customer_id | happened_at | voice_minutes
        falling     | 2024-07-01  | 10
        longer      | 2024-07-01  | 10
        flat        | 2024-07-01  | 10
        silent      | 2024-04-23  | 10
        longsilent  | 2024-04-22  | 10
    """
    expected = """
        customer_id | seen on    | lifecycle_stage | lifecycle_months | lifecycle_stage_previous
        falling     | 2024-07-07 | declining       | 0                | steady
        longer      | 2024-07-07 | declining       | 1                | steady
        flat        | 2024-07-07 | steady          | 6                | null
        silent      | 2024-07-07 | dormant         | 0                | steady
        longsilent  | 2024-07-07 | dormant         | 1                | steady
        young       | 2024-07-07 | onboarding      | 1                | null
    """
    expect(con, expected, customers=customers, bills=amounts, usage=usage)


@pytest.mark.slow
def test_thresholds_are_settings(con: ibis.BaseBackend):
    """The same customer is young for another, silent for a third, and steady for who asks for more of a trend."""
    customers = "customer_id | activated_on\na | 2023-07-01"
    amounts = bills(a=[40, 40, 40, 40, 40, 40, 40, 44, 48, 52, 56, 60])
    usage = "customer_id | happened_at | voice_minutes\na | 2024-07-01 | 1"
    for rules, stage in (
        ({}, "growing"),
        ({"onboarding_days": 400}, "onboarding"),
        ({"dormant_days": 6}, "dormant"),
        ({"dormant_days": 7}, "growing"),
        ({"trend": 0.2}, "steady"),
    ):
        settings = FeatureSettings(stages=StageSettings(**rules))
        expected = f"customer_id | seen on | lifecycle_stage\na | 2024-07-07 | {stage}"
        expect(con, expected, settings, customers=customers, bills=amounts, usage=usage)


@pytest.fixture(scope="module")
def everyone(con: ibis.BaseBackend) -> list[dict]:
    """4,000 customers of any age, silence, trends and fluctuation, unknown ones among them, with their stages."""
    rng = np.random.default_rng(3)
    size = 4_000
    given = {
        **{name: np.full(size, value) for name, value in BOTH.items()},
        "tenure_days": rng.integers(1, 600, size).astype(float),
        "days_since_usage": np.where(rng.random(size) < 0.1, np.nan, rng.integers(1, 120, size)),
        "arpu_trend_6m": np.where(rng.random(size) < 0.1, np.nan, rng.choice([-0.5, -0.03, 0, 0.03, 0.5], size)),
        "arpu_variation_6m": np.where(rng.random(size) < 0.1, np.nan, rng.choice([0, 0.35, 2], size)),
        "arpu_spike_6m": np.where(rng.random(size) < 0.1, np.nan, rng.choice([1, 2, 3], size)),
    }
    for past in PAST_TRENDS:
        given[past] = np.where(rng.random(size) < 0.1, np.nan, rng.choice([-0.5, -0.03, 0, 0.03, 0.5], size))
    rows = ibis.memtable(pa.table({name: pa.array(values, from_pandas=True) for name, values in given.items()}))
    made = [c for d in definitions(lifecycle) for c in columns(d, ())]
    return con.to_pyarrow(whole_rows(rows, made, FeatureSettings())).to_pylist()


def test_every_customer_is_in_exactly_one_stage(everyone: list[dict]):
    assert {row["lifecycle_stage"] for row in everyone} == set(HEALTH)
    for row in everyone:
        assert (row["lifecycle_stage"] == "onboarding") == (row["tenure_days"] < 90)
        assert (row["lifecycle_stage_before"] is None) == (row["tenure_days"] <= 182)
        assert (row["lifecycle_direction"] is None) == (row["lifecycle_stage_before"] is None)
        assert (row["fluctuation_type"] is None) == (row["arpu_variation_6m"] is None)


def test_a_stage_lasts_whole_months_and_follows_another_one(everyone: list[dict]):
    """Who joined half a month ago has been onboarding for no whole month, and was nothing before."""
    assert {row["lifecycle_months"] for row in everyone} == {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0}
    for row in everyone:
        assert row["lifecycle_stage_previous"] != row["lifecycle_stage"]
        if row["lifecycle_months"] == 6.0 or row["tenure_days"] <= 182 / 6:
            assert row["lifecycle_stage_previous"] is None
        if row["lifecycle_stage"] == "onboarding":
            assert row["lifecycle_months"] == row["tenure_days"] // (182 / 6)


def test_longer_silence_is_never_healthier(con: ibis.BaseBackend):
    for trend in (-0.5, 0.0, 0.5, None):
        rows = {"tenure_days": [400.0] * 200, "days_since_usage": [float(n) for n in range(1, 201)]}
        rows |= {name: [value] * 200 for name, value in BOTH.items()}
        table = pa.table(rows | {"arpu_trend_6m": pa.array([trend] * 200, pa.float64())})
        asked = ibis.memtable(table)
        answer = con.to_pyarrow(asked.mutate(stage=lifecycle_stage(asked, RULES)).order_by("days_since_usage"))
        health = [HEALTH[stage] for stage in answer["stage"].to_pylist()]
        assert health == sorted(health, reverse=True)
        assert health[-1] == HEALTH["dormant"]


def test_a_better_trend_is_never_less_healthy(con: ibis.BaseBackend):
    trends = [n / 100 for n in range(-20, 21)]
    given = {"tenure_days": [400.0] * 41, "days_since_usage": [3.0] * 41, "arpu_trend_6m": trends}
    asked = ibis.memtable(given | {name: [value] * 41 for name, value in BOTH.items()})
    answer = con.to_pyarrow(asked.mutate(stage=lifecycle_stage(asked, RULES)).order_by("arpu_trend_6m"))
    health = [HEALTH[stage] for stage in answer["stage"].to_pylist()]
    assert health == sorted(health)
    assert set(health) == {1, 2, 3}


SEEN = """
    customer_id | seen on    | lifecycle_stage | lifecycle_stage_before | lifecycle_direction | lifecycle_months
    young       | 2024-07-07 | onboarding      | null                   | null                | {months}
    old         | 2024-07-07 | {stage:15} | {before:22} | {direction:19} | {lasted}
"""
OLD = "customer_id | activated_on\nyoung | 2024-05-01\nold | 2020-01-01"


def test_without_usage_silence_is_told_by_purchases_and_without_bills_nothing_is_called_steady(con: ibis.BaseBackend):
    """Nobody was dormant because a table is not mapped, and nobody is steady whose bills nobody has seen."""
    usage = "customer_id | happened_at | voice_minutes\nold | 2024-07-01 | 10"
    told = {"stage": "steady", "before": "steady", "direction": "steady", "lasted": 6, "months": 2}
    expect(con, SEEN.format(**told), customers=OLD, bills=bills(old=[50] * 12))
    silent = told | {"stage": "dormant", "direction": "worsening", "lasted": 1}
    expect(con, SEEN.format(**silent), customers=OLD, bills=bills(old=[50] * 9 + [0] * 3))
    unknown = dict.fromkeys(told, "null") | {"months": 2}
    expect(con, SEEN.format(**unknown), customers=OLD, usage=usage)
    expect(con, SEEN.format(**unknown), customers=OLD)
