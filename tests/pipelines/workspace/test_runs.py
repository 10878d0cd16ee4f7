"""What became of a run, and whether what it left is whole: records, single bits, workbooks that people saved."""

import json
import random
import shutil
import zipfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from models.scores.score_table import rows_sha256
from pipelines.workspace import files, journal, runs
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish
from pipelines.workspace.score_files import ScoreFile

DAY = date(2026, 10, 31)
ROWS = pa.table(
    {
        "customer_id": [f"C{n:05d}" for n in range(60)],
        "tier": pa.array(["gold", "basic"] * 30).dictionary_encode(),
        "score": [n / 60 for n in range(60)],
    }
)
PARTS = {"as_of": "2026-10-31", "inputs": "1a2b", "code_version": "3c4d", "config_sha256": "5e6f"}
MODELS = {"churn": {"version": "churn/1", "sha256": "77"}}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def run_id() -> str:
    models = {name: model["sha256"] for name, model in MODELS.items()}
    return journal.run_id(as_of=DAY, inputs="1a2b", code="3c4d", config="5e6f", models=models)


def out(workspace: Workspace, *, recorded: bool = True, **facts: str) -> Path:
    """Publish as a night does."""
    meta = PARTS | facts | {"run_id": run_id(), "models": json.dumps(MODELS), "rows_sha256": rows_sha256(ROWS)}
    meta |= {"high_value": json.dumps({"amount": 120.0})}

    def record(sha256: str) -> None:
        Journal.open(workspace, run_id()).record(outcome=runs.PUBLISHING, as_of=DAY, sha256=sha256)

    return publish(workspace, [ROWS], meta, record if recorded else len)


def read(workspace: Workspace) -> tuple[dict, pa.Table]:
    found = runs.verified_score_file(workspace, DAY)
    return dict(found.meta), found.table()


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def bits(content: bytes, number: int, seed: int) -> list[int]:
    """Some anywhere, as many again in the footer."""
    draw, size = random.Random(seed), len(content) * 8
    footer = int.from_bytes(content[-8:-4], "little") * 8 + 64
    return [draw.randrange(size) for _ in range(number)] + [size - 1 - draw.randrange(footer) for _ in range(number)]


def test_no_flipped_bit_of_a_recorded_file_passes(workspace):
    path = out(workspace)
    content = path.read_bytes()
    for bit in bits(content, 300, seed=1):
        path.write_bytes(flipped(content, bit))
        with pytest.raises(HeadwaterError, match="E340") as error:
            runs.verified_score_file(workspace, DAY)
        assert error.value.problem.values["as_of"] == "2026-10-31"
    path.write_bytes(content)
    assert read(workspace)[1].equals(ROWS)


