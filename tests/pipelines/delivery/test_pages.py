"""The data of a page is gathered from a publication and what lies beside the models."""

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from pipelines.delivery import pages
from pipelines.delivery.report_data import TableUse
from pipelines.ingest.tables import RowCount
from pipelines.workspace import evaluations
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import Publication
from targeting.tiers import TierSettings
from tests.scores_sample import AS_OF, sample_evaluations, sample_scores

META = {"models": '{"churn": {"version": "churn/4"}, "vip": {"version": "vip/2"}}', "run_id": "r"}


@pytest.fixture
def project(tmp_path) -> SimpleNamespace:
    return SimpleNamespace(
        settings=SimpleNamespace(name="operator", language="zh", left_out={}, predicted=(), tiers=TierSettings()),
        workspace=Workspace.open(tmp_path, "operator"),
        features=(),
        mapping=SimpleNamespace(currency="EUR"),
    )


def test_the_use_of_a_table_adds_up():
    newest = pd.Timestamp("2026-10-31 23:10")
    tables = SimpleNamespace(
        counts={"bills": RowCount(10, 7, 2, 1), "usage": RowCount(3, 3, 0, 0)}, newest={"bills": newest}
    )
    bills, usage = pages.table_use(tables, "Asia/Shanghai")
    assert bills == TableUse("bills", 10, 7, 2, 1, date(2026, 11, 1))  # ten past seven in the morning there
    assert usage.newest is None


def test_models_are_reported_with_what_was_kept_of_them(project):
    churn = sample_evaluations()["churn"]
    facts = {
        "metrics": churn.metrics.to_dict("records"),
        "winner": "trees",
        "beats_rule": True,
        "levels": {"trees": 0.8},
    }
    evaluations.save(project.workspace, "churn/4", facts, churn.final)
    publication = Publication(AS_OF, META | {"high_value": '{"amount": 120.0}'}, sample_scores(50))
    data = pages.report_data(project, publication, warnings={"en": ["careful"]})
    assert set(data.evaluations) == {"churn"} and data.models == {"churn": "churn/4", "vip": "vip/2"}
    assert (data.evaluations["churn"].level, data.evaluations["churn"].winner) == (0.8, "trees")
    assert (data.threshold, data.currency, data.warnings["en"]) == (120.0, "EUR", ["careful"])
    assert data.margin == 1
    less = Publication(AS_OF, publication.meta | {"value_margin": "0.4"}, sample_scores(5))
    assert pages.report_data(project, less).margin == 0.4


def test_a_page_is_written_where_it_is_asked_for_in_the_language_that_is_asked_for(project, tmp_path):
    data = pages.report_data(project, Publication(AS_OF, META | {"high_value": "{}"}, sample_scores(50)))
    assert pages.write_page(project, data) == project.workspace.report(AS_OF)
    out = tmp_path / "deep" / "page.html"
    assert pages.write_page(project, data, out, "en") == out
    first, second = project.workspace.report(AS_OF).read_text(), out.read_text()
    assert '<html lang="zh' in first and '<html lang="en' in second


def test_a_target_without_scores_names_what_refused_its_model(project):
    """Once there is a champion the refusal of another model is not told: then it is scored."""
    check = {"name": "calibration", "text": "gates.calibration", "value": 0.31, "limit": 0.2, "passed": False}
    evaluations.save(
        project.workspace, "vip/4", {"gate": {"passed": False, "checks": [check]}}, pd.DataFrame({"y": [0]})
    )
    known = SimpleNamespace(models={"churn": "churn/1", "value": "value/1"})
    settings = SimpleNamespace(left_out={}, predicted=("churn", "value", "vip"))
    asked = SimpleNamespace(settings=settings, workspace=project.workspace, mapping=SimpleNamespace(currency="CNY"))
    assert pages.not_scored(asked, known, "en") == [
        "Potential VIP is not scored, because the model vip/4 was refused: calibration error: 0.31, at most 0.2."
    ]
    assert "校准误差" in pages.not_scored(asked, known, "zh")[0]
    assert pages.not_scored(asked, SimpleNamespace(models=known.models | {"vip": "vip/3"}), "en") == []
