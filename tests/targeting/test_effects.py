"""Effects: equal to a plain regression with everything in one design, and to what books say of special cases."""

import numpy as np
import pytest
from scipy import stats

from targeting.effects import Effect, effect, pooled


def sample(n: int = 400, seed: int = 3, share: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    known = rng.gamma(2.0, 30.0, (n, 2))
    treated = rng.random(n) > share
    outcome = known @ [0.8, 0.3] + treated * (4 + 0.1 * known[:, 0]) + rng.normal(0, 5 + 10 * treated)
    return outcome, treated, known


def twin(outcome: np.ndarray, treated: np.ndarray, known: np.ndarray) -> tuple[float, float]:
    """The interacted regression of Lin (2013) with the textbook's sandwich, customer by customer."""
    centred = known - known.mean(axis=0)
    design = np.column_stack([np.ones(len(outcome)), treated, centred, treated[:, None] * centred])
    bread = np.linalg.inv(design.T @ design)
    left = outcome - design @ (bread @ design.T @ outcome)
    meat = np.zeros_like(bread)
    for row, residual in zip(design, left, strict=True):
        meat += np.outer(row, row) * residual**2 / (1 - row @ bread @ row)
    return (bread @ design.T @ outcome)[1], np.sqrt((bread @ meat @ bread)[1, 1])


@pytest.mark.parametrize("seed", range(5))
def test_the_adjusted_effect_is_that_of_the_interacted_regression_with_hc2(seed):
    outcome, treated, known = sample(60, seed)
    estimate, error = twin(outcome, treated, known)
    found = effect(outcome, treated, known)
    assert (found.estimate, found.standard_error) == pytest.approx((estimate, error), rel=1e-9)
    assert found.treated - found.control == pytest.approx(found.estimate)


def test_without_covariates_it_is_the_test_of_welch():
    outcome, treated, _ = sample(50)
    found = effect(outcome, treated)
    theirs = stats.ttest_ind(outcome[treated], outcome[~treated], equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_what_was_known_before_shortens_the_interval_and_noise_does_not_lengthen_it():
    outcome, treated, known = sample(2_000)
    plain, adjusted = effect(outcome, treated), effect(outcome, treated, known)
    noise = np.random.default_rng(1).normal(size=(len(outcome), 1))
    assert adjusted.half_width < 0.6 * plain.half_width
    assert effect(outcome, treated, noise).half_width < 1.01 * plain.half_width


def test_a_score_that_is_the_same_for_everybody_changes_nothing():
    outcome, treated, known = sample(80)
    constant = np.where(treated, known[:, 0], 5.0)[:, None]
    assert effect(outcome, treated, constant) == effect(outcome, treated)


def test_twins_of_one_account_are_one_and_not_two():
    outcome, treated, known = sample(200)
    names = np.arange(len(outcome)).astype(str)
    alone = effect(outcome, treated, known, names)
    unnamed = effect(outcome, treated, known)
    assert (alone.low, alone.high, alone.df) == pytest.approx((unnamed.low, unnamed.high, unnamed.df), rel=1e-9)
    twice = [np.repeat(part, 2, axis=0) for part in (outcome, treated, known, names)]
    unaware = effect(*twice[:3])
    both = effect(*twice)
    assert unaware.standard_error < 0.75 * alone.standard_error
    assert both.standard_error == pytest.approx(alone.standard_error, rel=0.02)
    assert both.df <= alone.df + 4


def test_pooling_is_what_the_articles_print():
    """By hand: two campaigns of -0.04 ± 0.01 and 0.00 ± 0.02."""
    found = pooled([Effect(-0.04, 0.01, 50, 0.1, 0.14), Effect(0.0, 0.02, 50, 0.1, 0.1)])
    assert found.fixed.estimate == pytest.approx((-0.04 / 1e-4) / (1 / 1e-4 + 1 / 4e-4))
    assert found.fixed.standard_error == pytest.approx((1 / 1e-4 + 1 / 4e-4) ** -0.5)
    spread = 1e4 * (-0.04 + 0.032) ** 2 + 2_500 * 0.032**2
    weights = np.array([1e4, 2_500.0])
    between = (spread - 1) / (weights.sum() - (weights**2).sum() / weights.sum())
    assert found.between == pytest.approx(between**0.5) and found.inconsistency == pytest.approx((spread - 1) / spread)
    assert found.random.half_width > found.fixed.half_width and found.differ < 0.1


def test_equal_campaigns_differ_by_nothing():
    one = Effect(-0.02, 0.01, 90, 0.1, 0.12)
    found = pooled([one] * 4)
    assert found.between == 0 and found.random == found.fixed
    assert found.fixed.half_width == pytest.approx(stats.norm.ppf(0.975) * 0.005)
