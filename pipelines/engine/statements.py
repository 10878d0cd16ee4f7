"""Statements that a process has compiled once, for whoever asks for the same over tables of the same columns.

A night computes nothing but numbers; making its statements takes a third of its time where customers are few.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping

import ibis.expr.operations as ops
import ibis.expr.types as ir

from pipelines.engine.schema import Schema

MOST_KEPT = 16
"""A project asks for a handful; each is a few hundred kilobytes of text."""
_PLACE = "{work}."
_KEPT: OrderedDict[Hashable, dict[str, str]] = OrderedDict()


def compiled(schema: Schema, key: Hashable, make: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    """SQL by name, over the tables of a schema.

    Parameters
    ----------
    schema : where its tables lie
    key : everything that the statements depend on, but the name of that schema
    make : compiles them, when nobody has with this key
    """
    if key not in _KEPT:
        while len(_KEPT) >= MOST_KEPT:
            _KEPT.popitem(last=False)
        _KEPT[key] = {name: sql.replace(_quoted(schema), _PLACE) for name, sql in make().items()}
    _KEPT.move_to_end(key)
    return {name: sql.replace(_PLACE, _quoted(schema)) for name, sql in _KEPT[key].items()}


def columns(schema: Schema, tables: Mapping[str, ir.Table]) -> tuple[Hashable, ...]:
    """What statements over these tables depend on, as part of a key: where each lies, and its columns."""
    return tuple((name, _place(schema, table.op()), table.schema()) for name, table in tables.items())


def _place(schema: Schema, node: ops.Relation) -> Hashable:
    """A table's name, and its schema where that is another one; an expression that is no table is like no other."""
    if not isinstance(node, ops.DatabaseTable):
        return node
    place = node.namespace.database
    return node.name, None if place == schema.name else (node.namespace.catalog, place)


def _quoted(schema: Schema) -> str:
    """As Ibis writes it before the name of a table."""
    return f'"{schema.name}".'
