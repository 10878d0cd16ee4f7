"""Reasons: the model's own contributions, grouped by business reason; strongest first, in plain values."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from models.estimators.churn import ChurnClassifier
from models.learners.linear import Linear
from models.learners.trees import Trees
from models.scores.reasons import plain, reasons, usual
from tests.models import sample


@dataclass(frozen=True)
class Told:
    column: str
    reason: str
    unit: str
    own_group: str = ""

    @property
    def group(self) -> str:
        return self.own_group or self.reason


FEATURES = [
    Told("arpu", "bill_level", "currency/month"),
    Told("trend", "bill_trend", "ratio"),
    Told("silence", "usage_recency", "days"),
    Told("noise", "usage_recency", "ratio"),
    Told("known_late", "payments", "count"),
    Told("plan", "plan", "text"),
]
FRAME = sample.snapshots(300)
X = FRAME[list(sample.FEATURES)]
MODELS = {
    "linear": ChurnClassifier(Linear(), 30).fit(X, FRAME["churned_30"]),
    "trees": ChurnClassifier(Trees(n_estimators=20, num_leaves=7, max_depth=3, min_child_samples=20), 30).fit(
        X, FRAME["churned_30"]
    ),
}


def told_of(model, rows: pd.DataFrame, features: list[Told]) -> list[list[dict]]:
    return reasons(model, rows, features, usual(rows, features)).to_pylist()


@pytest.mark.parametrize("name", MODELS)
def test_groups_are_sums_of_contributions_strongest_first(name):
    parts = MODELS[name].contributions(X)
    for place, told in list(enumerate(told_of(MODELS[name], X, FEATURES)))[::97]:
        sizes = [abs(r["contribution"]) for r in told]
        assert sizes == sorted(sizes, reverse=True) and 0 < len(told) <= 5
        assert [r["rank"] for r in told] == list(range(1, len(told) + 1))
        assert len({r["code"] for r in told}) == len(told)
        for reason in told:
            columns = [f.column for f in FEATURES if f.reason == reason["code"]]
            assert reason["contribution"] == pytest.approx(parts.iloc[place][columns].sum(), rel=1e-5)
            assert reason["direction"] == np.sign(reason["contribution"])
            pushes = parts.iloc[place][columns] * reason["direction"]
            assert reason["feature"] == pushes.idxmax()


def test_values_are_told_as_people_read_them():
    known = X.assign(arpu=[59.0, *X["arpu"][1:]], silence=[12.4, *X["silence"][1:]], trend=[np.nan, *X["trend"][1:]])
    first = {r["code"]: r for r in told_of(MODELS["linear"], known, FEATURES)[0]}
    assert first["plan"]["value"] == X["plan"].iloc[0] and first["plan"]["peer_value"] == "P10"
    if "bill_level" in first:
        assert first["bill_level"]["value"] == "59.00"
        assert first["bill_level"]["peer_value"] == f"{known['arpu'].median():.2f}"
    assert all(r["value"] == "" for r in first.values() if r["feature"] == "trend")


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (59.0, "currency/month", "59.00"),
        (1234.5, "currency", "1234.50"),
        (3.0, "count", "3"),
        (12.7, "days", "13"),
        (0.41234, "ratio", "0.412"),
        (2.0, "ratio", "2"),
        (float("nan"), "days", ""),
        (None, "text", ""),
        ("P50", "text", "P50"),
    ],
)
def test_plain_values(value, unit, text):
    assert plain(value, unit) == text


def test_a_customer_whom_nothing_moves_has_no_reasons():
    constant = pd.concat([X.head(1)] * 30, ignore_index=True).assign(known_late=np.nan)
    flat = ChurnClassifier(Linear(), 30).fit(constant, np.arange(30) % 2)
    assert told_of(flat, constant, FEATURES) == [[]] * 30


def test_the_order_of_rows_changes_nothing_and_a_new_column_is_profile():
    turned = told_of(MODELS["trees"], X[::-1], FEATURES)[::-1]
    for one, other in zip(turned, told_of(MODELS["trees"], X, FEATURES), strict=True):
        assert [r["code"] for r in one] == [r["code"] for r in other]
    assert {r["code"] for r in told_of(MODELS["linear"], X, [])[0]} == {"profile"}


def test_what_has_a_group_of_its_own_is_told_by_itself_under_the_same_reason():
    """Twenty attributes of a customer were one reason, and the strongest of them its only word."""
    alone = [Told(f.column, "profile", f.unit, f"profile.{f.column}") for f in FEATURES]
    told = reasons(MODELS["linear"], X.head(20), alone, usual(X, alone)).to_pylist()
    assert all(len({reason["feature"] for reason in row}) == len(row) > 1 for row in told)
    assert {reason["code"] for row in told for reason in row} == {"profile"}
