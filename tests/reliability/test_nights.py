"""Whole nights that are killed, started twice or find no room; what the runner and the reader would tell if it went wrong."""

import shutil
from pathlib import Path

import pytest

from benchmarks.reliability import nights
from benchmarks.reliability.nights import Ended, Reader
from pipelines.workspace.paths import Workspace


@pytest.mark.slow
def test_nights_that_are_killed_are_finished_by_the_next_run(own_operator):
    found = nights.killed(own_operator, 1, 3, ("workspace.publication._sync_folder",))
    assert found.kills == 2 and found.hit >= 1 and found.reads > 5 and not found.torn and not found.wrong, found


@pytest.mark.slow
def test_of_two_that_begin_together_one_publishes(own_operator):
    seconds, wrong = nights.started_twice(own_operator, 1)
    assert len(seconds) == 1 and not wrong, wrong


@pytest.mark.slow
def test_a_full_disk_keeps_the_last_good_scores(operator, tmp_path):
    try:
        with nights.small_disk(tmp_path / "disk", 160_000_000) as disk:
            shutil.copytree(operator, disk / "operator", symlinks=True)
            assert not list(nights.filled(disk / "operator"))
    except PermissionError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("point", nights.POINTS)
def test_every_named_point_is_there(point):
    """A name that is gone would be a kill that never comes."""
    place, name = nights.found_point(point)
    assert callable(getattr(place, name))


def read_once(workspace: Workspace, path: Path) -> list[str]:
    reader = Reader(workspace)
    reader._read(path)
    return reader.wrong


@pytest.mark.parametrize("harm", ["cut", "flip", "other date"])
def test_a_reader_tells_what_is_not_whole(operator, tmp_path, harm):
    workspace = Workspace(operator / "workspace" / "operator")
    good = workspace.latest.read_bytes()
    assert read_once(workspace, workspace.latest) == []
    path = tmp_path / "2026-11-01.parquet"
    spoilt = {"cut": good[:-9], "flip": good[:99] + bytes([good[99] ^ 1]) + good[100:]}
    path.write_bytes(
        spoilt.get(harm) or good.replace(b"headwater.as_of\x18\n2026-11-01", b"headwater.as_of\x18\n2026-11-02")
    )
    assert read_once(workspace, path)
    assert read_once(workspace, tmp_path / "none.parquet") == []


def test_a_next_run_that_fails_or_differs_is_told(tmp_path, monkeypatch):
    workspace = Workspace.open(tmp_path, "small")
    assert "ended with 3" in next(nights._unfinished(workspace, Ended(3, 1.0, 1.0, "E302"), {}, {}))
    path = workspace.score_file(nights.AS_OF)
    path.write_bytes(b"x")
    monkeypatch.setattr(nights, "_facts", lambda space: {"run_id": "a"})
    good = nights.outputs(workspace)
    ended = Ended(0, 1.0, 1.0)
    assert list(nights._unfinished(workspace, ended, good, {"run_id": "a"})) == []
    assert list(nights._unfinished(workspace, ended, good, {"run_id": "b"})) == [
        "the scores say other things of themselves"
    ]
    (workspace.scores / ".left.tmp").touch()
    path.write_bytes(b"y")
    told = list(nights._unfinished(workspace, ended, good | {"report": "z"}, {"run_id": "a"}))
    assert told == [f"{path.name} is another", "report is not there", "left behind: ['.left.tmp']"]
