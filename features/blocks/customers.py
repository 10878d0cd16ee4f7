"""Blocks of who customers are and which plans they signed."""

import ibis
import ibis.expr.types as ir

from features.blocks.months import awaiting, month
from features.definition import ROW
from features.settings import FeatureSettings
from features.visible import Tables, visible


def customers(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: attributes that never change, `age` in days and `closed` months with us that are known."""
    attributes = _known(tables["customers"])
    rows = awaiting(spine, tables, settings).left_join(attributes, "customer_id").drop("customer_id_right")
    closed = rows.closed - rows.awaited - month(rows.activated_on) + 1
    return rows.mutate(age=rows.as_of.delta(rows.activated_on, unit="day"), closed=ibis.greatest(closed, 0))


def attributes(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: what the mapping declares beyond the contract, which may have names of ours, flags as 1 and
    0; and `as_of`."""
    own = _known(tables["customers"])
    flags = {name: own[name].cast("int8").cast("float64") for name, kind in own.schema().items() if kind.is_boolean()}
    own = own.mutate(**flags) if flags else own
    rows = spine.select(ROW, "customer_id", "as_of").left_join(own, "customer_id")
    return rows.drop("customer_id", "customer_id_right")


def _known(customers: ir.Table) -> ir.Table:
    """Customers without what is the spine's own, and without when and why they left, which comes later."""
    return customers.drop(
        *[c for c in ("activated_on", "deactivated_on", "left_reason", "churned") if c in customers.columns]
    )


def subscriptions(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible plans as they were signed; `valid_to` is null until it has come."""
    return visible(spine, tables["subscriptions"])


def plan_moves(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per plan signed: `days_ago`, and `change` of the fee against the plan before; null where either is."""
    rows = visible(spine, tables["subscriptions"])
    fee = rows.monthly_fee.cast("float64")
    before = fee.lag().over(group_by=ROW, order_by=rows.happened_on)
    return rows.select(ROW, "days_ago", change=fee - before)
