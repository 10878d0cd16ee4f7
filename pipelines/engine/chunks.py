"""Some customers at a time: a range of rows of the numbered spine, and the tables cut to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis.expr.types as ir
import sqlglot.expressions as sge

CELLS = 30_000_000
"""Values that a chunk may hold, so that DuckDB's memory is enough for any catalogue."""


def most_rows(chunk: int, columns: int) -> int:
    """Rows of a chunk: those of the settings, fewer where a row has very many columns."""
    return max(1, min(chunk, CELLS // max(columns, 1)))


@dataclass(frozen=True)
class Chunk:
    """Rows `first` up to `end` of the numbered spine; of those, each `step`th."""

    first: int
    end: int
    step: int = 1

    @property
    def name(self) -> str:
        return f"{self.first:010d}-{self.end:010d}"

    @property
    def condition(self) -> str:
        """In SQL, for tables with a `row`."""
        inside = f"row >= {self.first} AND row < {self.end}"
        return inside if self.step == 1 else f"{inside} AND row % {self.step} = 0"

    def touches(self, other: "Chunk") -> bool:
        """Have they rows between the same bounds?"""
        return self.first < other.end and other.first < self.end

    def of(self, spine: ir.Table) -> ir.Table:
        """Its rows of a spine."""
        rows = spine.filter((spine.row >= self.first) & (spine.row < self.end))
        return rows if self.step == 1 else rows.filter(rows.row % self.step == 0)


class Cut:
    """The tables of one chunk as views, and its rows of the spine, always under the same names."""

    def __init__(self, con: Any, tables: Mapping[str, ir.Table], spine: ir.Table):
        self.con, self.whole, self.everybody = con, tables, spine.get_name()
        self.own = {name: con.compile(rows) for name, rows in tables.items() if "customer_id" in rows.columns}
        self.chunk: Chunk | None = None

    def to(self, chunk: Chunk) -> "Cut":
        """Plain SQL, for it is the same for every chunk: Ibis would take as long as DuckDB does for a small block."""
        if chunk != self.chunk:
            rows = f"SELECT * FROM {self.everybody} WHERE {chunk.condition}"
            self.con.raw_sql(f"CREATE OR REPLACE TEMP TABLE cut_spine AS {rows}")
            bounds = self.con.raw_sql("SELECT min(customer_id), max(customer_id) FROM cut_spine").fetchone()
            low, high = (sge.convert(bound or "").sql("duckdb") for bound in bounds)
            for name, sql in self.own.items():
                mine = f"SELECT * FROM ({sql}) WHERE customer_id BETWEEN {low} AND {high}"
                self.con.raw_sql(f"CREATE OR REPLACE TEMP VIEW cut_{name} AS {mine}")
            self.chunk = chunk
        return self

    @cached_property
    def spine(self) -> ir.Table:
        return self.con.table("cut_spine")

    @cached_property
    def tables(self) -> dict[str, ir.Table]:
        return {name: self.con.table(f"cut_{name}") if name in self.own else self.whole[name] for name in self.whole}
