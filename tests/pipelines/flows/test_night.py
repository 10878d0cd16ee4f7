"""What a night knows of itself: its outputs by name, and which warnings are told at once."""

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest

from features.errors import Problem
from models.evaluation import night_gates
from models.scores.columns import SCHEMA
from pipelines.flows import verdict
from pipelines.flows.night import ROUTINE, Night
from pipelines.project import Project
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from pipelines.workspace.publication import Draft, publish
from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT


@pytest.fixture
def night(tmp_path: Path) -> Night:
    from pipelines.config.settings import Settings

    return Night(Project(Settings(), Workspace.open(tmp_path, "operator")), NIGHT, Steps("en"), run_id="r")


def test_outputs_are_those_on_record(night):
    assert night.recorded_outputs() == []
    names = [night.relative_name(path) for path in (night.workbook("churn"), night.workspace.report(NIGHT))]
    assert names == [f"lists/churn-{NIGHT}.xlsx", f"reports/{NIGHT}.html"]
    Journal.open(night.workspace, "r").record(delivered=dict.fromkeys(names, "sha256"))
    assert night.recorded_outputs() == [night.workbook("churn"), night.workspace.report(NIGHT)]
    assert not night.is_intact(night.workbook("churn"))


@pytest.mark.parametrize("code", [*ROUTINE, "W521"])
def test_a_warning_is_kept_and_told_unless_every_night_has_it(night, code, capsys):
    night.warn(Problem(code, values={"target": "vip"}))
    assert [warning.code for warning in night.warnings] == [code]
    assert (code in capsys.readouterr().err) == (code not in ROUTINE)


def test_a_night_that_has_not_begun_says_so(night):
    result = night.result()
    assert not result["published"] and result["outputs"] == [] and result["serving_as_of"] is None


def test_a_night_leaves_no_draft_behind_unless_it_is_published(night):
    rows = pa.table({"customer_id": ["a"]})
    night.draft = Draft(night.workspace, NIGHT, rows.schema, {})
    assert [path.suffix for path in night.workspace.scores.iterdir()] == [".tmp"]
    night.close()
    assert list(night.workspace.scores.iterdir()) == []


def test_gates_look_at_what_a_publication_of_before_a_target_has(night):
    columns = [column for column in night_gates.WATCHED if not column.startswith("vip_")]
    rows = pa.table({column: pa.array([None], SCHEMA.field(column).type) for column in columns})
    path = publish(night.workspace, [rows], {"as_of": NIGHT.isoformat()}, len)
    assert list(verdict.watched(ScoreFile(path))) == columns


@pytest.mark.parametrize(("season", "promised"), [(None, 0.25), ({"adopted": False}, 0.25), ({"adopted": True}, 0.65)])
def test_a_model_of_last_years_level_is_held_against_what_that_season_brought(night, monkeypatch, season, promised):
    """At Christmas a right model says something else than was seen in the window that judged it."""
    facts = {"season": season and season | {"observed": 0.65}}
    final = pd.DataFrame({"y": [1, 0, 0, 0]})
    monkeypatch.setattr(verdict.evaluations, "load", lambda workspace, version: (facts, final))
    night.champions = {"churn": SimpleNamespace(version="churn/1")}
    found = verdict.announced(night)
    assert found["level_churn_probability"].value == promised and found["level_churn_probability"].events == 1
