"""The local copy of the champions: one flipped bit anywhere is noticed, and mended by the command that is named."""

import random
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.errors import HeadwaterError
from pipelines.cli.app import app
from pipelines.flows import promotion
from pipelines.project import Project
from pipelines.tracking import tracking
from pipelines.workspace import bundles
from pipelines.workspace.paths import Workspace

CHURN = {"bundle.json": '{"kind": "churn"}' * 20, "trees.txt": "tree\n" * 50}
VALUE = {"bundle.json": '{"kind": "value"}' * 20}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.open(tmp_path, "operator")
    bundles.install(made, "churn", "churn/1", CHURN)
    bundles.install(made, "value", "value/1", VALUE)
    return made


def copies(workspace: Workspace) -> dict[str, dict[str, str]]:
    return {target: files for target, (_, _, files) in bundles.champion_texts(workspace).items()}


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8 % len(content)] ^= 1 << bit % 8
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["churn/bundle.json", "churn/trees.txt", "manifest.json", "../../CURRENT"])
def test_every_flipped_bit_is_noticed_and_mended(workspace, name):
    """What is damaged stays beside, and is never in force again."""
    draw = random.Random(name)
    entries = bundles.champion_entries(workspace)
    for _ in range(60):
        path = bundles.current(workspace) / name
        good = path.read_bytes()
        while True:
            flip(path, draw.randrange(len(good) * 8))
            if path.read_bytes().strip() != good.strip():
                break
        with pytest.raises(HeadwaterError, match="E523" if "churn" in name else "E531"):
            bundles.champion_texts(workspace)
        if "churn" in name:
            assert [problem.values["version"] for problem in bundles.damage_warnings(workspace)] == ["churn/1"]
            assert bundles.intact_champion(workspace, "churn") is None
            bundles.install(workspace, "churn", "churn/1", CHURN)
        else:
            bundles.establish(workspace, {}, {"churn": ("churn/1", CHURN), "value": ("value/1", VALUE)})
        assert copies(workspace) == {"churn": CHURN, "value": VALUE} and bundles.champion_entries(workspace) == entries
        assert not bundles.damage_warnings(workspace)
        assert not list(workspace.models.glob(".staging-*"))


@pytest.mark.parametrize("harm", ["cut", "extra", "missing", "gone"])
def test_other_damage_is_noticed_and_mended(workspace, harm):
    folder = bundles.current(workspace) / "churn"
    if harm == "gone":
        shutil.rmtree(folder)
    elif harm == "cut":
        (folder / "trees.txt").write_bytes((folder / "trees.txt").read_bytes()[:-1])
    elif harm == "extra":
        (folder / "model.pkl").write_bytes(b"cos")
    else:
        (folder / "trees.txt").unlink()
    with pytest.raises(HeadwaterError, match=r"E52[23]") as error:
        bundles.champion_texts(workspace)
    assert error.value.problem.values["target"] == "churn" and error.value.problem.values["number"] == "1"
    bundles.install(workspace, "churn", "churn/1", CHURN)
    assert copies(workspace) == {"churn": CHURN, "value": VALUE}


def test_a_generation_is_never_changed_and_a_whole_one_is_taken_again(workspace):
    first = bundles.current(workspace)
    bundles.install(workspace, "value", "value/2", CHURN)
    bundles.install(workspace, "value", "value/1", VALUE)
    assert bundles.current(workspace) == first
    flip(first / "churn" / "trees.txt", 9)
    damaged = (first / "churn" / "trees.txt").read_bytes()
    bundles.install(workspace, "churn", "churn/1", CHURN)
    assert bundles.current(workspace).name == f"{first.name}-1"
    assert (first / "churn" / "trees.txt").read_bytes() == damaged


def test_damage_to_one_target_does_not_travel_where_a_whole_copy_is_kept(workspace):
    """value/1 goes to a generation of its own; the whole copy of churn/1 is taken from an older one."""
    flip(bundles.current(workspace) / "churn" / "trees.txt", 3)
    bundles.install(workspace, "value", "value/2", CHURN)
    assert copies(workspace) == {"churn": CHURN, "value": CHURN}


