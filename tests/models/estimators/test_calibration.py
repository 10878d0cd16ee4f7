"""Raw scores to probabilities, and quantiles of money: identities, honesty on unseen rows, and awkward inputs."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.estimators.calibration import Band, Calibrator, band, calibrate
from models.evaluation.metrics import above, coverage, ece, meant


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


def bought(size, seed):
    """Amounts whose spread and whose share of nothing follow the expectation: most with little expected buy nothing."""
    rng = np.random.default_rng(seed)
    guess = np.sort(rng.gamma(1.0, 60.0, size))
    buys = np.clip(guess / 120, 0.15, 1.0)
    spread = 0.3 + 0.5 * np.exp(-guess / 60)
    paid = guess / buys * rng.lognormal(-(spread**2) / 2, spread, size)
    return guess, np.where(rng.random(size) < buys, paid, 0.0)


def test_the_band_holds_what_it_is_meant_to_hold_in_every_tenth():
    """78 to 82 % where everybody pays; 90 % where so many buy nothing that p10 is 0."""
    made = band(*bought(20_000, 4))
    guess, paid = bought(40_000, 5)
    low, high = made(guess)
    for rows in np.array_split(np.arange(len(guess)), 10):
        inside = (paid[rows], low[rows], high[rows])
        assert coverage(*inside) == pytest.approx(meant(*inside), abs=0.02)
        assert above(*inside) == pytest.approx(0.1, abs=0.02)
    assert (low[:10_000] == 0).all() and (low[-3_000:] > 0).all()


def test_local_quantiles_are_those_of_the_slow_twin():
    """Every row counts by the tricube of its distance in the order; the quantile lies where half of its own is passed."""
    rng = np.random.default_rng(6)
    guess, paid = rng.uniform(50, 100, 600), rng.gamma(2.0, 40.0, 600)
    made, order = band(guess, paid, 0.5), sorted(range(600), key=lambda i: guess[i])
    knot = 299
    weights = {i: max(0.0, 1 - (abs(place - knot) / 101) ** 3) ** 3 for place, i in enumerate(order)}
    near = sorted((i for i in order if weights[i] > 0), key=lambda i: paid[i] / guess[i])
    passed, quantile = 0.0, None
    for i in near:
        if passed + weights[i] / 2 > 0.75 * sum(weights.values()):
            quantile = paid[i] / guess[i]
            break
        passed += weights[i]
    place = int(np.argmin(np.abs(np.array(made.x) - np.log(guess[order[knot]]))))
    assert made.high[place] == pytest.approx(quantile, rel=0.01)


def test_who_is_expected_to_bring_nothing_has_a_band_in_money_and_not_in_multiples_of_nothing():
    """A tenth has no prediction to speak of and brings 5 all the same: their band ends near that, and so does nobody's else."""
    guess = np.concatenate([np.full(200, 1e-6), np.linspace(90, 110, 1800)])
    made = band(guess, np.where(guess < 1, 5.0, guess))
    low, high = made(np.array([0.0, 1e-6, 95.0]))
    assert high[:2] == pytest.approx(5.0, rel=0.05) and high[2] < 120 and (low[:2] <= 1e-6).all()


def test_equal_predictions_have_one_band_and_files_of_before_are_read():
    guess = np.repeat([10.0, 20.0], 500)
    made = band(guess, guess * np.tile(np.linspace(0.5, 1.5, 500), 2))
    assert len(made.x) == 2 and made(np.array([10.0]))[1] == pytest.approx(14.0, rel=0.05)
    old = {"x": [0.0, 5.0], "low": [0.5, 0.4], "high": [1.5, 2.0]}
    assert Band.restore(old)(np.array([1.0]))[1] == pytest.approx(1.5)


def test_the_quantile_of_three_rows_by_hand():
    """Each stands in the middle of its third: a quarter lies between the first (1/6) and the second (1/2)."""
    made = band([2.0, 2.0, 2.0], [2.0, 4.0, 6.0], 0.5)
    assert made.low == pytest.approx([1.25]) and made.high == pytest.approx([2.75])
