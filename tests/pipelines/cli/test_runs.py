"""`headwater runs list | show | open | retry | watch`, on an empty workspace and what commands leave in it."""

import json
import shlex
from pathlib import Path

import pytest
import typer

from pipelines.cli import runs, runs_page
from pipelines.cli.app import app
from pipelines.wording.texts import LANGUAGES, text
from pipelines.workspace import history, publication
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.history import Call, Step
from pipelines.workspace.paths import Workspace
from tests.demo_project import ROOT
from tests.pipelines.cli.calls import call, document, runner, stderr


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace of the shipped configuration."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HEADWATER_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("HEADWATER_CONFIG", "configs/operator.yaml")
    return Workspace.open(tmp_path, "operator")


def recorded(workspace: Workspace, line: str, code: int | None = 0, **facts) -> str:
    """The id of a call that is over."""
    record = CallRecord.begin(workspace, line.partition(" -")[0], shlex.split(line), config="configs/operator.yaml")
    record.facts = facts
    record.end(code)
    return record.id


def test_where_nothing_has_run_that_is_said():
    assert "Nothing has run yet" in call("runs", "list", "--lang", "en")
    assert "Nothing runs now" in call("runs", "watch", "--lang", "en")
    assert "E236" in stderr("runs", "show", "nothing", code=2)


def test_a_call_that_fails_is_on_record_with_its_error_and_what_to_do(workspace):
    failed = document("report", "--as-of", "2026-10-01", code=4)
    (found,) = document("runs", "list", "--failed")["runs"]
    assert (found["id"], found["outcome"], found["exit_code"]) == (failed["call"], "failed", 4)
    assert found["words"] == ["report", "--as-of", "2026-10-01", "--json"] and found["error"]["code"] == "E431"
    for lang in LANGUAGES:
        page = call("runs", "show", found["id"][:8], "--lang", lang)
        assert "headwater report --as-of 2026-10-01" in page and "E431" in page and "@" in page
        assert found["error"][lang]["fix"] in page and text("calls.outcome.failed", lang) in page


