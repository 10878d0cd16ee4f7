"""Features of a population on Spark: the expressions that DuckDB runs, each block kept as Parquet."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame

from features.blocks.permissions import facts
from features.blocks.usage import USAGE_LOOKBACK
from features.build import join, parts
from features.definition import KEY, ROW, Feature
from features.spine import population
from models.targets import vip
from models.targets.vip import HighValue
from pipelines.engine.spark_ibis import SparkBackend
from pipelines.ingest.tables import Tables
from pipelines.project import Project


class SparkAssembly:
    """What is known of the population of some dates; `everybody` is its numbered spine, `total` its size, `features` are those
    that are made: the whole catalogue, or what is asked for with all that it reads.

    Every block of features is computed and kept by itself, and joined to the others afterwards: one plan for the whole
    catalogue would take the driver longer to make than the executors to run.
    """

    def __init__(
        self,
        con: SparkBackend,
        project: Project,
        tables: Tables,
        dates: Sequence[date],
        features: Sequence[Feature] | None = None,
    ):
        self.con, self.project = con, project
        self.features = tuple(project.features if features is None else features)
        since = {"usage": min(dates) - timedelta(days=USAGE_LOOKBACK)}
        self.tables = {
            name: tables.view(con, name, tables.since(name, since[name]) if name in since else found)
            for name, found in tables.parts.items()
        }
        spine = population(self.tables, dates, project.mapping.timezone, project.settings.population).drop(ROW)
        self.everybody = con.create_numbered_table("everybody", spine, KEY, ROW)
        self.total = con.to_pyarrow(self.everybody.count()).as_py()

    @cached_property
    def wide(self) -> ir.Table:
        """The features of everybody; rows in any order, without their number."""
        settings = self.project.settings.features
        blocks = {
            block: self.con.create_table(f"part_{block}", rows)
            for block, rows in parts(self.tables, self.everybody, self.features, settings).items()
        }
        return join(self.everybody, blocks, self.features, settings).drop(ROW)

    def ordered_features(self) -> Iterator[pa.Table]:
        """Every feature of everybody, ordered by customer and date, some rows at a time."""
        for path in files(self.con.materialize("features", self.con.frame(self.wide).orderBy(*KEY))):
            yield from (pa.Table.from_batches([batch]) for batch in pq.ParquetFile(path).iter_batches())

    def scoring_inputs(self, high_value: HighValue) -> DataFrame:
        """Features, facts, worth and `vip_early` of everybody with their `row`, kept on disk in any order."""
        known = facts(self.tables, self.everybody, self.project.settings.contact.purpose)
        settings = self.project.settings.features
        worth = self.con.create_table("worth", vip.high_value(self.everybody, self.tables, high_value, settings))
        early = vip.early(self.everybody, self.tables, worth, settings)
        frame = self.con.frame(self.everybody.select(*KEY, ROW))
        for rows in (self.wide, known, worth, early):
            frame = frame.join(self.con.frame(rows), KEY, "left")
        return self.con.materialize("seen", frame)


def files(frame: DataFrame) -> list[Path]:
    """The files of a stored frame, in its order."""
    return sorted(Path(url.removeprefix("file:")) for url in frame.inputFiles())
