"""Who competes: what is declared, in the configured order, the rule of today last."""

import numpy as np
import pytest
from pydantic import ValidationError

from models.candidates import LEARNERS, candidates, competing, fit_all
from models.learners.bg_nbd import BgNbd
from models.learners.blends import Blend, ByValue
from models.settings import CandidateSettings, TrainingSettings
from models.targets.candidate import RULE
from models.targets.registry import TARGETS
from tests.models import sample

EVERY = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@EVERY
def test_the_order_of_preference_is_the_configured_one_and_the_rule_is_last(target):
    settings = CandidateSettings.model_validate({target.name: ["trees", "linear"]})
    assert [c.name for c in competing(target, settings, (30, 90))] == ["trees", "linear", "rule"]
    named = CandidateSettings.model_validate({target.name: [c.name for c in target.candidates]})
    names = [c.name for c in competing(target, named, (30, 90))]
    assert names == [*(c.name for c in target.candidates), "rule"]


def test_who_learns_the_main_horizon_alone_stands_aside_unless_named():
    churn, value, settings = TARGETS["churn"], TARGETS["value"], CandidateSettings()
    assert [c.name for c in competing(churn, settings, (30, 90))] == ["hazard", "hazard_blend", "linear", "rule"]
    assert [c.name for c in competing(churn, settings, (90,))] == ["blend", "linear", "trees", "rule"]
    assert {c.name for c in competing(value, settings, (90,))} == {"blend", "linear", "trees", "rule"}


def test_with_one_horizon_there_is_no_time_to_learn():
    churn = TARGETS["churn"]
    assert "hazard" not in [c.name for c in competing(churn, CandidateSettings(), (90,))]
    assert [c.name for c in competing(churn, CandidateSettings(churn=("hazard",)), (90,))] == ["hazard", "rule"]
    assert not CandidateSettings().by_period(churn, (90,)) and CandidateSettings().by_period(churn, (30, 90))
    assert not CandidateSettings(churn=("trees",)).by_period(churn, (30, 90))
    assert not any(CandidateSettings().by_period(TARGETS[name], (30, 90)) for name in ("value", "vip"))


@EVERY
def test_every_candidate_has_a_learner_or_members_that_are_candidates(target):
    names = {candidate.name for candidate in target.declared}
    for candidate in (*target.declared, RULE):
        assert (candidate.learner in LEARNERS) != bool(candidate.members) and set(candidate.members) <= names


def test_a_blend_needs_its_members_and_a_candidate_its_target():
    with pytest.raises(ValidationError, match="a blend needs its members among the candidates: linear"):
        CandidateSettings(churn=("blend", "trees"))
    with pytest.raises(ValidationError, match="'hazard', 'hazard_blend', 'blend', 'linear' or 'trees'"):
        CandidateSettings(churn=("value_trees",))  # ranks by value what is no matter of value


def test_a_further_candidate_competes_where_it_is_named_and_nowhere_else():
    value, named = TARGETS["value"], CandidateSettings(value=("trees", "bg_nbd", "bg_nbd_blend"))
    assert {"bg_nbd", "bg_nbd_blend"}.isdisjoint(CandidateSettings().of("value"))
    assert [c.name for c in competing(value, named, (90,))] == ["trees", "bg_nbd", "bg_nbd_blend", "rule"]
    models = candidates(value, named, (0,), 1, 7)
    assert isinstance(models["bg_nbd"].learner, BgNbd) and models["bg_nbd_blend"].learner is None
    with pytest.raises(ValidationError, match="members among the candidates: bg_nbd"):
        CandidateSettings(value=("trees", "bg_nbd_blend"))
    with pytest.raises(ValidationError, match="'blend', 'linear' or 'trees'"):
        CandidateSettings(churn=("bg_nbd",))


def test_metrics_that_choose_are_metrics_of_their_target():
    assert TrainingSettings(choose_by={"churn": "brier"}).chooses("vip") == "average_precision"
    for wrong in ({"churn": "mae"}, {"chrn": "auc"}):
        with pytest.raises(ValidationError, match="is no"):
            TrainingSettings(judge_by=wrong)


def test_a_blend_takes_the_fitted_learners_of_its_members():
    target, frame = TARGETS["vip"], sample.snapshots(200)
    models = candidates(target, sample.SETTINGS.candidates, (0,), 1, 7)
    X = frame[list(sample.FEATURES)]
    learnt = fit_all(target, models, X, frame)
    (blend,) = learnt["value_blend"]
    assert isinstance(blend, Blend) and all(isinstance(member, ByValue) for member in blend.members)
    parts = [learnt[name][0].raw(X) for name in ("value_linear", "value_trees")]
    assert np.array_equal(blend.raw(X), np.mean(parts, axis=0)) and blend.members[0] is learnt["value_linear"][0]


@pytest.mark.parametrize("family", ["lognormal", "gamma"])
def test_money_in_two_steps_competes_where_it_is_named(family):
    name = {"lognormal": "hurdle", "gamma": "hurdle_gamma"}[family]
    assert name not in CandidateSettings().of("value")
    named = CandidateSettings(value=("trees", "hurdle", "hurdle_gamma", "hurdle_blend"), trees={"n_estimators": 33})
    models = candidates(TARGETS["value"], named, (0,), 2, 7)
    learner = models[name].learner
    assert (learner.paid.objective, learner.amount.objective) == ("binary", family)
    assert {(step.n_estimators, step.n_jobs) for step in (learner.paid, learner.amount)} == {(33, 2)}
