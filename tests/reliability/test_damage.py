"""Altered bytes and hostile models: nothing is accepted, nothing is run, and where the interpreter dies that is told."""

import json
import shutil

import pytest

from benchmarks.reliability import damage, isolated
from features.errors import HeadwaterError
from pipelines.ingest import store
from pipelines.workspace import runs
from pipelines.workspace.paths import Workspace


@pytest.fixture(scope="module")
def workspace(operator):
    return operator / "workspace" / "operator"


@pytest.fixture
def copy(workspace, tmp_path) -> Workspace:
    return Workspace(shutil.copytree(workspace, tmp_path / "operator", symlinks=True))


@pytest.mark.parametrize("kind", damage.KINDS)
def test_no_flipped_bit_is_accepted(kind, copy):
    """In this process: bytes are compared before they are parsed, so that nothing can crash it."""
    found = damage.flipped(damage.KINDS[kind], copy, 40, 1, len)
    assert found.tries == 40 and not found.accepted and not found.wrong, found


def test_hostile_models_are_refused_and_not_run(workspace, tmp_path):
    (tmp_path / "operator").symlink_to(workspace)
    found = damage.apart(tmp_path / "operator", "hostile", 0, 0, 120)
    assert found.tries == 8 and not found.accepted and not found.wrong, found


def told(read) -> damage.Damaged:
    found = damage.Damaged()
    damage._tell(found, "here", read)
    return found


def test_what_is_no_refusal_is_told():
    def other():
        raise TypeError("none of ours")

    def disk():
        raise HeadwaterError("E705", detail="x")

    def refused():
        raise HeadwaterError("E340", detail="x")

    assert told(lambda: None).accepted == ["here"]
    assert "TypeError" in told(other).wrong[0] and "E705" in told(disk).wrong[0]
    assert told(refused) == damage.Damaged(tries=1)


@pytest.mark.parametrize(("code", "why"), [("os.abort()", "exit -6"), ("time.sleep(60)", "hangs for 3 s")])
def test_an_interpreter_that_dies_or_hangs_is_told_with_what_it_tried(code, why, tmp_path, monkeypatch):
    (tmp_path / "dying.py").write_text(
        "import os, sys, time\nfrom pathlib import Path\n"
        f'Path(sys.argv[-1]).write_text(\'{{"about": "bit 7"}}\')\n{code}\n'
    )
    monkeypatch.setattr(isolated, "ROOT", tmp_path)
    with pytest.raises(isolated.Died, match="bit 7") as died:
        isolated.told(["dying"], tmp_path / "out.json", 3)
    assert why in str(died.value)


def test_a_check_that_is_left_out_is_seen(copy, monkeypatch):
    """Planted: nobody compares with the record; the manifest of tables has no seal."""
    monkeypatch.setattr(store, "_seal", lambda manifest: "")
    folder = damage._current_tables(copy)
    manifest = json.loads((folder / store.MANIFEST).read_text())
    (folder / store.MANIFEST).write_text(json.dumps(manifest | {"seal": ""}))
    only = damage.Kind(lambda space: [folder / store.MANIFEST], damage._read_tables)
    assert damage.flipped(only, copy, 60, 1, len).accepted
    monkeypatch.setattr(runs, "sha256", lambda path: runs.record(copy, runs.ScoreFile(path).meta["run_id"])["sha256"])
    assert damage.flipped(damage.KINDS["scores"], copy, 30, 1, len).accepted
