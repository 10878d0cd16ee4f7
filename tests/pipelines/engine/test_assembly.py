"""Features chunk after chunk: neither the size of a chunk nor how few are asked for changes a row."""

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.blocks.registry import ACROSS, sharing
from features.build import parts
from pipelines.cli import inspection
from pipelines.engine.assembly import Assembly
from pipelines.engine.chunks import CELLS, Chunk, most_rows
from pipelines.project import Project
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT


@pytest.fixture
def project(own_operator) -> Project:
    return Project.open("configs/operator.yaml", chunk=700)


class Counted(Steps):
    """Steps that remember what they were told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.told: list[tuple[int, int]] = []

    def progress(self, done: int, of: int) -> None:
        self.told.append((done, of))


def test_all_few_and_one_get_the_same_rows(project):
    tables, steps = project.tables(NIGHT), Counted()
    with Assembly(project, tables, [NIGHT], steps) as made:
        everybody = pd.concat(made.snapshots(), ignore_index=True)
        assert set(made.kept) == {"bills", "customers", "subscriptions", "usage"}
    chunks = len(made.chunks())
    assert chunks > 2
    assert steps.told == [(n, chunks) for n in range(1, chunks + 1)] * 2, "each pass over everybody is counted"

    with Assembly(project, tables, [NIGHT], few=True) as few:
        pd.testing.assert_frame_equal(pd.concat(few.snapshots(), ignore_index=True), everybody)
        assert not few.kept
        customer = everybody.customer_id[901]
        one = few.of(customer)
        pd.testing.assert_frame_equal(one, everybody[everybody.customer_id == customer].reset_index(drop=True))

    whole = project.snapshot(tables, project.spine(tables, [NIGHT]))
    pd.testing.assert_frame_equal(everybody, whole)


def test_peers_are_the_same_however_many_features_are_compared_at_once(project, monkeypatch):
    tables = project.tables(NIGHT)
    with Assembly(project, tables, [NIGHT]) as at_once:
        rows = pd.concat(at_once.snapshots(), ignore_index=True)
    monkeypatch.setattr("pipelines.engine.assembly.COMPARED", at_once.total)
    with Assembly(project, tables, [NIGHT]) as one_by_one:
        pd.testing.assert_frame_equal(pd.concat(one_by_one.snapshots(), ignore_index=True), rows)
    compared = [feature for feature in project.features if feature.source == "peers"]
    assert len(at_once.together["peers"]) == 1
    assert len(one_by_one.together["peers"]) == len(compared) > 1


def test_accounts_are_looked_at_by_those_who_share_them_not_by_all_customers(project, monkeypatch):
    """Each look reads all bills: as many looks as there are customers to fill them would cost their square."""
    tables = project.tables(NIGHT)
    sharing_one = int(sharing(tables.tables["customers"]).count().execute())
    assert 0 < sharing_one < tables.tables["customers"].count().execute() / 2
    looks: list[list[str]] = []

    def noted(tables, spine, features, settings):
        looks.append(sorted({f.source for f in features}))
        return parts(tables, spine, features, settings)

    monkeypatch.setattr("pipelines.engine.assembly.parts", noted)
    for members, expected in ((sharing_one, 1), (sharing_one - 1, 2)):
        monkeypatch.setattr("pipelines.engine.assembly.MEMBERS", members)
        with Assembly(project, tables, [NIGHT]) as made:
            assert made.together["household"]
        assert looks.count(sorted(ACROSS)) == expected
        looks.clear()


def test_rows_across_chunks_come_from_all_that_were_kept(project):
    with pytest.raises(RuntimeError, match="the light"), Assembly(project, project.tables(NIGHT), [NIGHT]) as made:
        everybody = pd.concat(made.snapshots(), ignore_index=True)
        some = made.snapshot(Chunk(350, 1_450, step=25))
        expected = everybody.iloc[range(350, 1_450, 25)].reset_index(drop=True)
        pd.testing.assert_frame_equal(some, expected)
        (folder,) = project.workspace.root.glob(".features-*")
        assert list(folder.glob("usage-*.parquet"))
        raise RuntimeError("the light goes out")
    assert not folder.exists()
    left = project.connection.raw_sql("SELECT table_name FROM information_schema.tables").fetchall()
    assert not [name for (name,) in left if name.startswith(("whole_", "near_", "part_", "narrow", "sharing"))]


def test_features_are_written_whole_or_not_at_all(project, tmp_path, monkeypatch):
    path, tables = tmp_path / "wide.parquet", project.tables(NIGHT)
    rows = inspection.written(project, tables, [NIGHT], path, Steps(quiet=True))
    whole = project.snapshot(tables, project.spine(tables, [NIGHT]))
    assert rows == len(whole) and pq.read_metadata(path).num_row_groups > 2
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole)

    def torn(self):
        yield whole.head(5)
        raise RuntimeError("the light goes out")

    monkeypatch.setattr(Assembly, "snapshots", torn)
    with pytest.raises(RuntimeError):
        inspection.written(project, tables, [NIGHT], path, Steps(quiet=True))
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole)
    assert [file.name for file in tmp_path.glob("*wide*")] + [file.name for file in tmp_path.glob(".*tmp")] == [
        path.name
    ]


def test_nobody_is_found_who_is_not_there(project):
    for few in (True, False):
        with Assembly(project, project.tables(NIGHT), [NIGHT], few=few) as made:
            assert made.of("nobody").empty


@pytest.mark.parametrize(("columns", "rows"), [(1, 100_000), (300, 100_000), (1_000, 30_000), (2 * CELLS, 1)])
def test_a_wide_catalogue_makes_smaller_chunks(columns, rows):
    assert most_rows(100_000, columns) == rows
