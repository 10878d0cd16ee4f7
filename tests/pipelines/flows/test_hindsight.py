"""Customers of whom only today is known: what a training sees of past dates is counted, and told."""

from datetime import date

import pytest

from pipelines.flows import hindsight as module
from pipelines.flows.hindsight import hindsight
from pipelines.project import Project
from tests.pipelines.cli.calls import call, document
from tests.raw import Raw

DAY = date(2026, 3, 1)
PAST = [date(2026, 2, 1), date(2026, 3, 1)]


@pytest.fixture
def raw(tmp_path, monkeypatch) -> Raw:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "headwater.yaml").write_text("{name: tiny, mapping: mapping.yaml, quality: {max_quarantined: 0.02}}")
    raw = Raw(tmp_path)
    raw.mapping["tables"]["customers"]["history"] = "mutable"
    raw.write()
    return raw


@pytest.mark.slow
def test_customers_and_dates_are_counted(raw, monkeypatch):
    monkeypatch.setattr(module, "dates_learnt_from", lambda *_: PAST)
    project = Project.open("headwater.yaml")
    found = hindsight(project, project.tables(DAY), DAY)
    assert found.columns == ("customer_type",)
    assert (found.customers, found.rows) == (100, 100 + 99)  # one left between the two
    assert "100" in found.sentence("en") and "customer_type" in found.sentence("zh")


def test_customers_with_a_clock_have_nothing_to_tell(raw):
    raw.mapping["tables"]["customers"]["history"] = "snapshots"
    raw.write()
    project = Project.open("headwater.yaml")
    assert hindsight(project, project.tables(DAY), DAY) is None


def test_data_check_tells_it_also_where_nothing_can_be_learnt_yet(raw):
    assert "nothing is seen" in call("data", "check", "--as-of", "2026-03-01", "--lang", "en")
    assert document("data", "check", "--as-of", "2026-03-01")["hindsight"]["dates"] == []
