"""`headwater score | nightly | report | runs`: what was published is told, whether it succeeds or not."""

from pathlib import Path

from pipelines.workspace.lock import exclusive
from pipelines.workspace.paths import Workspace
from tests.pipelines.cli.calls import document, stderr


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


def test_runs_list_and_show(own_operator):
    run_id = document("runs", "list")["runs"][0]["run_id"]
    assert any(step["step"] == "publish" for step in document("runs", "show", run_id)["steps"])
    assert "E236" in stderr("runs", "show", "nothing", code=2)


def test_another_run_holding_the_lock_is_exit_6(own_operator):
    with exclusive(Workspace.open(own_operator / "workspace", "operator"), "test"):
        found = document("nightly", "--as-of", "2026-10-01", code=6)
    assert found["published"] is False
    assert "pid" in found["error"]["message"]
