"""Levels: the mean follows the outcomes, the order stays, and what is off by chance only is left alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.estimators import levels
from models.evaluation import judging
from models.evaluation.judging import Outcome
from models.targets.registry import TARGETS


def outcome(y: np.ndarray, target: str = "churn") -> Outcome:
    return Outcome(TARGETS[target].task, y.astype(float), np.ones(len(y)), np.arange(len(y)))


@given(rate=st.floats(0.02, 0.98), by=st.floats(-3, 3), seed=st.integers(0, 1000))
def test_probabilities_get_the_rate_that_was_seen_in_the_same_order(rate, by, seed):
    rng = np.random.default_rng(seed)
    p = np.clip(rng.beta(1, 6, 400), 1e-6, 1 - 1e-6)
    y = (np.arange(400) < max(1, int(400 * rate))).astype(float)
    made = levels.shifted("binary", p, levels.shift("binary", y, p))
    assert made.mean() == pytest.approx(y.mean(), abs=1e-6)
    assert np.array_equal(np.argsort(made, kind="stable"), np.argsort(p, kind="stable"))
    moved = levels.shifted("binary", p, by)
    assert levels.shifted("binary", moved, levels.shift("binary", y, moved)) == pytest.approx(made, abs=1e-6)


def test_amounts_get_the_total_that_was_seen():
    rng = np.random.default_rng(0)
    y, amounts = rng.gamma(1, 50, 300), rng.gamma(2, 80, 300)
    made = levels.shifted("amount", amounts, levels.shift("amount", y, amounts))
    assert made.sum() == pytest.approx(y.sum()) and made / amounts == pytest.approx((made / amounts)[0])


@pytest.mark.parametrize("y", [np.zeros(50), np.ones(50)])
def test_one_class_tells_no_level(y):
    assert levels.shift("binary", y, np.full(50, 0.2)) == 0 and levels.shift("amount", 0 * y, np.full(50, 2.0)) == 0


def test_chance_is_left_alone_and_a_wrong_level_is_not():
    rng = np.random.default_rng(1)
    p = rng.beta(2, 8, 3000)
    off = np.zeros(2)
    for _ in range(60):
        seen = outcome(rng.random(3000) < p)
        weights = judging.resamples(seen.customers, 100, seed=1)
        off += [levels.is_off(seen, p, weights), levels.is_off(seen, p * 0.7, weights)]
    assert off[0] <= 9 and off[1] == 60


def test_each_half_takes_its_level_from_the_other():
    rng = np.random.default_rng(2)
    p = rng.beta(2, 8, 4000)
    seen = outcome(rng.random(4000) < p)
    made = levels.cross_fitted(seen, p * 0.5)
    assert made.mean() == pytest.approx(seen.y.mean(), rel=0.02)
    apart = outcome(rng.random(4000) < np.where(np.arange(4000) % 2, 0.4, 0.1))
    again = levels.cross_fitted(apart, p)
    assert again[::2].mean() == pytest.approx(0.4, abs=0.04) and again[1::2].mean() == pytest.approx(0.1, abs=0.04)
