"""Publication is all or nothing: kills, faults, double starts, damage."""

import errno
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.workspace import files, publication
from pipelines.workspace.lock import exclusive
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish
from tests.scores_sample import read_scores

DAY = date(2026, 10, 31)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def table(value: int, rows: int = 1000) -> pa.Table:
    return pa.table({"customer_id": [f"C{n:05d}" for n in range(rows)], "value": [value] * rows})


def meta(run_id: str, as_of: date = DAY) -> dict[str, str]:
    return {"run_id": run_id, "as_of": as_of.isoformat()}


def value(workspace: Workspace, as_of: date = DAY) -> int:
    found = read_scores(workspace.score_file(as_of))[1]["value"].unique().to_pylist()
    assert len(found) == 1
    return found[0]


def test_a_published_file_says_what_it_is_and_is_found_by_everyone(workspace):
    seen = []
    path = publish(workspace, [table(1)], meta("aaa"), seen.append)
    facts, rows = read_scores(path)
    assert facts == meta("aaa")
    assert rows.num_rows == 1000
    assert seen == [files.sha256(path)]
    assert workspace.latest.resolve() == path.resolve()
    assert pq.read_schema(path).metadata[b"headwater.run_id"] == b"aaa"
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_whole_folder_reads_as_the_history(workspace):
    publish(workspace, [table(1)], meta("a", date(2026, 10, 30)), len)
    publish(workspace, [table(2)], meta("b", date(2026, 10, 31)), len)
    assert pq.read_table(workspace.scores).num_rows == 2000
    assert {path.name for path in workspace.scores.iterdir()} == {"2026-10-30.parquet", "2026-10-31.parquet"}


def test_a_backfill_never_moves_latest_back(workspace):
    publish(workspace, [table(2)], meta("b"), len)
    publish(workspace, [table(1)], meta("a", date(2026, 10, 1)), len)
    assert workspace.serving_date() == DAY


def test_what_is_replaced_is_kept(workspace):
    first = files.sha256(publish(workspace, [table(1)], meta("a"), len))
    publish(workspace, [table(2)], meta("b"), len)
    assert [files.sha256(path) for path in workspace.archive.iterdir()] == [first]


@pytest.mark.parametrize("step", ["write", "fsync", "record", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_fault_before_the_commit_leaves_the_old_file(workspace, monkeypatch, step, code):
    publish(workspace, [table(1)], meta("a"), len)

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    record = fail if step == "record" else len
    if step == "write":
        monkeypatch.setattr(files.pq.ParquetWriter, "write_table", fail)
    elif step == "fsync":
        monkeypatch.setattr(files.os, "fsync", fail)
    elif step == "replace":
        monkeypatch.setattr(files.Path, "replace", fail)
    with pytest.raises(HeadwaterError) as error:
        publish(workspace, [table(2)], meta("b"), record)
    assert error.value.exit_code == 7
    monkeypatch.undo()
    assert value(workspace) == 1
    assert [path.name for path in workspace.scores.iterdir()] == [f"{DAY}.parquet"]


def test_a_fault_after_the_commit_is_not_told_as_failure(workspace, monkeypatch):
    publish(workspace, [table(1)], meta("a"), len)

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, "no sync")

    monkeypatch.setattr(publication, "sync", fail)
    publish(workspace, [table(2)], meta("b"), len)
    assert value(workspace) == 2


def test_what_reads_back_otherwise_is_not_published(workspace, monkeypatch):
    publish(workspace, [table(1)], meta("a"), len)

    write = pq.ParquetWriter.write_table
    monkeypatch.setattr(pq.ParquetWriter, "write_table", lambda self, table: write(self, table.slice(1)))
    with pytest.raises(HeadwaterError, match="E702"):
        publish(workspace, [table(2)], meta("b"), len)
    monkeypatch.undo()
    assert value(workspace) == 1
    assert [path.name for path in workspace.scores.iterdir()] == [f"{DAY}.parquet"]


def test_a_draft_is_seen_by_nobody_and_says_more_until_it_is_published(workspace):
    draft = publication.Draft(workspace, DAY, table(1).schema, meta("a"))
    draft.add(table(1, 600))
    draft.add(table(1, 400))
    assert workspace.published_dates() == [] and workspace.serving_date() is None
    path = draft.publish(meta("a") | {"gates": "[]"}, len)
    facts, rows = read_scores(path)
    assert facts == meta("a") | {"gates": "[]"} and rows.num_rows == 1000
    assert pq.read_metadata(path).num_row_groups == 2
    draft.discard()
    assert value(workspace) == 1


def test_a_discarded_draft_leaves_nothing(workspace):
    publish(workspace, [table(1)], meta("a"), len)
    draft = publication.Draft(workspace, DAY, table(2).schema, meta("b"))
    draft.add(table(2))
    draft.discard()
    assert value(workspace) == 1
    assert [path.name for path in workspace.scores.iterdir()] == [f"{DAY}.parquet"]


def test_one_flipped_bit_is_noticed(workspace):
    path = publish(workspace, [table(1)], meta("a"), len)
    content = bytearray(path.read_bytes())
    content[len(content) // 4] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(HeadwaterError) as error:
        read_scores(path)
    assert error.value.exit_code == 3


KILLED = """
import sys, pyarrow as pa
from pathlib import Path
from pipelines.workspace.lock import exclusive
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish
workspace = Workspace.open(Path(sys.argv[1]), "operator")
rows = pa.table({"customer_id": [f"C{n:06d}" for n in range(100_000)], "value": [0] * 100_000})
print("begun", flush=True)
turn = 0
while True:
    turn += 1
    with exclusive(workspace, "writer"):
        table = rows.set_column(1, "value", pa.array([turn] * rows.num_rows))
        publish(workspace, [table], {"run_id": f"r{turn}", "as_of": "2026-10-31"}, len)
"""


@pytest.mark.slow
def test_killing_the_writer_never_tears_the_file(workspace, tmp_path):
    """SIGKILL at random moments of a writer that does nothing but publish; a reader always gets one whole turn."""
    for kill in range(6):
        writer = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "begun\n"
        time.sleep(0.25 + 0.07 * kill)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        if workspace.score_file(DAY).exists():
            assert value(workspace) >= 1
        with exclusive(workspace, "next"):
            assert not list(workspace.scores.glob(".*"))
    assert workspace.score_file(DAY).exists()


def test_a_missing_date_is_exit_4(workspace):
    with pytest.raises(HeadwaterError) as error:
        read_scores(workspace.score_file(DAY))
    assert error.value.exit_code == 4
