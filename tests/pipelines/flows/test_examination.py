"""Every file of a workspace, damaged in every way: it is found, nothing aborts, and there is a way out that is named."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.cli.app import app
from pipelines.flows import examination
from pipelines.workspace import lock
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT

DAY = NIGHT.isoformat()
WORKSPACE = Path("workspace/operator")


def missing(path: Path) -> None:
    path.unlink()


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def altered(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))


def garbage(path: Path) -> None:
    path.write_bytes(b"\x00\xff\x13 nobody's \n" * 40)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


FILES: dict[str, tuple[str, str, tuple[Callable[[Path], None], ...]]] = {
    "score file": (f"scores/{DAY}.parquet", "scores", (truncated, altered, folder)),
    "link": ("latest.parquet", "latest", (missing, folder)),
    "pointer": ("models/CURRENT", "champions", (missing, garbage, folder)),
    "manifest": ("models/gen/*/manifest.json", "champions", (missing, altered)),
    "champion": ("models/gen/*/vip/bundle.json", "champions", (missing, altered, folder)),
    "evaluation": ("models/evaluations/vip-1.json", "evaluations", (garbage,)),
    "final rows": ("models/evaluations/vip-1.parquet", "evaluations", (truncated,)),
    "tracking store": ("mlflow.db", "tracking", (missing, garbage, folder)),
    "stored table": ("tables/*/bills/*.parquet", "tables", (altered,)),
    "manifest of tables": ("tables/*/manifest.json", "tables", (garbage,)),
    "pointer of tables": ("tables/CURRENT", "tables", (missing,)),
    "history": ("history/customers.json", "history", (garbage,)),
    "found": ("found.json", "found", (garbage, folder)),
    "hashes": ("raw_hashes.json", "memories", (garbage,)),
    "record": ("runs/*/record.json", "journal", (garbage,)),
    "export log": ("exports.jsonl", "exports", (garbage, folder)),
    "lock": (".lock", "lock", (folder,)),
    "list": (f"lists/vip-{DAY}.xlsx", "outputs", (missing, truncated)),
    "report": (f"reports/{DAY}.html", "outputs", (truncated,)),
    "frozen list": (f"lists/frozen/churn-{DAY}-*.parquet", "frozen", (altered, truncated)),
}
"""What is damaged: where it lies, the kind under which it is found, and how."""
PERSON: dict[str, Callable[[Path], None]] = {
    "history": lambda _: shutil.rmtree(WORKSPACE / "history"),
    "frozen list": lambda path: path.unlink(),
}
"""What nobody else knows: only a backup brings it back, or a person's word that it is gone."""


CASES = [pytest.param(name, harm, id=f"{name}-{harm.__name__}") for name in FILES for harm in FILES[name][2]]


def called(*words: str) -> tuple[int, dict]:
    """Exit code and document of a command; never a fault of ours, whatever is damaged."""
    done = CliRunner().invoke(app, [*words, "--json", "-q", "--lang", "en"])
    assert done.stdout.startswith("{"), (words, done.output, done.exception)
    assert done.exit_code != 1, (words, done.output)
    return done.exit_code, json.loads(done.stdout)


def unhealthy() -> dict[str, dict]:
    """What the doctor does not like of the workspace."""
    _, told = called("doctor")
    kinds = {finding["name"]: finding for finding in told["findings"] if finding["name"] in examination.CHECKS}
    assert set(kinds) == set(examination.CHECKS)
    return {name: finding for name, finding in kinds.items() if not finding["fine"]}


@pytest.mark.parametrize(("name", "harm"), CASES)
def test_every_damage_is_found_and_has_its_way_out(own_operator, name, harm):
    before = ScoreFile(WORKSPACE / "scores" / f"{DAY}.parquet").meta["rows_sha256"]
    pattern, kind, _ = FILES[name]
    current = (WORKSPACE / "models" / "CURRENT").read_text().strip()
    path = next(iter(sorted(WORKSPACE.glob(pattern.replace("gen/*", f"gen/{current}")))))
    harm(path)
    ill = unhealthy()
    assert kind in ill, (name, ill)
    for words in (["list", "vip"], ["runs", "list"], ["nightly", "--as-of", DAY]):
        called(*words)  # whatever its exit code: no fault of ours, and nothing is torn
    called("doctor", "--repair")
    if name in PERSON:
        assert kind in unhealthy()
        PERSON[name](path)  # what its message says
    for finding in unhealthy().values():
        if "headwater nightly" in finding["fix"]:
            continue  # the night below
        assert finding["name"] not in (kind,), finding
    code, told = called("nightly", "--as-of", DAY)
    assert code == 0, told
    assert unhealthy() == {}
    assert ScoreFile(WORKSPACE / "scores" / f"{DAY}.parquet").meta["rows_sha256"] == before
    assert called("list", "vip")[0] == 0


