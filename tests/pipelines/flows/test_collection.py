"""What is collected is told, and a night is out whatever comes of it."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from pipelines.config.retention import Retention
from pipelines.flows import collection, nightly
from pipelines.workspace import collection as kept
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from tests.pipelines.workspace.test_collection import NEWEST, night

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def project(tmp_path, monkeypatch) -> SimpleNamespace:
    monkeypatch.setattr(collection.realised, "waits", lambda project: [30, 95])
    workspace = Workspace.open(tmp_path, "operator")
    for days in (0, 10, 20):
        night(workspace, NEWEST - timedelta(days=days))
    settings = SimpleNamespace(retention=Retention(nightly=True, scores=15), delta=False)
    return SimpleNamespace(workspace=workspace, settings=settings, config="c.yaml")


def test_looking_removes_nothing(project):
    found = collection.collect(project, NOW, dry_run=True)
    told = found.as_dict()["scores"]
    assert (told["files"], told["first"], told["last"]) == (1, "2026-10-11", "2026-10-11") and told["bytes"] > 0
    assert len(project.workspace.published_dates()) == 3
    collection.collect(project, NOW)
    assert project.workspace.published_dates() == [date(2026, 10, 21), NEWEST]


def test_scores_that_go_before_their_promise_can_be_measured_are_told(project):
    """The longest window, its delay, and as far back as the monitor looks."""
    (warning,) = collection.collect(project, NOW).warnings
    assert warning.code == "W344" and warning.values == {"days": 15, "least": 95 + 35}
    project.settings.retention = Retention(scores=130)
    assert collection.collect(project, NOW).warnings == []


def finished(project) -> SimpleNamespace:
    told = []
    return SimpleNamespace(project=project, steps=Steps(quiet=True), warn=told.append, told=told)


def test_a_night_collects_at_its_end_where_it_is_asked_to():
    assert list(nightly.stages(collects=True))[-1] == "collect"
    assert "collect" not in nightly.stages() and "collect" not in nightly.stages(dry_run=True, collects=True)
    assert "collect" not in nightly.stages(lists=False, collects=True)


def test_a_disk_that_refuses_fails_no_night(project, monkeypatch):
    over = finished(project)
    assert nightly.collect(over) is over and len(project.workspace.published_dates()) == 2
    monkeypatch.setattr(kept, "_opened", lambda: (_ for _ in ()).throw(PermissionError("no")))
    nightly.collect(over)
    assert [problem.code for problem in over.told] == ["W344", "W345"]


def test_a_delta_table_that_cannot_follow_is_told(project, monkeypatch):
    project.settings.delta = True
    monkeypatch.setattr(collection.delta, "follow", lambda _: (_ for _ in ()).throw(RuntimeError("of another library")))
    assert [problem.code for problem in collection.collect(project, NOW).warnings] == ["W344", "W347"]
    assert [problem.code for problem in collection.collect(project, NOW).warnings] == ["W344"], "nothing went"