@pytest.mark.parametrize("recorded", [True, False])
def test_a_file_that_was_cut_is_damaged_wherever_the_cut_is(workspace, recorded):
    path = out(workspace, recorded=recorded)
    content = path.read_bytes()
    for hundredth in range(100):
        path.write_bytes(content[: len(content) * hundredth // 100])
        with pytest.raises(HeadwaterError, match="E340"):
            runs.verified_score_file(workspace, DAY)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(("version", "code"), [("1.7", None), ("2.0", "E343"), ("10.0", "E343"), ("soon", "E340")])
def test_what_a_newer_version_wrote_is_not_read_as_ours(workspace, version, code, recorded):
    out(workspace, recorded=recorded, schema_version=version)
    if code is None:
        assert read(workspace)[1].num_rows == 60
        return
    with pytest.raises(HeadwaterError, match=code):
        read(workspace)


def test_without_a_record_a_file_must_agree_with_itself(workspace):
    """Whatever passes has the same rows, and comes from the same run."""
    path = out(workspace, recorded=False)
    content, (meta, _) = path.read_bytes(), read(workspace)
    passed = 0
    for bit in bits(content, 300, seed=2):
        path.write_bytes(flipped(content, bit))
        try:
            found, rows = read(workspace)
        except HeadwaterError as error:
            assert error.problem.code == "E340"
            continue
        passed += 1
        assert rows_sha256(rows) == rows_sha256(ROWS)
        assert {name: found[name] for name in [*PARTS, "run_id"]} == {name: meta[name] for name in [*PARTS, "run_id"]}
    assert passed < 300


def test_a_bare_reading_of_damage_is_an_error_of_ours(workspace):
    path = out(workspace)
    content = path.read_bytes()
    for bit in bits(content, 300, seed=3):
        path.write_bytes(flipped(content, bit))
        try:
            file = ScoreFile(path)
            file.table(), file.take([3, 59], ["score"]), file.meta["run_id"]
        except HeadwaterError as error:
            assert error.problem.code == "E340"


def test_a_key_that_is_gone_is_damage(workspace):
    meta = {"run_id": "a", "as_of": "2026-10-31"}
    publish(workspace, [ROWS], meta, len)
    with pytest.raises(HeadwaterError, match="E340") as error:
        ScoreFile(workspace.score_file(DAY)).meta["models"]
    assert error.value.problem.values["detail"] == "headwater.models"


def test_trouble_with_the_disk_is_not_damage(workspace, monkeypatch):
    path = out(workspace)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(PermissionError):
        ScoreFile(path)


def test_a_run_that_was_killed_is_told_by_its_score_file(workspace):
    Journal.open(workspace, run_id()).record(outcome=runs.PUBLISHING, as_of=DAY, sha256="0")
    assert outcomes(workspace) == [runs.STOPPED]
    out(workspace)
    assert outcomes(workspace) == [runs.UNFINISHED]
    Journal.open(workspace, run_id()).add(outcome=runs.SCORED)
    assert outcomes(workspace) == [runs.SCORED]
    shutil.rmtree(workspace.scores)
    assert outcomes(workspace) == [runs.SCORED]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"outcome": "publishinh"}', '{"sha256": "\\ud800"}'])
def test_a_record_that_cannot_be_read_is_told(workspace, content):
    journal.Journal.open(workspace, "abc")
    (workspace.runs / "abc" / "record.json").write_text(content)
    assert outcomes(workspace) == [runs.UNREADABLE]


def test_a_record_that_cannot_be_read_does_not_stop_who_reads_the_scores(workspace):
    path = out(workspace)
    (workspace.runs / run_id() / "record.json").write_bytes(b"\xff\xfe{")
    assert read(workspace)[1].equals(ROWS)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(HeadwaterError, match="E340"):
        runs.verified_score_file(workspace, DAY)


def outcomes(workspace: Workspace) -> list[str]:
    return [runs.outcome(workspace, record) for record in journal.history(workspace)]


def book(path: Path, content: str) -> str:
    """A workbook in which something is written; its sha256."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("xl/worksheets/sheet4.xml", content)
    return files.sha256(path)


def test_a_workbook_that_somebody_saved_is_whole(tmp_path):
    path = tmp_path / "vip.xlsx"
    recorded = book(path, "run_id abc123")
    assert runs.is_output_intact(path, "abc123", recorded)
    book(path, "run_id abc123, called on Monday")
    assert runs.is_output_intact(path, "abc123", recorded) and runs.is_output_intact(path, "abc123", None)
    book(path, "the sheet about the run was deleted")
    assert runs.is_output_intact(path, "abc123", recorded)
    assert not runs.is_output_intact(path, "abc123", None), "it may be of another run"


def test_a_damaged_or_missing_output_is_not_whole(tmp_path):
    workbook, page = tmp_path / "vip.xlsx", tmp_path / "report.html"
    recorded = book(workbook, "run_id abc123 " * 200)
    content = workbook.read_bytes()
    workbook.write_bytes(content[:-30])
    assert not runs.is_output_intact(workbook, "abc123", recorded)
    workbook.write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    assert not runs.is_output_intact(workbook, "abc123", recorded)
    page.write_text("<html>abc123 <p>half a sen")
    assert not runs.is_output_intact(page, "abc123", "0")
    page.write_text("<html>abc123</html>\n")
    assert runs.is_output_intact(page, "abc123", None) and not runs.is_output_intact(page, "another", None)
    page.unlink()
    assert not runs.is_output_intact(page, "abc123", "0")
