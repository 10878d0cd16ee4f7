"""The parts that are measured: `python -m benchmarks.parts OUT PART STORE` in the folder of the project.

Each function imports and opens what its work needs, outside the measurement, and returns the work. STORE is the folder
of the canonical tables; what they hold stands in place of what the project's own raw files give.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import measure
from benchmarks.asked import CONFIG, NIGHT, RAW_TILED, WAYS, asked, kept, subset
from benchmarks.explaining import reasons_fast, reasons_own, same_reasons
from benchmarks.measure import Work

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.project import Project


def _opened(folder: Path) -> "Project":
    """The project with the tables of a store in place."""
    import pipelines.engine.assembly  # noqa: F401  # imported by the first build otherwise
    from benchmarks.tiles import placed, stored
    from pipelines.project import Project

    project = Project.open(CONFIG)
    placed(project, stored(project, folder))
    return project


def scan(folder: Path) -> Work:
    """Read every value that the catalogue reads, with the threads of the project, and keep nothing."""
    import duckdb

    what = asked(folder)
    con = duckdb.connect(config={"threads": what.threads})
    needed = what.needed or {}

    def work() -> dict[str, Any]:
        for name, columns in needed.items():
            read = ", ".join(f"bit_xor(hash({column}))" for column in columns)  # cannot be told from statistics
            con.execute(f"SELECT {read} FROM read_parquet({what.recent(name)})").fetchall()
        return {"columns": sum(map(len, needed.values()))}

    return work


def _built(project: "Project", dates: list[date]) -> "Iterator[pd.DataFrame]":
    """The features of some dates as a night makes them, one chunk of customers after the other."""
    from pipelines.engine.assembly import Assembly

    with Assembly(project, project.tables(NIGHT), dates) as assembly:
        yield from assembly.snapshots()


def _shape(chunks: "Iterator[pd.DataFrame]") -> dict[str, Any]:
    """No chunk is held beside another."""
    rows = columns = 0
    for chunk in chunks:
        rows, columns = rows + len(chunk), chunk.shape[1]
    return {"rows": rows, "columns": columns}


def night_features(folder: Path) -> Work:
    """The whole catalogue for one date."""

    project = _opened(folder)
    return lambda: _shape(_built(project, [NIGHT]))


def _months(count: int) -> list[date]:
    """The newest firsts of months, the night itself last."""

    places = [NIGHT.year * 12 + NIGHT.month - 1 - ago for ago in range(count)]
    return [date(place // 12, place % 12 + 1, 1) for place in reversed(places)]


def together(folder: Path) -> Work:
    """Twelve monthly snapshots in one build."""
    project = _opened(folder)
    return lambda: _shape(_built(project, _months(12)))


def two_of_twelve(folder: Path) -> Work:
    """Two of the same twelve, each in a build of its own: as many customers on average as all of them."""
    project = _opened(folder)
    return lambda: {"rows": sum(_shape(_built(project, [day]))["rows"] for day in _months(12)[2::7])}


def subset_by_us(folder: Path) -> Work:
    """The subset through the same build as on any night, and no more than the subset; chunks go to one file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    project, wanted = _opened(folder), set(subset(asked(folder).measures))
    project.features = tuple(feature for feature in project.features if feature.column in wanted)

    def work() -> dict[str, Any]:
        out, rows = None, 0
        for chunk in _built(project, [NIGHT]):
            table = pa.Table.from_pandas(chunk, preserve_index=False)
            out = out or pq.ParquetWriter(kept("us", folder), table.schema)
            out.write_table(table)
            rows += len(chunk)
        if out:
            out.close()
        return {"rows": rows}

    return work


def _silent(work: Callable[[], None]) -> Work:
    """Work that has nothing to say of itself."""

    def run() -> dict[str, Any]:
        work()
        return {}

    return run


def subset_by_sql(folder: Path) -> Work:
    """The subset as one SQL statement written by hand."""
    from benchmarks.by_sql import by_sql

    what, out = asked(folder), kept("sql", folder)
    return _silent(lambda: by_sql(what, out))


