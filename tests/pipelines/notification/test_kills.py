"""A run that was killed is told by the next one, once, and no more when its command has gone well again."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from features.errors import HeadwaterError
from pipelines.notification import kills
from pipelines.workspace import calls
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.paths import Workspace

NOW = datetime(2026, 11, 1, 7, tzinfo=ZoneInfo("Asia/Shanghai"))


class Teller:
    """Keeps what it is asked to tell."""

    def __init__(self, workspace: Workspace):
        self.workspace, self.now, self.told = workspace, NOW, []

    def killed(self, command, as_of, stage, since) -> None:
        self.told.append((command, str(as_of), stage))


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace.open(tmp_path, "town")


def begun(workspace: Workspace, command: str, as_of: str | None = "2026-11-01") -> CallRecord:
    record = CallRecord.begin(workspace, command, [command])
    if as_of:
        record.note(as_of=as_of)
    return record


def kill(record: CallRecord, stage: str = "score") -> None:
    """As the kernel leaves it: the file is held by nobody, and says nothing of an end."""
    with pytest.raises(KeyboardInterrupt), record.step(stage, {}):
        log, record._log = record._log, None
        log.close()
        raise KeyboardInterrupt


def told(workspace: Workspace) -> list[tuple[str, str, str]]:
    teller = Teller(workspace)
    kills.tell_killed(teller)
    return teller.told


def test_what_was_killed_is_found_with_its_date_and_stage(workspace):
    kill(begun(workspace, "nightly"))
    kill(begun(workspace, "retrain", as_of=None), "train")
    kill(begun(workspace, "backfill", as_of="2026-10-01 … 2026-10-05"), "2026-10-02")
    assert told(workspace) == [
        ("nightly", "2026-11-01", "score"),
        ("retrain", "None", "train"),
        ("backfill", "2026-10-01", "2026-10-02"),
    ]


def test_what_runs_or_failed_or_was_interrupted_was_not_killed(workspace):
    running = begun(workspace, "nightly")
    begun(workspace, "nightly").end(4, HeadwaterError("E401", file="x"))
    begun(workspace, "score").end(None)
    kill(begun(workspace, "list vip"))
    assert told(workspace) == []
    running.end(0)


def test_what_went_well_since_ends_it_for_its_own_command(workspace):
    kill(begun(workspace, "nightly"))
    kill(begun(workspace, "retrain"))
    begun(workspace, "nightly").end(0)
    assert [command for command, _, _ in told(workspace)] == ["retrain"]
    kill(begun(workspace, "nightly"), "lists")
    assert told(workspace)[-1] == ("nightly", "2026-11-01", "lists")


def test_the_clock_of_a_call_is_that_of_the_message(workspace, monkeypatch):
    monkeypatch.setattr(calls, "now", lambda: datetime(2026, 10, 31, 18, 0, 5, tzinfo=ZoneInfo("UTC")))
    kill(begun(workspace, "nightly"))
    since = []
    teller = Teller(workspace)
    teller.killed = lambda command, as_of, stage, moment: since.append(moment)
    kills.tell_killed(teller)
    assert since == ["2026-11-01T02:00:05+08:00"]
