"""Two scores of the same rows: the better one is told, on whom, in money, and nothing where they are the same."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation import comparing
from models.evaluation.comparing import Pair, by_slice, figures, metrics_of
from models.evaluation.judging import Outcome
from models.targets.registry import TARGETS

SIZE = 800


def pair(spoilt_in: tuple[str, ...] = (), objective: str = "churn", seed: int = 4) -> Pair:
    """Good scores, and the same dealt to other customers in some regions."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 4, SIZE)
    region = rng.choice(["N", "S"], SIZE)
    y = (rng.random(SIZE) < chance).astype(float)
    theirs = np.where(np.isin(region, spoilt_in), rng.permutation(chance), chance)
    outcome = Outcome(TARGETS[objective].task, y, y * rng.gamma(2, 50, SIZE), np.arange(SIZE))
    return Pair(outcome, chance, theirs, pd.DataFrame({"region": region}))


def test_the_better_one_is_ahead_in_every_figure_and_its_interval_excludes_chance():
    pairs = [pair(("N", "S"), seed=seed).with_list(80) for seed in (1, 2)]
    metrics = metrics_of(TARGETS["churn"], "average_precision")
    assert metrics[0] == "average_precision" and {"captured_value_at_list", "precision_at_list", "ece"} <= set(metrics)
    found = figures(pairs, metrics, 60, 7).set_index("metric")
    assert list(found.index) == [*metrics, "level"]
    assert (found.loc[["average_precision", "auc", "captured_value_at_list", "brier"], "low"] > 0).all()
    assert found.loc["auc", "value"] == pytest.approx(found.loc["auc", "ours"] - found.loc["auc", "theirs"])
    assert found.loc["brier", "value"] == pytest.approx(found.loc["brier", "theirs"] - found.loc["brier", "ours"])
    assert found.loc["level", "ours"] == pytest.approx(1, abs=0.2) and np.isnan(found.loc["level", "value"])


def test_one_model_is_not_ahead_of_itself():
    found = figures([pair().with_list(80)], ["auc", "captured_value_at_list"], 60, 7)
    assert (found.loc[found.metric != "level", ["value", "low", "high"]] == 0).all(axis=None)
    assert (found.loc[found.metric != "level", "sure"] == 0.5).all()


def test_it_is_told_on_whom():
    found = by_slice([pair(("N",), seed=seed) for seed in (1, 2)], "auc", 100, 10, 60, 7).set_index("level")
    assert found.loc["N", "low"] > 0 and found.loc["S", "value"] == 0
    assert found["n"].sum() == 2 * SIZE
    assert by_slice([pair(("N",))], "auc", SIZE, 10, 60, 7).empty, "no group is that large"


def test_a_list_as_long_as_everybody_captures_everything():
    found = figures([pair(("N", "S")).with_list(10 * SIZE)], ["captured_value_at_list"], 20, 7)
    assert found.iloc[0]["ours"] == found.iloc[0]["theirs"] == pytest.approx(1)


def test_money_that_nobody_paid_has_no_figure():
    only = pair()
    outcome = Outcome(only.outcome.task, only.outcome.y, np.zeros(SIZE), only.outcome.customers)
    broke = Pair(outcome, only.ours, only.theirs, only.slices).with_list(80)
    assert list(figures([broke], ["auc", "captured_value_at_list"], 20, 7).metric) == ["auc", "level"]


def test_amounts_have_no_precision():
    assert "precision_at_list" not in metrics_of(TARGETS["value"], "mae")
    assert comparing.LEVEL not in metrics_of(TARGETS["value"], "mae")