def test_numbers_of_versions_are_never_given_twice(own_operator):
    """Store and evaluation of a version are lost together, in either order of repair."""
    (WORKSPACE / "mlflow.db").unlink()
    garbage(WORKSPACE / "models" / "evaluations" / "vip-1.json")
    called("doctor", "--repair")
    assert unhealthy() == {}
    from pipelines.tracking import registry

    space = Workspace.open(Path("workspace"), "operator")
    assert registry.store_state(space.tracking).highest["vip"] >= 1


def test_what_another_run_works_on_is_left_alone(own_operator):
    (WORKSPACE / "scores" / ".x.tmp").write_bytes(b"half")
    with lock.exclusive(Workspace.open(Path("workspace"), "operator"), "nightly"):
        (WORKSPACE / "scores" / ".y.tmp").write_bytes(b"half")
        assert "leftovers" not in unhealthy()
        garbage(next(WORKSPACE.glob("runs/*/record.json")))
        assert called("doctor", "--repair")[0] == 6
    assert unhealthy().keys() == {"leftovers", "journal"}


def space(folder: Path) -> Workspace:
    return Workspace.open(folder, "small")


def kinds(workspace: Workspace) -> set[str]:
    return {fault.kind for fault in examination.examine(workspace)}


def published(workspace: Workspace, day: str) -> Path:
    path = workspace.scores / f"{day}.parquet"
    pq.write_table(pa.table({"customer_id": ["a"]}), path)
    return path


def test_a_new_workspace_is_healthy(tmp_path):
    assert examination.examine(space(tmp_path)) == []


def test_a_copy_without_links_and_what_does_not_belong_there(tmp_path):
    """`cp -rL` makes a file of the link: every command used to end in a traceback."""
    workspace = space(tmp_path)
    path = published(workspace, "2026-10-01")
    shutil.copyfile(path, workspace.latest)
    (workspace.scores / "notes.txt").write_text("mine")
    (workspace.scores / "aaaa-bb-cc.parquet").write_text("?")
    assert workspace.serving_date() == date(2026, 10, 1)
    assert workspace.published_dates() == [date(2026, 10, 1)]
    assert {"latest", "scores"} <= kinds(workspace)
    examination.repair(workspace)
    assert workspace.latest.is_symlink() and workspace.latest.resolve() == path.resolve()
    assert sorted(p.name for p in (workspace.root / "damaged").iterdir()) == [
        "scores__aaaa-bb-cc.parquet",
        "scores__notes.txt",
    ]


def test_lines_of_the_export_log_that_are_whole_stay(tmp_path):
    workspace = space(tmp_path)
    log = workspace.root / "exports.jsonl"
    log.write_bytes(b'{"list": 1}\n{"list": \n\xff\xfe\n{"list": 2}\n')
    assert kinds(workspace) == {"exports"}
    examination.repair(workspace)
    assert log.read_text() == '{"list": 1}\n{"list": 2}\n'
    assert (workspace.root / "damaged" / "exports.jsonl").read_bytes().count(b"\n") == 4
    assert examination.examine(workspace) == []


def test_what_was_set_aside_before_is_not_written_over(tmp_path):
    workspace = space(tmp_path)
    for content in (b"one", b"two"):
        (workspace.root / "found.json").write_bytes(content)
        examination.repair(workspace)
    assert {p.read_bytes() for p in (workspace.root / "damaged").iterdir()} == {b"one", b"two"}


def test_records_of_calls(tmp_path):
    """An empty one is of a call that was killed before it said what it is."""
    workspace = space(tmp_path)
    workspace.calls.mkdir(exist_ok=True)
    for name, content in (("empty", b""), ("ahead", b"\0" * 100), ("other", b"{}\n"), ("torn", b'{"started": "20')):
        (workspace.calls / f"{name}.jsonl").write_bytes(content)
    assert [fault.path.stem for fault in examination.examine(workspace)] == ["other", "torn"]
    examination.repair(workspace)
    assert examination.examine(workspace) == []


def test_a_check_that_fails_stops_no_other(tmp_path, monkeypatch):
    def broken(_: Workspace):
        raise RuntimeError("nobody has thought of this")

    monkeypatch.setitem(examination.CHECKS, "lock", broken)
    workspace = space(tmp_path)
    (workspace.root / "found.json").write_text("{")
    assert kinds(workspace) == {"lock", "found"}
