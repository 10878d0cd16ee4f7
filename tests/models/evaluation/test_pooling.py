"""Several windows together: a mean by rows, a customer drawn with all of theirs."""

import numpy as np
import pytest

from models.evaluation import judging, pooling
from models.evaluation.judging import Outcome
from models.targets.task import CLASSIFICATION
from tests.models.evaluation.test_promises import window


def test_a_figure_is_the_mean_of_the_windows_by_their_rows():
    (first, a), (second, b) = window(300, 1), window(100, 2, first=200)
    found = pooling.pooled([first, second], {"trees": [a, b], "rule": [-a, -b]}, 80, 1).set_index(["model", "metric"])
    for metric, function in CLASSIFICATION.metrics.items():
        for model, sign in (("trees", 1), ("rule", -1)):
            by_hand = (
                300 * function(first.y, sign * a, first.value) + 100 * function(second.y, sign * b, second.value)
            ) / 400
            assert found.loc[(model, metric), "value"] == pytest.approx(float(by_hand)), metric
    assert (found["n"] == 400).all()
    auc = found.loc[("trees", "auc")]
    assert auc["low"] < auc["value"] < auc["high"]


def test_one_window_has_the_figures_and_intervals_of_judging():
    outcome, score = window(300, 1)
    weights = judging.resamples(outcome.customers, 80, 5)
    alone = judging.table(outcome, {"trees": score}, weights)
    found = pooling.pooled([outcome], {"trees": [score]}, 80, 5)
    columns = ["value", "low", "high"]
    np.testing.assert_allclose(found[columns].to_numpy(dtype=float), alone[columns].to_numpy(dtype=float))


def test_the_same_customers_again_make_no_interval_narrower():
    outcome, score = window(300, 1)
    once, twice = (
        pooling.pooled([outcome] * times, {"trees": [score] * times}, 80, 5).set_index("metric").loc["auc"]
        for times in (1, 2)
    )
    assert (once["low"], once["high"]) == pytest.approx((twice["low"], twice["high"]))


def test_a_window_without_a_positive_does_not_count():
    (first, a), (second, b) = window(300, 1), window(100, 2, first=300)
    nobody = Outcome(second.task, np.zeros(100), np.zeros(100), second.customers)
    found = pooling.pooled([first, nobody], {"trees": [a, b]}, 40, 1).set_index("metric")
    assert found.loc["auc", "value"] == pytest.approx(float(CLASSIFICATION.metrics["auc"](first.y, a)))
    alone = pooling.pooled([nobody], {"trees": [b]}, 40, 1).set_index("metric")
    assert np.isnan(alone.loc["auc", ["value", "low", "high"]].astype(float)).all()
