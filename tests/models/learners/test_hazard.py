"""Hazards from person-periods: a slow twin that copies rows, the laws of curves, and censoring that is no survival."""

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, logit

from models.learners.blends import restore
from models.learners.hazard import Hazard, base_hazards, cumulative, likelihood, person_periods

SHAPE = {"n_estimators": 20, "learning_rate": 0.2, "num_leaves": 7, "max_depth": 3, "min_child_samples": 1}
WHOLE = {"colsample_bytree": 1.0, "subsample": 1.0, "reg_lambda": 1.0}
OUTCOMES = arrays(float, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.sampled_from([0.0, 1.0, np.nan]))


def slow_periods(row: list[float]) -> list[float]:
    """One row, period by period, in plain Python."""
    found, over = [], False
    for happened in row:
        found.append(float("nan") if over else happened)
        over = over or happened != 0  # an event, or nothing is known any more
    return found


@given(OUTCOMES)
def test_person_periods_equal_their_slow_twin(outcomes):
    assert np.array_equal(person_periods(outcomes), [slow_periods(list(row)) for row in outcomes], equal_nan=True)


@given(arrays(float, (5, 4), elements=st.floats(0, 1)))
def test_curves_never_fall_and_stay_within_0_and_1(hazards):
    curve = cumulative(hazards)
    assert (np.diff(curve, axis=1) >= 0).all() and (curve >= 0).all() and (curve <= 1).all()


def world(customers: int = 3_000, seed: int = 5) -> tuple[pd.DataFrame, np.ndarray]:
    """Features of few values and outcomes at three horizons; a third is followed to the first, a third to the second."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.integers(0, 6, customers), "b": rng.integers(0, 4, customers)}).astype(float)
    hazard = expit(-1.5 + 0.4 * (X["a"].to_numpy() - 2.5))[:, None] * np.array([1.0, 0.7, 1.2])
    happened = np.maximum.accumulate(rng.random((customers, 3)) < hazard, axis=1).astype(float)
    third = np.arange(customers) % 3
    happened[third == 0, 1:] = np.nan
    happened[third == 1, 2:] = np.nan
    return X, happened


def test_it_learns_what_trees_learn_from_a_copy_of_each_row_per_period():
    """The slow twin: LightGBM's own `binary` on person-periods, the log-odds of each period given beforehand."""
    X, outcomes = world()
    model = Hazard(**SHAPE, **WHOLE).fit(X, outcomes)
    periods = person_periods(outcomes)
    base = logit(base_hazards(periods))
    row, period = np.nonzero(~np.isnan(periods))
    data = lgb.Dataset(X.to_numpy()[row], periods[row, period], init_score=base[period])
    parameters = model._parameters() | {"objective": "binary", "boost_from_average": False}
    slow = lgb.train(parameters, data, SHAPE["n_estimators"]).predict(X.to_numpy(), raw_score=True)
    assert model.raw(X) - model.shift_ == pytest.approx(slow, abs=1e-4)
    assert np.ptp(slow) > 1


def test_gradients_are_the_sums_of_those_of_person_periods():
    _, outcomes = world(200)
    periods, base = person_periods(outcomes), np.array([-2.0, -1.0, 0.5])
    score = np.random.default_rng(1).normal(size=200)
    gradient, hessian = likelihood(periods, base)(score, None)
    for row in range(200):
        hazards = [(expit(score[row] + b), y) for b, y in zip(base, periods[row], strict=True) if not np.isnan(y)]
        assert gradient[row] == pytest.approx(sum(p - y for p, y in hazards))
        assert hessian[row] == pytest.approx(sum(p * (1 - p) for p, _ in hazards))


def told(outcomes: np.ndarray, X: pd.DataFrame) -> float:
    """The mean chance of the event by the last horizon, where trees have nothing to tell by."""
    return float(expit(Hazard(**SHAPE).fit(X, outcomes).raw(X)).mean())


def test_censored_is_not_survived():
    """A hazard of a fifth per period gives .488 after three, however few were followed so far; with the censored taken
    for survivors it would not."""
    rng = np.random.default_rng(2)
    happened = np.maximum.accumulate(rng.random((20_000, 3)) < 0.2, axis=1).astype(float)
    X = pd.DataFrame({"nothing": np.zeros(len(happened))})
    censored = happened.copy()
    censored[::2, 1:] = np.nan
    assert told(censored, X) == pytest.approx(1 - 0.8**3, abs=0.02)
    assert told(np.nan_to_num(np.maximum.accumulate(np.nan_to_num(censored), axis=1)), X) < 0.4


def test_it_is_written_and_read_bit_for_bit_and_contributions_add_up():
    X, outcomes = world(800)
    model = Hazard(**SHAPE).fit(X, outcomes)
    again = restore(model.state(), model.texts())
    assert isinstance(again, Hazard) and np.array_equal(again.raw(X), model.raw(X))
    parts, _ = again.contributions(X)
    assert parts.sum(axis=1) == pytest.approx(model.raw(X), abs=1e-5)
    assert Hazard(**SHAPE, n_jobs=2).fit(X, outcomes).texts() == model.texts()


def test_a_period_in_which_nobody_was_at_risk_has_the_hazard_of_all():
    periods = person_periods([[0.0, np.nan], [1.0, np.nan]])
    assert base_hazards(periods) == pytest.approx([0.5, 0.5])
