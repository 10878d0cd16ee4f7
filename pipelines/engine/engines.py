"""Who makes features and scores: DuckDB in this process, or Spark's executors; both run the same expressions."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

import pyarrow as pa

from features.definition import Feature
from features.values import NUMBER, TEXT, kind
from pipelines.config.settings import Settings
from pipelines.engine.assembly import Assembly
from pipelines.engine.scoring_run import ScoringRun
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace.progress import Steps


class Engine(Protocol):
    """What a night and `features build` ask of an engine.

    Attributes
    ----------
    scoring
        Scores everybody on a date, in two passes; made for each night.
    """

    scoring: type[ScoringRun]

    def features(self, project: Project, tables: Tables, dates: Sequence[date], steps: Steps) -> Iterator[pa.Table]:
        """Every feature of the population of some dates, ordered by customer and date, some rows at a time.

        The types are those of `wide_schema`, or such as cast to them.

        Parameters
        ----------
        project
            Its features, population and workspace.
        tables
            The canonical tables of the latest date.
        dates
            As-of dates.
        steps
            Shows how far it is.

        Returns
        -------
        Iterator[pyarrow.Table]
            Columns of `wide_schema`, in its types or such as cast to them.
        """
        ...


class DuckDbEngine:
    """The embedded default: chunks of customers, in this process."""

    scoring: type[ScoringRun] = ScoringRun

    def features(self, project: Project, tables: Tables, dates: Sequence[date], steps: Steps) -> Iterator[pa.Table]:
        """See `Engine`."""
        schema = wide_schema(project.features)
        with Assembly(project, tables, dates, steps) as assembly:
            for wide in assembly.snapshots():
                yield pa.Table.from_pandas(wide, schema, preserve_index=False)


def engine(settings: Settings) -> Engine:
    """The engine of a configuration; Spark's modules are imported only where it is asked for.

    Raises HeadwaterError E713 (exit 7) where Spark cannot run on this machine, before any work.
    """
    if settings.engine == "duckdb":
        return DuckDbEngine()
    from pipelines.engine import spark

    spark.require_spark()
    from pipelines.engine.spark_scoring import SparkEngine

    return SparkEngine()


def wide_schema(features: Sequence[Feature]) -> pa.Schema:
    """The types of a table of features, whether or not some of its rows have a value in every column."""
    types = {NUMBER: pa.float64(), TEXT: pa.string()}
    columns = [pa.field(f.column, types[kind(f)]) for f in features]
    return pa.schema([pa.field("customer_id", pa.string()), pa.field("as_of", pa.date32()), *columns])
