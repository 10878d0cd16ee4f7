"""Seasons: the bill against the same months of the year before, so that a Spring Festival is no trend."""

import ibis
import ibis.expr.types as ir

from features.definition import Kind, Window, months
from features.families.arpu import arpu, billed
from features.grains import Events
from features.series import NOTHING, ratio

YEAR = 12
"""Months to the same season of the year before."""
NO_YEAR = ("not with us in all of those months a year before", "去年同期尚未全部在网")
NO_YEAR_BILL = ("not with us, or nothing billed, a year before", "去年同期未在网或没有账单")

changes = Kind(Events, "bills", unit="currency/month", reason="bill_trend", null=NO_YEAR)
ratios = Kind(Events, "bills", unit="ratio", reason="bill_trend", null=NO_YEAR_BILL, no_events=None)


@changes("bill against a year before, {n} months", "近{n}个月账单较去年同期的变化", months(1, 3))
def arpu_year_change(rows: Events, window: Window) -> ir.Scalar:
    """ARPU of the last {n} months minus that of the same months a year before: season plays no part.
    近{n}个月月均账单减去去年同期月均账单，不受季节影响"""
    return arpu(rows, window) - _a_year_before(rows, window)


@ratios("bill over that of a year before, {n} months", "近{n}个月账单与去年同期之比", months(1, 3))
def arpu_year_ratio(rows: Events, window: Window) -> ir.Scalar:
    """ARPU of the last {n} months over that of the same months a year before: season plays no part.
    近{n}个月月均账单除以去年同期月均账单，不受季节影响"""
    return ratio(arpu(rows, window), _a_year_before(rows, window))


def _a_year_before(rows: Events, window: Window) -> ir.Value:
    """ARPU of the same months of the year before; null unless all of them were with us."""
    then = window.earlier(YEAR)
    return ibis.ifelse(billed(rows).count(then) == window.size, arpu(rows, then), NOTHING)
