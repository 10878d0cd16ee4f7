"""A workspace lies on a disk of this machine, and there is room for the night."""

import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.workspace import disk, lock
from pipelines.workspace.paths import Workspace

Usage = namedtuple("Usage", "total used free")


def mounts(tmp_path: Path, kind: str) -> Path:
    device = tmp_path.stat().st_dev
    lines = [
        "22 27 0:21 / /proc rw,relatime - proc proc rw",
        f"31 27 {os.major(device)}:{os.minor(device)} / / rw,relatime shared:1 master:2 - {kind} server:/share rw",
    ]
    path = tmp_path / "mountinfo"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("cifs", True), ("ext4", False), ("overlay", False)])
def test_network_file_systems_are_refused(tmp_path, kind, refused, monkeypatch):
    workspace = Workspace.open(tmp_path, "small")
    told = mounts(tmp_path, kind)
    assert disk.file_system(workspace.root, told) == kind
    monkeypatch.setattr(disk, "check_place", lambda space, plain=disk.check_place: plain(space, told))
    if not refused:
        with lock.exclusive(workspace, "nightly"):
            return
    with pytest.raises(HeadwaterError, match="E720"), lock.exclusive(workspace, "nightly"):
        raise AssertionError("must not be reached")


def test_where_the_system_does_not_tell_nothing_is_refused(tmp_path):
    workspace = Workspace.open(tmp_path, "small")
    assert disk.file_system(workspace.root, tmp_path / "nowhere") == ""
    disk.check_place(workspace, tmp_path / "nowhere")
    disk.check_place(workspace)


def test_room_for_a_night_as_large_as_the_newest(tmp_path, monkeypatch):
    workspace = Workspace.open(tmp_path, "small")
    workspace.scores.joinpath("2026-10-31.parquet").write_bytes(b"x" * 1000)
    needed = disk.SPARE + 2000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, needed))
    disk.check_space(workspace)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, needed - 1))
    with pytest.raises(HeadwaterError, match="E703"):
        disk.check_space(workspace)