def test_a_configuration_that_is_wrong_is_on_record_too(workspace, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("name: operator\nmaping: x.yaml\n")
    document("nightly", "--config", str(wrong), code=2)
    (found,) = history.history(workspace)
    assert (found.command, found.outcome, found.exit_code) == ("nightly", history.FAILED, 2)


def test_what_somebody_interrupts_is_on_record_as_that(workspace, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(publication, "read_publication", interrupted)
    assert runner.invoke(app, ["report"]).exit_code != 0
    (found,) = history.history(workspace)
    assert (found.command, found.outcome, found.exit_code) == ("report", history.INTERRUPTED, None)
    assert found.ended is not None


def test_what_only_reads_is_not_on_record(workspace):
    call("runs", "list")
    call("config", "show")
    assert history.history(workspace) == []


def test_the_list_is_newest_first_and_can_be_narrowed(workspace):
    ids = [recorded(workspace, line, code) for line, code in (("report", 0), ("train churn", 5), ("report", 7))]
    assert [r["id"] for r in document("runs", "list")["runs"]] == ids[::-1]
    assert [r["id"] for r in document("runs", "list", "--failed")["runs"]] == ids[:0:-1]
    assert [r["id"] for r in document("runs", "list", "--command", "report", "--failed")["runs"]] == ids[2:]
    cut = document("runs", "list", "--limit", "2")
    assert len(cut["runs"]) == 2 and cut["left_out"] == 1
    said = call("runs", "list", "--limit", "2", "--lang", "en")
    assert "refused by a gate" in said and "1 older ones" in said and ids[0] not in said
    assert "No run is like that" in call("runs", "list", "--command", "retrain", "--lang", "en")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_outcome_has_words(lang):
    ours = [
        value for name, value in vars(history).items() if name.isupper() and isinstance(value, str) and value.isalpha()
    ]
    assert len(ours) >= 10
    for outcome in ours:
        assert runs_page.outcome(Call("a", outcome=outcome), lang)


def test_open_names_the_page_and_says_where_there_is_none(workspace, tmp_path):
    page = tmp_path / "page.html"
    made = recorded(workspace, "report", outputs=[str(tmp_path / "a.parquet"), str(page)])
    assert "E289" in stderr("runs", "open", made, code=2)
    page.write_text("x")
    assert call("runs", "open", made).strip() == str(page)


def test_retry_is_the_same_command_for_the_same_date_in_the_same_folder(workspace, monkeypatch, tmp_path):
    failed = document("report", "--out", "page.html", code=4)["call"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_CONFIG", "elsewhere.yaml")
    again = document("runs", "retry", failed, "-c", str(ROOT / "configs/operator.yaml"), code=4)
    assert again["command"] == "report" and again["error"]["code"] == "E431" and Path.cwd() == ROOT
    newest = history.history(workspace)[0]
    assert newest.id == again["call"] and newest.head["words"][:4] == ["report", "--out", "page.html", "--json"]
    assert newest.head["words"][4:] == ["--config", str(ROOT / "configs/operator.yaml")], (
        "which the call had found by itself"
    )


def test_a_retry_names_the_date_that_the_call_found_by_itself(workspace, monkeypatch):
    asked: list[list[str]] = []
    monkeypatch.setattr(runs, "_called", lambda run, words: asked.append(words) or 5)
    call("runs", "retry", recorded(workspace, "nightly -q", 7, as_of="2026-10-01"), code=5)
    call("runs", "retry", recorded(workspace, "nightly --as-of=2026-10-02", 7, as_of="2026-10-02"), code=5)
    call("runs", "retry", recorded(workspace, "promote churn -c other.yaml", 5, as_of="2026-10-01"), code=5)
    given = ["--config", "configs/operator.yaml"]
    assert asked == [
        ["nightly", "-q", *given, "--as-of", "2026-10-01"],
        ["nightly", "--as-of=2026-10-02", *given],
        ["promote", "churn", "-c", "other.yaml"],
    ]


def test_the_commands_that_take_a_date_are_those_that_say_so():
    dated = ("nightly", "score", "train", "retrain", "backtest", "report", "monitor", "list vip", "features build")
    others = ("promote", "rollback", "backfill", "demo", "registry restore", "no such", "")
    verbs = typer.main.get_command(app)
    assert all(runs._takes_date(verbs, name) for name in dated)
    assert not any(runs._takes_date(verbs, name) for name in others)


def test_what_makes_no_sense_is_not_run_again(workspace):
    gone = recorded(workspace, "report")
    path = workspace.calls / f"{gone}.jsonl"
    path.write_text(path.read_text().replace(json.dumps(str(ROOT)), '"/nowhere"'))
    refused = {
        "secret": recorded(workspace, "report --out ftp://me:geheim@host/x", 4),
        "rollback": recorded(workspace, "rollback -q"),
        "init": recorded(workspace, "init -q", 4),
        "folder": gone,
    }
    for why, name in refused.items():
        told = document("runs", "retry", name, "--lang", "en", code=2)["error"]["message"]
        assert text(f"terms.not_again.{why}", "en", folder="/nowhere") in told
    running = CallRecord.begin(workspace, "nightly", ["nightly"])
    assert "it still runs" in stderr("runs", "retry", running.id, "--lang", "en", code=2)
    running.end(0)


def test_watch_tells_each_step_once_and_ends_with_the_run(monkeypatch):
    """Between two looks a step may begin and end, and the next begin."""
    monkeypatch.setattr(runs, "POLL", 0)
    check, score = Step("check", "steps.check"), Step("score", "steps.score")
    done = [Step("check", "steps.check", 2.0, "7 rows"), Step("score", "steps.score", 1.0, "5 scored")]
    states = [
        Call("a", outcome=history.RUNNING, steps=(check,)),
        Call("a", outcome=history.RUNNING, steps=(done[0], score)),
        Call("a", outcome=history.DONE, steps=tuple(done)),
    ]
    looks, said = iter(states[1:]), list[str]()
    ended = runs._followed(states[0], lambda: next(looks), said.append, "en")
    assert ended is states[2]
    assert said == ["… check", "✓ check  2.0 s  7 rows", "… score", "✓ score  1.0 s  5 scored"]


def test_watch_follows_the_one_that_runs(workspace, monkeypatch):
    record = CallRecord.begin(workspace, "nightly", ["nightly"])
    with record.step("check", {"said": "7 rows"}):
        pass
    monkeypatch.setattr(runs.time, "sleep", lambda _: record.end(0))
    said = call("runs", "watch", "--lang", "en")
    assert "headwater nightly" in said and "7 rows" in said and "done after" in said


def test_brackets_of_a_command_line_are_no_markup(workspace):
    made = recorded(workspace, "report --out '[red]x[/]'")
    assert "[red]x[/]" in call("runs", "show", made)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_labels_are_as_wide_as_they_look(lang):
    assert runs_page.padded("目录", 6) == "目录  " and runs_page.padded("folder", 6) == "folder"
