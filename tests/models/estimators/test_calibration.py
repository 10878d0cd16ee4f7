"""Raw scores to probabilities, and quantiles of money: identities, honesty on unseen rows, and awkward inputs."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.estimators.calibration import Band, Calibrator, band, calibrate
from models.evaluation.metrics import coverage, ece


def rows(seed=0, size=6000):
    """Scores that are log-odds but twice too wide and shifted, with their outcomes."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-1, 1, size)
    hits = rng.random(size) < 1 / (1 + np.exp(-truth))
    return 2 * truth + 3, hits


@pytest.mark.parametrize("method", ["auto", "sigmoid", "isotonic"])
def test_probabilities_are_right_on_unseen_rows(method):
    raw, hits = rows(0)
    fresh, later = rows(1)
    found = calibrate(raw, hits, method)(fresh)
    assert ece(later.astype(float), found) < 0.03
    assert found.mean() == pytest.approx(later.mean(), abs=0.03)


@pytest.mark.parametrize("method", ["auto", "sigmoid", "isotonic"])
def test_any_index_and_any_kind_of_label(method):
    """scikit-learn's own calibration fails on a Series that is not indexed from 0."""
    raw, hits = rows()
    plain = calibrate(raw, hits, method)
    odd = pd.Series(hits.astype(int), index=np.arange(len(hits)) * 3 + 1000)
    assert calibrate(pd.Series(raw, index=odd.index), odd, method) == plain


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(-20, 20), st.booleans()), min_size=2, max_size=60))
@example([(0.0, False), (15.5, False), (15.75, True)])
def test_probabilities_rise_with_the_score_and_stay_off_certainty(pairs):
    raw, hits = (np.array(part) for part in zip(*pairs, strict=True))
    for method in ("sigmoid", "isotonic"):
        told = calibrate(raw, hits, method)(np.linspace(-1000, 1000, 50))
        assert (np.diff(told) >= 0).all()
        assert ((told >= 0) & (told <= 1)).all()
    steps = calibrate(raw, hits, "isotonic")(raw)
    assert ((steps > 0) & (steps < 1)).all()


def test_a_score_that_runs_the_wrong_way_becomes_the_base_rate():
    raw, hits = rows()
    found = calibrate(-raw, hits, "sigmoid")(raw)
    assert np.ptp(found) == 0 and found[0] == pytest.approx(hits.mean(), abs=1e-3)


def test_few_positives_are_never_steps():
    raw, hits = rows(size=300)
    assert calibrate(raw, hits).method == "sigmoid"


def test_steps_are_chosen_where_a_curve_cannot_follow():
    rng = np.random.default_rng(5)
    raw = rng.uniform(-5, 5, 20_000)
    hits = rng.random(len(raw)) < np.where(raw < 0, 0.1, np.where(raw < 3, 0.5, 0.55))
    assert calibrate(raw, hits).method == "isotonic"


def test_json_and_back_is_the_same():
    raw, hits = rows()
    for method in ("sigmoid", "isotonic"):
        made = calibrate(raw, hits, method)
        assert Calibrator.restore(json.loads(json.dumps(made.state()))) == made


def test_the_band_covers_what_it_promises_on_unseen_rows():
    rng = np.random.default_rng(2)

    def money(size):
        guess = rng.gamma(2.0, 50.0, size)
        return guess, guess * rng.lognormal(0, 0.5, size)

    made = band(*money(3000), 0.8)
    guess, truth = money(3000)
    low, high = made(guess)
    assert 0.77 < coverage(truth, low, high) < 0.83
    assert (low <= guess).all() and (guess <= high).all()
    assert Band.restore(json.loads(json.dumps(made.state()))) == made


def test_the_band_of_few_rows_and_of_zeros_is_still_a_band():
    low, high = band([10.0, 20.0, 30.0], [0.0, 0.0, 0.0])(np.array([0.0, 5.0, 1e6]))
    assert (low <= high).all() and (low >= 0).all() and np.isfinite(high).all()
