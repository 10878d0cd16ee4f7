"""Calendar months as numbers, which of them are closed at an as-of date, and whose bills are still awaited."""

from functools import reduce
from operator import and_, or_

import ibis
import ibis.expr.types as ir

from features.definition import KEY, ROW
from features.settings import FeatureSettings
from features.visible import Tables, since, visible

USUAL = 3
"""Months billed in a row, all of them where a customer has fewer, after which the next bill is expected."""
RARER = {3: 2, 6: 2, 12: 1}
"""Months from bill to bill of those who pay by the quarter, half-year or year, and how many such bills, with none
between them, say so."""


@ibis.udf.agg.builtin(name="bit_or", signature=((int,), int))
def bit_or(mask: ir.IntegerColumn) -> ir.IntegerScalar:
    """All masks in one; every engine has it under this name, but Ibis does not know Spark's."""


def month(day: ir.DateValue) -> ir.IntegerValue:
    """Months since year 0: those of two days can be subtracted."""
    return day.year().cast("int64") * 12 + day.month()


def newest_closed(as_of: ir.DateValue, settings: FeatureSettings) -> ir.IntegerValue:
    """The newest calendar month whose bills must be known before the cutoff."""
    return month(as_of - ibis.interval(days=settings.closing_days + settings.billed_in_arrears)) - 1


def newest_settled(as_of: ir.DateValue, settings: FeatureSettings) -> ir.IntegerValue:
    """The newest calendar month of which a bill that has not come will not come any more."""
    return month(as_of - ibis.interval(days=settings.settled_after)) - 1


def billed_month(bills: ir.Table, settings: FeatureSettings) -> ir.IntegerColumn:
    """The month that each bill is for."""
    return month(bills.happened_on - ibis.interval(days=int(settings.billed_in_arrears)))


def awaiting(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The spine with `closed`, its newest closed month, and `awaited`, how many months from there back are not known.

    A closed month without a bill is unknown while it has not settled, where each of the `USUAL` months before it has
    one, or those of a `RARER` rhythm have and no others: that bill is late, or its correction is. What is known ends before the oldest such month. Without bills in
    `tables` nothing is awaited.

    Parameters
    ----------
    spine : one row per (customer_id, as_of), with `row` or without
    tables : canonical tables, `bills` where there are any
    settings : when months close and settle
    """
    spine = spine.mutate(closed=newest_closed(spine.as_of, settings))
    longest = _most_awaited(settings)
    if not longest or "bills" not in tables:
        return spine.mutate(awaited=ibis.literal(0, "int64"))
    key = [ROW] if ROW in spine.columns else KEY
    rows = _with_masks(spine, tables["bills"], settings, longest + max(*RARER, USUAL))
    billed = rows.group_by(*key).aggregate(mask=bit_or(rows.mask))
    rows = spine.left_join(billed, key).drop(*[f"{c}_right" for c in key])
    return rows.mutate(awaited=_awaited(rows, settings, longest)).drop("mask")


def known_until(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The spine with `until`, the date up to which a customer's bills of days are known.

    It is the as-of date, or lies as many months before it as months that ended are awaited: a window that ends there
    holds as many usual bills as one that ends with the last of them. A month that ended is asked for at once, closed
    or not, for windows of days do not wait until it closes.

    Parameters
    ----------
    spine, tables, settings : as `awaiting` takes them
    """
    at_once = settings.model_copy(update={"closing_days": 0})
    most = _most_awaited(at_once) if "bills" in tables else 0
    if not most:
        return spine.mutate(until=spine.as_of)
    rows = awaiting(spine, tables, at_once)
    earlier = [(rows.awaited == n, (rows.as_of - ibis.interval(months=n)).cast("date")) for n in range(1, most + 1)]
    return rows.mutate(until=ibis.cases(*earlier, else_=rows.as_of)).drop("closed", "awaited")


def _most_awaited(settings: FeatureSettings) -> int:
    """Most months that can be closed and not settled."""
    open_days = settings.settled_after - settings.closing_days - settings.billed_in_arrears
    return open_days // 28 + 1 if open_days > 0 else 0


def _with_masks(spine: ir.Table, bills: ir.Table, settings: FeatureSettings, months: int) -> ir.Table:
    """Rows of the spine with each visible bill's month as a bit of `mask`, the newest closed month the lowest; what
    was only credited is no bill."""
    days = 31 * (months + 2) + settings.closing_days
    rows = visible(spine, since(spine, bills, days), days)
    ago = rows.closed - billed_month(rows, settings)
    counted = ago.between(0, months - 1) & (rows.amount >= 0)
    one = ibis.literal(1, "int64")
    return rows.mutate(mask=counted.ifelse(one << ago.cast("int32"), 0).fill_null(0))


def _awaited(rows: ir.Table, settings: FeatureSettings, longest: int) -> ir.IntegerValue:
    """How many of the newest closed months are not known, from the `mask` of months with a bill."""
    open_months = rows.closed - newest_settled(rows.as_of, settings)
    known = rows.closed - month(rows.activated_on) + 1

    def usual(ago: int) -> ir.BooleanValue:
        before = [_bit(rows.mask, m) | (known <= m) for m in range(ago + 1, ago + 1 + USUAL)]
        monthly = reduce(and_, before, known > ago + 1)
        return reduce(or_, [_billed_every(rows.mask, known, ago, *rhythm) for rhythm in RARER.items()], monthly)

    late = [~_bit(rows.mask, ago) & (open_months > ago) & usual(ago) for ago in range(longest)]
    return ibis.greatest(*[which.ifelse(ago + 1, 0) for ago, which in enumerate(late)], 0).cast("int64")


def _billed_every(mask: ir.IntegerValue, known: ir.IntegerValue, ago: int, period: int, times: int) -> ir.BooleanValue:
    """Before that month, were bills so many months apart, so often, and no others between them?"""
    months = period * times
    pattern = sum(1 << (period * n - 1) for n in range(1, times + 1))
    return (((mask >> (ago + 1)) & ((1 << months) - 1)) == pattern) & (known > ago + months)


def _bit(mask: ir.IntegerValue, place: int) -> ir.BooleanValue:
    return (mask & (1 << place)) != 0
