"""Money in two steps: the product of both, additive to the last reason, the same from its files, in any currency."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.base import clone

from models.estimators.value import ValueRegressor
from models.learners.blends import Blend, restore
from models.learners.hurdle import PAID, Hurdle
from models.learners.trees import Trees

SHAPE = {"n_estimators": 60, "learning_rate": 0.1, "num_leaves": 7, "min_child_samples": 20}


def world(size: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Customers, what they bring, and what is to be expected of them: those who rarely pay, pay much."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(0, 1, (size, 3)), columns=["often", "much", "noise"])
    chance, middle = expit(1.5 * X["often"]), 3.0 - 0.5 * X["often"] + 0.8 * X["much"]
    paid = rng.random(size) < chance
    money = np.where(paid, np.exp(middle + rng.normal(0, 0.7, size)), 0.0)
    return X, money, (chance * np.exp(middle + 0.7**2 / 2)).to_numpy()


X, Y, EXPECTED = world(3_000, 1)


def made(family="lognormal"):
    return Hurdle(Trees("binary", **SHAPE), Trees(family, **SHAPE))


@pytest.fixture(scope="module", params=["lognormal", "gamma"])
def fitted(request):
    return made(request.param).fit(X, Y)


def test_expectation_is_the_chance_of_paying_times_what_is_paid(fitted):
    chance = expit(fitted.paid_.raw(X))
    twin = np.array([p * np.exp(a) for p, a in zip(chance, fitted.amount_.raw(X), strict=True)])
    assert np.exp(fitted.raw(X)) == pytest.approx(twin * Y.sum() / twin.sum(), rel=1e-9)


def test_both_steps_are_learnt_where_they_run_against_each_other(fitted):
    fresh, _, expected = world(2_000, 2)
    told = np.exp(fitted.raw(fresh))
    assert np.corrcoef(np.log(told), np.log(expected))[0, 1] > 0.93
    assert told.sum() == pytest.approx(expected.sum(), rel=0.1)


def test_contributions_add_up_and_noise_has_little_of_them(fitted):
    parts, _ = fitted.contributions(X)
    assert parts.shape == (len(X), 4) and parts.sum(axis=1) == pytest.approx(fitted.raw(X), abs=1e-5)
    weight = np.abs(parts[:, :3]).mean(axis=0)
    assert weight[2] < weight[:2].min() / 2


def test_what_its_files_hold_tells_the_same_to_the_last_bit(fitted):
    again = restore(fitted.state(), fitted.texts())
    assert np.array_equal(again.raw(X), fitted.raw(X)) and again.texts() == fitted.texts()
    blend = Blend([Trees("amount", **SHAPE).fit(X, Y), fitted])
    assert np.array_equal(restore(blend.state(), blend.texts()).raw(X), blend.raw(X))
    model = ValueRegressor(made()).fit(X, Y)
    assert np.array_equal(ValueRegressor.from_files(model.to_files()).predict(X), model.predict(X))


def test_the_currency_changes_nothing_but_the_unit():
    cents, whole = made().fit(X, Y * 100), made().fit(X, Y)
    assert np.exp(cents.raw(X)) == pytest.approx(np.exp(whole.raw(X)) * 100, rel=1e-4)
    assert isinstance(clone(made()), Hurdle) and made().fit(X, Y).state() == whole.state()


def test_where_everybody_pays_or_nobody_there_is_one_step():
    everybody = made().fit(X, Y + 1.0)
    assert everybody.paid_ is None and not any(name.startswith(PAID) for name in everybody.texts())
    assert np.exp(everybody.raw(X)).sum() == pytest.approx((Y + 1.0).sum())
    assert np.array_equal(restore(everybody.state(), everybody.texts()).raw(X), everybody.raw(X))
    nobody = made().fit(X, Y * 0)
    assert np.isfinite(nobody.raw(X)).all() and np.exp(nobody.raw(X)).max() < 1e-3
    assert np.array_equal(made().fit(X, np.where(Y > 0, Y, -5.0)).raw(X), made().fit(X, Y).raw(X))
