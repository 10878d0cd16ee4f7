"""`headwater migrate` on a whole project."""

import json
from pathlib import Path

from typer.testing import CliRunner

from pipelines.cli.app import app


def test_a_record_of_before_is_made_whole_and_then_nothing_is_left(own_operator):
    """Records of 0.1.0 had no sha256."""
    (record,) = Path("workspace/operator/runs").glob("*/record.json")
    document = json.loads(record.read_text())
    digest = document.pop("sha256")
    record.write_text(json.dumps(document))
    looked = json.loads(CliRunner().invoke(app, ["migrate", "--dry-run", "--json"]).stdout)
    assert [change["kind"] for change in looked["changed"]] == ["scores"]
    assert "sha256" not in json.loads(record.read_text())
    made = CliRunner().invoke(app, ["migrate", "--lang", "en"])
    assert made.exit_code == 0 and "1 score files of an earlier version" in made.output
    assert json.loads(record.read_text())["sha256"] == digest
    assert "Everything here is of this version" in CliRunner().invoke(app, ["migrate", "--lang", "en"]).output
