"""A night's scores with Spark: features and models on the executors, ranks and publication where DuckDB's night has them."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import cloudpickle
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from features.definition import ROW
from models.estimators.bundle import from_files
from models.scores.reasons import usual
from models.scores.score_table import SCHEMA
from pipelines.config.settings import Settings
from pipelines.engine import scoring, spark
from pipelines.engine.assembly import SAMPLE
from pipelines.engine.chunks import Chunk, most_rows
from pipelines.engine.scoring import Scorer
from pipelines.engine.scoring_run import SCORED, ScoringRun, nobody
from pipelines.engine.spark_features import SparkAssembly, files
from pipelines.engine.spark_ibis import without_dictionaries
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace import bundles
from pipelines.workspace.bundles import Champion
from pipelines.workspace.progress import Steps

PLACE = pa.field(ROW, pa.int64())
"""Spark reads files in an order of its own: rows keep their number until they are sorted by it."""


@dataclass(frozen=True)
class ScorerPayload:
    """What goes to the executors.

    Attributes
    ----------
    texts
        Target -> version, sha256 and files of its champion, as the text that they are kept as.
    facts
        The other fields of a `Scorer`.
    schema
        Of the rows that it gives.
    """

    texts: Mapping[str, tuple[str, str, Mapping[str, str]]]
    facts: Mapping[str, Any]
    schema: pa.Schema

    def scorer(self) -> Scorer:
        models = {
            target: Champion(target, version, sha256, from_files(dict(texts)))
            for target, (version, sha256, texts) in self.texts.items()
        }
        return Scorer(champions=models, **self.facts)


class SparkScoringRun(ScoringRun):
    """The same two passes; the first runs on the executors, and its pieces are what each of them wrote.

    An interrupted night begins its first pass anew.
    """

    def _open(self, tables: Tables) -> None:
        project = self.project
        self.chunks = []
        self._spark = ExitStack()
        with self._spark as opening:
            con = opening.enter_context(spark.connection(project.settings.spark, project.workspace.root))
            needed = scoring.features_needed(project.features, self.champions)
            self.assembly: Any = SparkAssembly(con, project, tables, [self.as_of], needed)
            self._spark = opening.pop_all()

    def prepare(self) -> None:
        """Features, facts and the high-value line of everybody, and the usual values of the features."""
        with self._spark as opened:
            if not self.assembly.total:
                raise nobody(self.as_of, self.newest)
            high_value = scoring.targets_of(self.champions, self.project.settings).vip.high_value
            self.everybody = self.assembly.scoring_inputs(high_value)
            self.first = self.sampled = self._sample()
            columns = [*("customer_id", "as_of"), *(f.column for f in self.assembly.features)]
            self.peers = usual(self.first[columns], self.project.features)
            self._spark = opened.pop_all()

    def score(self) -> None:
        """All pieces, in the order of their rows; the executors are not needed any more then."""
        with self._spark:
            schema = _published_schema(self.scorer.score(self.first.drop(columns=ROW)))
            done = self.assembly.con.session.sparkContext.broadcast(self._payload(schema))
            rows = self.everybody.mapInArrow(_partial_scorer(done), from_arrow_schema(schema.append(PLACE)))
            parts = [
                path for path in files(self.assembly.con.materialize("scored", rows.orderBy(ROW))) if _rows_in(path)
            ]
            for number, path in enumerate(parts, start=1):
                table = pq.read_table(path)
                places = table[ROW].to_numpy()
                self.chunks.append(Chunk(int(places[0]), int(places[-1]) + 1))
                scored = table.drop_columns(ROW).cast(schema).replace_schema_metadata(schema.metadata)
                self.pieces.write(SCORED, self.chunks[-1].name, scored)
                self.steps.progress(number, len(parts))

    def _sample(self) -> pd.DataFrame:
        """The rows from which DuckDB's night takes the usual values too."""
        total, project = self.assembly.total, self.project
        step = 1 if total <= most_rows(project.settings.chunk, len(self.assembly.features)) else -(-total // SAMPLE)
        rows = self.everybody.filter(F.col(ROW) % step == 0).orderBy(ROW).toArrow()
        return rows.to_pandas(date_as_object=True)

    def _payload(self, schema: pa.Schema) -> bytes:
        """Pickled by value where a project's own features are not a package that executors could import."""
        if own := self.project.settings.own:
            cloudpickle.register_pickle_by_value(own)
        bare = Settings.model_validate(self.project.settings.model_dump())  # the mapping and modules stay here
        facts = {f.name: getattr(self.scorer, f.name) for f in fields(Scorer) if f.name != "champions"}
        texts = {t: text for t, text in bundles.champion_texts(self.project.workspace).items() if t in self.champions}
        return cloudpickle.dumps(ScorerPayload(texts, facts | {"settings": bare}, schema))


class SparkEngine:
    """For those who outgrow one machine; see `Engine`."""

    scoring: type[ScoringRun] = SparkScoringRun

    def features(self, project: Project, tables: Tables, dates: Sequence[date], steps: Steps) -> Iterator[pa.Table]:
        """See `Engine`; Spark runs until the last is taken."""
        with spark.connection(project.settings.spark, project.workspace.root) as con:
            yield from SparkAssembly(con, project, tables, dates).ordered_features()


def _partial_scorer(shipped: Any) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What an executor does with its rows."""

    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        payload: ScorerPayload = pickle.loads(shipped.value)  # of our own making, from this very night
        scorer = payload.scorer()
        for batch in batches:
            if batch.num_rows:
                seen = pa.Table.from_batches([batch])
                rows = scorer.score(seen.drop_columns(ROW).to_pandas(date_as_object=True))
                yield from without_dictionaries(rows).cast(payload.schema).append_column(PLACE, seen[ROW]).to_batches()

    return score


def _published_schema(scored: pa.Table) -> pa.Schema:
    """The types of scored rows; a column without any value in the sample takes the type that it is published in."""
    published = {field.name: field.type for field in without_dictionaries(SCHEMA.empty_table()).schema}
    plain = without_dictionaries(scored).schema
    fields = [f.with_type(published.get(f.name, pa.string())) if pa.types.is_null(f.type) else f for f in plain]
    return pa.schema(fields, scored.schema.metadata)


def _rows_in(path: Path) -> int:
    return pq.read_metadata(path).num_rows
