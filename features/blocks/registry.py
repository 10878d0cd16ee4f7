"""What feature functions read: visible rows, one block per kind of history, each with every row of the spine in it.

A block holds the `row` of the spine and what its features need; a customer without events keeps one row of nulls, so
that "none" and "unknown" are decided in the feature and never patched in afterwards.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from features.definition import PERIOD_DAYS, ROW
from features.series import hundredths, square_parts
from features.settings import FeatureSettings
from features.visible import visible, with_us

USAGE_LOOKBACK = 13 * PERIOD_DAYS + 31
"""Days of usage that any feature looks back to; more is not read."""

Tables = Mapping[str, ir.Table]


@ibis.udf.scalar.builtin
def bit_count(mask: int) -> int:
    """Ones in a mask; every engine has it under this name."""
    raise NotImplementedError


@ibis.udf.agg.builtin
def bit_or(mask: int) -> int:
    """All masks in one; every engine has it under this name, but Ibis does not know Spark's."""
    raise NotImplementedError


def month(day: ir.DateValue) -> ir.IntegerValue:
    """Months since year 0: those of two days can be subtracted."""
    return day.year().cast("int64") * 12 + day.month()


def newest_closed(as_of: ir.DateValue, settings: FeatureSettings) -> ir.IntegerValue:
    """The newest calendar month whose bills must be known before the cutoff."""
    return month(as_of - ibis.interval(days=settings.closing_days + settings.billed_in_arrears)) - 1


