"""What the newest dates have shown so far: learnt as it was known by the day that is told, and never as it is known now."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from models import training
from models.snapshots import Rows
from models.splits import Protocol, origins, plan
from models.targets.registry import TARGETS
from models.time_to_event import OBSERVED
from tests.models import sample

CHURN = TARGETS["churn"]
SPLIT = plan(
    sample.TODAY, Protocol(every="15d", count=6, calibrate=1, reporting_delay_days=0), sample.HORIZON, shortest_days=15
)
ALONE = sample.SETTINGS.model_copy(
    update={"candidates": sample.SETTINGS.candidates.model_copy(update={"churn": ("hazard", "trees")})}
)


def known(frame: pd.DataFrame, today: date = sample.TODAY) -> pd.DataFrame:
    """The frame with the labels that are known by a day."""
    ends = {h: pd.to_datetime(frame["as_of"]).dt.date <= today - timedelta(days=h) for h in (15, 30)}
    labels = {f"churned_{h}": frame[f"churned_{h}"].astype("boolean").where(ready) for h, ready in ends.items()}
    return frame.assign(**labels)


FRAME = known(sample.snapshots(250, dates=SPLIT.dates))


def rows(frame: pd.DataFrame = FRAME, settings=ALONE) -> Rows:
    return Rows(CHURN, frame, SPLIT, sample.FEATURES, settings)


def test_the_split_has_dates_of_which_a_part_is_known():
    before, after = ([d for d in SPLIT.partial if (d > SPLIT.final) is later] for later in (False, True))
    assert len(before) == len(after) == 1 and SPLIT.days == 30
    assert FRAME.loc[FRAME["as_of"] == after[0], "churned_30"].isna().all()


@pytest.mark.parametrize("told", [*SPLIT.calibrate, SPLIT.final])
def test_labels_are_those_that_were_known_by_the_day_that_is_told(told):
    """The slow twin: row by row, from the day on which each window was over."""
    whole = [d for d in SPLIT.every if d + timedelta(days=30) <= told]
    X, y = rows().of(whole, told=told)
    expected = []
    for row in FRAME.sort_values(["as_of", "customer_id"]).to_dict("records"):
        seen = {h: row["as_of"] + timedelta(days=h) <= told for h in (15, 30)}
        if seen[15] and row["as_of"] != SPLIT.final:
            expected.append([row["arpu"], *(row[f"churned_{h}"] if seen[h] else None for h in (15, 30))])
    found = [[a, *(None if pd.isna(v) else v for v in labels)] for a, *labels in zip(
        X["arpu"], y["churned_15"], y["churned_30"], strict=True)]  # fmt: skip
    assert found == expected and any(line[2] is None for line in found)


def test_nobody_else_is_given_other_rows_than_without_them():
    """Trees drop what is not known: the very same model, whoever competes beside them."""
    alone = sample.SETTINGS.candidates.model_copy(update={"churn": ("trees",)})
    plain = training.train(
        "churn", FRAME, SPLIT, sample.SETTINGS.model_copy(update={"candidates": alone}), sample.FEATURES, ship=False
    )
    beside = training.train("churn", FRAME, SPLIT, ALONE, sample.FEATURES, ship=False)
    assert set(beside.candidates) == {"hazard", "trees", "rule"}
    texts = [found.candidates["trees"].to_files() for found in (plain, beside)]
    assert texts[0]["trees.txt"] == texts[1]["trees.txt"]


def judged(frame: pd.DataFrame) -> dict[str, str]:
    """The files of the hazard as it is judged on the final date."""
    found = training.train("churn", frame, SPLIT, ALONE, sample.FEATURES, ship=False)
    return found.candidates["hazard"].to_files()


def otherwise(told: date) -> pd.DataFrame:
    """The frame with every outcome turned round that was not known by a day, the final date aside."""
    days = pd.to_datetime(FRAME["as_of"]).dt.date
    late = {h: (days + timedelta(days=h) > told) & (days != SPLIT.final) for h in (15, 30)}
    labels = {f"churned_{h}": FRAME[f"churned_{h}"].mask(late[h], ~FRAME[f"churned_{h}"]) for h in (15, 30)}
    return FRAME.assign(**labels)


def test_what_became_known_later_changes_nothing_that_is_judged():
    assert judged(otherwise(SPLIT.final)) == judged(FRAME)


def test_the_law_sees_labels_that_are_taken_as_they_are_known_now(monkeypatch):
    monkeypatch.setattr(Rows, "_as_known", lambda self, rows, day: rows)
    assert judged(otherwise(SPLIT.final)) != judged(FRAME)


def test_the_newest_dates_are_learnt_by_what_is_shipped():
    found = training.train("churn", FRAME, SPLIT, ALONE, sample.FEATURES)
    newest = max(SPLIT.partial)
    assert found.winner == "hazard" and found.agreement.adopted
    assert found.model.facts_["learnt"][-1] == newest.isoformat()
    assert found.model.facts_["partial"] == [d.isoformat() for d in SPLIT.partial if d < SPLIT.final]
    assert found.rows["partial"] == FRAME["as_of"].isin(SPLIT.partial).sum()
    changed = FRAME.assign(churned_15=FRAME["churned_15"].mask(FRAME["as_of"] == newest, ~FRAME["churned_15"]))
    other = training.train("churn", changed, SPLIT, ALONE, sample.FEATURES)
    assert other.model.to_files() != found.model.to_files() and other.judged.to_files() == found.judged.to_files()
    told = found.model.outputs(FRAME[list(sample.FEATURES)])
    assert (told["churn_probability_15"] <= told["churn_probability_30"]).all()


def test_a_frame_of_a_later_day_is_learnt_as_it_was_known_on_the_day_of_the_split():
    """Benchmarks look back: outcomes that came in since then are there, and nobody learns from them."""
    later = sample.snapshots(250, dates=SPLIT.dates)
    assert later["churned_30"].notna().all() and SPLIT.today == sample.TODAY
    models = [training.train("churn", frame, SPLIT, ALONE, sample.FEATURES).model for frame in (later, FRAME)]
    assert models[0].to_files() == models[1].to_files()


def test_an_origin_of_a_backtest_is_judged_by_what_came_after_it():
    """Models see what was known on its final date, and are judged by the outcomes of today."""
    protocol = Protocol(every="15d", count=6, calibrate=1, reporting_delay_days=0)
    for split in origins(sample.TODAY, protocol, sample.HORIZON, 2, shortest_days=15):
        frame = known(sample.snapshots(250, dates=split.dates))
        found = training.train("churn", frame, split, ALONE, sample.FEATURES, ship=False)
        assert len(found.final) == 250 and split.partial == found.split.partial
        assert (
            found.candidates["hazard"].to_files()
            == training.train(
                "churn", known(frame, split.final + timedelta(days=30)), split, ALONE, sample.FEATURES, ship=False
            )
            .candidates["hazard"]
            .to_files()
        )


def test_a_plain_winner_says_that_it_has_learnt_no_part():
    trees_first = ALONE.candidates.model_copy(update={"churn": ("trees", "hazard")})
    plain = ALONE.model_copy(update={"candidates": trees_first, "margin": 1.0})
    found = training.train("churn", FRAME, SPLIT, plain, sample.FEATURES)
    assert found.winner == "trees" and "partial" not in found.model.facts_
    whole = [d for d in SPLIT.dates if d + timedelta(days=30) <= sample.TODAY]
    assert found.model.facts_["learnt"] == [d.isoformat() for d in whole]


def test_curves_are_told_beside_what_happened():
    found = training.train("churn", FRAME, SPLIT, ALONE, sample.FEATURES, ship=False)
    table = found.survival.set_index(["group", "model", "metric"])["value"]
    everybody = found.survival[found.survival["group"].isna()].set_index(["model", "metric"])
    seen = FRAME[FRAME["as_of"] >= SPLIT.final]
    assert everybody.loc[(OBSERVED, "left_15"), "n"] == len(seen)
    assert everybody.loc[(OBSERVED, "left_15"), "value"] == pytest.approx(seen["churned_15"].astype(float).mean())
    scores = everybody.xs("integrated_brier", level="metric")["value"]
    assert set(scores.index) == {"hazard", "trees", "rule", OBSERVED} and scores["hazard"] < scores[OBSERVED]
    assert {name for name, *_ in table.index if isinstance(name, str)} == {
        "plan=P10"
    }  # the others have fewer than 200 rows
    known = seen["churned_15"].notna() & (seen["as_of"] == SPLIT.final)
    assert everybody.loc[("hazard", "auc_30"), "n"] == known.sum() < everybody.loc[("hazard", "auc_15"), "n"]
    judged = found.metrics.set_index(["model", "metric"]).loc[("hazard", "auc"), "value"]
    assert everybody.loc[("hazard", "auc_30"), "value"] == pytest.approx(judged)
    bounds = everybody[["low", "value", "high"]].to_numpy()
    assert (np.diff(bounds, axis=1) >= 0).all()
    assert (everybody.loc[OBSERVED].filter(like="left", axis=0)["value"].diff().dropna() >= 0).all()


def test_parts_of_one_date_are_no_dates():
    """Where customers are told in turns, the parts beside are no earlier days: nobody learns from them."""
    folds = Rows(CHURN, FRAME, replace(SPLIT, days=0), sample.FEATURES, ALONE)
    assert rows().by_period and not folds.by_period
    whole, told = SPLIT.every[:2], SPLIT.every[-1]
    assert folds.of(whole, told=told)[0].equals(folds.of(whole)[0])
    assert len(rows().of(whole, told=told)[0]) > len(rows().of(whole)[0])