def subset_by_raw_sql(folder: Path) -> Work:
    """The same from raw files, with mapping, repeats and corrections in the statement."""
    from benchmarks.by_raw_sql import by_raw_sql

    what, out = asked(folder), kept("raw_sql", folder)
    return _silent(lambda: by_raw_sql(what, RAW_TILED, out))


def subset_by_polars(folder: Path) -> Work:
    """The subset with the streaming engine of Polars."""
    import os

    what, out = asked(folder), kept("polars", folder)
    os.environ["POLARS_MAX_THREADS"] = str(what.threads)
    from benchmarks.by_polars import by_polars

    return _silent(lambda: by_polars(what, out))


def subset_by_pandas(folder: Path) -> Work:
    """The subset with pandas."""
    import pyarrow.parquet  # noqa: F401  # imported by the first read otherwise

    from benchmarks.by_pandas import by_pandas

    what = asked(folder)

    def work() -> dict[str, Any]:
        made = by_pandas(what)
        made.to_parquet(kept("pandas", folder))
        return {"rows": len(made)}

    return work


def equality(folder: Path) -> Work:
    """Are the subsets the same numbers? For each rival that ran: how far and how often it is not what we say."""
    import duckdb

    from benchmarks.by_sql import differences

    con, columns, us = duckdb.connect(), subset(asked(folder).measures), kept("us", folder)
    others = {name: kept(name, folder) for name in WAYS if kept(name, folder).is_file()}
    return lambda: {name: differences(con, us, path, columns) for name, path in others.items()}


def night(folder: Path) -> Work:
    """Check, features, three models with reasons, gates, publication, lists and report; the tables are canonical."""
    from benchmarks.tiles import placed
    from pipelines.flows import nightly
    from pipelines.flows.night import Night
    from pipelines.ingest import store
    from pipelines.project import Project
    from pipelines.workspace.progress import Steps

    project = Project.open(CONFIG)
    project.workspace.score_file(NIGHT).unlink(missing_ok=True)  # a night that is out would not be done again

    def work() -> dict[str, Any]:
        placed(project, store.open_tables(project.connection, folder))  # every file is checked, as on any night
        done = nightly.run(Night(project, NIGHT, Steps(quiet=True)))
        assert done.published and done.scoring is not None
        return {"rows": done.scoring.assembly.total, "files": len(done.outputs)}

    return work


def read(folder: Path) -> Work:
    """The base's raw files to canonical tables: what a first night does before everything else."""
    from pipelines.project import Project

    project = Project.open(CONFIG)
    return lambda: {"tables": len(project.tables(NIGHT).counts)}


def simulate(folder: Path) -> Work:
    """Raw files of the base."""
    from benchmarks import operator

    return operator.simulate


def learn(folder: Path) -> Work:
    """Champions for the night, and the trees whose contributions are compared."""
    from benchmarks import learning

    return learning.learn


def tile(folder: Path, *others: str) -> Work:
    """The base's canonical tables many times, and as many times as others say."""
    from benchmarks import operator

    return lambda: operator.tile(folder, others)


def tile_raw(folder: Path) -> Work:
    """The raw files of the subset as many times."""
    from benchmarks import operator

    return lambda: operator.tile_raw(folder)


PARTS: dict[str, Callable[..., Work]] = {
    part.__name__: part
    for part in (
        simulate, read, learn, tile, tile_raw, scan, night_features, together, two_of_twelve, subset_by_us, subset_by_sql,
        subset_by_raw_sql, subset_by_polars, subset_by_pandas, equality, reasons_fast, reasons_own, same_reasons, night,
    )
}  # fmt: skip


def main(out: str, part: str, store: str, *more: str) -> None:
    """Run one part on a store and write what it cost to `out`."""
    measure.write(measure.timed(PARTS[part](Path(store), *more)), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
