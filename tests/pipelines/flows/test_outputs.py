"""Lists and report of a night are there, whole, or they are not delivered; `test_unfinished_nights` makes them again."""

import shutil
from pathlib import Path

import pytest

from pipelines.flows import outputs
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from pipelines.workspace.publication import read_publication
from tests.demo_project import NIGHT


@pytest.fixture
def night(operator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """The published night, over a copy of what it wrote."""
    monkeypatch.chdir(operator)
    project = Project.open("configs/operator.yaml")
    root = tmp_path / "operator"
    for name in ("lists", "reports", "runs", "scores"):
        shutil.copytree(project.workspace.root / name, root / name)
    project.workspace = Workspace(root)
    run_id = read_publication(project.workspace, NIGHT).meta["run_id"]
    return Night(project, NIGHT, Steps(quiet=True), run_id=run_id)


def test_what_is_on_record_and_whole_is_delivered(night):
    assert outputs.is_delivered(night)
    assert not outputs.is_delivered(Night(night.project, NIGHT, night.steps, run_id="another"))


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_one_output_that_is_not_whole_is_enough(night, harm):
    path = night.workbook("churn")
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-100])
    assert not outputs.is_delivered(night)


def test_lists_that_are_there_are_not_written_again(night):
    scores = read_publication(night.workspace, NIGHT)
    night.workbook("vip").unlink()
    before = night.workbook("churn").stat().st_mtime_ns
    outputs.write_lists(night, scores)
    assert [entry.kind for entry in night.lists] == ["vip", "churn"] and night.remade == ["lists"]
    assert night.workbook("vip").exists() and night.workbook("churn").stat().st_mtime_ns == before