def bills(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per closed month with a bill: `billed` (hundredths), `bills`, `ago`; `known` months with us."""
    closed = newest_closed(spine.as_of, settings)
    rows = visible(spine.mutate(closed=closed, known=closed - month(spine.activated_on) + 1), tables["bills"])
    for_day = rows.happened_on - ibis.interval(days=int(settings.billed_in_arrears))
    rows = rows.mutate(ago=rows.closed - month(for_day))
    return rows.group_by(ROW, "known", "ago").aggregate(
        billed=lambda t: hundredths(t.amount).sum(), bills=lambda t: t.bill_id.count()
    )


def purchases(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per day with bills above zero: `orders`, their sum `paid`, the `largest`, sums of their `square_parts`
    as `high`, `cross` and `low` (hundredths), `ago` days, `gap` days to the purchase day before; `age` days with us."""
    rows = visible(spine, tables["bills"])
    above = rows.amount > 0
    rows = rows.select(
        ROW,
        paid=above.ifelse(hundredths(rows.amount), None),
        ago=above.ifelse(rows.days_ago, None),
        age=rows.as_of.delta(rows.activated_on, unit="day"),
    )
    paid = rows.paid
    squares = {name: part.sum() for name, part in zip(("high", "cross", "low"), square_parts(paid), strict=True)}
    bought = rows.group_by(ROW, "ago").aggregate(
        orders=paid.count(), paid=paid.sum(), largest=paid.max(), age=rows.age.max(), **squares
    )
    return bought.mutate(gap=bought.ago.lead().over(group_by=ROW, order_by=bought.ago) - bought.ago)


def usage(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per period of four weeks, `ago`: every measure (hundredths), the `days_<measure>` with it and the
    `newest_<measure>` in days; the `days` with anything and the `newest`.

    The newest `usage_closing_days` are still arriving and belong to no period (`ago` below 0); recency sees them.
    """
    events = tables["usage"]
    measures = measured(events)
    recent = since(spine, events, USAGE_LOOKBACK)
    whole = spine.as_of.delta(spine.activated_on, unit="day") - settings.usage_closing_days
    rows = visible(spine.mutate(known=(whole / PERIOD_DAYS).floor().cast("int64")), recent, USAGE_LOOKBACK)
    back, one = rows.days_ago - settings.usage_closing_days, ibis.literal(1, "int64")
    ago = (back / PERIOD_DAYS).floor().cast("int64")  # `back` may be negative
    rows = rows.mutate(ago=ago, day=one << (back - ago * PERIOD_DAYS).cast("int32"))
    sums = {m: hundredths(rows[m]).sum() for m in measures}
    days = {f"days_{m}": bit_or((rows[m] > 0).cast("int64") * rows.day).fill_null(0) for m in measures}
    weekends = weekend(rows, measures) if settings.usage_grain == "day" else {}
    periods = rows.group_by(ROW, "known", "ago").aggregate(**sums, **days, **weekends)
    periods = periods.mutate(days=reduce(or_, [periods[name] for name in days]))
    masks = {"days": "newest", **{name: f"newest_{m}" for m, name in zip(measures, days, strict=True)}}
    began = periods.ago * PERIOD_DAYS + settings.usage_closing_days
    newest = {name: began + lowest(periods[mask]) for mask, name in masks.items()}
    counts = {mask: bit_count(periods[mask]) for mask in masks}
    return periods.mutate(**newest, **counts, slots=ibis.literal(SLOTS[settings.usage_grain]))


def lowest(mask: ir.IntegerColumn) -> ir.IntegerColumn:
    """The place of the lowest one in a mask; null without any."""
    mask = mask.nullif(0)
    return bit_count((mask & -mask) - 1)


def weekend(rows: ir.Table, measures: list[str]) -> dict[str, ir.Value]:
    """`weekend_<measure>`: what of each measure (hundredths) was used on Saturdays and Sundays."""
    days = rows.happened_on.day_of_week.index() >= 5
    return {f"weekend_{m}": hundredths(rows[m]).sum(where=days).fill_null(0.0) for m in measures}


def measured(events: ir.Table) -> list[str]:
    """The measures of a usage table: its numbers."""
    return [name for name, kind in events.schema().items() if kind.is_floating()]


def settled(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per bill: `due_ago` days since it was due, `late` days until paid, `open` (hundredths unpaid), `dated`,
    `split` for a bill paid in parts.

    Before its due date nothing is late; a bill still unpaid is as late as it is overdue. A bill is paid on the day of
    its last payment; without a due date it is never overdue. For a customer none of whose payments names a
    bill, which of them are paid is unknown, and so is everything here.
    """
    billed = visible(spine, tables["bills"])
    payments = visible(spine, tables["payments"])
    paid = payments.group_by(ROW, "bill_id").aggregate(
        paid=hundredths(payments.amount).sum(), paid_on=payments.happened_on.max(), times=payments.happened_on.count()
    )
    unnamed = paid.group_by(ROW).aggregate(unnamed=(paid.times.sum() > 0) & (paid.bill_id.count() == 0))
    rows = billed.left_join(unnamed, ROW).drop(f"{ROW}_right").left_join(paid, [ROW, "bill_id"])
    owed = hundredths(rows.amount)
    full = rows.paid.fill_null(0.0) >= owed
    due_ago = rows.as_of.delta(rows.due_on, unit="day") - 1
    return rows.select(
        ROW,
        dated=ibis.ifelse(rows.happened_on.notnull(), rows.due_on.notnull() & ~rows.unnamed, None),
        due_ago=((due_ago >= 0) & ~rows.unnamed).ifelse(due_ago, None),
        late=ibis.ifelse(full, rows.paid_on.delta(rows.due_on, unit="day"), due_ago + 1),
        open=ibis.ifelse(~full & (due_ago >= 0), owed - rows.paid.fill_null(0.0), 0.0),
        split=(rows.times > 1) | ((rows.times == 1) & ~full),
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


SLOTS = {"day": 28.0, "week": 4.0, "month": 1.0}
"""Rows of one customer that fill a period of four weeks, by the grain of the usage table: `slots` of the block."""


def attributes(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per customer: what the mapping declares beyond the contract, which may have names of ours."""
    own = tables["customers"].drop("activated_on", "deactivated_on")
    return spine.select(ROW, "customer_id").left_join(own, "customer_id").drop("customer_id", "customer_id_right")


def plan_moves(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per plan signed: `days_ago`, and `change` of the fee against the plan before; null where either is."""
    rows = visible(spine, tables["subscriptions"])
    fee = rows.monthly_fee.cast("float64")
    before = fee.lag().over(group_by=ROW, order_by=rows.happened_on)
    return rows.select(ROW, "days_ago", change=fee - before)


def sharing(customers: ir.Table) -> ir.Table:
    """Customers whose account was ever somebody else's too: the usual account of one costs nothing after that."""
    customers = customers.select("customer_id", "account_id", "activated_on", "deactivated_on")
    several = customers.group_by("account_id").having(customers.count() > 1).aggregate()
    return customers.semi_join(several, "account_id")


def accounts(spine: ir.Table, tables: Tables) -> tuple[ir.Table, ir.Table]:
    """The spine with `account_id`; and who was ever on its `shared` accounts, seen from the same dates.

    `sharing` may have been made before, as a table of that name: three blocks ask for it, and some more than once.
    """
    customers = tables["sharing"] if "sharing" in tables else sharing(tables["customers"])
    shared = customers.select("customer_id", shared="account_id")
    rows = spine.select(ROW, "customer_id", "as_of", "cutoff").left_join(shared, "customer_id")
    on_record = tables["customers"].select("customer_id", "account_id")
    rows = rows.drop("customer_id_right").left_join(on_record, "customer_id").drop("customer_id_right")
    seen_from = rows.filter(rows.shared.notnull()).select("shared", "as_of", "cutoff").distinct()
    members = seen_from.join(customers, seen_from.shared == customers.account_id).drop("account_id")
    return rows.drop("cutoff"), members.filter(members.activated_on < members.as_of)


def together(members: ir.Table) -> ir.Table:
    """Members with us on accounts on which at least two are: a spine of its own, with `shared` for the account."""
    here = members.filter(with_us(members, members.as_of)).drop("deactivated_on")
    several = here.group_by("shared", "as_of").having(here.count() > 1).aggregate()
    return here.semi_join(several, ["shared", "as_of"])


def household(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per day on which members left (`days_ago`; null for those with us): `members`, himself included."""
    rows, members = accounts(spine, tables)
    left = members.as_of.delta(members.deactivated_on, unit="day") - 1
    days = members.mutate(days_ago=(left >= 0).ifelse(left, None)).group_by("shared", "as_of", "days_ago")
    counted = days.aggregate(members=lambda t: t.count())
    rows = rows.left_join(counted, ["shared", "as_of"])
    return rows.select(ROW, "account_id", "days_ago", "members")


def household_bills(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per closed month of an account that members share: `ago`, in `total` and his `own`
    (hundredths); `others` where there are any. No rows for a customer who never shared his account."""
    rows, members = accounts(spine, tables)
    seen = visible(together(members), since(spine, tables["bills"], HOUSEHOLD_DAYS))
    for_day = seen.happened_on - ibis.interval(days=int(settings.billed_in_arrears))
    seen = seen.mutate(ago=newest_closed(seen.as_of, settings) - month(for_day), value=hundredths(seen.amount))
    here = together(members).select("shared", "as_of").distinct().mutate(others=True)
    rows = rows.filter(rows.shared.notnull()).left_join(here, ["shared", "as_of"]).drop("shared_right", "as_of_right")
    return of_all(rows, seen.filter(seen.ago.between(0, 2)), "ago")


def household_complaints(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per day with complaints of an account that members share: `days_ago`, in `total` and his `own`."""
    rows, members = accounts(spine, tables)
    seen = visible(together(members), tables["complaints"])
    return of_all(rows, seen.mutate(value=1.0).filter(seen.days_ago < 365), "days_ago")


def of_all(rows: ir.Table, seen: ir.Table, when: str) -> ir.Table:
    """Sums of `value` per row and `when`: `total` of all members and `own`; a member alone keeps one row of nulls."""
    each = seen.group_by("customer_id", "shared", "as_of", when).aggregate(own=lambda t: t.value.sum())
    whole = each.group_by("shared", "as_of", when).aggregate(total=lambda t: t.own.sum())
    rows = rows.left_join(whole, ["shared", "as_of"]).drop("shared_right", "as_of_right")
    rows = rows.left_join(each.drop("shared"), ["customer_id", "as_of", when])
    kept = [c for c in ("account_id", "others") if c in rows.columns]
    return rows.select(ROW, *kept, when, "total", "own")


def since(spine: ir.Table, events: ir.Table, days: int) -> ir.Table:
    """Events of so many days before the first as-of date, and later ones."""
    recent = events.join(spine.aggregate(first_as_of=spine.as_of.min()), ibis.literal(True))
    return recent.filter(recent.happened_on >= recent.first_as_of - ibis.interval(days=days)).drop("first_as_of")


HOUSEHOLD_DAYS = 240
"""Days of bills that hold the three newest closed months of an account, however late months are closed."""
ACROSS = ("household", "household_bills", "household_complaints")
"""Blocks that look at other customers of the account: their tables must not be cut to some of the customers."""


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
    "attributes": (("customers",), attributes),
    "plan_moves": (("subscriptions",), plan_moves),
    "household": (("customers",), household),
    "household_bills": (("customers", "bills"), household_bills),
    "household_complaints": (("customers", "complaints"), household_complaints),
}
"""Block name to the tables that it needs and how it is made."""
