"""Churn: probabilities that rise with the horizon, a median time, and scikit-learn's manners."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

from features.errors import HeadwaterError
from models.estimators.churn import LONGEST, ChurnClassifier, median_days
from models.evaluation.metrics import auc, ece
from models.learners.linear import Linear
from models.learners.trees import Trees
from models.splits import MonthlySplit
from tests.models import sample

FRAME = sample.snapshots(500)
FIT, LATER, NEW = (FRAME[FRAME["as_of"] == d] for d in (sample.split().dates[i] for i in (0, 3, 5)))
X = list(sample.FEATURES)
LABELS = ["churned_15", "churned_30"]
SMALL = {"n_estimators": 30, "learning_rate": 0.1, "num_leaves": 7, "max_depth": 3, "min_child_samples": 20}


def model(learner=None, **given):
    made = ChurnClassifier(learner or Linear(), horizon=30, horizons=(15, 30), **given)
    return made.fit(FIT[X], FIT[LABELS], eval_set=(LATER[X], LATER[LABELS]))


@pytest.mark.parametrize("learner", [Linear(), Trees(**SMALL)])
def test_probabilities_are_calibrated_and_rise_with_the_horizon(learner):
    told = model(learner).outputs(NEW[X])
    assert list(told) == [
        "churn_probability", "churn_score_raw", "churn_probability_15", "churn_probability_30", "median_days_to_churn",
    ]  # fmt: skip
    assert (told["churn_probability_15"] <= told["churn_probability_30"]).all()
    assert (told["churn_probability"] == told["churn_probability_30"]).all()
    y = NEW["churned_30"].to_numpy(dtype=float)
    assert auc(y, told["churn_probability"].to_numpy()) > 0.65
    assert ece(y, told["churn_probability"].to_numpy()) < 0.09
    assert told.index.equals(NEW.index)


def test_horizons_never_fall_even_when_their_labels_do():
    """Labels of the shorter horizon that are the more frequent ones: the longer one is lifted to them."""
    odd = LATER[LABELS].assign(churned_15=True)
    odd.iloc[:20, 0] = False
    told = ChurnClassifier(Linear(), 30, (15, 30)).fit(FIT[X], FIT[LABELS], eval_set=(LATER[X], odd)).outputs(NEW[X])
    assert (told["churn_probability_15"] <= told["churn_probability_30"]).all()
    assert told["churn_probability_30"].mean() > 0.8


def test_the_median_time_follows_from_the_curve():
    rate = np.array([0.002, 0.01, 0.05])
    curve = {h: 1 - np.exp(-rate * h) for h in (30, 60, 90)}
    assert median_days(curve) == pytest.approx(np.log(2) / rate)
    assert median_days({90: np.array([0.0])})[0] == LONGEST
    assert median_days({30: np.array([0.5]), 60: np.array([0.9])})[0] == pytest.approx(30)
    assert np.isfinite(median_days({30: np.array([1.0]), 60: np.array([1.0])})).all()


def test_higher_risk_never_means_a_longer_time():
    told = model().outputs(NEW[X]).sort_values("churn_score_raw")
    assert (np.diff(told["median_days_to_churn"]) <= 1e-9).all()


def test_contributions_add_up_to_the_score():
    for learner in (Linear(), Trees(**SMALL)):
        made = model(learner)
        parts = made.contributions(NEW[X])
        assert list(parts) == [*X, "base"]
        assert parts.sum(axis=1).to_numpy() == pytest.approx(made.outputs(NEW[X])["churn_score_raw"], abs=1e-4)


def test_a_refit_keeps_the_level_and_spread_of_the_honest_score():
    made = model(Trees(**SMALL))
    before = made.decision_function(LATER[X])
    both = pd.concat([FIT, LATER])
    made.adopt(made.learn(both[X], both[LABELS]), (LATER[X], LATER[LABELS]), before)
    after = made.decision_function(LATER[X])
    assert not np.array_equal(before, after)
    assert after.mean() == pytest.approx(before.mean()) and after.std() == pytest.approx(before.std())
    parts = made.contributions(NEW[X])
    assert parts.sum(axis=1).to_numpy() == pytest.approx(made.decision_function(NEW[X]), abs=1e-4)


def test_it_is_a_scikit_learn_estimator():
    made = clone(ChurnClassifier(Linear(), horizon=30, horizons=(15, 30)))
    assert made.get_params(deep=False) | {"learner": None} == {
        "learner": None, "horizon": 30, "horizons": (15, 30), "calibration": "auto",
    }  # fmt: skip
    y = FRAME["churned_30"].to_numpy()
    simple = ChurnClassifier(Linear(), horizon=30)
    scores = cross_val_score(simple, FRAME[[*X, "as_of"]], y, cv=MonthlySplit(3, "30D"), scoring="roc_auc")
    assert scores.min() > 0.65
    proba = simple.fit(FIT[X], FIT["churned_30"]).predict_proba(NEW[X])
    assert proba.shape == (len(NEW), 2) and proba.sum(axis=1) == pytest.approx(1)


def test_labels_of_one_class_and_unfitted_use_are_refused():
    with pytest.raises(HeadwaterError) as caught:
        ChurnClassifier(Linear(), horizon=30).fit(FIT[X], np.zeros(len(FIT)))
    assert caught.value.problem.code == "E351" and caught.value.exit_code == 3
    with pytest.raises(ValueError, match="not fitted"):
        ChurnClassifier(Linear()).decision_function(NEW[X])


def test_unknown_labels_are_left_out():
    some = FIT[LABELS].astype("boolean")
    some.iloc[::3] = None
    left_out = ChurnClassifier(Linear(), 30, (30,)).fit(FIT[X], some)
    same = ChurnClassifier(Linear(), 30, (30,)).fit(
        FIT[X][some["churned_30"].notna()], FIT[LABELS][some["churned_30"].notna()]
    )
    assert np.array_equal(left_out.decision_function(NEW[X]), same.decision_function(NEW[X]))
