"""`headwater score | nightly | report`: what was published is told, whether it succeeds or not."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.workspace.lock import exclusive
from pipelines.workspace.paths import Workspace
from tests.pipelines.cli.calls import call, document


def test_nightly_json_says_what_was_published(own_operator):
    found = document("nightly", "--as-of", "2026-10-01")
    assert found["published"] and found["as_of"] == "2026-10-01"
    assert found["serving_as_of"] == "2026-11-01"
    assert found["rows"]["bills"]["used"] > 0
    assert all(Path(path).exists() for path in found["outputs"])
    assert document("nightly", "--as-of", "2026-10-01")["already_published"]


def test_score_publishes_without_lists(own_operator):
    found = document("score", "--as-of", "2026-10-01")
    assert [Path(path).suffix for path in found["outputs"]] == [".parquet"]


def test_report_is_written_again(own_operator):
    found = document("report", "--out", "page.html")
    page = Path(found["outputs"][0]).read_text(encoding="utf-8")
    assert "</html>" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_card_is_that_of_the_champions_or_of_a_published_date(own_operator):
    (path,) = document("report", "--card")["outputs"]
    card = Path(path).read_text(encoding="utf-8")
    assert all(f"{target}/1" in card for target in ("churn", "value", "vip"))
    assert "Not on record" not in card and "no evaluation is kept" not in card
    (dated,) = document("report", "--card", "--as-of", "2026-11-01")["outputs"]
    assert Path(dated).name == "model-card-2026-11-01.html" and Path(dated).read_text(encoding="utf-8") == card


def test_another_run_holding_the_lock_is_exit_6(own_operator):
    with exclusive(Workspace.open(own_operator / "workspace", "operator"), "test"):
        found = document("nightly", "--as-of", "2026-10-01", code=6)
    assert found["published"] is False and found["serving_as_of"] == "2026-11-01"
    assert f"test (pid {os.getpid()}, since 20" in found["error"]["message"]


def test_the_second_run_is_told_before_anything_heavy_is_loaded(own_operator):
    """It took 4 seconds of CPU to say that another run holds the lock; what a night needs takes most of them."""
    asked = (
        "import sys; from pipelines.cli.app import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    )
    with exclusive(Workspace.open(own_operator / "workspace", "operator"), "test"):
        command = [sys.executable, "-c", asked, "score", "--as-of", "2026-10-01", "--lang", "en"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert "E601" in done.stderr and "pipelines.project" in done.stdout
    assert not {"lightgbm", "sklearn", "mlflow", "pipelines.flows.nightly"} & set(done.stdout.split())


def test_every_call_of_a_night_is_on_record(own_operator):
    """Published, already published, refused by a wrong setting: each with its date and code, and again by its id."""
    assert document("score", "--as-of", "2026-10-01")["published"]
    assert document("nightly", "--as-of", "2026-10-01")["already_published"]
    document("list", "vip", "--out", "vip.xlsx")
    told = document("runs", "list")["runs"]
    assert [(r["command"], r["as_of"], r["outcome"], r["exit_code"]) for r in told[:3]] == [
        ("list vip", "2026-11-01", "done", 0),
        ("nightly", "2026-10-01", "already", 0),
        ("score", "2026-10-01", "scored", 0),
    ]
    assert told[3]["command"] is None, "the night of the fixture was run without the command line"
    shown = document("runs", "show", told[2]["id"])
    assert "publish" in [step["step"] for step in shown["steps"]] and shown["run_id"] == told[2]["run_id"]
    assert document("runs", "show", told[1]["run_id"])["run"]["id"] == told[1]["id"]
    assert call("runs", "open", told[1]["id"]).strip() == "workspace/operator/reports/2026-10-01.html"
    again = document("runs", "retry", told[2]["id"])
    assert again["command"] == "score" and again["already_published"] and again["as_of"] == "2026-10-01"
