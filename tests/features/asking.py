"""The whole catalogue compiled once: each question fills the same tables and runs the same query."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from features.build import build
from features.definition import KEY, Feature
from features.settings import FeatureSettings
from tests.world import World, arrow, everything, spine_of, world

DEFAULT = FeatureSettings()
EVENTS = ("bills", "payments", "usage", "complaints", "contacts", "subscriptions", "surveys")


class Asker:
    """Features of a world; `name` keeps the tables of several askers in one connection apart."""

    def __init__(
        self, con: ibis.BaseBackend, name: str, features: Sequence[Feature] = (), settings: FeatureSettings = DEFAULT
    ):
        self.con, self.name = con, name
        self.settings = settings
        self.features = list(features) or list(everything())
        given = world(1, seed=0)
        self.tables = {t: self._filled(t, arrow(t, frame)) for t, frame in given.tables.items()}
        self.spine = self._filled("spine", spine_of(given))

    @cached_property
    def sql(self) -> str:
        return self.con.compile(build(self.tables, self.spine, self.features, self.settings))

    def __call__(self, given: World, spine: pa.Table | None = None) -> pa.Table:
        """One row per (customer_id, as_of), in their order; `spine` replaces the one of the world."""
        for table, frame in given.tables.items():
            if self.reads(table):
                self._filled(table, arrow(table, frame))
        self._filled("spine", spine_of(given) if spine is None else with_lag(spine))
        return ordered(self.answer())

    def reads(self, table: str) -> bool:
        """What no feature reads need not be filled anew."""
        return f'"{self.name}_{table}"' in self.sql

    def answer(self) -> pa.Table:
        """The compiled query over the tables as they are filled now.

        By way of a table: a relation of the query would be planned twice, which takes longer than a small answer.
        """
        self.con.raw_sql(f"CREATE OR REPLACE TEMPORARY TABLE {self.name}_answer AS {self.sql}")
        return self.con.con.table(f"{self.name}_answer").to_arrow_table()

    def _filled(self, table: str, rows: pa.Table) -> ibis.Table:
        return self.con.create_table(f"{self.name}_{table}", rows, temp=True, overwrite=True)


def with_lag(spine: pa.Table) -> pa.Table:
    """The spine, on which all usage has come where it does not say."""
    if "usage_lag" in spine.column_names:
        return spine
    return spine.append_column("usage_lag", pa.array([0] * len(spine), pa.int64()))


def ordered(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(c, "ascending") for c in KEY]).combine_chunks()


def differing(one: pa.Table, other: pa.Table) -> set[str]:
    """Columns that are not the same, bit for bit."""
    assert one.column_names == other.column_names
    assert one.num_rows == other.num_rows
    return {c for c in one.column_names if not one[c].equals(other[c])}


def sources(columns: set[str], features: Sequence[Feature]) -> set[str]:
    return {f.source for f in features if f.column in columns}


def without_nan(rows: pa.Table) -> bool:
    numbers = [rows[c] for c in rows.column_names if pa.types.is_floating(rows[c].type)]
    return not any(pc.any(pc.is_nan(column)).as_py() for column in numbers)


def by_key(rows: pa.Table) -> Mapping[tuple, dict]:
    return {(row["customer_id"], row["as_of"]): row for row in rows.to_pylist()}
