"""Shares of features at every origin, and which of them stay."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from models.evaluation import importance
from models.training import train
from tests.models import sample

DAYS = [date(2025, month, 1) for month in (1, 2, 3)]


class Weights:
    """A model whose contributions are its weights times the features."""

    def __init__(self, **weights: float):
        self.weights = weights

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        return X[list(self.weights)].mul(pd.Series(self.weights)).assign(base=9.0)


def rows(n: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(rng.choice([-1.0, 1.0], (n, 3)), columns=["a", "b", "c"])


def test_shares_are_mean_absolute_contributions_without_the_base():
    found = importance.shares(Weights(a=1.0, b=-3.0), rows())
    assert found.to_dict() == pytest.approx({"b": 0.75, "a": 0.25}) and list(found.index) == ["b", "a"]


def test_a_model_that_tells_nobody_apart_has_no_shares():
    assert importance.shares(Weights(a=0.0, b=0.0), rows()).sum() == 0


def test_a_feature_is_stable_while_its_largest_share_is_at_most_twice_its_smallest():
    models = [Weights(a=0.5, b=0.25, c=0.25), Weights(a=0.25, b=0.25, c=0.5), Weights(a=0.375, b=0.25, c=0.375)]
    table = importance.by_origin([(day, model, rows()) for day, model in zip(DAYS, models, strict=True)])
    found = importance.stability(table).set_index("feature")
    assert found["stable"].to_dict() == {"a": True, "b": True, "c": True} and set(found["origins"]) == {3}
    assert found.loc["a", ["share", "least", "most"]].tolist() == pytest.approx([0.375, 0.25, 0.5])
    models[1] = Weights(a=0.2, b=0.25, c=0.55)
    table = importance.by_origin([(day, model, rows()) for day, model in zip(DAYS, models, strict=True)])
    assert importance.stability(table).set_index("feature")["stable"].to_dict() == {"a": False, "b": True, "c": False}


def test_a_feature_that_one_origin_does_not_have_counts_nothing_there():
    table = importance.by_origin([(DAYS[0], Weights(a=1.0, b=1.0), rows()), (DAYS[1], Weights(a=1.0), rows())])
    found = importance.stability(table).set_index("feature")
    assert found.loc["b", "least"] == 0 and not found.loc["b", "stable"]


def test_with_one_origin_nothing_is_said_of_stability():
    table = importance.by_origin([(DAYS[0], Weights(a=1.0, b=1.0), rows())])
    assert importance.stability(table)["stable"].isna().all()
    assert importance.stability(pd.DataFrame()).empty and importance.by_origin([]).empty


def test_a_training_tells_every_origin_by_the_model_that_had_not_seen_it():
    trained = train("churn", sample.snapshots(800), sample.split(), sample.SETTINGS, sample.FEATURES)
    table, split = trained.importances, trained.split
    assert sorted(set(table["as_of"])) == sorted({*split.calibrate, split.final})
    assert table.groupby("as_of")["share"].sum().to_numpy() == pytest.approx(1.0)
    final = table[table["as_of"] == split.final].set_index("feature")["share"]
    frame = sample.snapshots(800)
    seen = frame.loc[frame["as_of"] == split.final, list(sample.FEATURES)]
    assert final.to_dict() == pytest.approx(importance.shares(trained.judged, seen).to_dict())
    for day in split.calibrate:  # told by a model of its own, not by one that has learnt it since
        X = frame.loc[frame["as_of"] == day, list(sample.FEATURES)]
        told = table[table["as_of"] == day].set_index("feature")["share"]
        assert told.to_dict() != pytest.approx(importance.shares(trained.judged, X).to_dict(), abs=1e-6)
