"""Whatever call to the disk fails, once or for good: what is told is so, and the next run needs nobody."""

import errno
import os
from pathlib import Path

import pytest

from benchmarks.reliability import acts, faults, store_acts
from benchmarks.reliability.acts import ACTS
from benchmarks.reliability.parts import quiet
from features.errors import HeadwaterError, Problem
from pipelines.flows import examination, promotion
from pipelines.tracking import tracking
from pipelines.workspace import bundles, files, publication
from pipelines.workspace.paths import Workspace

BY_NAME = {act.name: act for act in ACTS}
FEW = ("publish a date again", "promote the first", "register")


@pytest.mark.parametrize("name", FEW)
def test_what_is_told_is_so(name, tmp_path):
    """Each call fails in two of the six ways: three codes, once and for good."""
    with quiet():
        found = faults.tried(BY_NAME[name], tmp_path, step=3)
    assert not found.wrong and found.calls > 25 and abs(found.tries - 2 * found.calls) <= 6, found
    assert {"done", "E703", "E704", "E705"} == set(found.told)


@pytest.mark.slow
@pytest.mark.parametrize("act", store_acts.STORE_ACTS, ids=lambda act: act.name)
def test_what_is_told_is_so_with_the_tracking_store(act, tmp_path):
    with quiet(), store_acts.impatient():
        found = faults.tried(act, tmp_path, step=60)
    assert not found.wrong and found.tries > 10, found


@pytest.mark.parametrize(
    ("module", "name", "planted", "act"),
    [
        (publication, "_sync_folder", lambda space: files.sync(space.scores), "publish a date again"),
        (files, "settle", files.sync, "promote the first"),
    ],
    ids=["after the scores", "after the champions"],
)
def test_a_failure_that_is_told_after_the_commit_is_a_lie(module, name, planted, act, tmp_path, monkeypatch):
    monkeypatch.setattr(module, name, planted)
    with quiet():
        found = faults.tried(BY_NAME[act], tmp_path, codes=(errno.EIO,), step=2)
    assert found.wrong and all("readers see" in wrong for wrong in found.wrong)


def test_calls_of_every_kind_fail(tmp_path):
    """And what lies elsewhere does not."""
    inside, outside = tmp_path / "in", tmp_path / "out"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "f").write_text("x")

    def works(folder: Path) -> None:
        (folder / "f").read_text()
        (folder / "g").write_text("y")
        (folder / "g").replace(folder / "h")
        handle = os.open(folder / "h", os.O_RDWR)
        try:
            os.fsync(handle)
            os.pwrite(handle, b"z", 0)
        finally:
            os.close(handle)
        (folder / "h").unlink()

    with faults.failing(faults.Faults(inside)) as counted:
        works(inside)
        works(outside)
    kinds = [call.split()[0] for call in counted.calls if call != "mkdir tmp"]
    assert kinds == ["open", "read", "open", "write", "replace", "open", "fsync", "pwrite", "unlink"]
    for number in range(1, len(counted.calls) + 1):
        with faults.failing(faults.Faults(inside, number, errno.EACCES)), pytest.raises(PermissionError):
            works(inside)


@pytest.fixture
def two_versions(tmp_path) -> Workspace:
    """The first is the champion, for nights and for the store."""
    workspace = Workspace.open(tmp_path, "small")
    store_acts.STORE_ACTS[0].before(workspace)
    return workspace


def test_a_promotion_that_the_store_did_not_hear_of_is_one_and_is_told(two_versions, monkeypatch):
    """It was told as failed, while nights scored with it; a rollback took the one before the one before."""

    def locked(*_: object) -> None:
        raise HeadwaterError("E706", detail="database is locked")

    monkeypatch.setattr(tracking, "set_alias", locked)
    warning = store_acts.promote(two_versions, 2)
    assert isinstance(warning, Problem) and warning.code == "W536" and "locked" in warning.values["detail"]
    assert acts.champions.__doc__ and bundles.champion_entries(two_versions)["churn"]["version"] == "churn/2"
    monkeypatch.undo()
    found = [
        fault.problem
        for fault in examination._misnamed(two_versions, examination.registry.store_state(two_versions.tracking))
    ]
    assert [(problem.code, problem.values["version"]) for problem in found] == [("W536", "churn/2")]
    assert promotion._in_force(two_versions, "churn") == "churn/2"
    (second,) = (version for version in tracking.versions(two_versions, "churn") if version.number == 2)
    assert second.tags["before"] == "churn/1"
    assert store_acts.promote(two_versions, 2) is None
    assert tracking.version_by_alias(two_versions, "churn", tracking.CHAMPION).number == 2


def test_a_disk_that_fails_is_no_fault_of_the_version(two_versions, monkeypatch):
    (version,) = (found for found in tracking.versions(two_versions, "churn") if found.number == 2)

    def fails(**_: object) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tracking.mlflow.artifacts, "download_artifacts", fails)
    with pytest.raises(HeadwaterError, match="E705") as error:
        tracking.files(two_versions, version)
    assert error.value.exit_code == 7
