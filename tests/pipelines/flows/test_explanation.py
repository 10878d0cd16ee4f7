"""An explanation is the published row, its reasons in words, and the raw score from the model that made it."""

import pytest

from features.errors import HeadwaterError
from pipelines.flows.explanation import explain
from pipelines.project import Project
from pipelines.workspace import bundles
from pipelines.workspace.publication import read_publication
from tests.demo_project import NIGHT


@pytest.fixture
def project(operator, monkeypatch) -> Project:
    monkeypatch.chdir(operator)
    return Project.open("configs/operator.yaml")


@pytest.mark.slow
def test_the_raw_score_is_recomputed_while_its_model_is_champion(project, monkeypatch):
    rows = read_publication(project.workspace, NIGHT).scores.take([5]).to_pylist()
    why = explain(project, rows[0]["customer_id"], None, "en")
    assert why.as_of == NIGHT and why.scored_by == "churn/1" and why.reasons["churn"]
    assert why.recomputed == pytest.approx(why.row["churn_score_raw"], abs=1e-5)
    monkeypatch.setattr(bundles, "champions", lambda workspace: {})
    assert explain(project, rows[0]["customer_id"], NIGHT, "en").recomputed is None


def test_somebody_who_is_not_there_is_named_with_a_mask(project):
    with pytest.raises(HeadwaterError, match="E432") as error:
        explain(project, "13800138000", None, "en")
    assert "13800138000" not in str(error.value.problem.values)
