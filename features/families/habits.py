"""Habits: how often and how regularly customers use what they have, what they take up and what they give up.

Days are those of the usage table: where it has one row a week, they are weeks.
"""

from collections.abc import Callable

import ibis
import ibis.expr.types as ir

from features.definition import PERIOD_DAYS, Kind, Window, weeks
from features.families.usage import YOUNG, used
from features.grains import Events
from features.series import NOTHING, number, ratio

YEAR = Window(13, "w")
"""What is looked back to: 52 weeks."""
UNUSED = ("not used within a year", "一年内没有使用")


NEW = ("not yet with us before that time", "此前尚未在网")
ages = Kind(Events, "usage", unit="days", reason="usage_recency", null=UNUSED, no_events=None)
active_days = Kind(Events, "usage", unit="days", reason="usage_recency")
kinds = Kind(Events, "usage", unit="count", reason="usage_breadth")
changes = Kind(Events, "usage", unit="count", reason="usage_breadth", null=NEW)
shares = Kind(Events, "usage", unit="ratio", reason="usage_recency", null=YOUNG)
gaps = Kind(Events, "usage", unit="weeks", reason="usage_recency", null=YOUNG, no_events=52.0)
beginnings = Kind(Events, "usage", unit="weeks", reason="usage_breadth", null=UNUSED, no_events=None, per="measure")


@ages("days since last use", "距最近使用天数", null=("no use within a year", "一年内没有使用"))
def days_since_usage(rows: Events) -> ir.Scalar:
    """Days since anything was used, within the last year; 1 is the day before the as-of date.
    距最近一次有任何用量的天数（一年内）"""
    return rows.newest.min(where=Window(365, "d").covers(rows.newest)).cast("float64") + 1.0


@active_days("days with usage, {n} weeks", "近{n}周有用量的天数", weeks(4, 12, 52))
def usage_days(rows: Events, window: Window) -> ir.Scalar:
    """Days of the last {n} weeks with usage, at the grain of the source.
    近{n}周内有用量记录的天数（按来源粒度）"""
    return number(rows.days.sum(where=window.covers(rows.ago)))


@kinds("kinds of usage, {n} weeks", "近{n}周使用的业务种类", weeks(4, 12))
def usage_breadth(rows: Events, window: Window) -> ir.Scalar:
    """How many of the measures were used in the last {n} weeks.
    近{n}周内有用量的指标个数"""
    return _how_many(rows, lambda m: _used_in(rows, m, window.covers(rows.ago)))


def _how_many(rows: Events, holds: Callable[[str], ir.BooleanScalar]) -> ir.NumericScalar:
    """The number of measures of which that holds."""
    measures = [c for c in rows.columns if f"newest_{c}" in rows.columns]
    each = [number(holds(m).cast("int64")) for m in measures]
    return sum(each[1:], each[0])


def _used_in(rows: Events, measure: str, where: ir.BooleanColumn) -> ir.BooleanScalar:
    return (where & (rows[measure] > 0)).any().fill_null(False)


def _a_period_before(rows: Events, window: Window) -> ir.BooleanScalar:
    """Was the customer with us for a whole period before the window?"""
    return used(rows, "days").count(YEAR) > window.size


@changes("kinds of usage taken up, {n} weeks", "近{n}周新开始使用的业务种类", weeks(12))
def usage_adopted(rows: Events, window: Window) -> ir.Scalar:
    """How many measures were used in the last {n} weeks and not in the rest of the 52 weeks before the as-of date.
    近{n}周有用量、而此前（一年内）没有用量的指标个数"""
    taken_up = _how_many(rows, lambda m: ~_used_before(rows, m, window) & (used(rows, m).total(window) > 0))
    return ibis.ifelse(_a_period_before(rows, window), taken_up, NOTHING)


@changes("kinds of usage given up, {n} weeks", "近{n}周停止使用的业务种类", weeks(12))
def usage_dropped(rows: Events, window: Window) -> ir.Scalar:
    """How many measures were not used in the last {n} weeks but in the rest of the 52 weeks before the as-of date.
    近{n}周没有用量、而此前（一年内）有用量的指标个数"""
    given_up = _how_many(rows, lambda m: _used_before(rows, m, window) & (used(rows, m).total(window) <= 0))
    return ibis.ifelse(_a_period_before(rows, window), given_up, NOTHING)


