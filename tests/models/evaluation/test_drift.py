"""The population stability index: a worked example, what it must see and what it must not."""

import numpy as np
import pytest

from models.evaluation import drift


def test_a_worked_example():
    """By hand: (.2-.1)ln2 + (.3-.4)ln.75 + (.5-.5)ln1 = .0693147 + .0287682."""
    assert drift.index(np.array([0.1, 0.4, 0.5]), np.array([0.2, 0.3, 0.5])) == pytest.approx(0.0980829, abs=1e-7)


def test_equal_samples_are_zero_and_the_index_is_symmetric():
    rng = np.random.default_rng(0)
    one, other = rng.random(1000), rng.random(1000) ** 2
    assert drift.stability(one, one) == 0.0
    a, b = drift.shares(one, drift.edges(one)), drift.shares(other, drift.edges(one))
    assert drift.index(a, b) == pytest.approx(drift.index(b, a))


def test_planted_shifts_raise_it_and_quiet_nights_do_not():
    rng = np.random.default_rng(1)
    before = rng.beta(2, 20, 5000)
    quiet = [drift.stability(before, rng.beta(2, 20, 5000)) for _ in range(200)]
    assert np.mean(np.array(quiet) > 0.25) <= 0.05 and max(quiet) < 0.05
    shifted = [before * 1.6, before + 0.05, before**0.5, np.full(5000, 0.1), 1 - before]
    assert min(drift.stability(before, s) for s in shifted) > 0.25


def test_ties_unknown_values_and_empty_samples():
    same = np.full(100, 0.3)
    assert drift.stability(same, same) == 0.0
    assert drift.stability(same, np.full(100, 0.9)) > 1
    assert drift.stability(np.r_[same, np.nan], same) == 0.0
    assert np.isnan(drift.stability(np.array([]), same))


def test_every_value_falls_into_one_bin():
    inner = drift.edges(np.arange(100.0))
    assert len(inner) == drift.BINS - 1
    assert drift.shares(np.array([-1e9, 1e9, 50.0]), inner).sum() == pytest.approx(1)
