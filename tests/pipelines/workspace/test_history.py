"""What has run: what became of each call, those of killed processes and of the version before too."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.workspace import calls, history, runs
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.history import Call
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish

DAY = "2026-10-31"
NAMES = st.sampled_from(
    [
        "facts",
        "begun",
        "step",
        "ended",
        "error",
        "exit_code",
        "run_id",
        "as_of",
        "words",
        "seconds",
        "started",
        "command",
    ]
)
KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.paths import Workspace
call = CallRecord.begin(Workspace(Path(sys.argv[1])), "nightly", ["nightly"])
call.note(as_of="2026-10-31", run_id=sys.argv[2])
step = call.step(sys.argv[3], {})
step.__enter__()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """A clock that goes on by a second with each look."""
    moment = [datetime(2026, 11, 30, 2, 0, tzinfo=UTC)]

    def now() -> datetime:
        moment[0] += timedelta(seconds=1)
        return moment[0]

    monkeypatch.setattr(calls, "now", now)
    return moment


def ended(workspace: Workspace, command: str, code: int | None, **facts) -> Call:
    record = CallRecord.begin(workspace, command, [command])
    record.facts = facts
    record.end(code)
    return history.find(workspace, record.id)


@pytest.mark.parametrize(
    ("command", "code", "facts", "outcome"),
    [
        ("nightly", 0, {"published": True, "already_published": False}, runs.PUBLISHED),
        ("nightly", 0, {"published": True, "already_published": True}, history.ALREADY),
        ("nightly", 0, {"published": False}, history.DONE),
        ("score", 0, {"published": True}, runs.SCORED),
        ("nightly", 7, {"published": True}, runs.UNFINISHED),
        ("nightly", 7, {"published": True, "already_published": True}, history.FAILED),
        ("nightly", None, {"published": True}, runs.UNFINISHED),
        ("nightly", None, {}, history.INTERRUPTED),
        ("nightly", 5, {"published": False}, history.REFUSED),
        ("train", 6, {}, history.BUSY),
        ("train", 4, {}, history.FAILED),
        ("list vip", 0, {}, history.DONE),
    ],
)
def test_what_became_of_a_call(workspace, command, code, facts, outcome):
    assert ended(workspace, command, code, **facts).outcome == outcome


def killed(workspace: Workspace, run_id: str, step: str) -> Call:
    command = [sys.executable, "-c", KILLED, str(workspace.root), run_id, step]
    assert subprocess.run(command, check=False, env=os.environ).returncode == -signal.SIGKILL
    return next(call for call in history.history(workspace) if call.facts.get("run_id") == run_id)


def test_a_killed_call_is_known_as_that_though_its_pid_lives_again(workspace):
    call = killed(workspace, "aaa", "score")
    assert (call.outcome, call.stage, call.ended, call.exit_code) == (history.KILLED, "score", None, None)
    path = workspace.calls / f"{call.id}.jsonl"
    content = path.read_text(encoding="utf-8").replace(f'"pid": {call.head["pid"]}', f'"pid": {os.getpid()}')
    path.write_text(content, encoding="utf-8")
    assert history.find(workspace, call.id).outcome == history.KILLED


def test_a_call_that_was_killed_after_it_published_has_published(workspace):
    publish(workspace, [pa.table({"customer_id": ["C1"]})], {"run_id": "aaa", "as_of": DAY}, len)
    assert killed(workspace, "aaa", "publish").outcome == runs.UNFINISHED
    assert killed(workspace, "bbb", "publish").outcome == history.KILLED, "the scores are of another run"


def test_a_call_runs_as_long_as_its_record_is_held(workspace, clock):
    record = CallRecord.begin(workspace, "nightly", ["nightly", "--as-of", DAY])
    (call,) = history.running(workspace)
    assert call.outcome == history.RUNNING and call.line == f"headwater nightly --as-of {DAY}"
    clock[0] += timedelta(seconds=60)
    assert 60 <= call.seconds <= 63
    record.end(0)
    assert history.running(workspace) == [] and history.read(workspace, call).outcome == history.DONE


def test_steps_are_told_as_they_began_and_the_open_one_is_the_stage(workspace):
    record = CallRecord.begin(workspace, "nightly", ["nightly"])
    with record.step("check", {"said": "7 rows"}), record.step("check", {"said": "inside"}):
        pass
    still_open = record.step("score", {})
    still_open.__enter__()
    (call,) = history.running(workspace)
    assert [(s.name, s.said, s.seconds is None) for s in call.steps] == [
        ("check", "7 rows", False),
        ("check", "inside", False),
        ("score", "", True),
    ]
    assert call.stage == "score"


def test_the_newest_by_the_clock_is_first_whatever_its_date(workspace):
    first = ended(workspace, "nightly", 0, as_of="2026-11-30")
    second = ended(workspace, "nightly", 0, as_of="2020-01-01")
    assert [call.id for call in history.history(workspace)] == [second.id, first.id]
    assert (second.ended - second.started).total_seconds() == second.seconds == 1


def test_runs_of_before_stay_readable_and_are_not_told_twice(workspace):
    old = Journal.open(workspace, "0123456789ab")
    with old.step("check", {"said": "7 rows"}):
        pass
    old.record(outcome="published", as_of=DAY, outputs=["a.html"])
    (call,) = history.history(workspace)
    assert (call.id, call.outcome, call.as_of, call.command) == ("0123456789ab", runs.PUBLISHED, DAY, None)
    assert [(s.name, s.said) for s in call.steps] == [("check", "7 rows")] and call.seconds is None
    assert history.find(workspace, "0123").id == call.id
    new = ended(workspace, "nightly", 0, run_id="0123456789ab", published=True)
    assert [call.id for call in history.history(workspace)] == [new.id]
    assert history.find(workspace, "0123456").id == new.id, "the night's run id leads to the call"


def test_the_nights_of_one_call_are_told_with_it_and_lead_to_it(workspace):
    """A backfill makes several nights; each has a journal of its own."""
    record = CallRecord.begin(workspace, "backfill", ["backfill", "--last", "2"])
    record.note(dates="2026-10-30 … 2026-10-31")
    for day, run_id in (("2026-10-30", "aaaa00000000"), ("2026-10-31", "bbbb00000000")):
        record.note(as_of=day, run_id=run_id)
        Journal.open(workspace, run_id).record(outcome="published", as_of=day)
    record.end(0)
    (call,) = history.history(workspace)
    assert call.as_of == "2026-10-30 … 2026-10-31"
    assert history.find(workspace, "aaaa").id == history.find(workspace, "bbbb").id == record.id


def test_a_backfill_that_was_killed_before_its_next_night_published_is_killed(workspace):
    publish(workspace, [pa.table({"customer_id": ["C1"]})], {"run_id": "aaa", "as_of": DAY}, len)
    record = CallRecord.begin(workspace, "backfill", ["backfill"])
    for name in ("check", "publish", "check"):
        with record.step(name, {}):
            pass
    record.note(as_of=DAY, run_id="aaa")
    record._log.close()
    assert history.find(workspace, record.id).outcome == history.KILLED


def test_the_beginning_of_an_id_suffices_if_it_is_of_one(workspace):
    ids = [ended(workspace, "report", 0).id for _ in range(3)]
    assert history.find(workspace, ids[1]).id == ids[1]
    shared = ids[0][:5]
    assert all(name.startswith(shared) for name in ids)
    with pytest.raises(HeadwaterError, match="E287") as error:
        history.find(workspace, shared)
    assert all(name in error.value.problem.values["known"] for name in ids)
    for nothing in ("", "zzz", "../runs"):
        with pytest.raises(HeadwaterError, match="E236"):
            history.find(workspace, nothing)


@pytest.mark.parametrize(
    "content", ["", "{", "[1]\n", '{"id": 1}\n', '{"id": "a", "command": "x", "started": "soon"}\n']
)
def test_what_is_no_record_is_left_out(workspace, content):
    workspace.calls.mkdir()
    (workspace.calls / "0.jsonl").write_text(content)
    assert history.history(workspace) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.dictionaries(NAMES, JSON, max_size=5), max_size=5), st.booleans())
def test_whatever_a_record_says_nothing_stops_who_reads_it(workspace, lines, begins_well):
    """Reports read the records: one that somebody has altered must not fail a night."""
    head = {"id": "0", "command": "nightly", "started": "2026-11-30T02:00:00+00:00"}
    lines = [head, *lines] if begins_well else lines
    workspace.calls.mkdir(exist_ok=True)
    (workspace.calls / "0.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    for call in history.history(workspace):
        assert json.dumps(call.as_dict(), default=str) and call.line


def test_facts_that_a_later_version_writes_are_no_harm(workspace):
    call = ended(workspace, "nightly", 0)
    path = workspace.calls / f"{call.id}.jsonl"
    path.write_text(path.read_text() + '{"later": 1}\n{"step": "never begun"}\n')
    assert history.find(workspace, call.id).outcome == history.DONE
