"""One run at a time, and what a killed one left is cleaned up by the next."""

import fcntl
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from pipelines.wording.errors import render_line
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.lock import exclusive, taken
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish

DAY = date(2026, 10, 31)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def test_the_lock_names_its_holder_and_is_free_afterwards(workspace):
    with exclusive(workspace, "first"), pytest.raises(HeadwaterError) as error, exclusive(workspace, "second"):
        pass
    assert error.value.exit_code == 6
    told = error.value.problem.values
    assert (told["command"], told["pid"]) == ("first", os.getpid()) and told["since"][:2] == "20"
    with exclusive(workspace, "third"):
        pass


def test_the_holder_is_told_as_it_was_called(workspace):
    call = CallRecord.begin(workspace, "score", ["score", "--as-of", "2026-10-31"])
    with exclusive(workspace, "nightly"), pytest.raises(HeadwaterError) as error, exclusive(workspace, "second"):
        pass
    assert error.value.problem.values["command"] == "headwater score --as-of 2026-10-31"
    call.end(0)


@pytest.mark.parametrize(
    ("written", "command"), [(b"pid 7 (nightly 2026-10-31)", "pid 7 (nightly 2026-10-31)"), (b"", "?")]
)
def test_a_lock_of_before_or_one_that_says_nothing_yet_is_told_as_it_stands(workspace, written, command):
    (workspace.root / ".lock").write_bytes(written)
    with (workspace.root / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(HeadwaterError) as error, exclusive(workspace, "second"):
            pass
    assert error.value.problem.values["command"] == command
    assert "E601" in render_line(error.value.problem, "zh")


def test_a_call_that_began_later_in_the_same_process_is_not_the_holder(workspace):
    with exclusive(workspace, "notebook"):
        call = CallRecord.begin(workspace, "score", ["score"])
        with pytest.raises(HeadwaterError) as error, exclusive(workspace, "second"):
            pass
        call.end(6)
    assert error.value.problem.values["command"] == "notebook"


def test_what_a_command_has_taken_is_there_for_what_it_calls_and_for_nobody_else(workspace):
    with taken(workspace, "nightly"):
        with exclusive(workspace, "inside"):
            pass
        with ThreadPoolExecutor(1) as other, pytest.raises(HeadwaterError, match="E601"):
            other.submit(exclusive(workspace, "outside").__enter__).result()
    with exclusive(workspace, "first"), pytest.raises(HeadwaterError), exclusive(workspace, "second"):
        pass


def test_leftovers_of_a_killed_run_go_and_latest_is_mended(workspace):
    rows = pa.table({"customer_id": ["C1"]})
    publish(workspace, [rows], {"run_id": "a", "as_of": DAY.isoformat()}, len)
    (workspace.scores / ".2026-10-31.parquet.zzz.tmp").write_text("half")
    workspace.latest.unlink()
    with exclusive(workspace, "next"):
        pass
    assert workspace.serving_date() == DAY
    assert [path.name for path in workspace.scores.iterdir()] == [f"{DAY}.parquet"]
