"""Brier scores with censoring weights and Kaplan-Meier curves, against loops written from their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.survival import brier, followed, integrated_brier, kaplan_meier

HORIZONS = 4


def lives(seed: int, size: int = 60, *, censored: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcomes, and what they come from: the period of the event (HORIZONS: none so far), how many are followed."""
    rng = np.random.default_rng(seed)
    event = np.minimum(rng.geometric(0.25, size) - 1, HORIZONS)
    ends = rng.integers(1, HORIZONS + 1, size) if censored else np.full(size, HORIZONS)
    at = np.arange(HORIZONS)
    happened = (event[:, None] <= at).astype(float)
    known = (at < ends[:, None]) | (happened == 1) & (event < ends)[:, None]
    return np.where(known, happened, np.nan), event, ends


def slow_kaplan_meier(event, ends) -> list[float]:
    """Product limit by its definition: periods one by one."""
    stay, found = 1.0, []
    for at in range(HORIZONS):
        risk = [e for e, c in zip(event, ends, strict=True) if e >= at and c > at]
        stay *= 1 - (sum(e == at for e in risk) / len(risk) if risk else 0)
        found.append(1 - stay)
    return found


def slow_followed(event, ends) -> list[float]:
    """The same of being censored: who is followed through a period, of those without an event before it."""
    chance, found = 1.0, []
    for at in range(HORIZONS):
        risk = [c for e, c in zip(event, ends, strict=True) if e >= at and c >= at]
        chance *= sum(c > at for c in risk) / len(risk) if risk else 0
        found.append(chance)
    return found


def slow_brier(event, ends, told) -> list[float]:
    """Graf and others (1999): (1 - p)^2 / G(event) where it has happened, p^2 / G(t) where it has not, 0 if not known."""
    chance, found = slow_followed(event, ends), []
    for at in range(HORIZONS):
        lost = 0.0
        for e, c, p in zip(event, ends, told[:, at], strict=True):
            if e <= at and c > e:
                lost += (1 - p) ** 2 / chance[e]
            elif e > at and c > at:
                lost += p**2 / chance[at]
        found.append(lost / len(event))
    return found


@given(st.integers(0, 500), st.integers(1, 40))
def test_curves_and_scores_equal_their_definitions(seed, size):
    outcomes, event, ends = lives(seed, size)
    told = np.sort(np.random.default_rng(seed).random((size, HORIZONS)), axis=1)
    assert kaplan_meier(outcomes) == pytest.approx(slow_kaplan_meier(event, ends))
    assert followed(outcomes) == pytest.approx(slow_followed(event, ends))
    assert brier(outcomes, told) == pytest.approx(slow_brier(event, ends, told))


def test_where_everybody_is_followed_they_are_plain_means():
    outcomes, _, _ = lives(1, censored=False)
    told = np.full(outcomes.shape, 0.3)
    assert kaplan_meier(outcomes) == pytest.approx(outcomes.mean(axis=0))
    assert brier(outcomes, told) == pytest.approx(((outcomes - told) ** 2).mean(axis=0))


@given(st.integers(0, 200), st.integers(1, HORIZONS - 1))
def test_censoring_after_a_horizon_changes_nothing_up_to_it(seed, kept):
    outcomes, _, _ = lives(seed)
    told = np.full(outcomes.shape, 0.4)
    later = outcomes.copy()
    later[:, kept:] = np.nan
    for figure in (kaplan_meier, followed, lambda o: brier(o, told)):
        assert np.array_equal(figure(later)[:kept], figure(outcomes)[:kept])


def test_weights_give_what_everybody_followed_would_have_given():
    """The censored taken for survivors would not: what they hide is missed."""
    outcomes, event, _ = lives(3, 40_000)
    whole = (event[:, None] <= np.arange(HORIZONS)).astype(float)
    told = np.tile(whole.mean(axis=0), (len(whole), 1))
    right = ((whole - told) ** 2).mean(axis=0)
    assert brier(outcomes, told) == pytest.approx(right, abs=0.01)
    assert kaplan_meier(outcomes) == pytest.approx(whole.mean(axis=0), abs=0.015)
    survived = np.maximum.accumulate(np.nan_to_num(outcomes), axis=1)
    assert abs(kaplan_meier(survived) - whole.mean(axis=0))[-1] > 0.1
    assert abs(brier(survived, told) - right)[-1] > 0.05


def test_a_row_drawn_twice_counts_twice():
    outcomes, _, _ = lives(4)
    told = np.full(outcomes.shape, 0.2)
    weights = np.random.default_rng(4).integers(0, 3, (3, len(outcomes))).astype(float)
    assert kaplan_meier(outcomes, weights) == pytest.approx(
        np.array([kaplan_meier(np.repeat(outcomes, w.astype(int), axis=0)) for w in weights])
    )
    full, _, _ = lives(4, censored=False)
    assert brier(full, told, weights) == pytest.approx(
        np.array(
            [brier(np.repeat(full, n.astype(int), axis=0), np.repeat(told, n.astype(int), axis=0)) for n in weights]
        )
    )


def test_integrated_over_time_by_trapezoids():
    assert integrated_brier((30, 60, 90), np.array([0.1, 0.2, 0.1])) == pytest.approx(0.15)
    assert integrated_brier((30, 90, 120), np.array([0.1, 0.1, 0.4])) == pytest.approx((60 * 0.1 + 30 * 0.25) / 90)
