"""A tracking store that was lost, damaged or is an old copy is made to know its versions again."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.flows import retrain
from pipelines.project import Project
from pipelines.tracking import tracking
from pipelines.tracking.tracking import CHAMPION
from pipelines.workspace import bundles
from pipelines.workspace.paths import Workspace


def document(*words: str, code: int = 0) -> dict:
    done = CliRunner().invoke(app, [*words, "--json", "--lang", "en", "-q"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def judged(workspace: Workspace, *versions: str) -> None:
    folder = workspace.models / "evaluations"
    folder.mkdir(exist_ok=True)
    for version in versions:
        (folder / f"{version.replace('/', '-')}.json").write_text("{}")


def harmed(workspace: Workspace, harm: str) -> None:
    if harm == "missing":
        workspace.tracking.unlink()
    else:
        workspace.tracking.write_bytes(bytes(range(256)) * 64)


@pytest.mark.parametrize(("harm", "code"), [("missing", "E714"), ("damaged", "E715")])
def test_a_store_that_is_gone_is_restored_by_the_command_that_is_named(own_operator, monkeypatch, harm, code):
    workspace = Project.open("configs/operator.yaml").workspace
    champions, judgements = bundles.champion_texts(workspace), kept(workspace)
    judged(workspace, "churn/3")
    harmed(workspace, harm)
    before = outputs(workspace)
    with monkeypatch.context() as patch:
        patch.setattr(retrain, "read_tables", lambda *_: pytest.fail("trained before the store was looked at"))
        for words in (["train", "churn"], ["retrain"], ["promote", "vip"], ["rollback", "value"]):
            error = document(*words, code=7)["error"]
            assert error["code"] == code and "headwater registry restore" in error["fix"]
    assert before == outputs(workspace)
    finding = next(f for f in document("doctor", code=7)["findings"] if f["name"] == "tracking")
    assert not finding["fine"] and finding["fix"] == "headwater doctor --repair"
    told = document("registry", "restore")
    assert told["restored"] == ["churn/1", "value/1", "vip/1"] and told["lost"] == ["churn/2", "churn/3"]
    assert told["champions"] == ["churn/1", "value/1", "vip/1"]
    assert len(list(workspace.root.glob("mlflow.db.damaged-*"))) == (harm == "damaged")
    assert bundles.champion_texts(workspace) == champions and judgements.items() <= kept(workspace).items()
    for target, (version, sha256, files) in champions.items():
        champion = tracking.version_by_alias(workspace, target, CHAMPION)
        assert (champion.name, champion.tags["sha256"]) == (version, sha256)
        assert tracking.files(workspace, champion) == files
    assert tracking.versions(workspace, "churn")[0].tags["lost"] == "true"
    assert document("registry", "restore")["restored"] == []
    assert document("promote", "churn", "--version", "2", code=5)["error"]["code"] == "E532"
    assert document("train", "churn")["models"][0]["version"] == "churn/4"
    assert document("promote", "churn", "--force", "--reason", "a test")["champion"] == "churn/4"
    assert document("rollback", "churn")["champion"] == "churn/1"


def outputs(workspace: Workspace) -> list[str]:
    """What lies in the workspace; that calls were refused is on record, too."""
    return sorted(path.name for path in workspace.root.iterdir() if path != workspace.calls)


def kept(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (workspace.models / "evaluations").iterdir()}


@pytest.mark.slow
def test_an_older_copy_is_completed(own_operator):
    """The copy was made before churn/2 was trained and promoted; afterwards a rollback still finds churn/1."""
    workspace = Project.open("configs/operator.yaml").workspace
    shutil.copy(workspace.tracking, "older.db")
    document("train", "churn")
    document("promote", "churn", "--force", "--reason", "a test")
    shutil.copy("older.db", workspace.tracking)
    assert document("train", "churn", code=7)["error"]["code"] == "E714"
    told = document("registry", "restore")
    assert told == told | {"restored": ["churn/2"], "lost": [], "champions": ["churn/2", "value/1", "vip/1"]}
    champion = tracking.version_by_alias(workspace, "churn", CHAMPION)
    assert champion.name == "churn/2" and champion.tags["before"] == "churn/1"
    assert document("rollback", "churn")["champion"] == "churn/1"


@pytest.mark.parametrize("name", ["CURRENT", "manifest.json"])
def test_the_record_of_champions_is_made_again_from_the_store(own_operator, name):
    workspace = Project.open("configs/operator.yaml").workspace
    champions = bundles.champion_texts(workspace)
    path = next(p for p in (workspace.models / name, bundles.current(workspace) / name) if p.exists())
    path.write_bytes(path.read_bytes()[:-5])
    error = document("nightly", "--as-of", "2026-10-01", code=5)["error"]
    assert error["code"] == "E531" and "headwater registry restore" in error["fix"]
    assert document("registry", "restore")["champions"] == ["churn/1", "value/1", "vip/1"]
    assert bundles.champion_texts(workspace) == champions


def test_without_a_store_the_newest_versions_kept_here_are_the_champions(own_operator):
    """Pointer and store are both gone: nothing is left that says who was in force."""
    workspace = Project.open("configs/operator.yaml").workspace
    champions = bundles.champion_texts(workspace)
    (workspace.models / "CURRENT").write_text("f0")
    workspace.tracking.write_bytes(bytes(range(256)) * 64)
    told = document("registry", "restore")
    assert told["champions"] == told["restored"] == ["churn/1", "value/1", "vip/1"]
    assert bundles.champion_texts(workspace) == champions
