"""Money of a list: equal to customers who are drawn one by one, and the expected maximum profit to its integral."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import integrate, stats

from targeting.benefit import Costs, net_benefits
from targeting.profit import (
    ProfitCurve,
    Treatment,
    acceptances,
    default_treatment,
    maximum_profit,
    net_interval,
    treatments,
)
from targeting.profit_settings import ACCEPTANCE, ProfitSettings

BELIEF = ProfitSettings().around(ACCEPTANCE)


def company(n: int = 400, seed: int = 1) -> tuple[np.ndarray, np.ndarray, Costs]:
    rng = np.random.default_rng(seed)
    probability, value = rng.beta(1, 8, n), np.exp(rng.normal(6, 0.6, n))
    order = np.argsort(-probability * value)
    return probability[order], value[order], Costs(contact=3.0, incentive=25.0)


def test_the_default_is_the_article():
    """Verbraken et al. (2013): Beta(6, 14), and costs of 10 and 1 for a value of 200."""
    assert BELIEF.beta == pytest.approx((6.0, 14.0))
    assert default_treatment(pd.Series([100.0, 300.0, np.nan])) == Treatment(1.0, 10.0, 0.3)
    assert default_treatment(pd.Series([np.nan])) == Treatment(0.0, 0.0, 0.3)


def test_each_customer_has_the_money_of_their_action_and_a_setting_is_for_everybody():
    rules, values = pd.Series(["call", "note", None, "call"]), pd.Series([200.0] * 4)
    paid = {"call": Treatment(8.0, 0.0, 0.2), "note": Treatment(0.1, 5.0, 0.05)}
    own = treatments(rules, paid, values, ProfitSettings())
    assert own.costs.contact.tolist() == [8.0, 0.1, 1.0, 8.0] and own.costs.incentive.tolist() == [0.0, 5.0, 10.0, 0.0]
    assert (own.relative * own.acceptance.mean).tolist() == pytest.approx([0.2, 0.05, 0.3, 0.2])
    all_alike = ProfitSettings(contact_cost=0.0, incentive=7.0, acceptance=0.4, acceptance_sd=0.05)
    same = treatments(rules, paid, values, all_alike)
    assert (same.costs.contact.tolist(), same.costs.incentive.tolist()) == ([0.0] * 4, [7.0] * 4)
    assert same.relative.tolist() == [1.0] * 4 and (same.acceptance.mean, same.acceptance.sd) == (0.4, 0.05)
    half = treatments(rules, paid, values, ProfitSettings(acceptance=0.4))
    assert half.costs.contact.tolist() == [8.0, 0.1, 1.0, 8.0] and half.acceptance.sd == pytest.approx(0.4 / 3)
    useless = treatments(rules[:2], {n: Treatment(1.0, 0.0, 0.0) for n in ("call", "note")}, values, ProfitSettings())
    assert not useless.relative.any() and all(parameter > 0 for parameter in useless.acceptance.beta)


def test_an_acceptance_that_no_distribution_has_is_refused():
    with pytest.raises(ValidationError, match="acceptance_sd"):
        ProfitSettings(acceptance=0.02, acceptance_sd=0.2)


def test_sums_are_those_of_a_loop_and_the_control_costs_and_brings_nothing():
    """Each customer has an action with costs and an acceptance of its own."""
    probability, value, _ = company(30)
    rng = np.random.default_rng(8)
    paid = Costs(contact=rng.uniform(0, 9, 30), incentive=rng.uniform(0, 40, 30))
    contacted, relative = np.arange(30) % 4 != 1, rng.choice([1.0, 0.5, 0.1], 30)
    curve = ProfitCurve.of(probability, value, contacted, paid, relative)
    for k in (0, 1, 7, 30):
        mean = variance = spent = saved = 0.0
        for i in np.flatnonzero(contacted[:k]):
            p, v, d, rate = probability[i], value[i], paid.incentive[i], 0.3 * relative[i]
            outcomes = [(v - d, p * rate), (0.0, p * (1 - rate)), (-d, 1 - p)]
            own = sum(money * share for money, share in outcomes)
            mean += own - paid.contact[i]
            spent += paid.contact[i] + d * (p * rate + 1 - p)
            saved += v * p * rate
            variance += sum(share * (money - own) ** 2 for money, share in outcomes)
        assert curve.net(k, 0.3) == pytest.approx(mean) == pytest.approx(saved - spent)
        assert curve.outlay[k] + 0.3 * curve.offers[k] == pytest.approx(spent)
        assert 0.3 * curve.at_risk[k] == pytest.approx(saved)
        assert curve.deviation(k, np.array([0.3])) ** 2 == pytest.approx(variance)
        assert curve.contacted[k] == contacted[:k].sum()
    truth = net_benefits(probability, value, paid, 0.3 * relative)
    assert curve.net(30, 0.3) == pytest.approx(truth[contacted].sum())


def test_the_interval_holds_nineteen_of_twenty_campaigns():
    """Each draws an acceptance, who would leave, and who takes the offer."""
    n = 1_500
    probability, value, paid = company(n)
    rng, money = np.random.default_rng(3), []
    curve = ProfitCurve.of(probability, value, np.ones(n, dtype=bool), paid)
    for rate in rng.beta(*BELIEF.beta, 4_000):
        leaves, stays = rng.random(n) < probability, rng.random(n) < rate
        money.append((value[leaves & stays] - 25.0).sum() - 25.0 * (~leaves).sum() - 3.0 * n)
    low, high = net_interval(curve, n, BELIEF)
    below, above = (np.array(money) < low).mean(), (np.array(money) > high).mean()
    assert below == pytest.approx(0.025, abs=0.01) and above == pytest.approx(0.025, abs=0.01)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(0, 10_000))
def test_the_expected_maximum_profit_is_its_integral(n, seed):
    probability, value, paid = company(n, seed)
    curve = ProfitCurve.of(probability, value, np.ones(n, dtype=bool), paid)

    rates = np.linspace(0, 1, 20_001)
    best = (rates[:, None] * curve.gain - curve.outlay).max(axis=1)
    exact = integrate.trapezoid(best * stats.beta.pdf(rates, 6, 14), rates)
    found = maximum_profit(curve, BELIEF)
    assert found.expected == pytest.approx(exact, rel=0.01, abs=0.01)
    assert 0 <= found.share <= 1 and found.recommended in (0, round(found.share * n))
    assert found.expected >= curve.net(found.recommended, BELIEF.mean) - 1e-9


def test_acceptances_stand_for_equal_parts():
    rates = acceptances(BELIEF)
    assert rates.mean() == pytest.approx(0.3, abs=1e-3) and rates.std() == pytest.approx(0.1, abs=2e-3)


def test_where_no_list_pays_none_is_recommended():
    probability, value, _ = company()
    dear = ProfitCurve.of(probability, value, np.ones(400, dtype=bool), Costs(contact=1e6, incentive=0.0))
    assert maximum_profit(dear, BELIEF).recommended == 0
    free = ProfitCurve.of(probability, value, np.ones(400, dtype=bool), Costs(contact=0.0, incentive=0.0))
    assert maximum_profit(free, BELIEF).recommended == 400
    nobody = ProfitCurve.of(np.array([]), np.array([]), np.array([], dtype=bool), Costs(1.0, 1.0))
    assert maximum_profit(nobody, BELIEF).recommended == 0


def test_a_short_list_that_pays_is_recommended_where_the_mean_of_lengths_does_not():
    """One customer pays at any acceptance, a thousand only where many more accept than is believed."""
    probability, value = np.r_[0.5, np.full(1000, 0.1)], np.r_[1000.0, np.full(1000, 100.0)]
    curve = ProfitCurve.of(probability, value, np.ones(1001, dtype=bool), Costs(contact=3.6, incentive=0.0))
    found = maximum_profit(curve, BELIEF)
    mean_length = round(found.share * 1001)
    assert mean_length > 1 and curve.net(mean_length, BELIEF.mean) < 0
    assert found.recommended == 1 and curve.net(1, BELIEF.mean) > 0
