"""Nights of past dates, one after the other: what stops one date and what stops all, and that they are those nights."""

import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks.backfill import Operator, learn
from features.errors import HeadwaterError
from pipelines.flows import backfill, nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace import history
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.history import ALREADY, PUBLISHED
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT, ROOT

DAYS = [date(2026, 10, 1) + timedelta(days=n) for n in range(4)]
KILLED = """
import os, signal, sys
from pipelines.cli.app import main
from pipelines.flows import outputs
real, nights = outputs.write_lists, []

def write_lists(night, done):
    nights.append(night)
    if len(nights) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    real(night, done)

outputs.write_lists = write_lists
main()
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(ROOT)
    return Project.open("configs/operator.yaml", workspace=str(tmp_path))


def failing(monkeypatch: pytest.MonkeyPatch, errors: dict[date, Exception]) -> list[date]:
    """Nights that do nothing but fail on some dates; the dates that were tried."""
    tried: list[date] = []

    def run(night: Night) -> Night:
        tried.append(night.as_of)
        if night.as_of in errors:
            raise errors[night.as_of]
        return night

    monkeypatch.setattr(nightly, "run", run)
    return tried


@pytest.mark.parametrize("code", ["E301", "E401", "E502"])
def test_what_is_wrong_with_one_date_stops_no_other(project, monkeypatch, capsys, code):
    tried = failing(monkeypatch, {DAYS[1]: HeadwaterError(code), DAYS[2]: HeadwaterError("E401")})
    made = list(backfill.run(project, DAYS, Steps("en")))
    assert tried == DAYS == [night.as_of for night in made]
    assert [night.exit_code for night in made] == [0, int(code[1]), 4, 0]
    said = capsys.readouterr().err
    assert f"ERROR {code}" in said and "2026-10-04 (4 of 4)" in said, "told when it happens"


@pytest.mark.parametrize(
    "error", [HeadwaterError("E201"), HeadwaterError("E601"), HeadwaterError("E703"), ValueError("?")]
)
def test_what_would_stop_every_date_ends_it(project, monkeypatch, error):
    tried = failing(monkeypatch, {DAYS[1]: error})
    made = list(backfill.run(project, DAYS, Steps("en", quiet=True)))
    assert tried == DAYS[:2] and len(made) == 2
    assert (
        made[1].exit_code not in (0, 3, 4, 5) and made[1].as_dict("zh")["error"]["code"] == made[1].error.problem.code
    )


def test_an_interrupt_is_no_failure_of_a_date(project, monkeypatch):
    failing(monkeypatch, {DAYS[0]: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        list(backfill.run(project, DAYS, Steps("en", quiet=True)))


def test_each_date_is_a_step_of_the_call(project, monkeypatch):
    failing(monkeypatch, {DAYS[1]: HeadwaterError("E401")})
    steps = Steps("en", quiet=True)
    steps.call = CallRecord.begin(project.workspace, "backfill", ["backfill"])
    list(backfill.run(project, DAYS[:2], steps))
    steps.call.end(4)
    (call,) = history.history(project.workspace)
    assert [(step.name, step.said) for step in call.steps] == [("2026-10-01", "done"), ("2026-10-02", "E401")]


def test_each_night_reads_for_itself(project, monkeypatch):
    """One connection for all of them would hold the tables of every date that was read."""
    seen: list[Project] = []
    monkeypatch.setattr(nightly, "run", lambda night: seen.append(night.project) or night.project.connection)
    list(backfill.run(project, DAYS[:2], Steps("en", quiet=True)))
    assert len({id(own.connection) for own in seen}) == 2 and "connection" not in vars(project)


@pytest.mark.slow
def test_a_backfill_gives_what_those_nights_gave(tmp_path, monkeypatch):
    """Nights made from what was delivered by then are the archive; made again from a later delivery they are the same."""
    monkeypatch.chdir(ROOT)
    champions = learn(Operator.simulated(tmp_path / "teacher", "use", "mutable", 600, 1000))
    operator = Operator.simulated(tmp_path / "operator", "use", "snapshots", 200, 3)
    shutil.copytree(champions, operator.folder / "workspace" / "operator" / "models")
    days, digests = [date(2025, 11, 9), date(2025, 11, 10), date(2025, 11, 11)], []
    for day in days:
        operator.deliver(day)
        digests.append(operator.night(day).digest)
    operator.deliver(date(2025, 12, 20))
    project = Project.open(operator.config)
    archive = {day: pq.read_table(project.workspace.score_file(day)) for day in days}
    for path in project.workspace.scores.iterdir():
        path.unlink()
    made = list(backfill.run(project, days, Steps("en", quiet=True)))
    assert [night.outcome for night in made] == [PUBLISHED] * 3 and all(digests)
    for day, digest in zip(days, digests, strict=True):
        again = pq.ParquetFile(project.workspace.score_file(day))
        assert again.metadata.metadata[b"headwater.rows_sha256"].decode() == digest
        assert again.read().equals(archive[day]), day
    assert len(set(digests)) == 3, "each night is another"
    assert project.workspace.serving_date() == days[-1]
    assert [night.outcome for night in backfill.run(project, days, Steps("en", quiet=True))] == [ALREADY] * 3


@pytest.mark.slow
def test_a_backfill_that_was_killed_is_finished_by_running_it_again(own_operator):
    words = ["backfill", "--from", "2026-10-01", "--to", "2026-10-03", "--json", "-q"]
    first = subprocess.run([sys.executable, "-c", KILLED, *words], check=False, env=os.environ)
    assert first.returncode == -signal.SIGKILL
    workspace = Project.open("configs/operator.yaml").workspace
    assert [day.isoformat() for day in workspace.published_dates()] == ["2026-10-01", "2026-10-02", NIGHT.isoformat()]
    assert history.history(workspace)[0].outcome == "unfinished" and workspace.serving_date() == NIGHT
    command = [sys.executable, "-c", "from pipelines.cli.app import main; main()", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    told = json.loads(done.stdout)
    assert done.returncode == 0 and told["summary"] == {"published": 1, "already": 2, "failed": 0, "left": 0}
    for day in DAYS[:3]:
        assert workspace.report(day).exists() and workspace.list_file("vip", day, "xlsx").exists()
    assert workspace.serving_date() == NIGHT, "readers of latest.parquet are not moved back"
