"""A night is done when all its outputs are there and whole: kills after the commit, damage, and what people saved."""

import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import HeadwaterError
from pipelines.cli.app import app
from pipelines.delivery import lists
from pipelines.flows import nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.workspace import files, journal, runs
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT

EARLIER = date(2026, 10, 1)
KILLED = """
import importlib, os, signal, sys
from pipelines.cli.app import main
module, _, name = sys.argv.pop(1).rpartition(".")
setattr(importlib.import_module(f"pipelines.{module}"), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
main()
"""


def killed_at(point: str, as_of: date) -> None:
    """Run a night in a process that kills itself where it would call `point`."""
    command = [sys.executable, "-c", KILLED, point, "nightly", "--as-of", as_of.isoformat(), "-q"]
    assert subprocess.run(command, check=False, env=os.environ).returncode == -signal.SIGKILL


def night(as_of: date = NIGHT, *, lists: bool = True) -> Night:
    return nightly.run(Night(Project.open("configs/operator.yaml"), as_of, Steps(quiet=True)), lists=lists)


def told(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--lang", "en", "-q"])
    assert done.exit_code == code, done.output
    return done.output


def space() -> Workspace:
    return Workspace.open(Path("workspace"), "operator")


def outputs(as_of: date) -> list[Path]:
    workbooks = [space().list_file(kind, as_of, "xlsx") for kind in ("vip", "churn")]
    return [space().score_file(as_of), *workbooks, space().report(as_of)]


def states(as_of: date) -> dict[Path, tuple[str, int]]:
    return {path: (files.sha256(path), path.stat().st_mtime_ns) for path in outputs(as_of) if path.exists()}


def outcome(as_of: date) -> str:
    (found,) = [record for record in journal.history(space()) if record["as_of"] == as_of.isoformat()]
    return runs.outcome(space(), found)


def test_a_night_that_was_killed_is_finished_by_the_next_run(own_operator):
    """Before the swap, before the lists, between lists and report, and before the record says that all is done."""
    killed_at("workspace.publication._archive_old", EARLIER)
    assert states(EARLIER) == {} and outcome(EARLIER) == runs.STOPPED
    killed_at("flows.outputs.write_lists", EARLIER)
    published = states(EARLIER)
    assert list(published) == outputs(EARLIER)[:1] and outcome(EARLIER) == runs.UNFINISHED
    assert "stopped before lists and report" in told("runs", "list")
    killed_at("flows.outputs.write_report", EARLIER)
    listed = states(EARLIER)
    assert list(listed) == outputs(EARLIER)[:3] and published.items() <= listed.items()
    killed_at("flows.nightly._record_outcome", EARLIER)
    everything = states(EARLIER)
    assert list(everything) == outputs(EARLIER) and listed.items() <= everything.items()
    said = told("nightly", "--as-of", EARLIER.isoformat())
    assert "is published already" in said
    assert states(EARLIER) == everything and outcome(EARLIER) == runs.PUBLISHED


def test_what_was_missing_is_made_again_and_said(own_operator):
    before = states(NIGHT)
    vip, report = outputs(NIGHT)[1], outputs(NIGHT)[3]
    vip.unlink()
    report.write_bytes(report.read_bytes()[:-200])
    found = CliRunner().invoke(app, ["nightly", "--lang", "en", "-q"])
    assert "2026-11-01 was published by this run" in found.stdout
    assert "what was missing or damaged has been made: lists and report." in found.stdout
    again = states(NIGHT)
    assert again[vip][0] == before[vip][0]
    assert report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert {path: again[path] for path in outputs(NIGHT)[:3:2]} == {p: before[p] for p in outputs(NIGHT)[:3:2]}
    done = json.loads(CliRunner().invoke(app, ["nightly", "--json", "-q"]).stdout)
    assert done["already_published"] and done["outputs"] == [str(path) for path in outputs(NIGHT)]


@pytest.mark.slow
def test_a_workbook_that_somebody_saved_stays_theirs(own_operator):
    vip = outputs(NIGHT)[1]
    with zipfile.ZipFile(vip, "a") as book:
        book.writestr("xl/comments1.xml", "called on Monday")
    outputs(NIGHT)[3].unlink()
    saved = states(NIGHT)
    assert night().remade == ["report"]
    assert saved.items() <= states(NIGHT).items()
    outputs(NIGHT)[0].unlink()
    night()
    assert saved[vip] == states(NIGHT)[vip]


@pytest.mark.slow
def test_lists_of_another_run_of_the_date_are_not_this_run_s(own_operator):
    """The settings change and change back: the lists that lie there are of the run between."""
    first = files.sha256(outputs(NIGHT)[1])
    project = Project.open("configs/operator.yaml", **{"lists.top": 10})
    nightly.run(Night(project, NIGHT, Steps(quiet=True)))
    assert files.sha256(outputs(NIGHT)[1]) != first
    killed_at("flows.outputs.write_lists", NIGHT)
    night()
    assert files.sha256(outputs(NIGHT)[1]) == first


def test_scores_alone_and_then_the_whole_night(own_operator):
    night(EARLIER, lists=False)
    assert outcome(EARLIER) == runs.SCORED and len(states(EARLIER)) == 1
    assert "no lists asked for" in told("runs", "list")
    scores = states(EARLIER)
    whole = night(EARLIER)
    assert whole.already_published and whole.outputs == outputs(EARLIER) == list(states(EARLIER))
    assert scores.items() <= states(EARLIER).items()
    everything, record = states(EARLIER), runs.record(space(), whole.run_id)
    assert night(EARLIER, lists=False).already_published
    assert states(EARLIER) == everything and runs.record(space(), whole.run_id) == record
    assert outcome(EARLIER) == runs.PUBLISHED


@pytest.mark.slow
def test_where_nobody_consents_no_lists_are_expected(own_operator, monkeypatch):
    def unknown(*_: object, **__: object) -> None:
        raise HeadwaterError("E261", count=3)

    monkeypatch.setattr(lists, "draw", unknown)
    first = night(EARLIER)
    assert [problem.code for problem in first.warnings if problem.code == "W261"] == ["W261"]
    assert "no list was written" in (first.workspace.runs / first.run_id / "steps.jsonl").read_text(encoding="utf-8")
    assert list(states(EARLIER)) == outputs(EARLIER)[::3]
    again = night(EARLIER)
    assert again.already_published and not again.remade and again.outputs == outputs(EARLIER)[::3]
    assert first.listless and again.listless
    monkeypatch.undo()


def named_command(stderr: str) -> list[str]:
    """The words of the command that a message tells to run."""
    found = re.search(r"Fix: headwater ([^,]+)", stderr)
    assert found, stderr
    return found[1].split()


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("place", [5_000, -40])
def test_a_damaged_score_file_is_made_again_by_the_command_that_is_named(own_operator, place):
    good = outputs(NIGHT)[0].read_bytes()
    flip(outputs(NIGHT)[0], place)
    damaged = files.sha256(outputs(NIGHT)[0])
    for words in (["list", "vip"], ["report", "--out", "page.html"], ["explain", "somebody"], ["list", "churn"]):
        stderr = told(*words, code=3)
        assert "ERROR E340" in stderr
        assert named_command(stderr) == ["nightly", "--as-of", "2026-11-01"]
    assert "headwater nightly --as-of 2026-11-01" in told("doctor", code=7)
    done = CliRunner().invoke(app, [*named_command(stderr), "--lang", "en"])
    assert "WARNING W341" in done.stderr and "published already" not in done.stdout
    assert outputs(NIGHT)[0].read_bytes() == good
    assert [files.sha256(path) for path in space().archive.iterdir()] == [damaged]
    told("list", "vip")
    assert night().already_published


@pytest.mark.slow
def test_a_damaged_earlier_file_is_passed_over(own_operator):
    night(EARLIER)
    outputs(NIGHT)[0].unlink()
    earlier = outputs(EARLIER)[0]
    earlier.write_bytes(earlier.read_bytes()[:-500])
    assert runs.previous_scores(space(), NIGHT) is None
    done = CliRunner().invoke(app, ["nightly", "--lang", "en"])
    assert done.exit_code == 0, done.output
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("WARNING W340")]
    assert str(earlier) in warning
    told(*named_command(warning))
    assert runs.previous_scores(space(), NIGHT).meta["as_of"] == "2026-10-01"


def test_the_words_of_an_outcome_are_in_both_languages():
    from pipelines.wording.texts import LANGUAGES, has, text

    names = (runs.PUBLISHED, runs.SCORED, runs.STOPPED, runs.UNFINISHED, runs.UNREADABLE)
    assert all(
        has(f"calls.outcome.{name}") and text(f"calls.outcome.{name}", lang) for name in names for lang in LANGUAGES
    )
    assert errors.sentence(HeadwaterError("E340", as_of="2026-11-01", detail="x").problem, "fix", "zh").count(
        "2026-11-01"
    )
