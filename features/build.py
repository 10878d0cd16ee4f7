"""The catalogue on a spine: one row per (customer_id, as_of), nobody lost, through the same call for any dates."""

from collections.abc import Mapping, Sequence
from itertools import groupby

import ibis
import ibis.expr.types as ir

from features.blocks import BLOCKS
from features.definition import KEY, Feature
from features.settings import FeatureSettings

TEXT, NUMBER = "string", "float64"


def parts(
    tables: Mapping[str, ir.Table], spine: ir.Table, features: Sequence[Feature], settings: FeatureSettings
) -> dict[str, ir.Table]:
    """One expression per block whose tables are there: KEY and the block's columns, a row for each of the spine."""
    made = {}
    for source, members in by_source(features).items():
        needed, block = BLOCKS[source]
        if all(name in tables for name in needed):
            rows = block(spine, tables, settings)
            made[source] = rows.group_by(*KEY).aggregate(**{f.column: f.value(rows) for f in members})
    return made


def join(
    spine: ir.Table, made: Mapping[str, ir.Table], features: Sequence[Feature], settings: FeatureSettings
) -> ir.Table:
    """The parts side by side, null columns for tables that are not there, then what follows from whole rows."""
    wide = spine.select(*KEY)
    for part in made.values():
        wide = wide.left_join(part, KEY).drop("customer_id_right", "as_of_right")
    missing = [f for f in features if f.source in BLOCKS and f.source not in made]
    wide = wide.mutate(**{f.column: ibis.null(kind(f)) for f in missing}) if missing else wide
    wide = wide.mutate(**{f.column: f.value(wide, settings.stages) for f in features if f.source == "wide"})
    return wide.select(*KEY, *[f.column for f in features])


def build(
    tables: Mapping[str, ir.Table], spine: ir.Table, features: Sequence[Feature], settings: FeatureSettings
) -> ir.Table:
    """Every feature of every (customer_id, as_of) of the spine, as one expression."""
    return join(spine, parts(tables, spine, features, settings), features, settings)


def by_source(features: Sequence[Feature]) -> dict[str, list[Feature]]:
    blocks = sorted((f for f in features if f.source in BLOCKS), key=lambda f: f.source)
    return {source: list(members) for source, members in groupby(blocks, key=lambda f: f.source)}


def kind(feature: Feature) -> str:
    """Text features are strings, all others float64."""
    return TEXT if feature.unit == "text" else NUMBER
