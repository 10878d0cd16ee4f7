"""The benchmark of lengths: a company is its number, and what it reports is what a loop finds."""

import numpy as np
import pytest

from benchmarks.audience import BELIEF, LEAST, WORLDS, Market, Result, run, summary
from targeting.profit import acceptances


def test_a_company_is_its_number():
    first, again, other = Market.of(3), Market.of(3), Market.of(4)
    assert np.array_equal(first.hidden, again.hidden) and len(first.hidden) != len(other.hidden)
    assert np.corrcoef(first.probability, first.hidden)[0, 1] > 0.3
    assert first.probability.mean() == pytest.approx(first.hidden.mean(), rel=0.5)


def test_published_levels_are_off_by_chance_and_not_on_one_side():
    ratios = [market.probability.mean() / market.hidden.mean() for market in map(Market.of, range(1, 31))]
    assert np.exp(np.mean(np.log(ratios))) == pytest.approx(1, abs=3 * 0.15 / np.sqrt(30))
    assert np.std(np.log(ratios)) > 0.07


@pytest.mark.parametrize("world", list(WORLDS)[:2])
def test_what_a_list_earns_is_counted_from_hidden_probabilities(world):
    found, market = run(6, world), Market.of(6)
    rate = 0.3 if world == "expected" else market.acceptance
    earned, best = 0.0, 0.0
    for place, i in enumerate(np.argsort(-market.probability * market.value, kind="stable"), 1):
        p, costs = market.hidden[i], market.costs
        earned += p * rate * (market.value[i] - costs.incentive) - (1 - p) * costs.incentive - costs.contact
        best = max(best, earned)
        if place == found.length:
            assert found.recommended == pytest.approx(earned / len(market.value) / market.value.mean())
    assert found.best == pytest.approx(best / len(market.value) / market.value.mean())
    assert found.best >= found.but_acceptance and found.best >= found.recommended


def test_who_knows_the_acceptance_beforehand_earns_more_than_any_one_length():
    expected, known = run(6, "expected"), run(6, "each in turn, known afterwards")
    assert known.recommended == pytest.approx(
        expected.recommended, rel=1e-3
    )  # linear: the mean acceptance tells the mean
    assert known.but_acceptance == pytest.approx(expected.best, rel=1e-3)
    assert known.best > expected.best
    assert acceptances(BELIEF).mean() == pytest.approx(BELIEF.mean, rel=1e-3)


def test_the_bars_of_the_issue():
    """Fewer companies than the benchmark, against the best expected net benefit."""
    told = summary([run(number, "expected") for number in range(1, 13)], resamples=200)
    assert told["recommended"][0] > LEAST
    assert told["recommended"][0] > max(told["by_risk"][2], told["by_bill"][2])


def test_shares_are_of_the_sums():
    results = [Result(n, 10, 5, best, best, ours, 0.0, -1.0) for n, (best, ours) in enumerate([(2.0, 1.0), (4.0, 4.0)])]
    assert summary(results, resamples=50)["recommended"][0] == pytest.approx(5 / 6)
    assert summary(results, resamples=50)["by_bill"][0] == pytest.approx(-2 / 6)
