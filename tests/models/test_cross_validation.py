"""Training on one table without dates: nobody is told by a model that has learnt from them, and what tells the answer is out."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from models import cross_validation
from models.estimators.bundle import from_files
from models.estimators.cross_fitted import CrossFitted, parts
from models.splits import Protocol, Split, in_turns, origins, plan
from models.training import Trained
from tests.models import sample

TODAY = date(2025, 12, 1)
SETTINGS = sample.SETTINGS.model_copy(update={"min_positives": 5, "resamples": 20})
FEATURES = ("arpu", "trend", "silence", "plan")


def split() -> Split:
    return plan(TODAY, Protocol(design="folds", folds=4), 0)


def table(customers: int = 500) -> pd.DataFrame:
    """One row per customer, and nobody's answer has a date."""
    rows = sample.snapshot(TODAY, customers, np.random.default_rng(5))
    return rows.drop(columns=["churned_15"])


def trained(frame: pd.DataFrame, features: tuple[str, ...] = FEATURES) -> Trained:
    return cross_validation.train("churn", frame, split(), SETTINGS, features)


@pytest.fixture(scope="module")
def usual() -> Trained:
    return trained(table())


def test_every_customer_is_judged_once_and_published_as_they_were_judged(usual: Trained):
    """The list is not flattered: the shipped model tells each customer as the member did that had not seen them."""
    frame = table()
    assert sorted(usual.final["customer_id"]) == sorted(frame["customer_id"])
    told = usual.model.outputs(frame).set_axis(frame["customer_id"])["churn_probability"]
    np.testing.assert_array_equal(told[usual.final["customer_id"]].to_numpy(), usual.final[usual.winner].to_numpy())
    assert usual.winner != "rule" and usual.beats_rule and usual.figure(usual.winner, "auc").value > 0.7


def test_where_there_is_nothing_to_learn_the_published_scores_know_nothing():
    """A model of everybody would tell its own customers well above chance."""
    rng = np.random.default_rng(11)
    noise = pd.DataFrame(rng.normal(size=(400, 12)), columns=[f"x{n}" for n in range(12)])
    frame = noise.assign(customer_id=[f"C{n}" for n in range(400)], as_of=TODAY, arpu=1.0)
    frame["churned_30"] = rng.random(400) < 0.4
    made = trained(frame, (*noise.columns, "arpu"))
    assert abs(made.figure("trees", "auc").value - 0.5) < 0.08
    seen = made.candidates["trees"].members[0].outputs(frame)["churn_score_raw"]
    mine = parts(frame["customer_id"], 4, made.model.salt) != 0
    assert seen[mine & frame["churned_30"]].mean() > seen[mine & ~frame["churned_30"]].mean() + 0.2


def test_a_part_follows_from_the_id_alone_and_is_stratified():
    frame = table()
    salt = cross_validation.balanced_salt(frame["customer_id"], frame["churned_30"].to_numpy(float), 5, seed=7)
    numbers = parts(frame["customer_id"], 5, salt)
    few = frame.sample(50, random_state=1)
    np.testing.assert_array_equal(parts(few["customer_id"], 5, salt), numbers[few.index])
    sizes, hits = np.bincount(numbers), np.bincount(numbers, weights=frame["churned_30"])
    assert sizes.min() > 0.8 * sizes.mean() and hits.min() > 0.8 * hits.mean()
    assert len({tuple(parts(few["customer_id"], 5, s)) for s in range(4)}) == 4


def test_the_stored_model_says_the_same_to_the_last_bit(usual: Trained):
    frame = table().sample(frac=1, random_state=3)
    usual.model.facts_["feature_set_hash"] = "these"
    files = usual.model.to_files()
    read = from_files(files)
    assert isinstance(read, CrossFitted) and read.facts_ == usual.model.facts_ and read.to_files() == files
    for ask in ("outputs", "contributions"):
        found, expected = getattr(read, ask)(frame), getattr(usual.model, ask)(frame)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
        assert list(found.index) == list(frame.index)
    assert len(read.outputs(frame.head(0))) == 0
    parts_of = read.contributions(frame).sum(axis=1).to_numpy()
    np.testing.assert_allclose(parts_of, read.outputs(frame)["churn_score_raw"], rtol=1e-6)
    with pytest.raises(HeadwaterError, match="E511"):
        read.outputs(frame.drop(columns="customer_id"))


def test_row_order_changes_nothing(usual: Trained):
    again = trained(table().sample(frac=1, random_state=8))
    assert again.winner == usual.winner
    pd.testing.assert_frame_equal(again.metrics, usual.metrics)


def test_who_has_no_answer_is_told_and_not_learnt_from(usual: Trained):
    frame = table()
    frame["churned_30"] = frame["churned_30"].astype(object).where(frame.index >= 20, None)
    made = trained(frame)
    assert len(made.final) == len(frame) - 20
    assert made.model.outputs(frame)["churn_probability"].notna().all()


def test_too_few_or_the_same_answers_are_refused():
    with pytest.raises(HeadwaterError, match="E351"):
        trained(table().assign(churned_30=False))
    with pytest.raises(HeadwaterError, match="E453"):
        trained(table().assign(churned_30=lambda t: t.index < 6))


def test_without_dates_there_is_one_origin():
    assert origins(TODAY, Protocol(design="folds"), 0, folds=3) == [in_turns(TODAY, 5)]
