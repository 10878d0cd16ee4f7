"""`headwater demo`: known data only; the whole of it is what `tests/demo_project` builds."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from features.errors import HeadwaterError
from pipelines.cli import demo
from pipelines.cli.run import Run
from pipelines.workspace import history
from pipelines.workspace.paths import Workspace
from tests.demo_project import NIGHT, ROOT
from tests.pipelines.cli.calls import document, stderr


def test_data_that_is_not_known_is_exit_2():
    assert "E237" in stderr("demo", "operater", "--lang", "en", code=2)
    with pytest.raises(HeadwaterError, match="E237"):
        demo.demo(Run("demo"), "operater", None, None)


def test_only_files_of_the_night_are_named(tmp_path: Path, capsys: pytest.CaptureFixture):
    workspace = Workspace.open(tmp_path, "operator")
    run = Run("demo", lang="en")
    run.__dict__["project"] = SimpleNamespace(workspace=workspace)
    outputs = [workspace.score_file(NIGHT), workspace.report(NIGHT)]
    demo._finish(run, SimpleNamespace(as_of=NIGHT, outputs=outputs))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[-2:]] == [str(path) for path in outputs]


@pytest.mark.parametrize("data", ["operator", "cdnow"])
def test_a_demo_is_on_record_in_the_workspace_of_its_own_data(tmp_path, monkeypatch, data):
    """Which workspace that is follows from the data, and not from the project of the folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HEADWATER_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(demo.raw_files, "make", lambda *_, **__: tmp_path)

    def stopped(*_):
        raise HeadwaterError("E453")

    monkeypatch.setattr(demo, "first_night", stopped)
    assert document("demo", data, code=4)["call"]
    (call,) = history.history(Workspace(tmp_path / data))
    assert (call.command, call.outcome, call.exit_code) == ("demo", history.FAILED, 4)
    assert [(step.name, step.said) for step in call.steps] == [("raw", str(tmp_path))]
