"""What MLflow is told of a training: few figures, the headline first, and why it was decided so."""

import dataclasses
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from features.errors import HeadwaterError
from models.settings import TreeSettings
from models.targets.settings import TargetSettings
from models.training import Trained, train
from models.tuning import Search, Trial
from pipelines.config.settings import load
from pipelines.flows import run_records, training_record
from pipelines.flows.dataset import Dataset
from tests.card_sample import CONFIG
from tests.models import sample

PASSED = {"passed": True, "checks": [{"name": "finite", "passed": True}], "champion": None}
REFUSED = {"passed": False, "checks": [{"name": "leaks", "passed": False}], "champion": "churn/1"}
MODEL = {"target": "churn", "version": "churn/2", "winner": "trees", "metric": "auc", "value": 0.8}
MODEL |= {"interval": [0.7, 0.9], "gate_passed": True, "failed_checks": [], "champion": "churn/2"}


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train("churn", sample.snapshots(400), sample.split(), sample.SETTINGS, sample.FEATURES)


@pytest.fixture(scope="module")
def project() -> Any:
    """The settings of the operator with the features and the training of the sample."""
    words = {"label": lambda lang: lang}
    features = [
        SimpleNamespace(column=c, reason=c, unit="text" if c == "plan" else "", **words) for c in sample.FEATURES
    ]
    settings = load(CONFIG).model_copy(update={"name": "shop", "training": sample.SETTINGS})
    return SimpleNamespace(features=features, feature_set_hash="h45h", settings=settings, config=CONFIG)


@pytest.fixture(scope="module")
def data(trained: Trained) -> Dataset:
    frame = sample.snapshots(400)
    targets = TargetSettings()
    return Dataset(frame, {"churn": trained.split}, targets, sample.FEATURES, "1nputs", sample.TODAY, ("bills",))


@pytest.fixture(scope="module")
def made(project: Any, data: Dataset, trained: Trained) -> Any:
    facts = training_record.evaluation(trained)
    facts |= training_record.circumstances(project, data, trained, PASSED, {"arpu": 0.6, "trend": 0.4})
    return run_records.record(project, data, trained, PASSED, facts)


def test_the_headline_stands_first_with_its_interval(made, trained):
    assert list(made.metrics)[:4] == ["headline", "headline_low", "headline_high", "rule"] and len(made.metrics) == 7
    assert sorted(made.metrics)[:3] == ["headline", "headline_high", "headline_low"], "the page sorts them by name"
    assert made.metrics["headline"] == trained.figure(trained.winner, "auc").value
    assert len(made.table) == len(trained.metrics) > 20


def test_what_is_not_defined_is_left_out(trained):
    undefined = dataclasses.replace(trained, metrics=trained.metrics.assign(low=np.nan))
    assert list(run_records.headline(undefined, "rule")) == ["headline", "headline_high"]


def test_the_card_is_made_before_there_is_a_version(made):
    assert "not registered yet" in made.card and "尚未登记" in made.card and "<svg" not in made.card


def test_names_sort_by_the_date_of_the_training(made, trained):
    assert made.name == f"{sample.TODAY} churn"
    assert {candidate.name for candidate in made.candidates} == {f"{made.name} · {c}" for c in trained.candidates}


def test_a_candidate_tells_how_it_did_where_it_was_chosen(made, trained):
    (chosen,) = (candidate for candidate in made.candidates if candidate.tags["chosen"] == "true")
    assert chosen.tags["learner"] == trained.winner
    rehearsed = {c.tags["learner"]: c.metrics["rehearsed"] for c in made.candidates if "rehearsed" in c.metrics}
    assert trained.winner in rehearsed and all(0 <= value <= 1 for value in rehearsed.values())
    assert all(len(candidate.metrics) < 12 for candidate in made.candidates)


def test_every_trial_of_a_search_is_a_run_with_its_shape(data, trained):
    poor, good = (Trial(TreeSettings(n_estimators=n), value) for n, value in ((5, 0.6), (50, 0.7)))
    found = Search("churn", "trees", "auc", poor, (good,), good, 0.1, 0.01)
    searched = dataclasses.replace(trained, search=found)
    before, best = run_records._trials(data, searched)
    assert (before.name, best.name) == tuple(f"{sample.TODAY} churn · trial {n}" for n in ("000", "001"))
    assert best.metrics == {"rehearsed": 0.7} and best.params["n_estimators"] == 50
    assert (before.tags["chosen"], best.tags["chosen"]) == ("false", "true")
    assert not list(run_records._trials(data, dataclasses.replace(searched, winner="rule")))
    assert training_record.evaluation(searched)["search"]["trials"][1]["value"] == 0.7
    for lang in ("en", "zh"):
        assert "0.7000" in training_record.search_sentence(found, "churn", lang)
        assert "churn" in training_record.search_sentence(None, "churn", lang)


def test_tags_and_description_say_why_in_both_languages(project, data, trained, made):
    tags = run_records._why(project, data, trained, REFUSED)
    assert tags["decision"] == "gate refused: leaks" and made.tags["decision"] == "gate passed"
    assert tags["rule"] == "arpu" and tags["judged"].startswith("forward in time")
    for lang in ("en", "zh"):
        assert training_record.sentence(trained, lang) in made.description
    assert "未通过关卡：leaks" in "".join(run_records._lines(project, trained, REFUSED, "zh"))
    assert made.version_tags["gate_passed"] == "true" and made.version_tags.items() <= made.tags.items()


def test_the_rule_in_the_place_of_a_refused_model_has_a_name_of_its_own(data, trained):
    as_rule = dataclasses.replace(trained, winner="rule", beats_rule=False)
    assert run_records._name(data, as_rule).endswith("churn by the rule")
    assert run_records._candidates(data, as_rule) == ()


def test_the_data_sets_have_the_rows_and_a_digest_that_changes_with_them(project, data, trained, made):
    learnt, judged = made.data
    assert (learnt.context, judged.context) == ("training", "evaluation")
    assert learnt.profile["as_of_dates"] == trained.model.facts_["learnt"]
    assert judged.profile["num_rows"] == len(trained.final) and len(learnt.digest) <= 36
    assert run_records._data_used(project, data, trained)[0] == learnt
    other = run_records._data_used(project, dataclasses.replace(data, inputs="other"), trained)
    assert learnt.digest != other[0].digest


def test_a_session_names_every_target_and_what_came_of_it(project):
    failures = {"vip": HeadwaterError("E351", target="vip", positives=0, rows=5)}
    told = run_records.session(project, date(2026, 11, 1), [MODEL], failures)
    assert told.name == "2026-11-01 training" and told.metrics == {"headline/churn": 0.8}
    assert told.tags["decision.vip"] == "not trained: E351" and "churn/2" in told.tags["decision.churn"]
    assert "冠军模型：churn/2" in told.description and "champion: churn/2" in told.description
