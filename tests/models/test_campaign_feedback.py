"""A campaign that works does not make the model unlearn: who was treated is not learnt from, or who was left alone counts for them.

A business of one year: the model of its first half tells whom a campaign treats in the second, four of five; the fifth is left alone
by chance. The campaign keeps nearly everybody whom it reaches.
"""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from scipy.stats import spearmanr

from models import training
from models.evaluation import gates
from models.rehearsing import choose, rehearsed
from models.settings import GateSettings
from models.snapshots import MOST_TIMES, Rows
from models.splits import Protocol, plan
from models.targets.registry import TARGETS
from tests.models import sample

CUSTOMERS, CONTROL, KEPT, BEFORE = 1_500, 0.2, 0.05, 0.15
SPLIT = plan(date(2026, 1, 1), Protocol(every="30d", count=8, calibrate=1, reporting_delay_days=0), 30)
FEATURES = ("arpu", "trend", "silence", "noise")


def month(day: date, rng: np.random.Generator, *, treating: bool) -> pd.DataFrame:
    """Customers of a date. The riskiest fifth, as a good model knows it, is listed some days into the window: who has left
    by then is not."""
    n = CUSTOMERS
    trend, silence = rng.normal(0, 1, n), rng.exponential(10, n)
    risk = expit(-2.6 - 1.1 * trend + 0.05 * silence)
    first = rng.random(n) < 1 - (1 - risk) ** BEFORE
    listed = treating & ~first & (risk > np.quantile(risk, 0.8))
    control = listed & (rng.random(n) < CONTROL)
    later = rng.random(n) < (1 - (1 - risk) ** (1 - BEFORE)) * np.where(listed & ~control, KEPT, 1.0)
    left = first | later
    weight = np.where(listed, np.where(control, 1 / CONTROL, 0.0), 1.0)
    arpu = rng.gamma(4.0, 15.0, n)
    columns = {"customer_id": [f"C{i:05d}" for i in range(n)], "as_of": day, "arpu": arpu, "trend": trend}
    columns |= {"silence": silence, "noise": rng.normal(0, 1, n), "churned_30": left}
    columns |= {"value": arpu * ~left, "vip": pd.array([None] * n, dtype="boolean"), "risk": risk}
    return pd.DataFrame(columns | {"campaign_weight": weight, "untouched": weight > 0})


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    days = SPLIT.dates
    return pd.concat([month(day, rng, treating=day > days[1]) for day in days], ignore_index=True)


def settings(treated: str):
    """Trees alone: a line cannot fall again where risk is highest, however many of them a campaign keeps."""
    trees = sample.SETTINGS.candidates.model_copy(update={"churn": ("trees",)})
    return sample.SETTINGS.model_copy(update={"treated": treated, "candidates": trees})


def trained(frame: pd.DataFrame, treated: str) -> training.Trained:
    return training.train("churn", frame, SPLIT, settings(treated), FEATURES, ship=False)


@pytest.fixture(scope="module")
def models(frame: pd.DataFrame) -> dict[str, training.Trained]:
    return {treated: trained(frame, treated) for treated in ("with", "without", "weigh")}


def test_candidates_are_compared_on_those_whom_nobody_treated(frame):
    """Where the campaign turns its own list round, a score that knows the risk looks worse than it is among everybody."""
    rows = Rows(TARGETS["churn"], frame, SPLIT, FEATURES, settings("without"))
    models, windows = rehearsed(rows)
    seen = windows[-1]
    treated = ~seen.rows["untouched"].to_numpy()
    assert treated.any() and (seen.untreated == ~treated).all()
    outcome, scores = seen.compared("trees")
    assert len(outcome.y) == (~treated).sum() and np.array_equal(scores, seen.scores["trees"][~treated])
    by_hand = seen.outcome.task.metrics["auc"](seen.outcome.y[~treated], seen.scores["trees"][~treated], None)
    among_all = seen.outcome.task.metrics["auc"](seen.outcome.y, seen.scores["trees"], None)
    told = choose(windows, list(models), rows).set_index("model").loc["trees"]
    assert told["value"] == pytest.approx(by_hand) and told["value"] > among_all + 0.01 and told["n"] == len(outcome.y)
    everybody = Rows(TARGETS["churn"], frame, SPLIT, FEATURES, settings("with"))
    assert everybody.untreated(seen.rows) is None


