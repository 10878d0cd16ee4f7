"""The command line as people and schedulers use it: every verb, every exit code, one JSON document, one clear line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.workspace.lock import exclusive
from pipelines.workspace.paths import Workspace

runner = CliRunner()


def call(*words: str, code: int = 0) -> str:
    """Run a command; its stdout. The exit code must be the expected one."""
    result = runner.invoke(app, [*words])
    assert result.exit_code == code, result.output
    return result.stdout


def document(*words: str, code: int = 0) -> dict:
    found = json.loads(call(*words, "--json", code=code))
    assert found["exit_code"] == code
    assert found["command"]
    return found


def stderr(*words: str, code: int) -> str:
    result = runner.invoke(app, [*words])
    assert result.exit_code == code, result.output
    return result.stderr


def workspace(folder: Path) -> Workspace:
    return Workspace.open(folder / "workspace", "operator")


VERBS = ["demo", "doctor", "data", "features", "train", "backtest", "score", "nightly", "retrain", "list", "explain"]


def test_help_names_every_verb_and_the_exit_codes():
    said = call("--help")
    for verb in [*VERBS, "report", "promote", "rollback", "runs", "config", "deploy", "serve"]:
        assert verb in said
    assert "Exit codes" in said


@pytest.mark.parametrize(
    "words", [["nightli"], ["list", "vips"], ["nightly", "--as-off", "2026-01-01"], ["nightly", "--as-of", "soon"]]
)
def test_a_mistyped_command_is_exit_2(words):
    assert runner.invoke(app, words).exit_code == 2


def test_a_mistyped_command_is_told_what_was_meant():
    assert "nightly" in runner.invoke(app, ["nightli"]).stderr


def test_version():
    assert call("--version").startswith("headwater ")


def test_data_check_shows_rows_that_add_up(own_operator):
    rows = document("data", "check")["rows"]
    assert set(rows) >= {"customers", "bills", "usage"}
    for counts in rows.values():
        assert counts["in"] == counts["used"] + counts["quarantined"] + counts["duplicates"]
    assert "bills" in call("data", "check", "--lang", "en")
    assert "隔离" in call("data", "check", "--lang", "zh")


def test_data_map_suggests_by_chinese_names(own_operator):
    said = call(
        "data", "map", "--suggest", "data/operator/raw/cust_main.csv", "--table", "customers", "--encoding", "gbk"
    )
    assert "customer_id: 用户编号" in said
    assert "activated_on" in said


def test_data_map_tests_the_mapping(own_operator):
    call("data", "map", "--test")
    assert "E233" in stderr("data", "map", code=2)


def test_features_list_in_both_languages(own_operator):
    assert "arpu_3m" in call("features", "list", "--family", "arpu", "--lang", "en")
    assert "月均账单" in call("features", "list", "--family", "arpu", "--lang", "zh")
    assert len(document("features", "list")["features"]) >= 80
    assert "E235" in stderr("features", "list", "--family", "arpo", code=2)


def test_features_build_writes_a_table(own_operator):
    found = document("features", "build", "--as-of", "2026-08-01", "--until", "2026-09-01", "--out", "wide.parquet")
    assert found["rows"] > 3000
    assert (own_operator / "wide.parquet").exists()


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


@pytest.mark.parametrize("kind", ["vip", "churn"])
@pytest.mark.parametrize("ending", ["xlsx", "csv", "parquet"])
def test_lists_add_up(own_operator, kind, ending):
    found = document("list", kind, "--top", "40", "--holdout", "25%", "--format", ending, "--lang", "en")
    counts = found["counts"]
    held_out = counts["held_out_always"] + counts["held_out_here"]
    assert counts["eligible"] == counts["listed"] + sum(counts["suppressed"].values()) + held_out + counts["beyond_top"]
    assert 0 < counts["listed"] <= 40
    assert Path(found["outputs"][0]).suffix == f".{ending}"


def test_a_holdout_that_is_no_share_is_exit_2(own_operator):
    assert "E234" in stderr("list", "vip", "--holdout", "many", code=2)


def test_a_list_without_scores_is_exit_4(own_operator):
    assert "E431" in stderr("list", "vip", "--as-of", "2020-01-01", code=4)


def test_report_is_written_again(own_operator):
    found = document("report", "--out", "page.html")
    page = Path(found["outputs"][0]).read_text(encoding="utf-8")
    assert "</html>" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_explain_recomputes_the_published_score(own_operator):
    listed = document("list", "churn", "--top", "5", "--format", "parquet", "--out", "few.parquet")
    customer = pq.read_table(listed["outputs"][0])["customer_id"][0].as_py()
    found = document("explain", customer)
    assert found["reasons"]["churn"]
    assert found["recomputed"] == pytest.approx(found["churn_score_raw"], abs=1e-5)
    assert "E432" in stderr("explain", "nobody", code=4)


def test_config_shows_origins_and_schema(own_operator):
    assert "configs/operator.yaml" in call("config", "show", "--origin")
    assert document("config", "schema")["schema"]["title"] == "Settings"
    call("config", "validate")


def test_runs_list_and_show(own_operator):
    run_id = document("runs", "list")["runs"][0]["run_id"]
    assert any(step["step"] == "publish" for step in document("runs", "show", run_id)["steps"])
    assert "E236" in stderr("runs", "show", "nothing", code=2)


def test_doctor_finds_everything_in_order(own_operator):
    found = document("doctor")
    assert [f["name"] for f in found["findings"] if f["needed"] and not f["fine"]] == []


def test_another_run_holding_the_lock_is_exit_6(own_operator):
    with exclusive(workspace(own_operator), "test"):
        found = document("nightly", "--as-of", "2026-10-01", code=6)
    assert found["published"] is False
    assert "pid" in found["error"]["message"]


def test_train_backtest_promote_and_roll_back(own_operator):
    trained = document("train", "churn")["models"][0]
    assert trained["version"] == "churn/2" and not trained["promoted"]
    document("promote", "churn", code=5)
    assert "E232" in stderr("promote", "churn", "--force", code=2)
    assert document("promote", "churn", "--force", "--reason", "same model, for the test")["champion"] == "churn/2"
    assert document("rollback", "churn")["champion"] == "churn/1"
    results = document("backtest", "churn", "--out", "results.md")["results"]
    assert {row["model"] for row in results[0]["metrics"]} >= {"rule", "linear", "trees"}
    assert "headwater backtest" in Path("results.md").read_text(encoding="utf-8")


ENDING = """
import atexit, os, threading, time
from pipelines.cli.app import main

class Library:
    def __del__(self):
        os.abort()

library = Library()
atexit.register(print, "asked at the end")
threading.Thread(target=lambda: (time.sleep(0.3), print("waited for"))).start()
main()
"""


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["nightly", "--config", "nowhere.yaml"], 2)])
def test_a_library_that_aborts_while_python_ends_does_not_change_the_exit_code(words, code):
    command = [sys.executable, "-c", ENDING, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-2:] == ["waited for", "asked at the end"]


def test_errors_off_a_terminal_are_one_line_on_stderr(own_operator):
    (own_operator / "data" / "operator" / "raw" / "cust_main.csv").unlink()
    command = [
        sys.executable,
        "-c",
        "from pipelines.cli.app import main; main()",
        "nightly",
        "--as-of",
        "2026-10-01",
        "-q",
        "--lang",
        "en",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 4
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("ERROR E4") and "Published scores unchanged (as of 2026-11-01)" in lines[0]
