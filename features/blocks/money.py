"""Blocks of money: bills by month, purchases by day, bills against their payments."""

import ibis
import ibis.expr.types as ir

from features.blocks.months import awaiting, billed_month, known_until, month
from features.contracts import CONTRACTS
from features.definition import ROW
from features.series import hundredths, square_parts
from features.settings import FeatureSettings
from features.visible import Tables, visible


def bills(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per closed month with a bill: `billed` (hundredths, less what was credited) and as much as each
    `component_<name>` is of it, `bills` without credit notes, `ago` from the newest that is known; `known` months with
    us, and `awaited` closed months that are not."""
    spine = awaiting(spine, tables, settings)
    newest = spine.closed - spine.awaited
    rows = visible(spine.mutate(newest=newest, known=newest - month(spine.activated_on) + 1), tables["bills"])
    rows = rows.mutate(ago=rows.newest - billed_month(rows, settings))
    parts = {f"component_{name}": hundredths(rows[name]).sum() for name in components(tables["bills"])}
    return rows.group_by(ROW, "known", "awaited", "ago").aggregate(
        billed=hundredths(rows.amount).sum(), bills=(rows.amount >= 0).sum(), **parts
    )


def components(bills: ir.Table) -> list[str]:
    """What a mapping adds to bills: amounts of money that are parts of them."""
    return [
        name for name in bills.columns if name not in CONTRACTS["bills"].schema() and bills[name].type().is_decimal()
    ]


def purchases(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per day with bills above or below zero: `orders`, their sum `paid`, the `largest`, sums of their
    `square_parts` as `high`, `cross` and `low` (hundredths), `ago` days, `gap` days to the purchase day before; the
    `returns`, what was `returned` (hundredths) and `back` days; `age` days with us.

    Days count back from the end of what is known of a customer: while a usual bill is awaited that is before its month,
    and nothing after it is seen.
    """
    rows = visible(known_until(spine, tables, settings), tables["bills"])
    ago = rows.until.delta(rows.happened_on, unit="day") - 1
    cents = (ago >= 0).ifelse(hundredths(rows.amount), None)
    rows = rows.select(
        ROW,
        paid=(cents > 0).ifelse(cents, None),
        returned=(cents < 0).ifelse(-cents, None),
        day=(cents != 0).ifelse(ago, None),
        age=rows.until.delta(rows.activated_on, unit="day"),
    )
    paid, back = rows.paid, rows.returned
    squares = {name: part.sum() for name, part in zip(("high", "cross", "low"), square_parts(paid), strict=True)}
    counts = {"orders": paid.count(), "returns": back.count()}
    sums = {"paid": paid.sum(), "largest": paid.max(), "returned": back.sum(), "age": rows.age.max()}
    days = rows.group_by(ROW, "day").aggregate(**counts, **sums, **squares)
    days = days.mutate(ago=(days.orders > 0).ifelse(days.day, None), back=(days.returns > 0).ifelse(days.day, None))
    return days.mutate(gap=days.ago.lead().over(group_by=ROW, order_by=days.ago) - days.ago)


def settled(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per bill: `due_ago` days since it was due, `late` days until paid, `open` (hundredths unpaid), `dated`,
    `split` for a bill paid in parts.

    Before its due date nothing is late; a bill still unpaid is as late as it is overdue. A bill is paid on the day of
    its last payment; without a due date it is never overdue. A credit note is no bill that falls due, and a refund
    does not make a bill unpaid again. For a customer none of whose payments names a
    bill, which of them are paid is unknown, and so is everything here.
    """
    billed = visible(spine, tables["bills"])
    payments = _made(visible(spine, tables["payments"]))
    paid = payments.group_by(ROW, "bill_id").aggregate(
        paid=hundredths(payments.paid).sum(), paid_on=payments.happened_on.max(), times=payments.happened_on.count()
    )
    unnamed = paid.group_by(ROW).aggregate(unnamed=(paid.times.sum() > 0) & (paid.bill_id.count() == 0))
    rows = billed.left_join(unnamed, ROW).drop(f"{ROW}_right").left_join(paid, [ROW, "bill_id"])
    owed = hundredths(rows.amount)
    full = rows.paid.fill_null(0.0) >= owed
    due_ago = ibis.ifelse(rows.amount >= 0, rows.as_of.delta(rows.due_on, unit="day") - 1, None)
    return rows.select(
        ROW,
        dated=ibis.ifelse(rows.amount >= 0, rows.due_on.notnull() & ~rows.unnamed, None),
        due_ago=((due_ago >= 0) & ~rows.unnamed).ifelse(due_ago, None),
        late=ibis.ifelse(full, rows.paid_on.delta(rows.due_on, unit="day"), due_ago + 1),
        open=ibis.ifelse(~full & (due_ago >= 0), owed - rows.paid.fill_null(0.0), 0.0),
        split=(rows.times > 1) | ((rows.times == 1) & ~full),
    )


def payments(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible payments as they are; `days_ago` counts back from the as-of date, `refunded_ago` for a refund and
    `failed_ago` for an attempt that failed; `told`: does the row say whether it failed?"""
    rows = visible(spine, tables["payments"])
    came = ~rows.failed.fill_null(False)
    rows = rows.mutate(
        refunded_ago=(came & (rows.amount < 0)).ifelse(rows.days_ago, None),
        failed_ago=came.ifelse(None, rows.days_ago),
        told=rows.amount.notnull().ifelse(rows.failed.notnull(), None),
    )
    return _made(rows)


def _made(payments: ir.Table) -> ir.Table:
    """Payments of which refunds and attempts that failed are none: they have no bill, amount or day, and the customer
    keeps their row."""
    kept = (payments.amount >= 0) & ~payments.failed.fill_null(False)
    return payments.mutate(
        **{name: kept.ifelse(payments[name], None) for name in ("bill_id", "happened_on", "days_ago")},
        paid=kept.ifelse(payments.amount, None),
    )
