"""A day that did not come is found in the middle of a steady source, and at its end; what is quiet or late is none."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config import public_holidays
from pipelines.ingest.arrivals import Arrivals
from pipelines.ingest.completeness import asked, week
from pipelines.ingest.days import thin_days
from tests.pipelines.ingest.test_completeness import AS_OF, EPOCH, LENGTH, SEED, daily, monthly, number, without

SHARE = 0.25
A_DAY = timedelta(days=1)


def came(source, as_of: date) -> Arrivals:
    happened, known = source
    moments = asked([week(as_of, "7d", 8)]).moments
    upto = {m: np.bincount(happened[known < number(m)] + 1, minlength=LENGTH + 90).cumsum() for m in moments}
    return Arrivals(EPOCH, EPOCH + timedelta(days=int(happened.min())), EPOCH + timedelta(days=int(known.min())), upto)


def found(source, as_of: date, **more):
    return thin_days(came(source, as_of), as_of, SHARE, **more)


@settings(max_examples=30, deadline=None)
@given(SEED, AS_OF, st.sampled_from([3_000, 9_000, 60_000]), st.floats(-0.1, 0.1), st.floats(0, 6))
def test_a_source_that_comes_as_ever_has_no_gap(seed, as_of, mean, growth, late):
    days = found(daily(np.random.default_rng(seed), mean, growth, late), as_of)
    assert (days.gaps, days.newest, days.stopped) == ((), None, False)


@settings(max_examples=20, deadline=None)
@given(SEED, AS_OF, st.integers(1, 28), st.integers(0, 12), st.booleans())
def test_a_run_once_a_month_has_no_days_to_ask_for(seed, as_of, day, late, weekends):
    days = found(monthly(np.random.default_rng(seed), 4_000, day, late, weekends=weekends), as_of)
    assert (days.gaps, days.newest) == ((), None)


@settings(max_examples=30, deadline=None)
@given(SEED, AS_OF, st.integers(4, 380), st.integers(1, 9), st.sampled_from([0.0, 0.05]))
def test_days_that_are_missing_in_the_middle_are_found_with_their_dates(seed, as_of, back, length, share):
    rng = np.random.default_rng(seed)
    last = as_of - timedelta(days=back)
    first = last - timedelta(days=length - 1)
    days = found(without(daily(rng, 30_000, late=0.5), first, last + A_DAY, share, rng), as_of)
    assert days.steady
    assert [(gap.first, gap.last) for gap in days.gaps] == [(first, last)]


@settings(max_examples=30, deadline=None)
@given(SEED, AS_OF, st.integers(3, 9))
def test_newest_days_that_are_missing_are_told_and_a_source_that_stopped_is_known(seed, as_of, length):
    rng = np.random.default_rng(seed)
    first = as_of - timedelta(days=length)
    days = found(without(daily(rng, 30_000, late=0.0), first, as_of, 0.0, rng), as_of)
    assert days.newest is not None and days.gaps == ()
    assert (days.newest.first, days.missing) == (first, length - 2), (
        "yesterday is never there, nor the day before for sure"
    )
    assert days.stopped is (days.missing > 3)


def test_what_is_known_a_day_later_is_not_missing():
    """Yesterday is never there at midnight, and nobody asks for it."""
    happened, known = daily(np.random.default_rng(2), 30_000, late=0.0)
    assert found((happened, known + 1), date(2026, 3, 16)).newest is None


def test_a_day_that_is_quiet_every_year_is_no_gap_and_one_that_was_accepted_neither():
    as_of, rng = date(2026, 3, 16), np.random.default_rng(3)
    source = daily(rng, 30_000)
    for year in (2024, 2025):
        source = without(source, date(year, 12, 25), date(year, 12, 26), 0.0, rng)
    assert found(source, as_of).gaps == ()
    source = without(source, date(2026, 2, 4), date(2026, 2, 5), 0.0, rng)
    assert len(found(source, as_of).gaps) == 1
    assert found(source, as_of, accepted=lambda day: day == date(2026, 2, 4)).gaps == ()


def test_half_a_day_of_a_source_that_hardly_varies_is_told():
    as_of, rng = date(2026, 3, 16), np.random.default_rng(3)
    source = without(daily(rng, 90_000, late=0.0), date(2026, 2, 18), date(2026, 2, 19), 0.5, rng)
    days = found(source, as_of)
    assert days.gaps == () and [thin.first for thin in days.scant] == [date(2026, 2, 18)]


@pytest.mark.parametrize("gaps", [4, 8])
def test_a_source_with_many_gaps_is_not_steady(gaps):
    rng = np.random.default_rng(4)
    source = daily(rng, 30_000)
    for number_ in range(gaps):
        day = date(2025, 9, 3) + timedelta(days=17 * number_)
        source = without(source, day, day + A_DAY, 0.0, rng)
    days = found(source, date(2026, 3, 16))
    assert len(days.gaps) == gaps and not days.steady


def shop(rng: np.random.Generator, waver: float, mean: float = 70.0):
    """Purchases whose days differ by more than chance: weather, pay days, what is on offer."""
    day = np.repeat(np.arange(LENGTH), rng.poisson(mean * rng.gamma(1 / waver**2, waver**2, LENGTH)))
    return day, day + 1


@pytest.mark.parametrize("seed", range(6))
def test_a_shop_that_closes_over_its_first_christmas_is_told_and_not_stopped(seed):
    """No year before tells that the days come again, and its days waver more than those of a source that is steady."""
    rng = np.random.default_rng(seed)
    source = without(shop(rng, 0.2), date(2025, 12, 24), date(2026, 1, 1), 0.0, rng)
    days = found(source, date(2026, 1, 20))
    assert days.recent and not days.steady and not days.stopped
    assert not found(source, date(2026, 9, 20)).recent, "told for a while only"


@pytest.mark.parametrize("seed", range(6))
def test_a_small_source_that_hardly_wavers_is_steady(seed):
    rng = np.random.default_rng(seed)
    source = without(shop(rng, 0.03), date(2025, 12, 16), date(2025, 12, 17), 0.0, rng)
    days = found(source, date(2026, 1, 20))
    assert days.steady and len(days.gaps) == 1


def test_a_steady_source_that_is_closed_on_a_holiday_is_told_and_stops_nothing():
    rng, christmas = np.random.default_rng(5), date(2025, 12, 25)
    source = without(daily(rng, 30_000), christmas, christmas + A_DAY, 0.0, rng)
    assert found(source, date(2026, 1, 10)).steady and len(found(source, date(2026, 1, 10)).gaps) == 1
    days = found(source, date(2026, 1, 10), holiday=lambda day: day == christmas)
    assert days.gaps == () and [thin.first for thin in days.scant] == [christmas]


def test_holidays_at_the_end_do_not_stop_a_source_and_are_told():
    rng, week_ = np.random.default_rng(6), [date(2026, 2, 16) + n * A_DAY for n in range(7)]
    source = without(daily(rng, 30_000, late=0.0), week_[0], date(2026, 2, 24), 0.0, rng)
    assert found(source, date(2026, 2, 24)).stopped
    days = found(source, date(2026, 2, 24), holiday=lambda day: day in week_)
    assert not days.stopped and days.newest is not None and days.newest.first == week_[0]


@pytest.mark.parametrize(("first", "length"), [(date(2025, 10, 1), 1), (date(2025, 10, 1), 7)])
def test_who_works_on_holidays_has_a_gap_on_one(first, length):
    """A file of an operator's National Day that did not come must not be published as a day without use."""
    until = first + length * A_DAY
    source = without(daily(np.random.default_rng(7), 30_000), first, until, 0.0, np.random.default_rng(8))
    days = found(source, date(2026, 1, 10), holiday=lambda day: public_holidays.is_holiday(day, "CN"))
    assert days.steady and [(gap.first, gap.last) for gap in days.gaps] == [(first, until - A_DAY)]
