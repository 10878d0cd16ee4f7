"""scikit-learn's own checks of estimators, on ours."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from models import ChurnClassifier, PotentialVipClassifier, ValueRegressor
from models.estimators import inputs
from models.learners.linear import Linear
from models.learners.trees import Trees
from tests.models import sample

SMALL = {"n_estimators": 100, "learning_rate": 0.2, "num_leaves": 7, "min_child_samples": 5}
QUICK = [ChurnClassifier(Linear()), ValueRegressor(Linear("amount"))]
OTHERS = [PotentialVipClassifier(Linear()), ChurnClassifier(Trees(**SMALL)), ValueRegressor(Trees("amount", **SMALL))]
ONE_CLASS = "labels of one class teach nothing: E351, which names the target and says what to do"
ONE_ROW = "LightGBM refuses a single row itself"


def expected(estimator: Any) -> dict[str, str]:
    """The checks that fail by design, with the reason."""
    if isinstance(estimator, ValueRegressor):
        return {"check_fit2d_1sample": ONE_ROW} if isinstance(estimator.learner, Trees) else {}
    one_class = dict.fromkeys(("check_classifiers_one_label", "check_fit2d_1sample"), ONE_CLASS)
    return one_class | {"check_supervised_y_no_nan": "an unknown label is left out, as a window that is not over"}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(QUICK, expected_failed_checks=expected)
def test_what_scikit_learn_asks_of_an_estimator(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(OTHERS, expected_failed_checks=expected)
def test_what_scikit_learn_asks_of_the_other_estimators(estimator, check):
    check(estimator)


def test_predictions_are_what_scikit_learn_says_they_are():
    frame = sample.snapshots(300)
    X = frame[list(sample.FEATURES)]
    leaving = ChurnClassifier(Linear(), 30, (15, 30)).fit(X, frame)
    chances = leaving.predict_proba(X)
    assert chances.shape == (len(X), 2) and chances.sum(axis=1) == pytest.approx(1)
    assert chances[:, 1] == pytest.approx(leaving.outputs(X)["churn_probability"])
    assert np.array_equal(leaving.predict(X), (chances[:, 1] > 0.5).astype(int))
    assert list(leaving.feature_names_in_) == list(sample.FEATURES)
    money = ValueRegressor(Linear("amount")).fit(X, frame)
    assert np.array_equal(money.predict(X), money.outputs(X)["value_pred"])
    assert money.score(X, frame["value"]) > 0.3


def test_a_model_works_in_scikit_learn_s_cross_validation():
    frame = sample.snapshots(300)
    found = cross_val_score(
        ChurnClassifier(Linear()), frame[list(sample.FEATURES)], frame["churned_30"], scoring="roc_auc"
    )
    assert found.mean() > 0.6


def test_labels_of_any_two_classes():
    found, coded = inputs.classes(np.array(["no", "yes", "no"]))
    assert found.tolist() == ["no", "yes"] and coded.tolist() == [0, 1, 0]
    found, coded = inputs.classes(pd.Series([True, None, False], dtype="boolean"))
    assert found.tolist() == [0, 1] and coded.isna().tolist() == [False, True, False]
    with pytest.raises(ValueError, match="binary"):
        inputs.classes([0, 1, 2])
    with pytest.raises(ValueError, match="infinity"):
        inputs.classes([0.0, np.inf])
