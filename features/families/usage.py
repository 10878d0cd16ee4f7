"""Usage: how much of each measure, and where it is heading.

Periods are four weeks, so that each holds every weekday equally often; a period without usage counts as 0.
"""

import ibis.expr.types as ir

from features.definition import Window, feature, weeks
from features.series import NOTHING, Series, over

YOUNG = ("not yet four weeks with us", "在网不足四周")
NOTHING_BEFORE = ("no usage to compare with", "之前没有用量可比")


def used(rows: ir.Table, measure: str) -> Series:
    """What was used of a measure per period of four weeks, in hundredths."""
    return Series(rows[measure], rows.ago, rows.known)


@feature(
    "usage",
    unit="measure/4 weeks",
    label=("{measure} per 4 weeks, {n} weeks", "近{n}周每4周{measure}"),
    zh="近{n}周平均每四周的{measure}",
    null=YOUNG,
    reason="usage_level",
    windows=weeks(4, 12, 24, 52),
    per="measure",
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
    per="measure",
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
    per="measure",
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
    per="measure",
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
    per="measure",
)
def measure_of_peak(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """{measure} of the last four weeks over the highest four weeks of {n}."""
    return over(measure_mean(rows, measure, Window(1, "w")), used(rows, measure).peak(window))


@feature(
    "usage",
    unit="ratio",
    label=("weekend share of {measure}, {n} weeks", "近{n}周周末{measure}占比"),
    zh="近{n}周{measure}中周六和周日所占的比例；来源不按天记录时未知",
    null=("nothing used, or the source has no days", "没有用量，或来源不按天记录"),
    reason="usage_level",
    windows=weeks(
        12,
    ),
    no_events=None,
    per="measure",
)
def measure_weekend(rows: ir.Table, measure: str, window: Window) -> ir.Value:
    """Share of {measure} of the last {n} weeks used on Saturdays and Sundays; unknown where the source has no days."""
    if f"weekend_{measure}" not in rows.columns:
        return NOTHING
    return over(used(rows, f"weekend_{measure}").mean(window), measure_mean(rows, measure, window))


@feature(
    "usage",
    unit="ratio",
    label=("{part} as a share of {whole}, {n} weeks", "近{n}周{part}占{whole}的比例"),
    zh="近{n}周{part}除以{whole}",
    null=("nothing used", "没有用量"),
    reason="usage_level",
    windows=weeks(4, 12),
    no_events=None,
    per="part",
)
def part_share(rows: ir.Table, part: str, whole: str, window: Window) -> ir.Value:
    """{part} of the last {n} weeks over {whole}, which contains it."""
    return over(measure_mean(rows, part, window), measure_mean(rows, whole, window))
