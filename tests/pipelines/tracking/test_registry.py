"""A tracking store that was lost, damaged or is an old copy: refused before work."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.tracking import registry, tracking
from pipelines.workspace import bundles
from pipelines.workspace.paths import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def judged(workspace: Workspace, *versions: str) -> None:
    folder = workspace.models / "evaluations"
    folder.mkdir(exist_ok=True)
    for version in versions:
        (folder / f"{version.replace('/', '-')}.json").write_text("{}")


def store(workspace: Workspace, **versions: int) -> None:
    with closing(sqlite3.connect(workspace.tracking)) as made, made:
        made.execute("CREATE TABLE model_versions (name TEXT, version INTEGER)")
        rows = [(name, number) for name, most in versions.items() for number in range(1, most + 1)]
        made.executemany("INSERT INTO model_versions VALUES (?, ?)", rows)


def test_a_store_that_is_not_there_is_fine_while_nothing_was_trained(workspace):
    registry.check_store(workspace)
    assert not workspace.tracking.exists()


@pytest.mark.parametrize(("stored", "lost"), [(None, "churn/11, vip/1"), ({"churn": 10, "vip": 1}, "churn/11")])
def test_a_store_that_lacks_versions_is_refused(workspace, stored, lost):
    judged(workspace, "churn/2", "churn/11", "vip/1")
    if stored:
        store(workspace, **stored)
    with pytest.raises(HeadwaterError, match="E714") as error:
        registry.check_store(workspace)
    assert error.value.exit_code == 7 and error.value.problem.values["versions"] == lost
    with pytest.raises(HeadwaterError, match="E714"):
        tracking.versions(workspace, "churn")
    assert workspace.tracking.exists() == bool(stored)


def test_a_promoted_version_is_known_without_its_evaluation(workspace):
    bundles.install(workspace, "value", "value/4", {"bundle.json": "{}"})
    assert registry.highest_versions(workspace) == {"value": 4}
    store(workspace, value=5)
    registry.check_store(workspace)


@pytest.mark.parametrize("mode", ["rw", "ro"])
def test_damage_to_a_store_is_seen(workspace, mode):
    workspace.tracking.write_bytes(bytes(range(256)) * 64)
    assert registry.store_state(workspace.tracking, mode).damage == "file is not a database"
    workspace.tracking.unlink()
    store(workspace, churn=2_000)
    assert registry.store_state(workspace.tracking, mode).highest == {"churn": 2_000}
    content = bytearray(workspace.tracking.read_bytes())
    content[4096:4200] = b"\xa5" * 104
    workspace.tracking.write_bytes(bytes(content))
    assert registry.store_state(workspace.tracking, mode).damage
    workspace.tracking.write_bytes(b"")
    assert registry.store_state(workspace.tracking, mode) == registry.StoreState()


def test_a_store_that_somebody_holds_is_not_damaged(workspace):
    store(workspace, churn=1)
    with closing(sqlite3.connect(workspace.tracking)) as held:
        held.execute("BEGIN EXCLUSIVE")
        with pytest.raises(HeadwaterError, match="E706"):
            registry.store_state(workspace.tracking, patience=0.1)
