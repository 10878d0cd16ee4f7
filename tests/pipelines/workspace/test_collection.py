"""What is older than it is to be kept goes; what somebody needs or reads stays, whatever the settings say."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config.retention import DATED, TIMED, Retention
from pipelines.workspace import calls, collection, journal
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.collection import collectible, remove
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish

NEWEST = date(2026, 10, 31)
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ALL = dict.fromkeys((*DATED, *TIMED), 1)
ROWS = pa.table({"customer_id": ["a"]})


def night(workspace: Workspace, day: date) -> None:
    """A published night with list, report and record."""
    publish(workspace, [ROWS], {"run_id": f"run{day}", "as_of": day.isoformat()}, len)
    record(workspace, f"run{day}", as_of=day)
    workspace.list_file("vip", day, "xlsx").write_text("list")
    workspace.report(day).write_text("page")


def record(workspace: Workspace, run_id: str, **facts) -> Path:
    folder = workspace.runs / run_id
    folder.mkdir(exist_ok=True)
    (folder / journal.RECORD).write_text(json.dumps(facts, default=str))
    return folder


def aged(path: Path, days: int) -> Path:
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    made = Workspace.open(tmp_path, "operator")
    for days in (0, 10, 20, 30):
        night(made, NEWEST - timedelta(days=days))
    return made


def names(workspace: Workspace, days: dict[str, int]) -> list[str]:
    return [str(old.path.relative_to(workspace.root)) for old in collectible(workspace, days, NOW)]


def test_nothing_goes_that_nobody_asked_for(workspace):
    aged(record(workspace, "failed"), 4000)
    assert names(workspace, {}) == []
    assert Retention().days() == {"quarantine": 90, "damaged": 90}


def test_dates_are_counted_back_from_the_newest_one(workspace):
    assert names(workspace, {"scores": 20, "lists": 19, "reports": 30}) == [
        "lists/vip-2026-10-01.xlsx",
        "lists/vip-2026-10-11.xlsx",
        "scores/2026-10-01.parquet",
    ]


def test_a_record_stays_as_long_as_its_scores_do(workspace):
    assert names(workspace, {"runs": 1}) == []
    remove(workspace, collectible(workspace, {"scores": 15}, NOW))
    assert names(workspace, {"runs": 1}) == ["runs/run2026-10-01", "runs/run2026-10-11"]
    (workspace.scores / "2026-10-21.parquet").write_bytes(b"damaged")
    assert names(workspace, {"runs": 1}) == [], "of whom it is cannot be told"


def test_the_newest_scores_stay_whatever_the_settings_say(workspace):
    remove(workspace, collectible(workspace, ALL, NOW))
    assert workspace.published_dates() == [NEWEST] == [workspace.serving_date()]
    assert workspace.report(NEWEST).is_file() and workspace.list_file("vip", NEWEST, "xlsx").is_file()
    assert [path.name for path in workspace.runs.iterdir()] == [f"run{NEWEST}"]


def test_what_a_process_has_open_stays_and_can_be_read_to_its_end(workspace):
    old = workspace.score_file(NEWEST - timedelta(days=30))
    with old.open("rb"), (workspace.runs / "run2026-10-11" / journal.RECORD).open():
        assert "scores/2026-10-01.parquet" not in names(workspace, ALL)
        remove(workspace, collectible(workspace, ALL, NOW))
        assert old.is_file()
    assert names(workspace, ALL)[0] == "scores/2026-10-01.parquet"


def test_calls_are_as_old_as_their_id_and_one_that_runs_stays(workspace):
    folder = workspace.calls
    folder.mkdir()
    old, young = (calls.call_id(NOW - timedelta(days=days)) for days in (9, 3))
    for name in (old, young):
        (folder / f"{name}.jsonl").write_text("{}\n")
    assert names(workspace, {"calls": 5}) == [f"calls/{old}.jsonl"]
    running = CallRecord.begin(workspace, "nightly", ["nightly"])
    far = collectible(workspace, {"calls": 5}, NOW + timedelta(days=4000))
    assert {each.path.stem for each in far} == {old, young}
    running.end(0)


def test_rows_put_aside_stay_as_long_as_their_reading_is_stored(workspace):
    for name in ("stored", "gone"):
        (workspace.quarantine / name).mkdir(parents=True)
        aged(workspace.quarantine / name, 100)
    (workspace.tables / "stored").mkdir(parents=True)
    assert names(workspace, {"quarantine": 90}) == ["quarantine/gone"]
    assert names(workspace, {"quarantine": 101}) == []


def test_what_is_not_called_as_ours_are_is_nobodys_to_remove(workspace):
    for path in (
        workspace.lists / "mine.xlsx",
        workspace.reports / "model-card.html",
        workspace.scores / "old.parquet",
    ):
        aged(path, 0) if path.exists() else path.write_text("x")
        aged(path, 4000)
    assert not {"lists/mine.xlsx", "reports/model-card.html", "scores/old.parquet"} & set(names(workspace, ALL))


def test_of_replaced_files_the_newest_thirty_stay(workspace, monkeypatch):
    monkeypatch.setattr(collection, "ARCHIVED", 2)
    for days in (40, 30, 20):
        aged(workspace.archive / "x", 0) if (workspace.archive / "x").exists() else None
        path = workspace.archive / f"{NEWEST - timedelta(days=days)}.0123.parquet"
        path.write_bytes(b"x")
        aged(path, days)
    assert names(workspace, {"archive": 1}) == ["archive/2026-09-21.0123.parquet"]


def test_a_removal_that_was_cut_off_is_gone_on_with(workspace, monkeypatch):
    remove(workspace, collectible(workspace, {"scores": 1}, NOW))
    with monkeypatch.context() as patched:
        patched.setattr(collection.shutil, "rmtree", lambda _: (_ for _ in ()).throw(OSError("cut off")))
        with pytest.raises(OSError, match="cut off"):
            remove(workspace, collectible(workspace, {"runs": 1}, NOW))
    assert len(journal.history(workspace)) == 4, "what is half removed is still whole"
    remove(workspace, collectible(workspace, {"runs": 1}, NOW))
    assert [path.name for path in workspace.runs.iterdir()] == [f"run{NEWEST}"]


@given(st.integers(0, 4_000_000_000_000))
def test_the_id_of_a_call_tells_when_it_began(milliseconds):
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    assert calls.is_id(calls.call_id(moment))
    assert abs(calls.moment(calls.call_id(moment)) - moment) < timedelta(milliseconds=2)
