"""Seasons: the bill against the same months of the year before, so that a Spring Festival is no trend."""

import ibis
import ibis.expr.types as ir

from features.definition import Window, feature, months
from features.families.arpu import arpu, billed
from features.series import NOTHING, over

YEAR = 12
"""Months to the same season of the year before."""
NO_YEAR = ("not with us in all of those months a year before", "去年同期尚未全部在网")
NO_YEAR_BILL = ("not with us, or nothing billed, a year before", "去年同期未在网或没有账单")


@feature(
    "bills",
    unit="currency/month",
    label=("bill against a year before, {n} months", "近{n}个月账单较去年同期的变化"),
    zh="近{n}个月月均账单减去去年同期月均账单，不受季节影响",
    null=NO_YEAR,
    reason="bill_trend",
    windows=months(1, 3),
)
def arpu_year_change(rows: ir.Table, window: Window) -> ir.Value:
    """ARPU of the last {n} months minus that of the same months a year before: season plays no part."""
    return arpu(rows, window) - _a_year_before(rows, window)


@feature(
    "bills",
    unit="ratio",
    label=("bill over that of a year before, {n} months", "近{n}个月账单与去年同期之比"),
    zh="近{n}个月月均账单除以去年同期月均账单，不受季节影响",
    null=NO_YEAR_BILL,
    reason="bill_trend",
    windows=months(1, 3),
    no_events=None,
)
def arpu_year_ratio(rows: ir.Table, window: Window) -> ir.Value:
    """ARPU of the last {n} months over that of the same months a year before: season plays no part."""
    return over(arpu(rows, window), _a_year_before(rows, window))


def _a_year_before(rows: ir.Table, window: Window) -> ir.Value:
    """ARPU of the same months of the year before; null unless all of them were with us."""
    then = window.earlier(YEAR)
    return ibis.ifelse(billed(rows).count(then) == window.size, arpu(rows, then), NOTHING)
