"""`headwater demo`: known data only; the whole of it is what `tests/demo_project` builds."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from features.errors import HeadwaterError
from pipelines.cli import demo
from pipelines.cli.run import Run
from pipelines.workspace.paths import Workspace
from tests.demo_project import NIGHT
from tests.pipelines.cli.calls import stderr


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
