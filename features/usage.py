"""Usage: how much of each measure, where it is heading, and when it was last used.

Periods are four weeks, so that each holds every weekday equally often; a period without usage counts as 0.
"""

import ibis.expr.types as ir

from features.definition import Window, feature, weeks
from features.series import Series, number, over

YOUNG = ("not yet four weeks with us", "在网不足四周")
NOTHING_BEFORE = ("no usage to compare with", "之前没有用量可比")


def used(rows: ir.Table, measure: str) -> Series:
    return Series(rows[measure], rows.ago, rows.known)


@feature(
    "usage",
    unit="measure/4 weeks",
    label=("{measure} per 4 weeks, {n} weeks", "近{n}周每4周{measure}"),
    zh="近{n}周平均每四周的{measure}",
    null=YOUNG,
    reason="usage_level",
    windows=weeks(4, 12, 24, 52),
    per_measure=True,
)
def measure_mean(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """Mean {measure} per four weeks over the last {n} weeks."""
    return used(rows, measure).mean(window)


@feature(
    "usage",
    unit="ratio",
    label=("{measure}, last {n} weeks over the {n} before", "近{n}周{measure}与前{n}周之比"),
    zh="近{n}周{measure}除以再往前{n}周的用量",
    null=NOTHING_BEFORE,
    reason="usage_trend",
    windows=weeks(4, 12),
    no_events=None,
    per_measure=True,
)
def measure_ratio(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """{measure} of the last {n} weeks over the {n} weeks before."""
    return over(measure_mean(rows, measure, window), measure_mean(rows, measure, window.before()))


@feature(
    "usage",
    unit="share per 4 weeks",
    label=("{measure} trend, {n} weeks", "{n}周{measure}趋势"),
    zh="近{n}周{measure}的斜率除以均值，上升为正",
    null=NOTHING_BEFORE,
    reason="usage_trend",
    windows=weeks(
        24,
    ),
    no_events=None,
    per_measure=True,
)
def measure_trend(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """Least-squares slope of {measure} over {n} weeks as a share of its mean; rising is positive."""
    return over(used(rows, measure).slope(window), measure_mean(rows, measure, window))


@feature(
    "usage",
    unit="ratio",
    label=("{measure} variation, {n} weeks", "{n}周{measure}波动系数"),
    zh="近{n}周{measure}的标准差除以均值",
    null=NOTHING_BEFORE,
    reason="usage_trend",
    windows=weeks(
        24,
    ),
    no_events=None,
    per_measure=True,
)
def measure_variation(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """Coefficient of variation of {measure} per four weeks over {n} weeks."""
    return over(used(rows, measure).deviation(window), measure_mean(rows, measure, window))


@feature(
    "usage",
    unit="ratio",
    label=("{measure}, last 4 weeks over the {n}-week peak", "近4周{measure}与{n}周峰值之比"),
    zh="近四周{measure}除以近{n}周最高的四周",
    null=NOTHING_BEFORE,
    reason="usage_trend",
    windows=weeks(
        24,
    ),
    no_events=None,
    per_measure=True,
)
def measure_of_peak(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """{measure} of the last four weeks over the highest four weeks of {n}."""
    return over(measure_mean(rows, measure, Window(1, "w")), used(rows, measure).peak(window))


@feature(
    "usage",
    unit="days",
    label=("days since last use", "距最近使用天数"),
    zh="距最近一次有任何用量的天数（一年内）",
    null=("no use within a year", "一年内没有使用"),
    reason="usage_recency",
    no_events=None,
)
def days_since_usage(rows: ir.Table) -> ir.Value:
    """Days since anything was used, within the last year; 1 is the day before the as-of date."""
    return rows.newest.min(where=Window(365, "d").covers(rows.newest)).cast("float64") + 1.0


@feature(
    "usage",
    unit="days",
    label=("days with usage, {n} weeks", "近{n}周有用量的天数"),
    zh="近{n}周内有用量记录的天数（按来源粒度）",
    reason="usage_recency",
    windows=weeks(4, 12, 52),
)
def usage_days(rows: ir.Table, window: Window) -> ir.Value:
    """Days of the last {n} weeks with usage, at the grain of the source."""
    return number(rows.days.sum(where=window.covers(rows.ago)))


@feature(
    "usage",
    unit="count",
    label=("kinds of usage, {n} weeks", "近{n}周使用的业务种类"),
    zh="近{n}周内有用量的指标个数",
    reason="usage_breadth",
    windows=weeks(4, 12),
)
def usage_breadth(rows: ir.Table, window: Window) -> ir.Value:
    """How many of the measures were used in the last {n} weeks."""
    measures = [c for c in rows.columns if c not in {"customer_id", "as_of", "known", "ago", "days", "newest"}]
    inside = window.covers(rows.ago)
    each = [number((inside & (rows[m] > 0)).any().cast("int64")) for m in measures]
    return sum(each[1:], each[0])
