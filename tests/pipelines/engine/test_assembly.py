"""Features chunk after chunk: neither the size of a chunk nor how few are asked for changes a row."""

import contextlib
import shutil
from collections import OrderedDict

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.blocks.household import sharing
from features.blocks.registry import ACCOUNTS
from features.build import join, parts
from features.definition import KEY, ROW
from features.spine import population
from pipelines.engine.assembly import Assembly
from pipelines.engine.chunks import Chunk
from pipelines.engine.engines import DuckDbEngine, wide_schema
from pipelines.project import Project
from pipelines.workspace.files import write_parquet
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT


@pytest.fixture
def project(own_operator) -> Project:
    return Project.open("configs/operator.yaml", chunk=700)


@pytest.fixture(scope="module")
def expected(operator, tmp_path_factory) -> pd.DataFrame:
    """Every feature of everybody, made the plain way, once for all of these tests."""
    folder = tmp_path_factory.mktemp("plain") / "operator"
    shutil.copytree(operator, folder, symlinks=True)
    with contextlib.chdir(folder):
        return at_once(Project.open("configs/operator.yaml"))


def at_once(project: Project) -> pd.DataFrame:
    """The plain way: every block of everybody, joined in one statement."""
    con, tables, settings = project.connection, project.tables(NIGHT).tables, project.settings
    rows = population(tables, [NIGHT], project.mapping.timezone, settings.population)
    spine = con.create_table("at_once", rows, temp=True, overwrite=True)
    blocks = {
        name: con.create_table(f"at_once_{name}", rows, temp=True, overwrite=True)
        for name, rows in parts(tables, spine, project.features, settings.features).items()
    }
    wide = join(spine, blocks, project.features, settings.features).order_by(KEY).drop(ROW)
    return wide.to_pyarrow().to_pandas(date_as_object=True)


class Counted(Steps):
    """Steps that remember what they were told."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.told: list[tuple[int, int]] = []

    def progress(self, done: int, of: int) -> None:
        self.told.append((done, of))


def test_all_few_and_one_get_the_same_rows(project, expected):
    tables, steps = project.tables(NIGHT), Counted()
    with Assembly(project, tables, [NIGHT], steps) as made:
        everybody = pd.concat(made.snapshots(), ignore_index=True)
        assert set(made._block_paths) == {"bills", "customers", "subscriptions", "usage"}
    chunks = len(made.chunks())
    assert chunks > 2
    assert steps.told == [(n, chunks) for n in range(1, chunks + 1)] * 2, "each pass over everybody is counted"

    with Assembly(project, tables, [NIGHT], few=True) as few:
        pd.testing.assert_frame_equal(pd.concat(few.snapshots(), ignore_index=True), everybody)
        assert not few._block_paths
        customer = everybody.customer_id[901]
        one = few.customer_snapshot(customer)
        pd.testing.assert_frame_equal(one, everybody[everybody.customer_id == customer].reset_index(drop=True))

    pd.testing.assert_frame_equal(everybody, expected)


def test_the_next_night_of_a_process_compiles_nothing(project, monkeypatch):
    """Whatever its own schemas are called: compiling is a third of a small night."""
    tables, kept = project.tables(NIGHT), OrderedDict()
    monkeypatch.setattr("pipelines.engine.statements._KEPT", kept)
    counts = []
    for _ in range(2):
        with Assembly(project, tables, [NIGHT]) as assembly:
            assembly.snapshot(assembly.chunks()[0])
        counts.append(len(kept))
    assert counts[0] == counts[1] > 3


def test_peers_are_the_same_however_many_features_are_compared_at_once(project, expected, monkeypatch):
    tables = project.tables(NIGHT)
    with Assembly(project, tables, [NIGHT]) as together:
        assert together._whole_tables["peers"]
    monkeypatch.setattr("pipelines.engine.assembly.COMPARED", together.total)
    with Assembly(project, tables, [NIGHT]) as one_by_one:
        pd.testing.assert_frame_equal(pd.concat(one_by_one.snapshots(), ignore_index=True), expected)
    compared = [feature for feature in project.features if feature.source == "peers"]
    assert len(together._whole_tables["peers"]) == 1
    assert len(one_by_one._whole_tables["peers"]) == len(compared) > 1


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
            assert made._whole_tables["household"]
        assert looks.count(sorted(ACCOUNTS)) == expected
        looks.clear()


def test_rows_across_chunks_come_from_all_that_were_kept(project, expected):
    with pytest.raises(RuntimeError, match="the light"), Assembly(project, project.tables(NIGHT), [NIGHT]) as made:
        next(made.snapshots())
        some = made.snapshot(Chunk(350, 1_450, step=25))
        pd.testing.assert_frame_equal(some, expected.iloc[range(350, 1_450, 25)].reset_index(drop=True))
        (folder,) = project.workspace.root.glob(".features-*")
        assert list(folder.glob("usage-*.parquet"))
        raise RuntimeError("the light goes out")
    assert not folder.exists()
    left = project.connection.raw_sql("SELECT schema_name FROM information_schema.schemata").fetchall()
    assert not [name for (name,) in left if name.startswith("work_")]


def test_features_are_written_whole_or_not_at_all(project, expected, tmp_path, monkeypatch):
    path, tables, whole = tmp_path / "wide.parquet", project.tables(NIGHT), expected

    def write() -> int:
        rows = DuckDbEngine().features(project, tables, [NIGHT], Steps(quiet=True))
        return write_parquet(path, rows, wide_schema(project.features))

    rows = write()
    assert rows == len(whole) and pq.read_metadata(path).num_row_groups > 2
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole)

    def torn(self):
        yield whole.head(5)
        raise RuntimeError("the light goes out")

    monkeypatch.setattr(Assembly, "snapshots", torn)
    with pytest.raises(RuntimeError):
        write()
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole)
    assert [file.name for file in tmp_path.glob("*wide*")] + [file.name for file in tmp_path.glob(".*tmp")] == [
        path.name
    ]


def test_nobody_is_found_who_is_not_there(project):
    for few in (True, False):
        with Assembly(project, project.tables(NIGHT), [NIGHT], few=few) as made:
            assert made.customer_snapshot("nobody").empty


@pytest.mark.slow
def test_two_may_work_side_by_side(project):
    """Each has tables of its own: neither sees, or takes away, what the other has made."""
    tables, earlier = project.tables(NIGHT), NIGHT.replace(month=10)
    with Assembly(project, tables, [NIGHT]) as one, Assembly(project, tables, [earlier]) as other:
        mixed = [(one.snapshot(a), other.snapshot(b)) for a, b in zip(one.chunks(), other.chunks(), strict=False)]
    for dates, parts_ in (([NIGHT], [a for a, _ in mixed]), ([earlier], [b for _, b in mixed])):
        with Assembly(project, tables, dates) as alone:
            expected = [alone.snapshot(chunk) for chunk in alone.chunks()[: len(mixed)]]
        pd.testing.assert_frame_equal(pd.concat(parts_), pd.concat(expected))