def test_gates_compare_models_on_those_whom_nobody_treated(models, frame):
    """A champion that has unlearnt the risk of the treated looks better among everybody, and is not better."""
    found = models["without"]
    seen = found.final.merge(frame[["customer_id", "as_of", "untouched", "risk"]], on=["customer_id", "as_of"])
    knows, untouched = seen["risk"].to_numpy(), seen["untouched"].to_numpy()
    assert (found.untreated == untouched).all() and models["with"].untreated is None
    unlearnt = np.where(untouched, knows, 0.0)
    asked = replace(found, final=found.final.assign(**{found.winner: knows}))
    checks = {check.name: check.value for check in gates.decide(asked, unlearnt, GateSettings()).checks}
    assert checks["not_worse_than_champion"] == 0.0
    naive = gates.decide(replace(asked, untreated=None), unlearnt, GateSettings())
    assert {check.name: check.value for check in naive.checks}["not_worse_than_champion"] < -0.01


def agreement(found: training.Trained, of: pd.DataFrame) -> float:
    """Of the riskiest half with the true risk of leaving where nobody is treated, by rank."""
    half = of[of["risk"] > of["risk"].median()]
    return float(spearmanr(found.judged.raw(half[list(FEATURES)]), half["risk"]).statistic)


def test_naive_training_ranks_the_treated_low_and_ours_does_not(models):
    fresh = month(date(2027, 1, 1), np.random.default_rng(6), treating=False)
    naive, without, weighed = (agreement(models[treated], fresh) for treated in ("with", "without", "weigh"))
    assert min(without, weighed) > 0.84 and naive < 0.78, (naive, without, weighed)
    called = {treated: at_the_top(found, fresh) for treated, found in models.items()}
    assert called["with"] < 0.92 < called["without"]


def at_the_top(found: training.Trained, of: pd.DataFrame) -> float:
    """True risk of the tenth that the model calls the riskiest, over that of the riskiest tenth."""
    score = pd.Series(found.judged.raw(of[list(FEATURES)]), of.index)
    return float(
        of.loc[score.nlargest(CUSTOMERS // 10).index, "risk"].mean() / of["risk"].nlargest(CUSTOMERS // 10).mean()
    )


def test_the_level_of_risk_is_that_of_who_is_left_alone(frame: pd.DataFrame):
    """Who leaves before they could be listed is still there: without weights they are too many among the riskiest."""
    rates = {}
    for treated in ("with", "without", "weigh"):
        rows = Rows(TARGETS["churn"], frame, SPLIT, (*FEATURES, "risk"), settings(treated))
        X, y = rows.of(SPLIT.every)
        risky = X["risk"] > frame["risk"].quantile(0.8)
        rates[treated] = y.loc[risky, "churned_30"].astype(float).mean() / X.loc[risky, "risk"].mean()
    assert rates["with"] < 0.6 and rates["without"] > 1.05
    assert rates["weigh"] == pytest.approx(1.0, abs=0.06)


def test_untouched_customers_are_judged_by_themselves(models):
    found = models["without"].apart.set_index(["model", "metric"])
    winner = models["without"].winner
    assert {m for m, _ in found.index} == {winner, "rule"}
    assert found.at[(winner, "auc"), "n"] < CUSTOMERS
    assert found.at[(winner, "auc"), "low"] <= found.at[(winner, "auc"), "value"] <= found.at[(winner, "auc"), "high"]
    assert models["without"].rows["treated"] > 0 and "treated" not in models["with"].rows


def test_rows_count_as_often_as_they_weigh_and_only_for_churn(frame: pd.DataFrame):
    few = frame.assign(
        campaign_weight=np.tile([0.0, 1.0, 3.4, 1_000.0, np.nan, 0.3], len(frame) // 6 + 1)[: len(frame)]
    )
    rows = Rows(TARGETS["churn"], few, SPLIT, FEATURES, settings("weigh"))
    assert rows._times(few.head(6)).tolist() == [0, 1, 3, MOST_TIMES, 1, 1]
    without = Rows(TARGETS["churn"], few, SPLIT, FEATURES, settings("without"))
    assert without._times(few.head(6)).tolist() == [0, 1, 1, 1, 1, 1]
    assert Rows(TARGETS["churn"], few, SPLIT, FEATURES, settings("with"))._times(few) is None
    assert Rows(TARGETS["value"], few, SPLIT, FEATURES, settings("weigh"))._times(few) is None


def test_dates_are_as_planned():
    assert SPLIT.every[-1] + timedelta(days=30) <= SPLIT.final
