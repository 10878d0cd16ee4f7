"""Usage: how much of each measure, and where it is heading.

Periods are four weeks, so that each holds every weekday equally often; a period without usage counts as 0.
"""

import ibis.expr.types as ir

from features.definition import Kind, Window, weeks
from features.grains import Events
from features.series import NOTHING, Series, ratio

YOUNG = ("not yet four weeks with us", "在网不足四周")
NOTHING_BEFORE = ("no usage to compare with", "之前没有用量可比")


UNUSED = ("nothing used", "没有用量")
levels = Kind(Events, "usage", unit="measure/4 weeks", reason="usage_level", null=YOUNG, per="measure")
trends = Kind(Events, "usage", unit="ratio", reason="usage_trend", null=NOTHING_BEFORE, no_events=None, per="measure")
swings = Kind(
    Events, "usage", unit="ratio", reason="usage_fluctuation", null=NOTHING_BEFORE, no_events=None, per="measure"
)
shares = Kind(Events, "usage", unit="ratio", reason="usage_mix", null=UNUSED, no_events=None, per="measure")


def used(rows: Events, measure: str) -> Series:
    """What was used of a measure per period of four weeks, in hundredths."""
    return Series(rows[measure], rows.ago, rows.known)


@levels("{measure} per 4 weeks, {n} weeks", "近{n}周每4周{measure}", weeks(4, 12, 24, 52), column="{measure}_mean")
def measure_mean(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """Mean {measure} per four weeks over the last {n} weeks.
    近{n}周平均每四周的{measure}"""
    return used(rows, measure).mean(window)


@trends(
    "{measure}, last {n} weeks over the {n} before",
    "近{n}周{measure}与前{n}周之比",
    weeks(4, 12),
    column="{measure}_ratio",
)
def measure_ratio(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """{measure} of the last {n} weeks over the {n} weeks before.
    近{n}周{measure}除以再往前{n}周的用量"""
    return ratio(measure_mean(rows, measure, window), measure_mean(rows, measure, window.before()))


@trends(
    "{measure} trend, {n} weeks", "{n}周{measure}趋势", weeks(24), column="{measure}_trend", unit="share per 4 weeks"
)
def measure_trend(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """Least-squares slope of {measure} over {n} weeks as a share of its mean; rising is positive.
    近{n}周{measure}的斜率除以均值，上升为正"""
    return ratio(used(rows, measure).slope(window), measure_mean(rows, measure, window))


@swings("{measure} variation, {n} weeks", "{n}周{measure}波动系数", weeks(24), column="{measure}_variation")
def measure_variation(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """Coefficient of variation of {measure} per four weeks over {n} weeks.
    近{n}周{measure}的标准差除以均值"""
    return ratio(used(rows, measure).deviation(window), measure_mean(rows, measure, window))


@trends(
    "{measure}, last 4 weeks over the {n}-week peak",
    "近4周{measure}与{n}周峰值之比",
    weeks(24),
    column="{measure}_of_peak",
)
def measure_of_peak(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """{measure} of the last four weeks over the highest four weeks of {n}.
    近四周{measure}除以近{n}周最高的四周"""
    return ratio(measure_mean(rows, measure, Window(1, "w")), used(rows, measure).peak(window))


@shares(
    "weekend share of {measure}, {n} weeks",
    "近{n}周周末{measure}占比",
    weeks(12),
    column="{measure}_weekend",
    null=("nothing used, or the source has no days", "没有用量，或来源不按天记录"),
)
def measure_weekend(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """Share of {measure} of the last {n} weeks used on Saturdays and Sundays; unknown where the source has no days.
    近{n}周{measure}中周六和周日所占的比例；来源不按天记录时未知"""
    if f"weekend_{measure}" not in rows.columns:
        return NOTHING
    return ratio(used(rows, f"weekend_{measure}").mean(window), measure_mean(rows, measure, window))


@shares(
    "{part} as a share of {whole}, {n} weeks",
    "近{n}周{part}占{whole}的比例",
    weeks(4, 12),
    column="{part}_share",
    per="part",
)
def part_share(rows: Events, part: str, whole: str, window: Window) -> ir.Scalar:
    """{part} of the last {n} weeks over {whole}, which contains it.
    近{n}周{part}除以{whole}"""
    return ratio(measure_mean(rows, part, window), measure_mean(rows, whole, window))
