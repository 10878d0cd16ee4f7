"""The record of a call: begun before its work, whole lines, never a reason to fail, and no secret in it."""

import errno
import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.workspace import calls
from pipelines.workspace.calls import CallRecord, recorded
from pipelines.workspace.files import read_held_log
from pipelines.workspace.paths import Workspace
from tests.demo_project import ROOT

MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(3000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def lines(workspace: Workspace) -> list[dict]:
    (path,) = workspace.calls.iterdir()
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@given(st.lists(MOMENTS, min_size=2, max_size=5))
def test_ids_sort_as_time_does_and_are_file_names(moments):
    ids = [calls.call_id(moment) for moment in sorted(moments)]
    assert ids == sorted(ids) and all(re.fullmatch("[0-9a-z]{9}", name) for name in ids)
    assert calls.call_id(moments[0] + timedelta(milliseconds=1)) > calls.call_id(moments[0])


def test_calls_of_one_millisecond_have_records_of_their_own(workspace, monkeypatch):
    moment = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
    monkeypatch.setattr(calls, "now", lambda: moment)
    ids = [CallRecord.begin(workspace, "report", ["report"]).id for _ in range(3)]
    assert len(set(ids)) == 3 and ids == sorted(ids)


def test_a_call_is_on_record_before_it_has_done_anything(workspace):
    record = CallRecord.begin(workspace, "list vip", ["list", "vip", "--top", "5"], config="one.yaml")
    path = workspace.calls / f"{record.id}.jsonl"
    (head,), held = read_held_log(path)
    assert held and (head["command"], head["words"]) == ("list vip", ["list", "vip", "--top", "5"])
    assert (head["pid"], head["folder"], head["config"]) == (os.getpid(), str(Path.cwd()), "one.yaml")
    assert "@" in head["who"] and datetime.fromisoformat(head["started"]).utcoffset() is not None
    record.end(0)
    assert read_held_log(path)[1] is False


def test_steps_facts_and_the_end_are_lines(workspace):
    with recorded(workspace, "nightly", ["nightly"]) as call:
        call.note(as_of="2026-11-01")
        with call.step("check", facts := {}):
            facts["said"] = "7 rows"
        call.facts |= {"published": True, "rows": {"bills": 1}}
    _, noted, begun, over, end = lines(workspace)
    assert noted == {"facts": {"as_of": "2026-11-01"}}
    assert (begun["begun"], begun["title"], over["step"], over["said"]) == ("check", "steps.check", "check", "7 rows")
    assert (end["exit_code"], end["facts"]) == (0, {"published": True}), "tables of rows are not kept"


def test_what_stops_a_call_is_told_in_both_languages(workspace):
    with pytest.raises(HeadwaterError), recorded(workspace, "nightly", ["nightly"]) as call, call.step("check", {}):
        raise HeadwaterError("E401", file="a.csv", found="a.csv")
    _, _, step, end = lines(workspace)
    assert step["failed"] and end["exit_code"] == 4
    assert end["error"]["code"] == "E401" and "E401 (exit 4)" in end["error"]["lines"]["zh"]
    assert end["error"]["en"]["what"] != end["error"]["zh"]["what"]


def test_an_unknown_error_is_exit_1_and_an_interrupt_has_no_code(workspace):
    with pytest.raises(ZeroDivisionError), recorded(workspace, "train", ["train"]):
        raise ZeroDivisionError("planted")
    with pytest.raises(KeyboardInterrupt), recorded(workspace, "train", ["train"]):
        raise KeyboardInterrupt
    ends = [read_held_log(path)[0][-1] for path in sorted(workspace.calls.iterdir())]
    assert [end["exit_code"] for end in ends] == [1, None]


def test_secrets_are_not_on_record():
    words = ["data", "--url", "postgresql://me:geheim@db/x", "--reason", "swordfish-77 and ok", "?api_key=abc"]
    shown = calls.without_secrets(words, {"DB_PASSWORD": "swordfish-77", "TOKEN": "ok", "HOME": "data"})
    assert shown == ["data", "--url", "postgresql://me:***@db/x", "--reason", "*** and ok", "?api_key=***"]


def test_a_place_on_this_machine_is_no_secret(tmp_path):
    """$PWD is called like a password: every path below the current folder was masked, and could not be run again."""
    words = ["report", "--config", f"{tmp_path}/one.yaml", "/no/such/place/x"]
    shown = calls.without_secrets(words, {"PWD": str(tmp_path), "SECRET": "/no/such/place"})
    assert shown == [*words[:3], "***/x"]


@pytest.mark.parametrize("refused", ["open", "posix_fallocate", "pwrite", "fsync", "ftruncate"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_disk_that_refuses_fails_no_call(workspace, monkeypatch, refused, error):
    def refuse(*_, **__):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, refused, refuse)
    with recorded(workspace, "nightly", ["nightly"]) as call, call.step("check", {}):
        call.note(as_of="2026-11-01")
    monkeypatch.undo()
    for path in workspace.calls.iterdir():
        assert read_held_log(path)[1] is False, "what is left does not look as if it ran"


def test_a_line_that_finds_no_room_is_left_out_and_the_end_is_there(workspace, monkeypatch):
    """The disk is full during the call: what was kept ahead has room for the end, and half a line is no line."""
    real, full = os.pwrite, [False]

    def limited(handle: int, content: bytes, place: int) -> int:
        if full[0] and len(content) > 2_000:
            real(handle, content[:1_000], place)
            raise OSError(errno.ENOSPC, "full")
        return real(handle, content, place)

    monkeypatch.setattr(os, "pwrite", limited)
    with pytest.raises(HeadwaterError), recorded(workspace, "nightly", ["nightly"]) as call:
        full[0] = True
        call.note(as_of="x" * 5_000)
        raise HeadwaterError("E703", file="scores")
    (path,) = workspace.calls.iterdir()
    found, _ = read_held_log(path)
    assert [sorted(line)[:2] for line in found][1:] == [["ended", "error"]] and found[-1]["exit_code"] == 7


def test_room_for_the_end_is_kept_from_the_first_line_on(workspace):
    """A disk that the call itself fills must not take the place of how it ended."""
    call = CallRecord.begin(workspace, "nightly", ["nightly"])
    path = workspace.calls / f"{call.id}.jsonl"
    for _ in range(3):
        call.note(as_of="x" * 5_000)
        on_disk = path.stat()
        written = len(path.read_bytes().rstrip(b"\0"))
        assert on_disk.st_size >= written + 4_096 and on_disk.st_blocks * 512 >= written + 4_096
    call.end(0)
    assert path.stat().st_size == len(path.read_bytes().rstrip(b"\0"))


def test_a_call_that_nothing_records_goes_on():
    call = CallRecord()
    with call.step("check", {}):
        call.note(as_of="2026-11-01")
    call.end(0)
    assert call.id == ""


def test_the_clock_is_read_where_calls_are_recorded_and_for_the_default_of_as_of():
    """R3: rows hold no clock. Receivers that sign with the time, and MLflow's own runs need it."""
    reading = re.compile(r"\b(?:datetime|date)\.(?:now|today|utcnow)\(|time\.time\(")
    rooms = ("features", "models", "targeting", "pipelines")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    found = {str(path.relative_to(ROOT)) for path in sources if reading.search(path.read_text(encoding="utf-8"))}
    assert found == {
        "pipelines/cli/run.py",
        "pipelines/notification/receivers.py",
        "pipelines/tracking/training_runs.py",
        "pipelines/workspace/calls.py",
    }
