"""Somebody is erased from every file, whatever cuts it off; readers never see a file that they refuse."""

import json
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from typer.testing import CliRunner

from features.errors import HeadwaterError
from pipelines.cli.app import app
from pipelines.config.mapping import Mapping, SourceMapping
from pipelines.flows import erasure, examination
from pipelines.wording.formats import masked
from pipelines.workspace import erasures, files, removal, runs
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from pipelines.workspace.traces import found_in
from tests.demo_project import NIGHT
from tests.pipelines.workspace import test_runs
from tests.raw import Raw

WHO, OTHER = "C00012", "C00013"
DAY = date(2026, 11, 2)


@pytest.fixture
def project(tmp_path) -> SimpleNamespace:
    """A workspace with somebody in every place that holds people, and raw files with them."""
    workspace = Workspace.open(tmp_path, "operator")
    test_runs.out(workspace)
    shutil.copy2(workspace.score_file(test_runs.DAY), workspace.archive / "2026-10-31.0123456789ab.parquet")
    rows = pa.table({"customer_id": [WHO, OTHER], "value": ["x", "y"]})
    for place in (
        "extracts/bills-1",
        "quarantine/f",
        "campaigns",
        "runs/r/pieces",
        "tables/f/bills",
        "damaged",
        "delta",
    ):
        (workspace.root / place).mkdir(parents=True)
        pq.write_table(rows, workspace.root / place / "a.parquet")
    (workspace.root / "damaged" / "b.parquet").write_bytes(b"PAR1 cut off")
    (workspace.lists / ".vip.xlsx.1.tmp").write_bytes(b"PK")
    with xlsxwriter.Workbook(workspace.lists / "vip-2026-10-31.xlsx") as book:
        book.add_worksheet().write_column(0, 0, ["customer", WHO, OTHER])
    (workspace.lists / "vip-2026-10-31.csv").write_text(f"customer\r\n{WHO}\r\n{OTHER}\r\n")
    (workspace.reports / "2026-10-01.html").write_text(f"<html>{masked(WHO)}</html>")
    (workspace.root / "exports.jsonl").write_text('{"file": "vip.xlsx"}\n')
    CallRecord.begin(workspace, "list vip", ["list", "vip", "--out", f"{WHO}.xlsx"]).end(0)
    raw = Raw(tmp_path / "raw")
    raw.folder.mkdir()
    raw.rows["bill"].append(["B1", WHO, "202601", "1"])
    raw.write()
    own = {"settings": SimpleNamespace(delta=False), "connection": ibis.duckdb.connect(threads=1)}
    return SimpleNamespace(workspace=workspace, mapping=raw.load(), **own)


def everything_with(workspace: Workspace, who: str) -> list[Path]:
    paths = [path for path in workspace.root.rglob("*") if path.is_file() and path.parent.name != "damaged"]
    return [path for path in paths if found_in(path, {who})]


def erase(project, *ids: str) -> erasure.Receipt:
    return erasure.erase(project, ids, DAY, Steps(quiet=True))


def test_nothing_is_left_and_others_lose_nothing(project):
    workspace = project.workspace
    before = erasure.look(project, [WHO], Steps(quiet=True))
    assert before.raw == [str(workspace.root.parent / "raw" / "bill.csv")] and before.exported == 1
    others = everything_with(workspace, OTHER)
    receipt = erase(project, WHO)
    assert everything_with(workspace, WHO) == [] and receipt.left == []
    gone = ("tables", "pieces", "delta")  # made again by the next reading and the next run
    assert everything_with(workspace, OTHER) == [path for path in others if not set(gone) & set(path.parts)]
    assert runs.verified_score_file(workspace, test_runs.DAY).num_rows == 59
    assert receipt.places(workspace) == before.places(workspace) and "quarantine" in receipt.places(workspace)
    assert not any((workspace.root / "damaged").iterdir()), "nobody can look into what is damaged"
    assert receipt.gone == ["2026-10-01"] and not list(workspace.reports.iterdir())
    kept = erasures.erasures(workspace.root)
    assert kept.until == {kept.digest(WHO): DAY} and not kept.unfinished


def test_looking_changes_nothing(project):
    def state():
        return {path: files.sha256(path) for path in project.workspace.root.rglob("*") if path.is_file()}

    before = state()
    assert len(erasure.look(project, [WHO, OTHER], Steps(quiet=True)).found) > 10
    assert state() == before


class CutOff(BaseException):
    """Stands for the end of the process."""


