"""BG/NBD and Gamma-Gamma: the published fit, a twin by another hand, customers drawn from the model itself, awkward ones."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from features.errors import HeadwaterError
from models.learners.bg_nbd import (
    READ,
    BgNbd,
    expected_purchases,
    expected_spend,
    fit_rates,
    fit_spend,
    log_likelihood,
)
from models.learners.blends import Blend, restore
from models.learners.trees import Trees

RATES, SPEND = (0.8, 60.0, 0.7, 2.5), (6.0, 4.0, 15.0)


def drawn(size: int, seed: int, days: float = 365.0, ahead: float = 91.0) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers who live by the model: purchase by purchase, and what those of the days ahead brought."""
    rng, (r, alpha, a, b), (p, q, v) = np.random.default_rng(seed), RATES, SPEND
    rows, money = [], []
    for rate, stops, scale in zip(
        rng.gamma(r, 1 / alpha, size), rng.beta(a, b, size), rng.gamma(q, 1 / v, size), strict=True
    ):
        age, times, now = rng.uniform(days / 2, days), [0.0], 0.0
        while (now := now + rng.exponential(1 / rate)) < age + ahead:
            times.append(now)
            if rng.random() < stops:
                break
        spent = rng.gamma(p, 1 / scale, len(times))
        known = [t for t in times if t < age]
        gap = known[-1] / (len(known) - 1) if len(known) > 1 else np.nan
        rows.append((age, age - known[-1], gap, spent[: len(known)].sum()))
        money.append(spent[len(known) :].sum())
    return pd.DataFrame(rows, columns=list(READ)).assign(other=1.0), np.array(money)


X, Y = drawn(4_000, 1)
FITTED = BgNbd().fit(X, Y)


def test_the_published_fit_is_found_again():
    """Fader, Hardie and Lee: r .243, alpha 4.414, a .793, b 2.426 and log-likelihood -9582.4 on 2,357 customers of CDNOW."""
    table = pytest.importorskip("lifetimes.datasets").load_cdnow_summary()
    history = [table[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T")]
    found = fit_rates(*history)
    assert found == pytest.approx((0.243, 4.414, 0.793, 2.426), rel=0.03)
    assert log_likelihood((0.243, 4.414, 0.793, 2.426), *history).sum() == pytest.approx(-9582.4, abs=0.1)
    assert log_likelihood(found, *history).sum() > -9582.6


def test_expectations_are_those_of_the_twin():
    fitters = pytest.importorskip("lifetimes")
    twin, money = fitters.BetaGeoFitter(), fitters.GammaGammaFitter()
    twin.params_ = pd.Series(dict(zip(("r", "alpha", "a", "b"), RATES, strict=True)))
    money.params_ = pd.Series(dict(zip("pqv", SPEND, strict=True)))
    bought, last, age = np.array([0, 1, 4, 30.0]), np.array([0, 20, 200, 290.0]), np.array([100, 90, 300, 300.0])
    truth = twin.conditional_expected_number_of_purchases_up_to_time(91.0, bought, last, age)
    assert expected_purchases(RATES, bought, last, age, 91.0) == pytest.approx(np.asarray(truth), rel=1e-6)
    mean = np.array([10.0, 20.0, 30.0, 5.0])
    truth = money.conditional_expected_average_profit(pd.Series(bought + 1), pd.Series(mean))
    assert expected_spend(SPEND, bought + 1, mean) == pytest.approx(truth.to_numpy(), rel=1e-9)


def test_customers_who_live_by_the_model_are_told_as_they_turn_out():
    fresh, came = drawn(8_000, 2)
    told = np.exp(FITTED.raw(fresh))
    assert FITTED.horizon_ == pytest.approx(91, rel=0.15) and FITTED.rates_[0] == pytest.approx(RATES[0], rel=0.25)
    assert told.sum() == pytest.approx(came.sum(), rel=0.08)
    fifths = np.array_split(np.argsort(told), 5)
    for rows in fifths[1:]:
        assert told[rows].mean() == pytest.approx(came[rows].mean(), rel=0.2)


def test_spend_is_pulled_to_that_of_everybody_the_more_the_fewer_the_purchases():
    p, q, v = fit_spend(np.array([1.0, 2, 3, 4, 5, 6]), np.array([10.0, 30, 22, 18, 21, 19]))
    everybody = v * p / (q - 1)
    told = expected_spend((p, q, v), np.array([0.0, 1, 10, 1000]), np.full(4, 100.0))
    assert told[0] == pytest.approx(everybody) and (np.diff(told) > 0).all() and told[-1] < 100


@pytest.mark.parametrize("a", [0.01, 1.0, 1.0 + 1e-9, 3.0])
def test_hundreds_of_purchases_and_a_near_one_are_finite(a):
    bought, last, age = np.array([0.0, 400, 900, 5000]), np.array([0.0, 364, 300, 40]), np.full(4, 365.0)
    told = expected_purchases((1.5, 10.0, a, 43.0), bought, last, age, 91.0)
    assert np.isfinite(told).all() and (told >= 0).all()


def test_who_never_bought_and_who_bought_once_have_a_score():
    odd = pd.DataFrame([[np.nan, np.nan, np.nan, 0.0], [30.0, 30.0, np.nan, 12.0]], columns=list(READ)).assign(other=0)
    assert np.isfinite(FITTED.raw(odd)).all()
    nobody = BgNbd().fit(odd.iloc[[0, 0]], [0.0, 0.0])
    assert np.isfinite(nobody.raw(odd)).all()
    with pytest.raises(HeadwaterError, match="E511"):
        BgNbd().fit(X.drop(columns="purchase_gap"), Y)


def test_it_keeps_what_every_learner_keeps():
    parts, _ = FITTED.contributions(X)
    assert parts.sum(axis=1) == pytest.approx(FITTED.raw(X)) and not parts[:, list(X.columns).index("other")].any()
    assert abs(parts[:, :4]).mean(axis=0).min() > 0
    again = restore(json.loads(json.dumps(FITTED.state(), allow_nan=False)), FITTED.texts())
    assert np.array_equal(again.raw(X[X.columns[::-1]]), FITTED.raw(X)) and again.used_columns == list(X.columns)
    assert BgNbd().fit(X, Y).state() == FITTED.state() and isinstance(clone(BgNbd()), BgNbd)
    fen = BgNbd().fit(X.assign(spend_ever=X["spend_ever"] * 100), Y * 100)
    assert fen.raw(X.assign(spend_ever=X["spend_ever"] * 100)) == pytest.approx(FITTED.raw(X) + np.log(100), abs=0.01)


def test_its_blend_with_trees_adds_up():
    trees = Trees("amount", n_estimators=10).fit(X, Y)
    both = Blend((FITTED, trees))
    parts, method = both.contributions(X.head(50))
    assert parts.sum(axis=1) == pytest.approx(both.raw(X.head(50)), abs=1e-4) and method.startswith("shapley+")
