"""Decisions in words, and what is refused before anything is looked at; whole promotions are in `test_each_target`."""

import pytest

from features.errors import HeadwaterError
from pipelines.config.settings import Settings
from pipelines.flows import promotion
from pipelines.project import Project
from pipelines.workspace.paths import Workspace

REFUSED = {"passed": False, "checks": [{"name": "leaks", "passed": False}, {"name": "finite", "passed": True}]}
PASSED = {"passed": True, "checks": [{"name": "finite", "passed": True}]}


def test_the_checks_that_refused_are_named():
    assert promotion.failed_checks(REFUSED) == ["leaks"] and promotion.failed_checks(PASSED) == []
    assert "leaks" in promotion.sentence(REFUSED, "en") and "finite" not in promotion.sentence(REFUSED, "en")
    assert promotion.sentence(PASSED, "en") != promotion.sentence(PASSED, "zh")


def test_a_training_in_which_no_target_has_a_champion_is_refused():
    model = {"target": "churn", "champion": None, "failed_checks": ["leaks"]}
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
