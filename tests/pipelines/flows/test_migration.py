"""A workspace as version 0.1.0 left it is read, told from damage, and made one of this version."""

import random
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.flows import migration, nightly
from pipelines.workspace import journal, publication, runs
from pipelines.workspace.files import sha256
from pipelines.workspace.paths import Workspace

LEFT = Path(__file__).parent / "workspace_of_0_1_0"
"""Twelve rows and a record as version 0.1.0 wrote them, by its own code."""
DAY = date(2026, 11, 1)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    shutil.copytree(LEFT, tmp_path / "operator")
    return Workspace.open(tmp_path, "operator")


@pytest.fixture
def project(workspace, monkeypatch) -> SimpleNamespace:
    """One whose champion was trained by another version."""
    old = SimpleNamespace(
        version="churn/1",
        target="churn",
        model=SimpleNamespace(facts_={"feature_set_hash": "fe2037e279bcb7f1", "identity": 0}),
    )
    monkeypatch.setattr(migration.bundles, "champions", lambda workspace: {"churn": old})
    return SimpleNamespace(workspace=workspace, feature_set_hash="871d44ee965a75f2")


def test_what_was_published_then_is_read(workspace):
    scores = publication.read_publication(workspace, DAY).scores
    assert scores.num_rows == 12 and "vip_early" not in scores.column_names
    assert [record["run_id"] for record in journal.history(workspace)] == [scores.meta["run_id"]]


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_of_then_is_damage_all_the_same(workspace, seed):
    path, draw = workspace.score_file(DAY), random.Random(seed)
    content = bytearray(path.read_bytes())
    rows = pq.read_metadata(path).row_group(0)
    end = max(rows.column(n).data_page_offset + rows.column(n).total_compressed_size for n in range(rows.num_columns))
    content[draw.randrange(4, min(end, len(content)))] ^= 1 << draw.randrange(8)
    path.write_bytes(content)
    try:
        found = runs.verified_score_file(workspace, DAY).table()
    except HeadwaterError as error:
        assert error.problem.code == "E340"
    else:  # in the head of a page, of which nothing is read
        assert found.equals(pq.read_table(LEFT / "scores" / path.name))


def test_another_value_under_the_same_names_is_damage(workspace):
    """Written again as a whole file, so that no page's checksum tells."""
    path = workspace.score_file(DAY)
    table = pq.read_table(path)
    other = table.set_column(
        table.column_names.index("tenure_months"), "tenure_months", table["tenure_months"].take([1, *range(1, 12)])
    )
    assert not other["tenure_months"].equals(table["tenure_months"])
    pq.write_table(other, path)
    with pytest.raises(HeadwaterError, match="E340"):
        runs.verified_score_file(workspace, DAY)


def test_it_is_made_one_of_this_version_once(project):
    workspace = project.workspace
    (workspace.tables / "dda5ea30efedb02e").mkdir(parents=True)
    (workspace.tables / "dda5ea30efedb02e" / "manifest.json").write_text('{"fingerprint": "dda5ea30efedb02e"}')
    before = sha256(workspace.score_file(DAY))
    found = migration.changes(project)
    assert [change.kind for change in found] == ["scores", "tables", "champions"]
    assert found[-1].make is None and found[-1].problem.code == "W525"
    assert "sha256" not in journal.history(workspace)[0], "looking changes nothing"
    migration.migrate(found)
    record = journal.history(workspace)[0]
    assert record["sha256"] == before == sha256(workspace.score_file(DAY)) and record["outcome"] == "published"
    assert not list(workspace.tables.iterdir())
    assert [change.kind for change in migration.changes(project)] == ["champions"], "only a training makes these"


def test_damage_is_not_written_down_as_whole(project):
    path = project.workspace.score_file(DAY)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(HeadwaterError, match="E340"):
        migration.changes(project)


def test_a_date_of_another_release_is_not_made_anew_in_silence(workspace):
    told = []
    night = SimpleNamespace(workspace=workspace, as_of=DAY, already_published=False, warn=told.append)
    nightly._tell_release(night)
    assert [problem.code for problem in told] == ["W346"] and told[0].values["release"] == "976a86251f42"
