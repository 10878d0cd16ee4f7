"""The tracking store of a workspace that is new: there whole or not at all."""

import errno
import shutil
from pathlib import Path

import mlflow
import pytest
import sqlalchemy

from features.errors import HeadwaterError
from pipelines.tracking import tracking
from pipelines.workspace.paths import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def left(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in workspace.root.glob("*") if path.is_file() or path.name.startswith("."))


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("trouble", "seen"), [(KeyboardInterrupt(), KeyboardInterrupt), (OSError(errno.ENOSPC, "full"), HeadwaterError)]
)
def test_a_new_store_is_there_whole_or_not_at_all(workspace, monkeypatch, trouble, seen):
    def fail(path: Path) -> None:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(tracking, "sync", fail)
        with pytest.raises(seen):
            tracking.versions(workspace, "churn")
    assert left(workspace) == []
    assert tracking.versions(workspace, "churn") == []
    assert left(workspace) == ["mlflow.db"]
    assert str(workspace.artifacts) in str(mlflow_locations(workspace))


def mlflow_locations(workspace: Workspace) -> list[str]:
    with tracking.registry_client(workspace) as client:
        return [found.artifact_location for found in client.search_experiments()]


def test_who_was_quicker_keeps_his_store(workspace, monkeypatch):
    def others(path: Path) -> None:
        workspace.tracking.write_bytes(b"of another process")

    monkeypatch.setattr(tracking, "sync", others)
    tracking.create_store(workspace)
    assert workspace.tracking.read_bytes() == b"of another process"


def test_what_is_written_later_waits_for_the_disk_again(workspace):
    tracking.create_store(workspace)
    engine = sqlalchemy.create_engine(f"sqlite:///{workspace.tracking}")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_artifacts_follow_a_workspace_that_was_moved(workspace, tmp_path):
    with tracking.registry_client(workspace):
        first = tracking.experiment(workspace)
        with mlflow.start_run(experiment_id=first) as run:
            mlflow.log_text("of before", "note.txt")
    moved = Workspace.open(tmp_path / "elsewhere", "operator")
    shutil.copytree(workspace.root, moved.root, dirs_exist_ok=True)
    shutil.rmtree(workspace.root)
    with tracking.registry_client(moved):
        with mlflow.start_run(experiment_id=tracking.experiment(moved)):
            mlflow.log_text("of after", "note.txt")
        assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/note.txt") == "of before"
    assert len(list(moved.artifacts.rglob("note.txt"))) == 2 and not workspace.root.exists()
    assert all(location.startswith(moved.artifacts.as_uri()) for location in mlflow_locations(moved))
