"""`headwater collect` on a whole project."""

import json
import shutil

from typer.testing import CliRunner

from pipelines.cli.app import app
from tests.demo_project import NIGHT


def test_what_is_old_goes_and_the_project_is_whole(own_operator, monkeypatch):
    """A list and a record of long ago; the night itself stays whole, and its end collects where it is set."""
    root = own_operator / "workspace" / "operator"
    newest = root / "lists" / f"vip-{NIGHT}.xlsx"
    shutil.copy2(newest, root / "lists" / "vip-2024-01-01.xlsx")
    monkeypatch.setenv("HEADWATER_RETENTION__LISTS", "300")
    looked = json.loads(CliRunner().invoke(app, ["collect", "--dry-run", "--json"]).stdout)
    assert looked["collected"]["lists"]["files"] == 1 and (root / "lists" / "vip-2024-01-01.xlsx").is_file()
    shown = CliRunner().invoke(app, ["collect", "--lang", "en"])
    assert shown.exit_code == 0 and "2024-01-01" in shown.output
    assert not (root / "lists" / "vip-2024-01-01.xlsx").exists() and newest.is_file()
    assert "Nothing is older" in CliRunner().invoke(app, ["collect", "--lang", "en"]).output
    call = json.loads(CliRunner().invoke(app, ["runs", "list", "--command", "collect", "--json"]).stdout)
    assert len(call["runs"]) == 3
    shutil.copy2(newest, root / "lists" / "vip-2024-01-01.xlsx")
    monkeypatch.setenv("HEADWATER_RETENTION__NIGHTLY", "true")
    night = CliRunner().invoke(app, ["nightly", "--as-of", NIGHT.isoformat(), "--json"])
    assert night.exit_code == 0, night.output
    assert not (root / "lists" / "vip-2024-01-01.xlsx").exists()
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0
