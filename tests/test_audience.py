"""The benchmark of lengths: a company is its number, and what it reports is what a loop finds."""

import numpy as np
import pytest

from benchmarks.audience import Market, Result, run, summary


def test_a_company_is_its_number():
    first, again, other = Market.of(3), Market.of(3), Market.of(4)
    assert np.array_equal(first.hidden, again.hidden) and len(first.hidden) != len(other.hidden)
    assert np.corrcoef(first.probability, first.hidden)[0, 1] > 0.3
    assert first.probability.mean() == pytest.approx(first.hidden.mean(), rel=0.5)


@pytest.mark.parametrize("drawn", [True, False])
def test_what_a_list_earns_is_counted_from_hidden_probabilities(drawn):
    found, market = run(6, drawn), Market.of(6)
    rate = market.acceptance if drawn else 0.3
    earned, best = 0.0, 0.0
    for place, i in enumerate(np.argsort(-market.probability * market.value, kind="stable"), 1):
        p, costs = market.hidden[i], market.costs
        earned += p * rate * (market.value[i] - costs.incentive) - (1 - p) * costs.incentive - costs.contact
        best = max(best, earned)
        if place == found.length:
            assert found.recommended == pytest.approx(earned / len(market.value) / market.value.mean())
    assert found.best == pytest.approx(best / len(market.value) / market.value.mean())
    assert found.best >= found.but_acceptance and found.best >= found.recommended


def test_the_bars_of_the_issue():
    """Fewer companies than the benchmark, with the acceptance that is believed in."""
    told = summary([run(number, drawn=False) for number in range(1, 21)], resamples=200)
    assert told["recommended"][0] > 0.9
    assert told["recommended"][0] > max(told["by_risk"][2], told["by_bill"][2])


def test_shares_are_of_the_sums():
    results = [Result(n, 10, 5, best, best, ours, 0.0, -1.0) for n, (best, ours) in enumerate([(2.0, 1.0), (4.0, 4.0)])]
    assert summary(results, resamples=50)["recommended"][0] == pytest.approx(5 / 6)
    assert summary(results, resamples=50)["by_bill"][0] == pytest.approx(-2 / 6)
