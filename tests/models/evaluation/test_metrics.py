"""Each metric against its naive twin, scikit-learn where it has one, and a few identities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from models.evaluation import metrics
from tests.models import naive_metrics as naive

SHARES = (0.01, 0.1, 0.37, 1.0)


def rows(seed, size=60, levels=7):
    """Outcomes and scores with many ties."""
    rng = np.random.default_rng(seed)
    y = (rng.random(size) < 0.4).astype(float)
    y[:2] = [0, 1]
    score = np.clip(rng.integers(1, levels, size) / levels + 0.1 * y, 0.01, 0.99)
    return y, score, rng.gamma(1.0, 20.0, size)


@pytest.mark.parametrize("seed", range(6))
def test_ranking_equals_twin_and_scikit_learn(seed):
    y, score, _ = rows(seed)
    assert metrics.auc(y, score) == pytest.approx(naive.auc(y, score))
    assert metrics.auc(y, score) == pytest.approx(roc_auc_score(y, score))
    assert metrics.average_precision(y, score) == pytest.approx(naive.average_precision(y, score))
    assert metrics.average_precision(y, score) == pytest.approx(average_precision_score(y, score))


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_equal_twin_and_scikit_learn(seed):
    y, score, _ = rows(seed)
    assert metrics.brier(y, score) == pytest.approx(brier_score_loss(y, score))
    assert metrics.log_loss(y, score) == pytest.approx(log_loss(y, score))
    assert metrics.ece(y, score) == pytest.approx(naive.ece(y, score))


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("seed", range(3))
def test_the_top_of_the_list_equals_the_twin(seed, share):
    y, score, value = rows(seed)
    expected = naive.precision_at(y, score, share)
    assert metrics.precision_at(share)(y, score) == pytest.approx(expected)
    assert metrics.lift_at(share)(y, score) == pytest.approx(expected / y.mean())
    assert metrics.captured_at(share)(y, score, value) == pytest.approx(naive.captured_at(value, score, share))


@pytest.mark.parametrize("seed", range(3))
def test_normalised_gini_equals_the_twin(seed):
    _, score, value = rows(seed, size=25)
    expected = naive.gini(value, score) / naive.gini(value, value)
    assert metrics.normalised_gini(value, score) == pytest.approx(expected, abs=3e-3)


def test_money_errors_by_hand():
    y, score = np.array([0.0, 10.0, 20.0]), np.array([1.0, 12.0, 17.0])
    assert metrics.mae(y, score) == pytest.approx(2.0)
    assert metrics.total_bias(y, score) == pytest.approx(1.0)
    assert metrics.coverage(y, np.array([0.0, 10.0, 21.0]), np.array([0.0, 11.0, 30.0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", sorted(metrics.CLASSIFICATION_METRICS | metrics.REGRESSION_METRICS))
def test_weights_are_the_same_as_repeated_rows(name):
    """The heart of the bootstrap: a row drawn three times counts three times."""
    metric = (metrics.CLASSIFICATION_METRICS | metrics.REGRESSION_METRICS)[name]
    y, score, value = rows(4, size=40)
    score = score + np.linspace(0, 0.001, len(score))  # the bins of `ece` are those of the sample, so no ties here
    counts = np.random.default_rng(1).integers(0, 4, (3, len(y)))
    found = metric(y, score, value, counts.astype(float))
    assert found.shape == (3,)
    if name == "ece":
        return
    for place, drawn in enumerate(counts):
        again = metric(np.repeat(y, drawn), np.repeat(score, drawn), np.repeat(value, drawn))
        assert found[place] == pytest.approx(again)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000))
def test_identities(seed):
    y, score, value = rows(seed, size=30)
    assert metrics.auc(y, score) + metrics.auc(y, -score) == pytest.approx(1.0)
    assert metrics.auc(1 - y, score) == pytest.approx(1 - metrics.auc(y, score))
    assert metrics.auc(y, np.exp(score)) == pytest.approx(metrics.auc(y, score))
    assert metrics.normalised_gini(value, value) == pytest.approx(1.0)
    assert metrics.normalised_gini(value, np.ones(len(y))) == pytest.approx(0.0, abs=1e-12)
    assert metrics.precision_at(1.0)(y, score) == pytest.approx(y.mean())
    order = np.random.default_rng(seed).permutation(len(y))
    assert metrics.average_precision(y[order], score[order]) == pytest.approx(metrics.average_precision(y, score))


def test_what_is_not_defined_is_nan_and_not_zero():
    nobody = np.zeros(5)
    for metric in (metrics.auc, metrics.average_precision, metrics.lift_at(0.1), metrics.total_bias):
        assert np.isnan(metric(nobody, np.arange(5.0)))
    assert np.isnan(metrics.auc(np.ones(5), np.arange(5.0)))


def test_every_target_has_metrics_and_directions_are_known():
    assert set(metrics.CLASSIFICATION_METRICS | metrics.REGRESSION_METRICS) > metrics.LOWER_IS_BETTER
