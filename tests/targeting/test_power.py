"""Power: equal to statsmodels, to a simulation, and what is called detectable is seen in four of five."""

import numpy as np
import pytest

from targeting.power import POWER, detectable_effect, lists_needed, power

STATSMODELS = [
    (0.10, 0.04, 4_500, 500, 0.8949032795120329),
    (0.25, 0.04, 4_500, 500, 0.5414046675686466),
    (0.05, 0.01, 9_000, 1_000, 0.34136816022732713),
    (0.30, 0.10, 300, 100, 0.5427050403952703),
    (0.02, 0.02, 500, 500, 0.8896078072191436),
]
"""Base, effect, treated, control and statsmodels 0.14 `power_proportions_2indep(-effect, base, treated, control / treated)`."""


@pytest.mark.parametrize(("base", "effect", "treated", "control", "expected"), STATSMODELS)
def test_power_is_that_of_statsmodels(base, effect, treated, control, expected):
    assert power(effect, base, treated, control) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("base", "treated", "control"), [(0.25, 4_500, 500), (0.08, 700, 300), (0.5, 150, 150)])
def test_a_detectable_effect_is_seen_in_four_of_five(base, treated, control):
    """Campaigns drawn one after the other, each with the test that is written in every book."""
    effect = detectable_effect(base, treated, control)
    rng = np.random.default_rng(5)
    ours, theirs = rng.binomial(treated, base - effect, 20_000), rng.binomial(control, base, 20_000)
    pooled = (ours + theirs) / (treated + control)
    error = np.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    seen = np.abs(ours / treated - theirs / control) > 1.959964 * error
    assert seen.mean() == pytest.approx(POWER, abs=0.02)


def test_more_customers_show_smaller_effects_and_half_and_half_the_smallest():
    sizes = [detectable_effect(0.1, 9 * n, n) for n in (100, 300, 1_000, 10_000)]
    assert sizes == sorted(sizes, reverse=True)
    shares = [detectable_effect(0.1, 5_000 - n, n) for n in (250, 500, 1_500, 2_500)]
    assert shares == sorted(shares, reverse=True)


@pytest.mark.parametrize(
    ("base", "treated", "control"), [(0.1, 0, 10), (0.1, 10, 0), (0.0, 100, 100), (1.0, 100, 100), (0.02, 100, 10)]
)
def test_where_nothing_could_be_seen_there_is_no_figure(base, treated, control):
    assert detectable_effect(base, treated, control) is None


def test_arrays_give_what_numbers_give():
    effects, bases = np.array([0.0, 0.01, 0.05, 0.1]), np.array([0.1, 0.1, 0.2, 0.1])
    assert power(effects, bases, 900, 100).tolist() == [
        power(effect, base, 900, 100) for effect, base in zip(effects, bases, strict=True)
    ]


@pytest.mark.parametrize(("effect", "base", "customers"), [(0.02, 0.26, 500), (0.1, 0.3, 200), (0.3, 0.5, 400)])
def test_as_many_lists_as_are_named_are_enough_and_one_fewer_is_not(effect, base, customers):
    lists = lists_needed(effect, base, customers)
    assert lists is not None and power(effect, base, lists * customers / 2, lists * customers / 2) >= POWER
    fewer = (lists - 1) * customers / 2
    assert lists == 1 or power(effect, base, fewer, fewer) < POWER


@pytest.mark.parametrize(
    ("effect", "base", "customers"), [(0.0, 0.2, 500), (0.1, 0.0, 500), (1e-6, 0.2, 500), (0.1, 0.2, 1)]
)
def test_where_no_number_of_lists_would_do_none_is_named(effect, base, customers):
    assert lists_needed(effect, base, customers) is None
