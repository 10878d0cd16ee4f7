"""Ibis on Spark, its tables through Arrow: null stays null and NaN stays NaN, decimals and dates keep their types.

Tables that are made from expressions are Parquet in one folder that driver and executors share, and are computed once.
Imported only where Spark is asked for: Ibis cannot even compile for Spark without the package `pyspark`.
"""

from collections.abc import Sequence
from itertools import accumulate, count
from pathlib import Path
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.pyspark import Backend
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

PLACES = 33
"""Spark's increasing ids hold the partition above this many bits, and the place in it below."""


class Doubles(PySparkCompiler):
    """Ibis writes 3.5 for a float64, which Spark takes as DECIMAL: slopes of (3.5 - x) / 17.5 were up to 95 % off."""

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dt.DataType) -> Any:
        written = super().visit_NonNullLiteral(op, value=value, dtype=dtype)
        return self.cast(written, dtype) if dtype.is_floating() else written


class SparkBackend(Backend):
    """A connection like DuckDB's: tables are temporary views, so that nothing is left in a warehouse."""

    compiler = Doubles()
    folder: Path
    """Where tables made from expressions are kept while the connection lasts."""

    @classmethod
    def of(cls, session: SparkSession, folder: Path) -> "SparkBackend":
        cls.register_options()  # the compiler asks for them; only Ibis's own way of connecting sets them
        connection = cls()
        connection.do_connect(session)
        connection.folder, connection._numbers = folder, count()
        return connection

    @property
    def session(self) -> SparkSession:
        return self._session

    def read_parquet(self, path: Any, /, *, table_name: str | None = None, **_: Any) -> ir.Table:
        """One Parquet file or folder, or several of the same columns, as a table."""
        paths = [path] if isinstance(path, str | Path) else path
        return self._create_view(
            self._session.read.parquet(*map(str, paths)), table_name or f"read_{next(self._numbers)}"
        )

    def create_table(self, name: str, /, obj: Any = None, **_: Any) -> ir.Table:
        """An Arrow table, or the rows of an expression, computed now; a table of the same name is replaced."""
        if isinstance(obj, ir.Table):
            return self._create_view(self.materialize(name, self.frame(obj)), name)
        return self._create_view(self._session.createDataFrame(without_dictionaries(obj)), name)

    def drop_table(self, name: str, /, **_: Any) -> None:
        self._session.catalog.dropTempView(name)

    def frame(self, expression: ir.Table) -> DataFrame:
        """The expression as a Spark frame, not yet computed."""
        self._run_pre_execute_hooks(expression)
        return self._session.sql(self.compile(expression))

    def materialize(self, name: str, frame: DataFrame) -> DataFrame:
        """The frame computed and read back. The order of a sorted one is that of its files, not that of reading them."""
        place = str(self.folder / f"{name}-{next(self._numbers)}")
        frame.write.parquet(place)
        return self._session.read.parquet(place)

    def create_numbered_table(self, name: str, rows: ir.Table, key: Sequence[str], number: str) -> ir.Table:
        """A table of the rows with their number, from 0, in the order of the key.

        A window over everybody would bring all rows to one executor; here only the sizes of the partitions travel.

        Parameters
        ----------
        name
            Of the table.
        rows
            What is numbered.
        key
            Columns that tell every row from the others.
        number
            Name of the new column, an int64.

        Returns
        -------
        ibis.Table
            The rows, in any order.
        """
        placed = self.frame(rows).orderBy(*key).withColumn("place", F.monotonically_increasing_id())
        placed = self.materialize(f"{name}_placed", placed)
        shard = F.shiftright("place", PLACES).alias("shard")
        sizes: dict[int, int] = dict(placed.groupBy(shard).count().orderBy("shard").collect())
        starts = pa.table({"shard": [*sizes], "start": [0, *accumulate(sizes.values())][: len(sizes)]}, schema=STARTS)
        known = F.broadcast(self._session.createDataFrame(starts))
        inside = F.col("place").bitwiseAND(F.lit((1 << PLACES) - 1))
        joined = placed.withColumn("shard", F.shiftright("place", PLACES)).join(known, "shard")
        numbered = joined.withColumn(number, inside + F.col("start")).drop("shard", "start", "place")
        return self._create_view(self.materialize(name, numbered), name)

    def to_pyarrow(self, expr: ir.Expr, /, **_: Any) -> pa.Table:
        rows = expr.as_table()
        return expr.__pyarrow_result__(self.frame(rows).toArrow().cast(rows.schema().to_pyarrow()))

    def _create_view(self, frame: DataFrame, name: str) -> ir.Table:
        frame.createOrReplaceTempView(name)
        return self.table(name)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        self._session.createDataFrame(without_dictionaries(op.data.to_pyarrow(op.schema))).createOrReplaceTempView(
            op.name
        )


STARTS = pa.schema([("shard", pa.int64()), ("start", pa.int64())])


def without_dictionaries(rows: pa.Table) -> pa.Table:
    """Without dictionaries, which Spark does not have."""
    plain = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(plain))
