"""Gaps between purchases as a slow twin counts them, and horizons that history allows."""

from datetime import date, timedelta
from itertools import pairwise
from statistics import median

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from features.settings import FeatureSettings
from models.splits import Protocol
from models.splits import plan as split_plan
from pipelines.recognition import rhythm

FIRST = date(2025, 1, 1)
PURCHASES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 400)), min_size=3, max_size=60)


def naive_shares(purchases: list[tuple[int, int]]) -> list[float]:
    """Days to the next purchase, of those that began in the first half."""
    days = sorted({day for _, day in purchases})
    half = days[0] + (days[-1] - days[0]) // 2
    gaps = []
    for customer in {customer for customer, _ in purchases}:
        own = sorted({day for who, day in purchases if who == customer})
        gaps += [after - before for before, after in pairwise(own) if before <= half]
    return [sum(gap <= bar for gap in gaps) / len(gaps) if gaps else 0.0 for bar in rhythm.BARS]


@given(PURCHASES)
@settings(max_examples=25, deadline=None)
def test_gaps_are_those_of_the_slow_twin(purchases):
    rows = ", ".join(f"('{who}', DATE '{FIRST + timedelta(days=day)}')" for who, day in purchases)
    found = rhythm.gaps(duckdb.connect(), f"SELECT * FROM (VALUES {rows}) AS t(customer, day)")
    assert [round(share, 9) for share in found.shares] == [round(share, 9) for share in naive_shares(purchases)]
    assert found.customers == len({who for who, _ in purchases})


def test_who_pays_by_the_month_is_told_from_who_buys_when_they_need_something():
    """Invoices of the fourth, those moved by a weekend too; weekly baskets, and purchases about every month but on any day."""
    months = [date(2025, 1, 4) + timedelta(days=n) for n in (0, 31, 59, 92, 120, 151, 181, 212, 243, 273)]
    weeks = [FIRST + timedelta(days=7 * n) for n in range(40)]
    about = [FIRST + timedelta(days=n) for n in (0, 20, 61, 88, 131, 149, 190, 230, 251, 290)]
    for days, are_bills in ((months, True), (weeks, False), (about, False)):
        rows = ", ".join(f"('a', DATE '{day}')" for day in days)
        found = rhythm.gaps(duckdb.connect(), f"SELECT * FROM (VALUES {rows}) AS t(customer, day)")
        assert found.are_bills is are_bills, days


@given(st.integers(1, 1500), st.floats(1, 500), st.integers(0, 10), st.sampled_from(["30d", "1mo"]))
@settings(max_examples=30, deadline=None)
def test_a_plan_that_fits_can_be_learnt_with(days, wanted, delay, every):
    """Training finds its dates, and a longer horizon up to the wanted one would not have."""
    as_of = FIRST + timedelta(days=days)
    found = rhythm.plan(FIRST, as_of, wanted, delay, every)
    assert found.horizon <= found.wanted
    if found.fits:
        protocol = Protocol(every=every, reporting_delay_days=delay, history_days=found.history, unjudged="wait")
        assert split_plan(as_of, protocol, found.horizon, FIRST + timedelta(days=found.history)).every
    assert found.fits or days < rhythm.needed_days(14, delay) + 31


def test_a_horizon_is_cut_to_the_history_there_is():
    wide = rhythm.plan(FIRST, FIRST + timedelta(days=1500), 105)
    short = rhythm.plan(FIRST, FIRST + timedelta(days=350), 105)
    assert (wide.horizon, wide.wanted, short.horizon, short.wanted) == (120, 120, 60, 120)


def test_bars_grow_and_mark_the_choice():
    lines = rhythm.bars([n / 8 for n in range(1, 9)], 90)
    assert [line.count("█") for line in lines] == sorted(line.count("█") for line in lines)
    assert [line for line in lines if line.endswith("◀")] == [lines[4]]
    assert "100%" in lines[-1]


def naive_usual(purchases: list[tuple[int, int]]) -> float:
    """The middle of the gaps that began in the first half."""
    days = sorted({day for _, day in purchases})
    half = days[0] + (days[-1] - days[0]) // 2
    gaps = []
    for customer in {customer for customer, _ in purchases}:
        own = sorted({day for who, day in purchases if who == customer})
        gaps += [after - before for before, after in pairwise(own) if before <= half]
    return median(gaps) if gaps else 0.0


@given(PURCHASES)
@settings(max_examples=10, deadline=None)
def test_the_usual_gap_is_that_of_the_slow_twin(purchases):
    rows = ", ".join(f"('{who}', DATE '{FIRST + timedelta(days=day)}')" for who, day in purchases)
    found = rhythm.gaps(duckdb.connect(), f"SELECT * FROM (VALUES {rows}) AS t(customer, day)")
    assert found.usual == naive_usual(purchases)
    assert found.rare == (found.usual > 45)


@given(st.floats(0, 1000), st.integers(0, 5000), st.sampled_from([None, 1, 7, 28]))
@settings(max_examples=100, deadline=None)
def test_windows_are_settings_that_history_reaches_twice(usual, has, usage_days):
    """None is one of the shipped for what it is proposed for, and usage is cut in whole rows."""
    proposed = rhythm.windows(usual, has, usage_days)
    grain = {1: "day", 7: "week", 28: "month", None: "day"}[usage_days]
    given_ = FeatureSettings.model_validate({"windows": proposed, "usage_grain": grain})
    for name, days in (("bills", 30), ("purchases", 1), ("usage", 1)):
        assert all(2 * size * days <= has or size <= 14 for size in getattr(given_.windows, name))
    assert not proposed or usual <= 10 or usual > 45


def test_a_rhythm_of_months_needs_no_other_windows_and_no_other_silence():
    assert rhythm.windows(30.0, 2000, 7) == {}
    assert rhythm.dormant_days(30.0) is None
    assert rhythm.windows(7.0, 300, 1) == {"purchases": [7, 14], "usage": [7, 14]}
    assert rhythm.windows(365.0, 2500, None) == {"bills": [12, 24], "purchases": [730]}
    assert rhythm.dormant_days(365.0) == 548
