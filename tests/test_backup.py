"""The guide's own commands: what a backup brings back runs in another folder, and a publication that was replaced is put back."""

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


def commands(title: str = "Back up and restore") -> list[str]:
    """The blocks of shell of a chapter of the guide: of backups the backup, and the way back."""
    chapter = next(part for part in GUIDE.read_text(encoding="utf-8").split("\n## ") if part.startswith(title))
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


def test_a_replaced_publication_is_put_back_by_hand_and_every_reader_takes_it(own_operator):
    """Another holdout is published by mistake; the file of before is put back, and its cause after it."""
    before, config = files.sha256(SCORES), Path("configs/operator.yaml")
    workbook = Path("workspace/operator/lists") / f"churn-{NIGHT}.xlsx"
    listed = files.sha256(workbook)
    right = config.read_text(encoding="utf-8")
    config.write_text(right + "\nholdout: {salt: another}\n", encoding="utf-8")
    assert called("nightly")["published"]
    assert files.sha256(SCORES) != before and files.sha256(workbook) != listed
    (put_back,) = commands("Roll back a publication")
    typed(re.sub(r"2026-11-01\.[0-9a-f]{12}\.parquet", f"{NIGHT}.{before[:12]}.parquet", put_back))
    assert files.sha256(SCORES) == before
    assert called("list", "vip", "--top", "20")["exit_code"] == 0
    findings = called("doctor", code=7)["findings"]
    assert [f["name"] for f in findings if f["needed"] and not f["fine"]] == ["outputs"]
    config.write_text(right, encoding="utf-8")
    assert called("nightly")["already_published"]
    assert (files.sha256(SCORES), files.sha256(workbook)) == (before, listed)


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
