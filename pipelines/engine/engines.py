"""Who makes features and scores: DuckDB in this process, or Spark's executors; both run the same expressions."""

from collections.abc import Iterator, Mapping, Sequence
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
from pipelines.workspace.bundles import Champion
from pipelines.workspace.checkpoints import Pieces
from pipelines.workspace.progress import Steps


class Engine(Protocol):
    """What a night and `features build` ask of an engine."""

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

    def scoring(
        self,
        project: Project,
        tables: Tables,
        as_of: date,
        champions: Mapping[str, Champion],
        pieces: Pieces,
        steps: Steps,
    ) -> ScoringRun:
        """The scores of everybody on a date, in two passes; nothing is computed yet.

        Parameters
        ----------
        project
            Its features, settings and workspace.
        tables
            The canonical tables as of the date.
        as_of
            The date that is scored.
        champions
            The model of each target; a target without one has null scores.
        pieces
            Where finished chunks are kept for a night that was stopped.
        steps
            Shows how far it is.

        Returns
        -------
        ScoringRun
            To be prepared, scored and finished, in this order.
        """
        ...


class DuckDbEngine:
    """The embedded default: chunks of customers, in this process."""

    def features(self, project: Project, tables: Tables, dates: Sequence[date], steps: Steps) -> Iterator[pa.Table]:
        """See `Engine`."""
        schema = wide_schema(project.features)
        with Assembly(project, tables, dates, steps) as assembly:
            for wide in assembly.snapshots():
                yield pa.Table.from_pandas(wide, schema, preserve_index=False)

    def scoring(
        self,
        project: Project,
        tables: Tables,
        as_of: date,
        champions: Mapping[str, Champion],
        pieces: Pieces,
        steps: Steps,
    ) -> ScoringRun:
        """See `Engine`."""
        return ScoringRun(project, tables, as_of, champions, pieces, steps)


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