def test_damage_to_one_target_does_not_hinder_another(workspace):
    for generation in (workspace.models / "gen").iterdir():
        flip(generation / "churn" / "trees.txt", 3)
    bundles.install(workspace, "value", "value/2", CHURN)
    with pytest.raises(HeadwaterError, match="E523"):
        bundles.champion_texts(workspace)
    assert bundles.local_texts(workspace, "churn/1") is None
    assert bundles.local_texts(workspace, "value/1") == VALUE
    bundles.install(workspace, "churn", "churn/1", CHURN)
    assert copies(workspace) == {"churn": CHURN, "value": CHURN}


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words, "--lang", "en", "-q"])
    return done.exit_code, done.output


def fix(said: str) -> list[str]:
    return re.search(r"Fix: headwater ([^,]+)", said)[1].split()


def test_the_named_command_puts_a_champion_in_place_again(own_operator):
    workspace = Project.open("configs/operator.yaml").workspace
    champions = bundles.champion_texts(workspace)
    for harmed in ("churn", "value"):
        for path in (bundles.current(workspace) / harmed).iterdir():
            flip(path, 999)
    code, said = run("nightly", "--as-of", "2026-10-01")
    assert code == 5 and fix(said) == ["promote", "churn", "--version", "1"]
    assert run(*fix(said))[0] == 0
    while (found := run("doctor"))[0] != 0:
        assert run(*re.search(r"headwater (promote \w+ --version 1)", found[1])[1].split())[0] == 0
    assert bundles.champion_texts(workspace) == champions


@pytest.mark.slow
def test_training_goes_on_without_a_damaged_champion_and_replaces_it(own_operator):
    workspace = Project.open("configs/operator.yaml").workspace
    for path in workspace.models.glob("gen/*/churn/bundle.json"):
        flip(path, 999)
    code, said = run("retrain", "churn")
    assert code == 5 or "churn/2" in said
    done = CliRunner().invoke(app, ["promote", "churn", "--force", "--reason", "damaged", "--lang", "en"])
    assert done.exit_code == 0, done.output
    assert bundles.champion_texts(workspace)["churn"][0] == "churn/2"
    assert run("rollback", "churn")[0] == 0
    assert bundles.champions(workspace)["churn"].version == "churn/1"


def test_a_rollback_leaves_a_damaged_champion(own_operator):
    project = Project.open("configs/operator.yaml")
    workspace = project.workspace
    first = tracking.versions(workspace, "churn")[0]
    second = tracking.versions(workspace, "value")[0]
    with tracking.registry_client(workspace) as client:
        client.set_model_version_tag("churn", "1", "before", "churn/1")
    assert first.tags["sha256"] == bundles.champion_texts(workspace)["churn"][1]
    flip(bundles.current(workspace) / "churn" / "bundle.json", 999)
    assert promotion.rollback(project, "churn").name == "churn/1"
    assert set(bundles.champions(workspace)) == {"churn", "value", "vip"} and second.name == "value/1"


def test_a_damaged_artifact_is_never_installed(own_operator, monkeypatch):
    project = Project.open("configs/operator.yaml")
    workspace, download = project.workspace, tracking.mlflow.artifacts.download_artifacts

    def damaged(**asked: str) -> str:
        folder = download(**asked)
        flip(Path(folder) / "bundle.json", 999)
        return folder

    monkeypatch.setattr(tracking.mlflow.artifacts, "download_artifacts", damaged)
    whole = tracking.versions(workspace, "churn")[0]
    with pytest.raises(HeadwaterError, match="E530") as error:
        tracking.files(workspace, whole)
    assert error.value.problem.values["target"] == "churn"
    assert promotion.promote(project, "churn", version=1).name == "churn/1", "a generation has it whole"
    for path in workspace.models.glob("gen/*/churn/bundle.json"):
        flip(path, 999)
    code, said = run("promote", "churn", "--version", "1")
    assert code == 5 and fix(said) == ["retrain", "churn"]
