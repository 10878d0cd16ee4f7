"""The Delta table reads as what is published, version after version, and nothing of it can fail a publication."""

from datetime import date
from types import SimpleNamespace

import pyarrow as pa
import pytest

from features.errors import HeadwaterError
from pipelines.delivery import delta
from pipelines.flows import examination, nightly
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import publish
from tests.scores_sample import sample_scores

FIRST, SECOND = date(2026, 10, 30), date(2026, 10, 31)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def out(workspace: Workspace, day: date, rows: int) -> None:
    publish(workspace, [sample_scores(rows)], {"run_id": f"{rows}", "as_of": day.isoformat()}, len)


@pytest.fixture
def deltalake():
    return pytest.importorskip("deltalake", reason="no deltalake: pip install 'headwater[delta]'")


def rows(deltalake, workspace: Workspace, version: int | None = None) -> int:
    """As another reader counts them: with its own scan of the files."""
    table = deltalake.DeltaTable(workspace.root / delta.FOLDER, version=version)
    return pa.table(deltalake.QueryBuilder().register("s", table).execute("select customer_id from s")).num_rows


@pytest.mark.slow
def test_each_version_is_what_was_published_then(workspace, deltalake):
    out(workspace, FIRST, 50)
    assert delta.follow(workspace) == 0
    out(workspace, SECOND, 60)
    assert delta.follow(workspace) == 1 == delta.follow(workspace), "nothing new is no version"
    out(workspace, FIRST, 40)
    assert delta.follow(workspace) == 2
    assert [rows(deltalake, workspace, version) for version in range(3)] == [50, 110, 100]
    assert delta.difference(workspace) == ""


@pytest.mark.slow
def test_the_files_are_the_very_same_and_the_log_names_nobody(workspace, deltalake):
    out(workspace, FIRST, 50)
    delta.follow(workspace)
    (link,) = (workspace.root / "delta").glob("*.parquet")
    assert link.samefile(workspace.score_file(FIRST))
    ids = sample_scores(50)["customer_id"].to_pylist()
    logs = [path.read_text() for path in (workspace.root / "delta" / "_delta_log").glob("*.json")]
    assert logs and not any(customer in log for customer in ids for log in logs)


@pytest.mark.slow
def test_a_publication_whose_commit_was_lost_is_found_and_made_up_for(workspace, deltalake):
    out(workspace, FIRST, 50)
    delta.follow(workspace)
    out(workspace, SECOND, 60)
    assert delta.difference(workspace) == "2026-10-31"
    out(workspace, FIRST, 40)
    assert delta.difference(workspace).startswith("2026-10-30")
    (fault,) = examination._delta(workspace)
    fault.mend(workspace)
    assert delta.follow(workspace) == 1 and rows(deltalake, workspace) == 100


@pytest.mark.slow
def test_it_can_be_made_again_from_what_is_published(workspace, deltalake):
    out(workspace, FIRST, 50)
    delta.follow(workspace)
    for log in (workspace.root / "delta" / "_delta_log").iterdir():
        log.write_text("{}")
    (fault,) = examination._delta(workspace)
    fault.mend(workspace)
    assert rows(deltalake, workspace) == 50 and list(examination._delta(workspace)) == []
    assert delta.rebuild(workspace) == 0 and rows(deltalake, workspace) == 50


@pytest.mark.slow
def test_what_is_collected_or_erased_is_in_no_link(workspace, deltalake):
    for day, number in ((FIRST, 50), (SECOND, 60)):
        out(workspace, day, number)
    delta.follow(workspace)
    workspace.score_file(FIRST).unlink()
    delta.follow(workspace)
    assert [path.name[:10] for path in (workspace.root / "delta").glob("*.parquet")] == ["2026-10-31"]
    assert rows(deltalake, workspace) == 60


@pytest.mark.slow
def test_a_column_that_is_new_is_null_in_what_was_published_before(workspace, deltalake, monkeypatch):
    whole = delta.SCHEMA
    monkeypatch.setattr(delta, "SCHEMA", pa.schema([field for field in whole if field.name != "vip_early"]))
    out(workspace, FIRST, 50)
    delta.follow(workspace)
    monkeypatch.setattr(delta, "SCHEMA", whole)
    out(workspace, SECOND, 60)
    delta.follow(workspace)
    table = deltalake.DeltaTable(workspace.root / "delta")
    assert "vip_early" in [field.name for field in table.schema().fields] and rows(deltalake, workspace) == 110


def test_nothing_of_it_fails_a_night_that_is_out(workspace, monkeypatch):
    told = []
    settings = SimpleNamespace(delta=True)
    night = SimpleNamespace(workspace=workspace, project=SimpleNamespace(settings=settings), warn=told.append)
    monkeypatch.setattr(delta, "follow", lambda _: (_ for _ in ()).throw(RuntimeError("of another library")))
    nightly._follow_with_delta(night)
    assert [problem.code for problem in told] == ["W347"]
    settings.delta = False
    nightly._follow_with_delta(night)
    assert len(told) == 1


def test_without_the_extra_it_is_said_what_to_install(workspace, monkeypatch):
    monkeypatch.setattr(delta, "is_installed", lambda: False)
    with pytest.raises(HeadwaterError, match="E722"):
        delta.follow(workspace)
    assert delta.difference(workspace) == "" and not (workspace.root / "delta").exists()
