"""The grain of what a feature function gets: rows of events, one customer, one whole row, everybody of a date.

The function of a feature says its grain in the type of its first parameter, so that the type checker refuses one that
calls a feature of another grain; what it returns is looked at whenever its expression is made (`features.values`).
"""

from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir


class Grain:
    """Rows of one grain as the type checker sees them: any column by its name. What runs is a table of Ibis."""

    columns: tuple[str, ...]

    def __getattr__(self, column: str) -> Any:
        """The column of that name."""
        return self[column]

    def __getitem__(self, column: str) -> Any:
        """The column of that name."""
        raise KeyError(column)

    @classmethod
    def view(cls, table: ir.Table) -> Any:
        """What the function of a feature gets for a table of this grain."""
        return table

    @classmethod
    def fault(cls, value: ir.Value) -> str | None:
        """What is wrong with a value of this grain, as a key of the wording; None when nothing is."""
        return None if isinstance(value, ir.Scalar) else "aggregate"


class Events(Grain):
    """Any number of rows per customer and as-of date: a feature of them is an aggregate."""


class Customer(Grain):
    """What is on record of one customer, a single value per column: a feature of it is a value too."""

    def __init__(self, table: ir.Table):
        self._table = table

    def __getitem__(self, column: str) -> Any:
        """The customer's value, null where nothing is on record."""
        return self._table[column].max()

    @classmethod
    def view(cls, table: ir.Table) -> Any:
        """The record that stands in the rows of one customer, of which there is one."""
        return cls(table)


class WholeRow(Grain):
    """The other features of one customer and date: a feature of them is a column, made within each row."""

    @classmethod
    def fault(cls, value: ir.Value) -> str | None:
        """A single value of everybody is `column`, a comparison with others is `comparison`."""
        if not isinstance(value, ir.Column):
            return "column"
        return "comparison" if _across_rows(value) else None


class Peers(Grain):
    """Everybody of the as-of dates: a feature of them is a column, aggregates being taken over each date."""

    @classmethod
    def fault(cls, value: ir.Value) -> str | None:
        """A single value of everybody is `column`, an aggregate that mixes as-of dates is `dates`."""
        if not isinstance(value, ir.Column):
            return "column"
        windows = value.op().find(ops.WindowFunction, filter=ops.Value)
        within = {w.func for w in windows if any(getattr(key, "name", None) == "as_of" for key in w.group_by)}
        return "dates" if _across_rows(value) - within else None


def _across_rows(value: ir.Value) -> set[ops.Node]:
    """What takes several rows together, outside of the tables that the value is made from."""
    return set(value.op().find((ops.Reduction, ops.Analytic), filter=ops.Value))


OF_SOURCE: dict[str, type[Grain]] = {"wide": WholeRow, "peers": Peers}
"""The grain of sources that are other features; any other is one of events."""
