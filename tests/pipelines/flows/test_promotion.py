"""Decisions in words, and what is refused before anything is looked at; whole promotions are in `test_each_target`."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from features.errors import HeadwaterError
from models.training import train
from pipelines.config.settings import Settings
from pipelines.flows import promotion
from pipelines.project import Project
from pipelines.workspace import bundles, evaluations
from pipelines.workspace.paths import Workspace
from tests.models import sample

REFUSED = {"passed": False, "checks": [{"name": "slices", "passed": False}, {"name": "finite", "passed": True}]}
PASSED = {"passed": True, "checks": [{"name": "finite", "passed": True}]}


def test_the_checks_that_refused_are_named():
    assert promotion.failed_checks(REFUSED) == ["slices"] and promotion.failed_checks(PASSED) == []
    assert "slices" in promotion.sentence(REFUSED, "en") and "finite" not in promotion.sentence(REFUSED, "en")
    assert promotion.sentence(PASSED, "en") != promotion.sentence(PASSED, "zh")


def test_a_training_in_which_no_target_has_a_champion_is_refused():
    model = {"target": "churn", "champion": None, "failed_checks": ["slices"]}
    with pytest.raises(HeadwaterError, match="E526"):
        promotion.refuse_when_none([model])
    promotion.refuse_when_none([model, model | {"champion": "churn/1"}])
    promotion.refuse_when_none([])


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_force_needs_a_reason(tmp_path, reason):
    project = Project(Settings(), Workspace.open(tmp_path, "operator"))
    with pytest.raises(HeadwaterError, match="E232"):
        promotion.promote(project, "churn", force=True, reason=reason)


def test_a_workspace_without_champions_scores_with_none(tmp_path):
    project = Project(Settings(), Workspace.open(tmp_path, "operator"))
    assert promotion.current_version(project, "churn") is None


@pytest.fixture
def champion(tmp_path):
    """A workspace with a champion that has learnt outcomes of the window which judges its challenger, and the challenger."""
    trained = train("churn", sample.snapshots(), sample.split(), sample.SETTINGS, sample.FEATURES)
    judged = trained.judged.to_files()
    trained.model.facts_["judged_sha256"] = bundles.digests(judged)[1]
    workspace = Workspace(tmp_path)
    workspace.models.mkdir(parents=True)
    evaluations.save(workspace, "churn/1", {}, trained.final, judged)
    return workspace, trained, bundles.Champion("churn", "churn/1", "0", trained.model)


def scores(trained, model):
    rows = trained.final[["customer_id", "as_of"]].merge(sample.snapshots(), on=["customer_id", "as_of"])
    return model.outputs(rows)["churn_probability"].to_numpy()


def test_a_champion_that_has_seen_the_answers_is_compared_by_what_was_judged(champion):
    workspace, trained, in_force = champion
    stand_in = promotion.rival(workspace, trained, in_force)
    assert np.array_equal(scores(trained, stand_in), trained.final[trained.winner])
    assert not np.array_equal(scores(trained, in_force.model), trained.final[trained.winner])


def test_a_champion_whose_windows_were_all_over_stands_for_itself(champion):
    workspace, trained, in_force = champion
    later = dataclasses.replace(trained.split, final=date(2027, 1, 1))
    found = promotion.rival(workspace, dataclasses.replace(trained, split=later), in_force)
    assert found is in_force.model


@pytest.mark.parametrize("hurt", ["missing", "altered", "no text"])
def test_where_what_was_judged_is_lost_the_champion_is_flattered_and_no_challenger_is(champion, hurt):
    workspace, trained, in_force = champion
    (path,) = (workspace.models / "judged").iterdir()
    if hurt == "missing":
        path.unlink()
    else:
        path.write_text(path.read_text().replace("linear", "linaer") if hurt == "altered" else "[1")
    assert promotion.rival(workspace, trained, in_force) is in_force.model
