"""Recent usage: windows of days that a project declares, for a business whose rhythm is quicker than four weeks.

None is shipped. Where usage has one row a week, days are whole weeks.
"""

import ibis.expr.types as ir

from features.definition import Kind, Window
from features.grains import Events
from features.series import NOTHING, number, ratio

UNCOMPARED = (
    "not with us in all of the days before, or nothing used in them",
    "之前的天数尚未全部在网，或其间没有用量",
)

levels = Kind(Events, "usage_days", unit="measure", reason="usage_level", per="measure", spans="usage")
trends = Kind(
    Events,
    "usage_days",
    unit="ratio",
    reason="usage_trend",
    null=UNCOMPARED,
    no_events=None,
    per="measure",
    spans="usage",
)
active_days = Kind(Events, "usage_days", unit="days", reason="usage_recency", spans="usage")


def _used(rows: Events, measure: str, window: Window) -> ir.NumericValue:
    """What was used of a measure inside a window, in whole hundredths."""
    return rows[measure].sum(where=window.covers(rows.back)).fill_null(0.0)


@levels("{measure} in {n} days", "近{n}天{measure}", (), column="{measure}_used")
def measure_used(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """{measure} of the last {n} days.
    近{n}天{measure}合计"""
    return _used(rows, measure, window) / 100.0


@trends(
    "{measure}, last {n} days over the {n} before", "近{n}天{measure}与前{n}天之比", (), column="{measure}_used_ratio"
)
def measure_used_ratio(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """{measure} of the last {n} days over that of the {n} days before.
    近{n}天{measure}除以再往前{n}天的用量"""
    compared = ratio(_used(rows, measure, window), _used(rows, measure, window.before()))
    return (rows.known.max() >= 2 * window.size).ifelse(compared, NOTHING)


@active_days("days with usage in {n} days", "近{n}天有用量的天数", ())
def usage_days(rows: Events, window: Window) -> ir.Scalar:
    """Days with usage among the last {n}, at the grain of the source.
    近{n}天内有用量记录的天数（按来源粒度）"""
    return number(rows.back.nunique(where=window.covers(rows.back) & rows.used))
