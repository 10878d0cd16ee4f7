"""What feature functions read: visible rows, one block per kind of history, each with every row of the spine in it.

A block holds `customer_id`, `as_of` and what its features need; a customer without events keeps one row of nulls, so
that "none" and "unknown" are decided in the feature and never patched in afterwards.
"""

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir

from features.definition import KEY, PERIOD_DAYS
from features.series import hundredths
from features.settings import FeatureSettings
from features.visible import visible

USAGE_LOOKBACK = 13 * PERIOD_DAYS + 31
"""Days of usage that any feature looks back to; more is not read."""

Tables = Mapping[str, ir.Table]


def month(day: ir.DateValue) -> ir.IntegerValue:
    return day.year().cast("int64") * 12 + day.month()


def newest_closed(as_of: ir.DateValue, settings: FeatureSettings) -> ir.IntegerValue:
    """The newest calendar month whose bills must be known before the cutoff."""
    return month(as_of - ibis.interval(days=settings.closing_days + settings.billed_in_arrears)) - 1


def bills(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per closed month with a bill: `billed` (hundredths), `bills`, `ago`; `known` months with us."""
    rows = visible(spine, tables["bills"])
    closed = newest_closed(rows.as_of, settings)
    for_day = rows.happened_on - ibis.interval(days=int(settings.billed_in_arrears))
    rows = rows.mutate(ago=closed - month(for_day), known=closed - month(rows.activated_on) + 1)
    return rows.group_by(*KEY, "known", "ago").aggregate(
        billed=lambda t: hundredths(t.amount.sum()), bills=lambda t: t.bill_id.count()
    )


def purchases(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per bill above zero: `paid` (hundredths), `ago` days, `gap` days to the one before; `age` days with us."""
    rows = visible(spine, tables["bills"])
    above = rows.amount > 0
    rows = rows.select(
        *KEY,
        paid=above.ifelse(hundredths(rows.amount), None),
        ago=above.ifelse(rows.days_ago, None),
        age=rows.as_of.delta(rows.activated_on, unit="day"),
    )
    before = rows.ago.lead().over(group_by=KEY, order_by=rows.ago)
    return rows.mutate(gap=(before - rows.ago).nullif(0))  # a second purchase on the same day is no gap


def usage(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per period of four weeks: every measure (hundredths), `days` used, `newest` use in days, `ago`.

    The newest `usage_closing_days` are still arriving and belong to no period (`ago` below 0); recency sees them.
    """
    events = tables["usage"]
    measures = measured(events)
    recent = events.join(spine.aggregate(oldest=spine.as_of.min()), ibis.literal(True))
    recent = recent.filter(recent.happened_on >= recent.oldest - ibis.interval(days=USAGE_LOOKBACK)).drop("oldest")
    rows = visible(spine, recent)
    used = ibis.or_(*[rows[m] > 0 for m in measures])
    whole = rows.as_of.delta(rows.activated_on, unit="day") - settings.usage_closing_days
    rows = rows.mutate(
        ago=((rows.days_ago - settings.usage_closing_days) / PERIOD_DAYS).floor().cast("int64"),
        known=(whole / PERIOD_DAYS).floor().cast("int64"),
        used=used,
    )
    sums = {m: hundredths(rows[m]).sum() for m in measures}
    return rows.group_by(*KEY, "known", "ago").aggregate(
        **sums, days=rows.happened_on.nunique(where=rows.used), newest=rows.days_ago.min(where=rows.used)
    )


def measured(events: ir.Table) -> list[str]:
    """The measures of a usage table: its numbers."""
    return [name for name, kind in events.schema().items() if kind.is_floating()]


def settled(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per bill: `due_ago` days since it was due, `late` days until paid, `open` (hundredths unpaid), `dated`.

    Before its due date nothing is late; a bill still unpaid is as late as it is overdue. A bill is paid on the day of
    its last payment; without a due date it is never overdue. For a customer none of whose payments names a
    bill, which of them are paid is unknown, and so is everything here.
    """
    billed = visible(spine, tables["bills"])
    payments = visible(spine, tables["payments"])
    unnamed = payments.group_by(*KEY).aggregate(
        unnamed=(payments.happened_on.count() > 0) & (payments.bill_id.count() == 0)
    )
    paid = payments.filter(payments.bill_id.notnull()).group_by(*KEY, "bill_id")
    paid = paid.aggregate(paid=lambda t: hundredths(t.amount.sum()), paid_on=lambda t: t.happened_on.max())
    rows = billed.left_join(unnamed, KEY).drop("customer_id_right", "as_of_right").left_join(paid, [*KEY, "bill_id"])
    owed = hundredths(rows.amount)
    full = rows.paid.fill_null(0.0) >= owed
    due_ago = rows.as_of.delta(rows.due_on, unit="day") - 1
    return rows.select(
        *KEY,
        dated=ibis.ifelse(rows.happened_on.notnull(), rows.due_on.notnull() & ~rows.unnamed, None),
        due_ago=((due_ago >= 0) & ~rows.unnamed).ifelse(due_ago, None),
        late=ibis.ifelse(full, rows.paid_on.delta(rows.due_on, unit="day"), due_ago + 1),
        open=ibis.ifelse(~full & (due_ago >= 0), owed - rows.paid.fill_null(0.0), 0.0),
    )


def events(name: str) -> Callable[[ir.Table, Tables, FeatureSettings], ir.Table]:
    """The visible rows of a table as they are, with `days_ago`."""

    def block(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
        return visible(spine, tables[name])

    return block


def contacts(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible contacts that took place: a control of a campaign is on record and was left alone."""
    return visible(spine, took_place(tables["contacts"]))


def took_place(contacts: ir.Table) -> ir.Table:
    """Contacts without the controls of campaigns."""
    return contacts.filter(contacts.arm.fill_null("") != "control")


def customers(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: attributes that never change, `age` in days and `closed` months with us."""
    attributes = tables["customers"].drop("activated_on", "deactivated_on")
    rows = spine.left_join(attributes, "customer_id").drop("customer_id_right")
    closed = newest_closed(rows.as_of, settings) - month(rows.activated_on) + 1
    return rows.mutate(age=rows.as_of.delta(rows.activated_on, unit="day"), closed=ibis.greatest(closed, 0))


Block = Callable[[ir.Table, Tables, FeatureSettings], ir.Table]

BLOCKS: dict[str, tuple[tuple[str, ...], Block]] = {
    "customers": (("customers",), customers),
    "bills": (("bills",), bills),
    "purchases": (("bills",), purchases),
    "usage": (("usage",), usage),
    "settled": (("bills", "payments"), settled),
    "payments": (("payments",), events("payments")),
    "complaints": (("complaints",), events("complaints")),
    "contacts": (("contacts",), contacts),
    "subscriptions": (("subscriptions",), events("subscriptions")),
    "surveys": (("surveys",), events("surveys")),
}
"""Block name to the tables that it needs and how it is made."""