def _used_before(rows: Events, measure: str, window: Window) -> ir.BooleanScalar:
    """Was it used in the year before the as-of date, the window apart? Sums of whole hundredths are exact."""
    return used(rows, measure).total(YEAR) > used(rows, measure).total(window)


@shares("share of days with usage, {n} weeks", "近{n}周有用量天数占比", weeks(4, 12))
def usage_days_share(rows: Events, window: Window) -> ir.Scalar:
    """Share of the days of the last {n} weeks with usage; of the weeks or months, where the source has no days.
    近{n}周中有用量的天数占比；来源按周（月）汇总时为有用量的周（月）占比"""
    possible = used(rows, "days").count(window) * rows.slots.max()
    return ratio(number(rows.days.sum(where=used(rows, "days").inside(window))), possible)


@ibis.udf.scalar.builtin(name="bin", signature=((int,), str))
def binary(mask: ir.IntegerValue) -> ir.StringValue:
    """A mask in ones and zeros; every engine has it under this name."""


@gaps("longest time without usage, {n} weeks", "近{n}周最长停用周数", weeks(52))
def usage_gap_max(rows: Events, window: Window) -> ir.Scalar:
    """Longest time without any usage in the last {n} weeks with us, in whole periods of four weeks.
    在网的近{n}周内没有任何用量的最长一段时间，按整四周一期计"""
    series = used(rows, "days")
    n = series.count(window)
    ones = (2.0**rows.ago).sum(where=series.inside(window) & (rows.days > 0)).fill_null(0.0)  # a bit for each period
    empty = binary((2.0**n - 1.0 - ones).cast("int64"))
    runs = [empty.contains("1" * length).cast("float64") for length in range(1, window.size + 1)]
    return ibis.ifelse(n > 0, sum(runs[1:], runs[0]) * (PERIOD_DAYS / 7), NOTHING)


@ages("days since last use: {measure}", "最近一次有{measure}距今天数", column="days_since_{measure}", per="measure")
def days_since_measure(rows: Events, measure: str) -> ir.Scalar:
    """Days since the last {measure} above zero, within the last year; 1 is the day before the as-of date.
    距最近一次有{measure}的天数（一年内）"""
    newest = rows[f"newest_{measure}"].min()
    return ibis.ifelse(newest < 365, newest.cast("float64") + 1.0, NOTHING)


@active_days(
    "days with {measure}, {n} weeks", "近{n}周有{measure}的天数", weeks(12), column="{measure}_days", per="measure"
)
def measure_days(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """Days of the last {n} weeks with any {measure}, at the grain of the source.
    近{n}周内有{measure}的天数（按来源粒度）"""
    return number(rows[f"days_{measure}"].sum(where=window.covers(rows.ago)))


@beginnings("weeks since first use: {measure}", "首次有{measure}距今周数", column="weeks_since_first_{measure}")
def weeks_since_first_measure(rows: Events, measure: str) -> ir.Scalar:
    """Weeks since the end of the first four weeks, within 52 weeks, with any {measure}; 48 for old users.
    一年内首次有{measure}的那四周距今的周数；在用已久者为 48"""
    first = rows.ago.max(where=YEAR.covers(rows.ago) & (rows[measure] > 0))
    return first.cast("float64") * (PERIOD_DAYS / 7)


@shares(
    "share of {n} weeks without {measure}",
    "近{n}周没有{measure}的时间占比",
    weeks(52),
    column="{measure}_idle",
    no_events=1.0,
    per="measure",
)
def measure_idle(rows: Events, measure: str, window: Window) -> ir.Scalar:
    """Share of the periods of four weeks, of the last {n} weeks with us, without {measure}.
    近{n}周按四周一期，没有{measure}的期数占比"""
    n = used(rows, measure).count(window)
    return ratio(n - used(rows, measure).filled(window), n)
