"""Where time is cut, and nowhere else: what had happened and was known before a cutoff.

A spine has one row per (customer_id, as_of) with its number `row`, `cutoff` (the first instant of `as_of`, UTC) and
`activated_on`.
Every interval is half-open: an event at the cutoff itself, or known at it, is not seen.
"""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

CLOCKS = ("known_at", "superseded_at")
"""Since when and until when a version is the newest one known."""
LATER = ("deactivated_on", "left_reason", "churned")
"""What the record says of leaving, which comes true later."""
Tables = Mapping[str, ir.Table]
"""Canonical tables by their names, those that are there."""
MASKED = {"resolved_at": "cutoff", "valid_to": "as_of", "deactivated_on": "as_of"}
"""Columns that become known after their row, and the clock at which they are hidden until then."""


def visible(spine: ir.Table, events: ir.Table, days: int | None = None) -> ir.Table:
    """Every row of the spine with each event seen from it; a customer without any keeps one row of nulls.

    Events before `activated_on` belong to a former holder of the number and are not theirs. Of several versions of a
    row only the newest known one is seen.

    Parameters
    ----------
    spine : one row per (customer_id, as_of), as `population` makes it
    events : a canonical table with `happened_on`, `known_at` and, but for plans, `happened_at`
    days : how far each as-of date looks back; None is without end

    Returns
    -------
    ir.Table
        The columns of both with `days_ago`, 0 for the day before `as_of`; columns of events are null in a row of nulls,
        and those of `MASKED` until their own moment has come
    """
    rule = seen(spine, events)
    if days is not None:
        rule &= events.happened_on >= spine.as_of - ibis.interval(days=days)
    rows = spine.left_join(events, [spine.customer_id == events.customer_id, rule])
    rows = rows.drop("customer_id_right")
    rows = rows.mutate(days_ago=rows.as_of.delta(rows.happened_on, unit="day") - 1)
    masks = {c: _masked(rows, c) for c in MASKED if c in events.columns}
    return rows.mutate(**masks) if masks else rows


def seen(spine: ir.Table, events: ir.Table) -> ir.BooleanValue:
    """Had it happened, was it known, and is it the newest version known, before the cutoff, and is it theirs?"""
    return happened_and_known(spine, events) & (events.happened_on >= spine.activated_on)


def happened_and_known(spine: ir.Table, events: ir.Table) -> ir.BooleanValue:
    """The same of anybody's events."""
    happened = (
        events.happened_at < spine.cutoff if "happened_at" in events.columns else events.happened_on < spine.as_of
    )
    return happened & known(spine.cutoff, events)


def announced(spine: ir.Table, plans: ir.Table) -> ir.Table:
    """Every row of the spine with each plan that is signed, as it was known before the cutoff, and begins on the as-of
    date or later; a customer without any keeps one row of nulls.

    Parameters
    ----------
    spine : one row per (customer_id, as_of), as `population` makes it
    plans : a canonical table that says since when it was known and, as `happened_on`, when a row begins

    Returns
    -------
    ir.Table
        The columns of both but those that come true later, with `days_ahead`, 0 for a plan that begins on the as-of date
    """
    signed = plans.drop(*[c for c in MASKED if c in plans.columns])
    ahead = [spine.customer_id == signed.customer_id, signed.happened_on >= spine.as_of, known(spine.cutoff, signed)]
    rows = spine.left_join(signed, ahead).drop("customer_id_right")
    return rows.mutate(days_ahead=rows.happened_on.delta(rows.as_of, unit="day"))


def known(cutoff: ir.TimestampValue, rows: ir.Table) -> ir.BooleanValue:
    """Was it known, and is it the newest version known, before the cutoff?"""
    rule = rows.known_at < cutoff
    if "superseded_at" in rows.columns:
        rule &= rows.superseded_at.isnull() | (rows.superseded_at >= cutoff)
    return rule


def as_known(spine: ir.Table, customers: ir.Table) -> ir.Table:
    """Every row of the spine with what was on record of this holder of the id before the cutoff.

    Nothing of another holder is seen, nor of a version that became known later.

    Parameters
    ----------
    spine : one row per (customer_id, as_of), with `cutoff` and `activated_on`
    customers : the canonical table

    Returns
    -------
    ir.Table
        The columns of the spine, and of customers all but when and why they left and since when it is known; one that the spine has too
        ends with `_told`. Null where nothing was on record.
    """
    told = customers.drop(*[c for c in LATER if c in customers.columns])
    holder = spine.activated_on.identical_to(told.activated_on)
    own = [spine.customer_id == told.customer_id, holder, known(spine.cutoff, told)]
    rows = spine.left_join(told, own, rname="{name}_told")
    return rows.drop("customer_id_told", "activated_on_told", *[c for c in CLOCKS if c in told.columns])


def _masked(rows: ir.Table, column: str) -> ir.Value:
    """The column, null until its own moment has come."""
    return ibis.ifelse(rows[column] < rows[MASKED[column]], rows[column], ibis.null(rows[column].type()))


def with_us(customers: ir.Table, as_of: ir.DateValue) -> ir.BooleanValue:
    """Had the customer joined before `as_of`, and not left before it? Of versions those known then must be chosen."""
    return (customers.activated_on < as_of) & (customers.deactivated_on.isnull() | (customers.deactivated_on >= as_of))


def since(spine: ir.Table, events: ir.Table, days: int) -> ir.Table:
    """Events of so many days before the first as-of date of the spine, and later ones: nothing else is read."""
    recent = events.join(spine.aggregate(first_as_of=spine.as_of.min()), ibis.literal(True))
    return recent.filter(recent.happened_on >= recent.first_as_of - ibis.interval(days=days)).drop("first_as_of")
