"""The level of last year's season: taken where a season returns, left alone where none does, never by the window told."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from models import seasons
from models.rehearsing import choose, rehearsed
from models.settings import CandidateSettings
from models.snapshots import Rows
from models.splits import NEAR, Protocol, Split, plan, stepped, with_seasons
from models.targets.registry import TARGETS
from models.training import refitted, train
from tests.models import sample

TODAY, EARLIEST, HORIZON = date(2026, 9, 1), date(2024, 9, 15), 90
FEATURES = ("arpu", "trend")
SETTINGS = sample.SETTINGS.model_copy(
    update={
        "candidates": CandidateSettings(churn=("linear",), value=("linear",), rules=sample.SETTINGS.candidates.rules)
    }
)
SPLIT = plan(TODAY, Protocol(), HORIZON, EARLIEST)


def snapshot(day: date, season: float, trend: float, rng: np.random.Generator, customers: int = 400) -> pd.DataFrame:
    """Who pays little leaves; everybody does more or less so with the season, or from year to year."""
    arpu, rising = rng.gamma(4.0, 15.0, customers), rng.normal(0, 1, customers)
    level = season * np.sin(2 * np.pi * day.timetuple().tm_yday / 365) + trend * (day - date(2025, 9, 1)).days / 365
    left = rng.random(customers) < expit(0.5 - 0.02 * arpu - 0.5 * rising + level)
    value = arpu * np.exp(-level + rng.normal(0, 0.3, customers)) * ~left
    known = {"arpu": arpu, "trend": rising, "churned_90": left, "value": value, "vip": left}
    names = [f"C{number:05d}" for number in range(customers)]
    return pd.DataFrame({"customer_id": names, "as_of": day, **known})


def business(season: float = 0.0, trend: float = 0.0, seed: int = 0, split: Split = SPLIT) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.concat([snapshot(day, season, trend, rng) for day in split.dates], ignore_index=True)


def trained(frame, target="churn", split=SPLIT):
    return train(target, frame, split, SETTINGS, FEATURES)


@pytest.fixture(scope="module")
def seasonal():
    return {target: trained(business(season=0.8), target) for target in ("churn", "value")}


@pytest.mark.parametrize("target", ["churn", "value"])
def test_where_a_season_returns_its_level_is_nearer_to_what_comes(seasonal, target):
    found, without = seasonal[target], trained(business(season=0.8), target, replace(SPLIT, seasons=()))
    assert found.judged_season.adopted and found.judged_season.day == date(2025, 5, 1) and without.judged_season is None
    assert found.winner == without.winner
    off = [abs(np.log(one.final[one.winner].sum() / one.final["y"].sum())) for one in (found, without)]
    assert off[0] < 0.15 and off[0] < off[1] / 2
    judged_by = found.judged_by
    assert found.figure(found.winner, judged_by).value == pytest.approx(without.figure(found.winner, judged_by).value)


@pytest.mark.parametrize("target", ["churn", "value"])
def test_what_is_shipped_has_the_level_of_the_season_of_today(seasonal, target):
    found = seasonal[target]
    assert found.season.adopted and found.at_season and found.season.told == TODAY
    frame = business(season=0.8)
    then = frame[frame["as_of"] == found.season.day]
    told = found.model.outputs(then)[TARGETS[target].score].mean()
    label = {"churn": "churned_90", "value": "value"}[target]
    assert found.season.day == date(2025, 9, 1) and told == pytest.approx(then[label].mean(), rel=1e-6)
    assert found.season.observed == pytest.approx(then[label].mean())


@pytest.mark.parametrize("target", ["churn", "value"])
def test_the_window_that_was_judged_speaks_for_today_where_it_is_all_there_is(target):
    """A history in which no rehearsed date has its own year before: nothing is said of the final window, which then is
    the evidence for the day of the training."""
    split = plan(TODAY, Protocol(), HORIZON, date(2025, 3, 1))
    assert [season.told for season in split.seasons] == [split.final, TODAY]
    for season, adopted in ((0.8, True), (0.12, False), (0.0, False)):  # one year does not tell a small one from chance
        found = trained(business(season, split=split), target, split)
        assert found.judged_season is None and found.season.pairs == 1
        assert found.season.adopted is found.at_season is adopted


@pytest.mark.parametrize("seed", range(4))
def test_without_a_season_nothing_is_moved(seed):
    for trend in (0.0, 0.6):
        found = trained(business(trend=trend, seed=seed))
        assert not found.judged_season.adopted and not found.at_season


def test_the_window_that_is_told_has_no_part_in_its_level(seasonal):
    frame = business(season=0.8)
    frame.loc[frame["as_of"] == SPLIT.final, "churned_90"] ^= True
    other = trained(frame)
    assert other.judged_season == seasonal["churn"].judged_season
    assert other.judged.to_files() == seasonal["churn"].judged.to_files()


def test_errors_are_those_of_a_slow_twin():
    """Date by date: what shift is missing at the level of a year before, and at that of the newest outcomes."""
    frame = business(season=0.8, seed=3)
    rows = Rows(TARGETS["churn"], frame, SPLIT, FEATURES, SETTINGS)
    models, windows = rehearsed(rows)
    refitted(models, windows, rows)
    model = models[choose(windows, list(models), rows).iloc[0]["model"]]
    found = seasons.found(model, rows, SPLIT.final)
    shifts = {day: missing_shift(model, frame[frame["as_of"] == day]) for day in SPLIT.dates if day < SPLIT.final}
    known = {day: shift for day, shift in shifts.items() if day in SPLIT.every or day in [s.day for s in SPLIT.seasons]}
    pairs = [(s.told, s.day) for s in SPLIT.seasons if s.told < SPLIT.final]
    assert found.pairs == len(pairs) == 3
    assert found.by_season == pytest.approx(np.sqrt(np.mean([(known[a] - known[b]) ** 2 for a, b in pairs])), abs=1e-4)
    gaps = []
    for day, shift in known.items():
        earlier = [other for other in known if other <= day - timedelta(days=SPLIT.days)]
        gaps += [shift - known[max(earlier)]] if earlier else []
    assert found.by_newest == pytest.approx(np.sqrt(np.mean(np.square(gaps))), abs=1e-4)


def missing_shift(model, rows):
    """The shift of log-odds that brings the mean to what happened, by halving an interval."""
    odds, rate = logit(model.outputs(rows)["churn_probability"].to_numpy()), rows["churned_90"].mean()
    low, high = -10.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(odds + middle).mean() < rate else (low, middle)
    return low


@pytest.mark.parametrize("day", [TODAY, date(2026, 2, 14), date(2027, 1, 31)])
@pytest.mark.parametrize(("every", "horizon"), [("1mo", 90), ("30d", 90), ("1mo", 180)])
def test_seasons_are_a_year_away_known_and_not_before_the_history(day, every, horizon):
    split = plan(day, Protocol(every=every), horizon, EARLIEST)
    for season in split.seasons:
        assert abs(season.day - stepped(season.told, "1mo", -12)) <= NEAR
        assert EARLIEST <= season.day <= split.final - timedelta(days=split.days)
        assert season.day in split.dates and split.year_before(season.told) == season.day
    assert [s.told for s in split.seasons] == sorted(s.told for s in split.seasons)


def test_without_an_earlier_date_to_ask_no_snapshot_is_made_and_nothing_is_said():
    short = plan(TODAY, Protocol(), HORIZON, date(2025, 6, 1))
    assert short.seasons == () and set(short.dates) == {*short.every, short.final}
    assert with_seasons(short, TODAY, None).seasons == ()
    assert plan(TODAY, Protocol(seasons=False), HORIZON, EARLIEST).seasons == ()
