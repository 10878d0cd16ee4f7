"""Values of a column that are counted apart: those that a configuration lists, and all others together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import ibis.expr.types as ir

OTHER = "other"
"""What the values that are not listed are counted as."""
Listed = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Table -> column -> name of a value -> the value as it is mapped."""


@dataclass(frozen=True)
class CountedValue:
    """A value of `column`, or with `other` everything that is none of `values`; null is neither."""

    column: str
    name: str
    values: tuple[str, ...]
    other: bool = False

    @property
    def key(self) -> str:
        """What columns are named by: `reason_price`."""
        return f"{self.column}_{self.name}"

    def words(self, called: tuple[str, str] | None) -> tuple[str, str]:
        """What people read where the mapping has no words for the key; the column is `called` so, if it has words."""
        english, chinese = called or (self.column.replace("_", " "), self.column)
        if self.other:
            return f"other {english}", f"其他{chinese}"
        return f"{english} {self.values[0]}", f"{chinese}：{self.values[0]}"

    def told(self, rows: ir.Table) -> ir.BooleanColumn:
        """Does a row say what it is?"""
        return rows[self.column].notnull()

    def holds(self, rows: ir.Table) -> ir.BooleanColumn:
        """Is it this value? Null where the row does not say."""
        listed = rows[self.column].cast("string").isin(self.values)
        return ~listed if self.other else listed


def counted_values(listed: Listed) -> dict[str, tuple[CountedValue, ...]]:
    """By table the values that are counted, in the order of the configuration, the others of each column last."""
    return {table: tuple(_of_columns(columns)) for table, columns in listed.items()}


def _of_columns(columns: Mapping[str, Mapping[str, str]]) -> Iterator[CountedValue]:
    for column, values in columns.items():
        yield from (CountedValue(column, name, (value,)) for name, value in values.items())
        yield CountedValue(column, OTHER, tuple(values.values()), other=True)
