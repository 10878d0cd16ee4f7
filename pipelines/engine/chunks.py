"""Some customers at a time: a range of rows of the numbered spine, and the tables cut to them."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir
import sqlglot.expressions as sge

from pipelines.engine.schema import Schema
from pipelines.engine.statements import columns

CELLS = 30_000_000
"""Values that a chunk may hold, so that DuckDB's memory is enough for any catalogue."""


def most_rows(chunk: int, columns: int) -> int:
    """Rows of a chunk: those of the settings, fewer where a row has very many columns."""
    return max(1, min(chunk, CELLS // max(columns, 1)))


@dataclass(frozen=True)
class Chunk:
    """Some rows of the numbered spine.

    Attributes
    ----------
    first
        Number of the first row.
    end
        Number behind the last row.
    step
        Of the rows between, each so many-th.
    """

    first: int
    end: int
    step: int = 1

    @property
    def name(self) -> str:
        """Of files; sorts in the order of the rows."""
        return f"{self.first:010d}-{self.end:010d}"

    @property
    def condition(self) -> str:
        """In SQL, for tables with a `row`."""
        inside = f"row >= {self.first} AND row < {self.end}"
        return inside if self.step == 1 else f"{inside} AND row % {self.step} = 0"

    def overlaps(self, other: "Chunk") -> bool:
        """Have they rows between the same bounds?"""
        return self.first < other.end and other.first < self.end

    def of(self, spine: ir.Table) -> ir.Table:
        """Its rows of a spine."""
        rows = spine.filter((spine.row >= self.first) & (spine.row < self.end))
        return rows if self.step == 1 else rows.filter(rows.row % self.step == 0)


class Cut:
    """The tables of one chunk after the other, as views of a schema; the names stay, so statements are compiled once."""

    def __init__(self, tables: Mapping[str, ir.Table], spine: ir.Table, schema: Schema):
        self.schema = schema
        self._con, self._whole, self._all_rows = schema.con, tables, schema.con.compile(spine)
        self._own = {name: self._con.compile(t) for name, t in tables.items() if "customer_id" in t.columns}
        self._chunk: Chunk | None = None

    def to(self, chunk: Chunk) -> "Cut":
        """Plain SQL, for it is the same for every chunk: Ibis would take as long as DuckDB does for a small block."""
        if chunk != self._chunk:
            self.schema.fill("spine", f"SELECT * FROM ({self._all_rows}) WHERE {chunk.condition}")
            bounds = self._con.raw_sql(f"SELECT min(customer_id), max(customer_id) FROM {self.schema.name}.spine")
            low, high = (sge.convert(bound or "").sql("duckdb") for bound in bounds.fetchone())
            for name, sql in self._own.items():
                self.schema.view(f"cut_{name}", f"SELECT * FROM ({sql}) WHERE customer_id BETWEEN {low} AND {high}")
            self._chunk = chunk
        return self

    @cached_property
    def spine(self) -> ir.Table:
        """The rows of the chunk."""
        return self.schema["spine"]

    @cached_property
    def tables(self) -> dict[str, ir.Table]:
        """The canonical tables, those with customers cut to the customers of the chunk."""
        return {name: self.schema[f"cut_{name}"] if name in self._own else self._whole[name] for name in self._whole}

    @cached_property
    def columns(self) -> tuple[Hashable, ...]:
        """What statements over the spine and these tables depend on."""
        return columns(self.schema, {"spine": self.spine, **self.tables})