def cut(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Every replaced file is a moment at which the process may end: before it takes its place, and right after."""
    moments, replacing = [0], files.replacing

    def hit() -> None:
        moments[0] += 1
        if moments[0] == at:
            raise CutOff

    @files.contextmanager
    def counted(path, mode=files.FILE_MODE):
        with replacing(path, mode) as temporary:
            yield temporary
            hit()
        hit()

    for module in (files, removal, erasures):
        monkeypatch.setattr(module, "replacing", counted)


def test_one_that_is_cut_off_anywhere_is_finished_by_the_same_again(project, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    shutil.copytree(project.workspace.root, whole, symlinks=True)
    for at in range(1, 200):
        shutil.rmtree(project.workspace.root)
        shutil.copytree(whole, project.workspace.root, symlinks=True)
        with monkeypatch.context() as patched:
            cut(patched, at)
            try:
                erase(project, WHO)
                break
            except CutOff:
                pass
        assert runs.verified_score_file(project.workspace, test_runs.DAY).num_rows in (59, 60), at
        told = [fault.problem.code for fault in examination._erasures(project.workspace)]
        over = at == 1 or not everything_with(project.workspace, WHO)  # not begun, or nothing was left to do
        assert told == ["W343"] or (told == [] and over), at
        assert erase(project, WHO).left == [] and everything_with(project.workspace, WHO) == [], at
        assert list(examination._erasures(project.workspace)) == []
    assert at > 20


def test_what_cannot_be_taken_out_is_told_and_stays_unfinished(project):
    """A model holds nobody, and is checked by its bytes: it is not rewritten."""
    path = project.workspace.models / "vip.json"
    path.write_text(json.dumps({"who": WHO}))
    with pytest.raises(HeadwaterError) as raised:
        erase(project, WHO)
    assert raised.value.problem.code == "E345" and raised.value.problem.values["names"] == "models/vip.json"
    assert erasures.erasures(project.workspace.root).unfinished
    path.unlink()
    erase(project, WHO)
    assert not erasures.erasures(project.workspace.root).unfinished


def test_half_a_file_in_which_nobody_can_look_is_told(project):
    (project.workspace.archive / "2026-10-30.0.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(HeadwaterError, match="E345"):
        erase(project, WHO)


def test_the_record_of_the_call_names_nobody(own_operator):
    """The whole command, then the next night: nobody is brought back, and readers see whole files all along."""
    root = own_operator / "workspace" / "operator"
    ids = pq.read_table(root / "latest.parquet", columns=["customer_id"])["customer_id"].to_pylist()
    who, other = ids[5], ids[6]
    (own_operator / "ids.txt").write_text(f"{who}\n\n{other}\n")
    asked = ["erase", who, "--file", "ids.txt", "--json"]
    looked = CliRunner().invoke(app, [*asked, "--dry-run"])
    assert json.loads(looked.stdout)["erased"]["people"] == 2 and found_in(root / "latest.parquet", {who})
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert who not in done.stdout and {"history", "scores", "tables"} <= told["erased"]["files"].keys()
    assert any("cust_main.csv" in name for name in told["raw"])
    assert everything_with(Workspace(root), who) == [] and "doctor" not in told
    night = CliRunner().invoke(app, ["nightly", "--as-of", NIGHT.isoformat(), "--json"])
    assert night.exit_code == 0, night.output
    assert everything_with(Workspace(root), who) == []
    assert any("W305" in str(warning) for warning in json.loads(night.stdout)["warnings"])
    assert list(examination.examine(Workspace(root))) == []


@pytest.mark.parametrize("words", [["erase"], ["erase", "--file", "nowhere.txt"], ["erase", " "]])
def test_nobody_is_not_an_id(own_operator, words):
    assert CliRunner().invoke(app, words).exit_code == 2


def test_raw_ids_without_their_zeros_are_told(tmp_path):
    raw = Raw(tmp_path)
    raw.rows["bill"].append(["B1", "123456", "202601", "1"])
    raw.write()
    mapping: Mapping = raw.load()
    assert erasure._raw(mapping, ["00123456"]) == ([str(tmp_path / "bill.csv")], [])
    assert erasure._raw(mapping, ["00123457"]) == ([], [])


def test_a_file_of_contact_details_that_holds_them_is_told(tmp_path):
    raw = Raw(tmp_path)
    (tmp_path / "who.csv").write_text("id,phone\nC77001234,138\n", encoding="utf-8")
    part = {"source": {"path": str(tmp_path / "who.csv")}, "columns": {"customer_id": "id", "phone": "phone"}}
    raw.write()
    mapping = raw.load().model_copy(update={"contact_details": SourceMapping.model_validate(part)})
    assert erasure._raw(mapping, ["C77001234"]) == ([str(tmp_path / "who.csv")], [])
