"""Blocks of who customers are and which plans they signed."""

import ibis
import ibis.expr.types as ir

from features.blocks.months import awaiting, month
from features.definition import ROW
from features.settings import FeatureSettings
from features.visible import CLOCKS, LATER, Tables, announced, as_known, visible


def customers(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: what was on record at the cutoff, `age` in days and `closed` months with us that are known."""
    rows = as_known(awaiting(spine, tables, settings), tables["customers"])
    closed = rows.closed - rows.awaited - month(rows.activated_on) + 1
    return rows.mutate(age=rows.as_of.delta(rows.activated_on, unit="day"), closed=ibis.greatest(closed, 0))


def attributes(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: what is on record at the cutoff, the attributes of a mapping with it, which may have names
    of ours, flags as 1 and 0; and `as_of`."""
    few = spine.select(ROW, "customer_id", "as_of", "cutoff", "activated_on")
    rows = as_known(few, tables["customers"])
    others = {"customer_id", "activated_on", *LATER, *CLOCKS}
    own = {c: rows[f"{c}_told" if c in few.columns else c] for c in tables["customers"].columns if c not in others}
    own |= {c: value.cast("int8").cast("float64") for c, value in own.items() if value.type().is_boolean()}
    return rows.select(**own | {ROW: rows[ROW], "as_of": rows["as_of"]})


def subscriptions(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible plans as they were signed; `valid_to` is null until it has come."""
    return visible(spine, tables["subscriptions"])


def plans_ahead(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The plans that are signed and have not begun; `days_ahead` until they do."""
    return announced(spine, tables["subscriptions"])


def plan_moves(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per plan signed: `days_ago`, and `change` of the fee against the plan before; null where either is."""
    rows = visible(spine, tables["subscriptions"])
    fee = rows.monthly_fee.cast("float64")
    before = fee.lag().over(group_by=ROW, order_by=rows.happened_on)
    return rows.select(ROW, "days_ago", change=fee - before)
