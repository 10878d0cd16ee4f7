"""One run at a time, and what a killed one left is cleaned up by the next."""

import os
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from pipelines.workspace.lock import exclusive
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
    assert f"pid {os.getpid()} (first)" in error.value.problem.values["holder"]
    with exclusive(workspace, "third"):
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
