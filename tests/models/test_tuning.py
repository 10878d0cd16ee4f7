"""A search finds better trees by what was known before the final date, the same ones each time, or keeps what is there."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from features.errors import HeadwaterError
from models import tuning
from models.candidates import candidates
from models.settings import CandidateSettings, TreeSettings
from models.splits import Split
from models.targets.registry import TARGETS
from models.training import train
from models.tuning import Budget, Search, Trial
from tests.models import sample

pytest.importorskip("optuna", reason="the extra tune is not installed")
POOR = TreeSettings(n_estimators=50, learning_rate=0.01, num_leaves=2, max_depth=1, min_child_samples=190)
FRAME = sample.snapshots(500)


def settings(trees=POOR, **changes):
    found = sample.SETTINGS.candidates.model_copy(update={"trees": trees})
    return sample.SETTINGS.model_copy(update={"candidates": found, **changes})


def searched(target="churn", frame=FRAME, split=None, **changes):
    budget = changes.pop("budget", Budget(trials=5))
    return tuning.search(target, frame, split or sample.split(), settings(**changes), sample.FEATURES, budget)


FOUND = searched()


def test_poor_trees_are_replaced():
    assert FOUND.better and FOUND.trees == FOUND.best.trees != POOR
    assert FOUND.best.value > FOUND.configured.value + 0.02
    assert FOUND.best.value == max(trial.value for trial in FOUND.trials) and len(FOUND.trials) == 5


@pytest.mark.slow
def test_the_same_seed_tries_the_same():
    assert searched() == FOUND
    assert searched(seed=8).trials != FOUND.trials


def test_the_final_window_stays_shut():
    """With its outcomes turned round nothing of the search changes."""
    last = FRAME["as_of"] == sample.split().final
    turned = FRAME.assign(churned_30=FRAME["churned_30"].where(~last, ~FRAME["churned_30"]))
    assert searched(frame=turned) == FOUND


def test_what_is_not_better_beyond_its_error_changes_nothing():
    equal = replace(FOUND, gap=0.01, error=0.02)
    assert not equal.better and equal.trees == POOR


def test_money_is_tuned_by_its_own_metric_and_progress_is_told():
    told = []
    split, chosen = sample.split(), settings()
    found = tuning.search(
        "value", FRAME, split, chosen, sample.FEATURES, Budget(trials=2), lambda *done: told.append(done)
    )
    assert found.metric == TARGETS["value"].metric and found.candidate == "trees"
    assert told == [(1, 2), (2, 2)]


def test_a_budget_of_seconds_ends():
    found = searched(budget=Budget(seconds=0.01))
    assert len(found.trials) == 1


def test_without_an_earlier_date_there_is_nothing_to_search_on():
    split = sample.split()
    assert searched(split=Split((), split.final, split.every, split.days)) is None
    assert searched(candidates=sample.SETTINGS.candidates.model_copy(update={"churn": ("linear",)})) is None


def test_a_target_has_trees_of_its_own():
    found = CandidateSettings(trees=POOR, trees_for={"vip": TreeSettings(n_estimators=7)})
    assert found.shape("vip").n_estimators == 7 and found.shape("churn") == POOR
    made = candidates(TARGETS["vip"], found, (0,), 1, 7)
    assert made["trees"].learner.n_estimators == made["value_trees"].learner.learner.n_estimators == 7
    with pytest.raises(ValidationError, match="chrn is no target"):
        CandidateSettings(trees_for={"chrn": POOR})


def test_training_takes_what_was_found():
    chosen = settings()
    chosen = chosen.model_copy(
        update={"candidates": chosen.candidates.model_copy(update={"trees_for": {"churn": FOUND.trees}})}
    )
    trained = train("churn", FRAME, sample.split(), chosen, sample.FEATURES)
    assert trained.candidates["hazard"].learner_.get_params()["max_depth"] == FOUND.trees.max_depth


def test_without_optuna_what_to_do_is_told(monkeypatch):
    monkeypatch.setattr(tuning, "find_spec", lambda name: None)
    with pytest.raises(HeadwaterError) as caught:
        tuning.require_optuna()
    assert caught.value.problem.code == "E716" and caught.value.exit_code == 7


def test_a_search_is_compared_by_what_it_found():
    trial = Trial(POOR, 0.5)
    same = Search("churn", "trees", "auc", trial, (), trial, 0.0, 0.0)
    assert not same.better and same.trees == POOR
