"""Words to rates and numbers to one scale, fitted on the given rows only."""

import json

import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from models.learners.encoding import PRIOR_ROWS, Encoder, Scaler, signed_log


def frame(words, numbers):
    return pd.DataFrame({"customer_id": [str(i) for i in range(len(words))], "plan": words, "x": numbers})


def test_words_become_smoothed_rates_and_unknown_ones_the_overall_rate():
    rows = frame(["a"] * 40 + ["b"] * 60, np.zeros(100))
    y = np.r_[np.ones(40), np.zeros(60)]
    encoder = Encoder().fit(rows, y)
    assert encoder.columns_ == ["plan", "x"]
    told = encoder.transform(frame(["a", "b", "new", None], np.zeros(4)))[:, 0]
    assert told[0] == pytest.approx((40 + PRIOR_ROWS * 0.4) / (40 + PRIOR_ROWS))
    assert told[1] == pytest.approx(PRIOR_ROWS * 0.4 / (60 + PRIOR_ROWS))
    assert told[2] == pytest.approx(0.4) and np.isnan(told[3])


def test_rare_words_are_other():
    encoder = Encoder().fit(frame(["a"] * 30 + ["rare"] * 3, np.zeros(33)), np.r_[np.zeros(30), np.ones(3)])
    assert set(encoder.words_["plan"]) == {"a"}


def test_only_the_fitted_rows_matter():
    """An encoder fitted on all rows would know the later ones' words."""
    rows, y = frame(["a"] * 50 + ["late"] * 50, np.zeros(100)), np.r_[np.zeros(50), np.ones(50)]
    assert "late" not in Encoder().fit(rows[:50], y[:50]).words_["plan"]
    assert "late" in Encoder().fit(rows, y).words_["plan"]


def test_columns_are_taken_by_name_and_a_missing_one_is_refused():
    rows = frame(["a"] * 30, np.arange(30.0))
    encoder = Encoder().fit(rows, np.arange(30) % 2)
    assert (encoder.transform(rows) == encoder.transform(rows[rows.columns[::-1]])).all()
    with pytest.raises(HeadwaterError) as caught:
        encoder.transform(rows.drop(columns="x"))
    assert caught.value.problem.code == "E511" and caught.value.problem.column == "x"


def test_booleans_integers_and_null_objects_are_numbers():
    rows = pd.DataFrame({"flag": [True, False], "n": [1, 2], "null": pd.array([None, 1.5], dtype="Float64")})
    told = Encoder().fit(rows, [0, 1]).transform(rows)
    assert told[:, :2].tolist() == [[1, 1], [0, 2]] and np.isnan(told[0, 2])


def test_scaled_columns_have_mean_zero_and_deviation_one():
    rng = np.random.default_rng(0)
    numbers = np.column_stack([rng.normal(5, 3, 500), rng.gamma(1, 100, 500), np.full(500, 7.0), np.full(500, np.nan)])
    numbers[::7, 0] = np.nan
    scaled = Scaler().fit(numbers).transform(numbers)
    assert np.isfinite(scaled).all()
    assert scaled.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert scaled.std(axis=0)[[0, 1, 4]] == pytest.approx(1)  # the fifth is the flag of the first
    assert (scaled[:, 2:4] == 0).all()


def test_outliers_are_cut_and_the_sign_is_kept():
    numbers = np.linspace(-10, 10, 1001)[:, None]
    scaler = Scaler().fit(numbers)
    assert scaler.transform(np.array([[1e9]])) == pytest.approx(scaler.transform(np.array([[10.0]])), rel=0.02)
    assert signed_log(np.array([-3.0]))[0] == -signed_log(np.array([3.0]))[0]


def test_flags_are_folded_into_their_columns():
    numbers = np.array([[1.0, np.nan], [2.0, 3.0], [4.0, 5.0]])
    scaler = Scaler().fit(numbers)
    parts = np.array([[1.0, 2.0, 10.0]] * 3)
    assert scaler.fold(parts).tolist() == [[1.0, 12.0]] * 3


def test_json_and_back_is_the_same():
    rows = frame(["a", "b"] * 40, np.r_[np.nan, np.arange(79.0)])
    encoder = Encoder().fit(rows, np.arange(80) % 2)
    again = Encoder.restore(json.loads(json.dumps(encoder.state())))
    numbers = encoder.transform(rows)
    assert np.array_equal(again.transform(rows), numbers, equal_nan=True)
    scaler = Scaler().fit(numbers)
    kept = Scaler.restore(json.loads(json.dumps(scaler.state(), allow_nan=False)))
    assert np.array_equal(kept.transform(numbers), scaler.transform(numbers))
