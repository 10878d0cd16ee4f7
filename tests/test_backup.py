"""The guide's own commands make a backup, and what they bring back in another folder runs as if nothing had happened."""

import json
import re
import shutil
import subprocess
from pathlib import Path

from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.workspace import files, lock
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT, ROOT

SCORES = Path("workspace/operator/scores") / f"{NIGHT}.parquet"
GUIDE = ROOT / "docs" / "guides" / "operator.md"
CHAPTER = re.compile(r"^## Back up and restore.*?(?=^## )", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The blocks of shell of the guide's chapter: the backup, and the way back."""
    (chapter,) = CHAPTER.findall(GUIDE.read_text(encoding="utf-8"))
    return [block.replace("$(date +%F)", "2026-11-01") for block in re.findall(r"```sh\n(.*?)```", chapter, re.DOTALL)]


def typed(block: str) -> None:
    subprocess.run(["sh", "-eu", "-c", block], check=True, timeout=60)


def called(*words: str, code: int = 0) -> dict:
    done = CliRunner().invoke(app, [*words, "--json", "-q", "--lang", "en"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def contents(folder: Path) -> dict[str, str]:
    """Path -> sha256, or what a link names; without what every run makes again."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or path.is_file()]
    named = {str(path.relative_to(folder)): path for path in paths}
    kept = {name: path for name, path in named.items() if not name.startswith(("tables/", ".lock"))}
    return {name: str(path.readlink()) if path.is_symlink() else files.sha256(path) for name, path in kept.items()}


def rows_sha256() -> str:
    return ScoreFile(SCORES).meta["rows_sha256"]


def test_a_backup_brings_back_everything_in_another_folder(own_operator, monkeypatch):
    """Nothing of the old folder is there any more: its night is known as published, and made again gives the same rows."""
    back_up, bring_back = commands()
    typed(back_up)
    before = contents(own_operator / "workspace" / "operator")
    assert not Path("backup/headwater-2026-11-01.tar.gz").stat().st_mode & 0o077
    typed(bring_back)
    assert contents(own_operator / "restored" / "workspace" / "operator") == before
    expected = rows_sha256()
    new = own_operator.with_name("elsewhere")
    shutil.move(own_operator / "restored", new)
    shutil.move(own_operator / "data", new)
    shutil.rmtree(own_operator / "workspace")
    monkeypatch.chdir(new)
    assert not [f for f in called("doctor")["findings"] if f["needed"] and not f["fine"]]
    assert called("nightly")["already_published"]
    SCORES.unlink()
    done = called("nightly")
    assert (done["published"], done["already_published"], rows_sha256()) == (True, False, expected)
    assert called("promote", "churn", "--version", "1")["champion"] == "churn/1"


def test_a_night_beside_a_backup_is_told_what_holds_the_lock(own_operator):
    back_up, _ = commands()
    slow = back_up.replace("tar ", "touch begun; sleep 5; tar ", 1)
    with subprocess.Popen(["sh", "-eu", "-c", slow]) as backup:
        while not Path("begun").exists():
            assert backup.poll() is None
        assert lock.is_held(Workspace.open(Path("workspace"), "operator"))
        error = called("nightly", code=6)["error"]
        assert (error["code"], "a backup" in error["message"]) == ("E601", True)
    assert backup.returncode == 0
    assert called("nightly")["already_published"]
