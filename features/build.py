"""The catalogue on a spine: one row per (customer_id, as_of), nobody lost, through the same call for any dates."""

from collections.abc import Container, Mapping, Sequence
from itertools import groupby
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir

from features.blocks.registry import BLOCKS
from features.definition import KEY, ROW, Feature
from features.settings import FeatureSettings
from features.values import kind, value


def parts(
    tables: Mapping[str, ir.Table], spine: ir.Table, features: Sequence[Feature], settings: FeatureSettings
) -> dict[str, ir.Table]:
    """One expression per block whose tables are there.

    Parameters
    ----------
    tables : the canonical tables that there are
    spine : one numbered row per (customer_id, as_of)
    features : the catalogue, of which peers and whole rows are left out
    settings : what months, periods and blocks depend on

    Returns
    -------
    dict of str to ir.Table
        By the name of the block: `row` and the columns of its features, one row for each of the spine

    Raises
    ------
    HeadwaterError
        E265 for a feature whose value is of another grain
    """
    blocks = {}
    for source, members in _by_source(features).items():
        needed, block = members[0].definition.block or BLOCKS[source]
        if all(name in tables for name in needed):
            rows = block(spine, tables, settings)
            blocks[source] = rows.group_by(ROW).aggregate(**{f.column: inside(value(f, rows)) for f in members})
    return blocks


def inside(value: ir.Value) -> ir.Value:
    """The same value, the condition of each aggregate moved into what it aggregates.

    `SUM(x) FILTER (WHERE c)` says what is meant, but DuckDB cuts all columns of a block to fit each filter by itself,
    and a block has a hundred of them: `SUM(CASE WHEN c THEN x END)` is quicker.
    """
    return value.op().replace(_inside, filter=ops.Value).to_expr()


IGNORING_NULL = (ops.Sum, ops.Min, ops.Max, ops.Mean, ops.Any, ops.Count)
"""Aggregates that a null does not change, so that it may stand for a row that is left out."""


def _inside(node: ops.Node, changed: dict[str, Any] | None) -> ops.Node:
    node = node.__recreate__(changed) if changed else node
    if not isinstance(node, IGNORING_NULL) or node.where is None:
        return node
    return node.copy(arg=ops.IfElse(node.where, node.arg, ops.Literal(None, node.arg.dtype)), where=None)


def join(
    spine: ir.Table, blocks: Mapping[str, ir.Table], features: Sequence[Feature], settings: FeatureSettings
) -> ir.Table:
    """The parts side by side, null columns for tables that are not there, then what follows from peers and whole rows.

    The rows keep their number, so that they can be put in order without comparing texts.

    Parameters
    ----------
    spine : one numbered row per (customer_id, as_of)
    blocks : what `parts` gives; `peers` in it too where they were compared before
    features : the columns of the result, in order
    settings : those of the stages reach whole rows

    Returns
    -------
    ir.Table
        customer_id, as_of, row and every feature: float64, or string where the unit is `text`
    """
    wide = spine.select(*KEY, ROW)
    for name, part in blocks.items():
        wide = wide.left_join(part, ROW, rname=f"{{name}}_{name}")
    missing = [f for f in features if from_rows(f) and f.source not in blocks]
    wide = wide.mutate(**{f.column: ibis.null(kind(f)) for f in missing}) if missing else wide
    wide = wide if "peers" in blocks else _peers(wide, features)
    wide = whole_rows(wide, features, settings)
    return wide.select(*KEY, ROW, *[f.column for f in features])


def _peers(wide: ir.Table, features: Sequence[Feature]) -> ir.Table:
    """Rows of a whole population with what compares each customer with the others of the as-of date."""
    comparing = [f for f in features if f.source == "peers"]
    return wide.left_join(compared(wide, comparing), ROW).drop(f"{ROW}_right") if comparing else wide


def compared(rows: ir.Table, comparing: Sequence[Feature]) -> ir.Table:
    """The `row` of everybody of a population, and these features that compare them with the others of the date.

    Only the columns that are compared go through the windows: sorting whole rows would cost more than all else.
    """
    narrow = rows.select(ROW, "as_of", *sorted({c for f in comparing for c in f.reads}))
    return narrow.select(ROW, **{f.column: value(f, narrow) for f in comparing})


def whole_rows(wide: ir.Table, features: Sequence[Feature], settings: FeatureSettings) -> ir.Table:
    """Rows with what follows from their other columns, in the order in which features read each other.

    Parameters
    ----------
    wide : every other column, one row per (customer_id, as_of)
    features : those of whole rows are added, others are left out
    settings : those of the stages reach the functions that take them
    """
    waiting = [f for f in features if f.source == "wide"]
    while waiting:
        names = {f.column for f in waiting}
        ready = [f for f in waiting if names.isdisjoint(f.reads)] or waiting
        wide = wide.mutate(**{f.column: value(f, wide, settings.stages) for f in ready})
        waiting = [f for f in waiting if f not in ready]
    return wide


def build(
    tables: Mapping[str, ir.Table], spine: ir.Table, features: Sequence[Feature], settings: FeatureSettings
) -> ir.Table:
    """Every feature of every (customer_id, as_of) of the spine, as one expression.

    Parameters
    ----------
    tables : the canonical tables that there are; features of others are null
    spine : one numbered row per (customer_id, as_of)
    features : the columns of the result, in order
    settings : what months, periods, blocks and stages depend on

    Returns
    -------
    ir.Table
        customer_id, as_of and every feature: float64, or string where the unit is `text`
    """
    return join(spine, parts(tables, spine, features, settings), features, settings).drop(ROW)


def _by_source(features: Sequence[Feature]) -> dict[str, list[Feature]]:
    blocks = sorted(filter(from_rows, features), key=lambda f: f.source)
    return {source: list(members) for source, members in groupby(blocks, key=lambda f: f.source)}


def closure(features: Sequence[Feature], chosen: Sequence[Feature]) -> list[Feature]:
    """The chosen features and all that they are made from, in the order of the catalogue."""
    by_column, needed, pending = {f.column: f for f in features}, set(), list(chosen)
    while pending:
        feature = pending.pop()
        if feature.column not in needed:
            needed.add(feature.column)
            pending += [by_column[c] for c in feature.reads if c in by_column]
    return [f for f in features if f.column in needed]


def with_tables(features: Sequence[Feature], tables: Container[str]) -> list[Feature]:
    """The features whose tables are all there, those of the columns that they read with them, in the same order."""
    by_column = {f.column: f for f in features}

    def there(feature: Feature) -> bool:
        if from_rows(feature):
            needed, _ = feature.definition.block or BLOCKS[feature.source]
            return all(name in tables for name in needed)
        return all(there(by_column[column]) for column in feature.reads if column in by_column)

    return [feature for feature in features if there(feature)]


def from_rows(feature: Feature) -> bool:
    """Does it follow from rows of a block, ours or one of a project's own, and not from other features?"""
    return feature.source in BLOCKS or feature.definition.block is not None
