"""Exact contributions: the fast method equals LightGBM's own, and steps back where it would not."""

import lightgbm as lgb
import numpy as np
import pytest

from models.learners import attribution


def booster(**extra):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(800, 6))
    numbers[rng.random(numbers.shape) < 0.1] = np.nan
    goal = (np.nan_to_num(numbers[:, 0]) + rng.normal(size=800) > 0).astype(float)
    settings = {"objective": "binary", "num_leaves": 7, "max_depth": 4, "verbosity": -1, "num_threads": 1} | extra
    return lgb.train(settings, lgb.Dataset(numbers, goal, params={"verbosity": -1}), 15), numbers


def test_the_fast_method_equals_lightgbm():
    model, numbers = booster()
    parts, method = attribution.tree_contributions(model, numbers)
    assert method == "woodelf"
    assert np.abs(parts - attribution.lightgbm_contributions(model, numbers)).max() <= attribution.TOLERANCE
    assert parts.sum(axis=1) == pytest.approx(model.predict(numbers, raw_score=True), abs=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 65, 300, 799])
def test_a_row_has_the_same_values_in_any_company(rows: int):
    """To the last bit: the size of a chunk must not change what is published."""
    model, numbers = booster()
    together, _ = attribution.tree_contributions(model, numbers)
    assert np.array_equal(attribution.tree_contributions(model, numbers[:rows])[0], together[:rows])


def test_nothing_is_printed(capfd):
    attribution.tree_contributions(*booster())
    assert capfd.readouterr() == ("", "")


def test_a_difference_makes_it_step_back(monkeypatch):
    model, numbers = booster()
    wrong = attribution.lightgbm_contributions(model, numbers)
    wrong[:, 0] += 1e-3
    monkeypatch.setattr(
        attribution, "woodelf_contributions", lambda _, rows, __: np.resize(wrong, (len(rows), wrong.shape[1]))
    )
    parts, method = attribution.tree_contributions(model, numbers)
    assert method == "pred_contrib"
    assert np.array_equal(parts, attribution.lightgbm_contributions(model, numbers))


def test_zero_as_missing_on_which_the_fast_method_is_wrong_is_noticed():
    model, numbers = booster(zero_as_missing=True)
    numbers[::2, 0] = 0.0
    parts, _ = attribution.tree_contributions(model, numbers)
    assert np.abs(parts - attribution.lightgbm_contributions(model, numbers)).max() <= attribution.TOLERANCE
