"""The block of usage: periods of four weeks, with what was used and on how many days."""

from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from features.blocks.months import bit_or
from features.definition import PERIOD_DAYS, ROW
from features.series import hundredths
from features.settings import FeatureSettings
from features.visible import Tables, since, visible

USAGE_LOOKBACK = 13 * PERIOD_DAYS + 31
"""Days of usage that any feature looks back to; more is not read."""
LONGEST = 182
"""Days of the longest window of usage that a project may declare: with the one before it a year."""
SLOTS = {"day": 28.0, "week": 4.0, "month": 1.0}
"""Rows of one customer that fill a period of four weeks, by the grain of the usage table: `slots` of the block."""


@ibis.udf.scalar.builtin(name="bit_count", signature=((int,), int))
def _bit_count(mask: ir.IntegerValue) -> ir.IntegerValue:
    """Ones in a mask; every engine has it under this name."""


def usage(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """One row per period of four weeks, `ago`: every measure (hundredths), the `days_<measure>` with it and the
    `newest_<measure>` in days; the `days` with anything and the `newest`.

    The newest `usage_closing_days` are still arriving and belong to no period (`ago` below 0); recency sees them. Days
    that have not come for anybody (`usage_lag` of the spine) belong to none either, and recency counts from before them.
    """
    events = tables["usage"]
    measures = _measures(events)
    recent = since(spine, events, USAGE_LOOKBACK)
    lag = _unknown_days(spine)
    spine = spine.mutate(lag=lag, closing=ibis.greatest(lag, settings.usage_closing_days))
    whole = spine.as_of.delta(spine.activated_on, unit="day") - spine.closing
    rows = visible(spine.mutate(known=(whole / PERIOD_DAYS).floor().cast("int64")), recent, USAGE_LOOKBACK)
    back, one = rows.days_ago - rows.closing, ibis.literal(1, "int64")
    ago = (back / PERIOD_DAYS).floor().cast("int64")  # `back` may be negative
    rows = rows.mutate(ago=ago, day=one << (back - ago * PERIOD_DAYS).cast("int32"))
    sums = {m: hundredths(rows[m]).sum() for m in measures}
    days = {f"days_{m}": bit_or((rows[m] > 0).cast("int64") * rows.day).fill_null(0) for m in measures}
    weekends = _weekend(rows, measures) if settings.usage_grain == "day" else {}
    periods = rows.group_by(ROW, "known", "closing", "lag", "ago").aggregate(**sums, **days, **weekends)
    periods = periods.mutate(days=reduce(or_, [periods[name] for name in days]))
    masks = {"days": "newest", **{name: f"newest_{m}" for m, name in zip(measures, days, strict=True)}}
    began = periods.ago * PERIOD_DAYS + periods.closing - periods.lag
    newest = {name: _at_least_none(began + _lowest(periods[mask])) for mask, name in masks.items()}
    counts = {mask: _bit_count(periods[mask]) for mask in masks}
    return periods.mutate(**newest, **counts, slots=ibis.literal(SLOTS[settings.usage_grain]))


def usage_days(spine: ir.Table, tables: Tables, settings: FeatureSettings) -> ir.Table:
    """The visible rows of usage of the days that windows look back over: every measure in hundredths, `back` days from
    the newest that is known, `used` for one with anything, and the `known` days with us.

    Days that are still arriving, and those that have not come for anybody, belong to no window (`back` below 0).
    """
    days = 2 * max(settings.windows.usage, default=LONGEST) + 31
    events = since(spine, tables["usage"], days)
    measures = _measures(events)
    closing = ibis.greatest(_unknown_days(spine), settings.usage_closing_days)
    known = spine.as_of.delta(spine.activated_on, unit="day") - closing
    rows = visible(spine.mutate(closing=closing, known=known), events, days)
    used = reduce(or_, [(rows[m] > 0).fill_null(False) for m in measures])
    return rows.select(
        ROW, "known", back=rows.days_ago - rows.closing, used=used, **{m: hundredths(rows[m]) for m in measures}
    )


def _unknown_days(spine: ir.Table) -> ir.IntegerValue:
    """Newest days that have not come for anybody; none where the spine does not say."""
    return spine.usage_lag if "usage_lag" in spine.columns else ibis.literal(0, "int64")


def _lowest(mask: ir.IntegerColumn) -> ir.IntegerColumn:
    """The place of the lowest one in a mask; null without any."""
    mask = mask.nullif(0)
    return _bit_count((mask & -mask) - 1)


def _at_least_none(days: ir.IntegerColumn) -> ir.IntegerColumn:
    """No day lies after the newest that is known; null stays null."""
    return (days < 0).ifelse(0, days)


def _weekend(rows: ir.Table, measures: list[str]) -> dict[str, ir.Value]:
    """`weekend_<measure>`: what of each measure (hundredths) was used on Saturdays and Sundays."""
    days = rows.happened_on.day_of_week.index() >= 5
    return {f"weekend_{m}": hundredths(rows[m]).sum(where=days).fill_null(0.0) for m in measures}


def _measures(events: ir.Table) -> list[str]:
    """The measures of a usage table: its numbers."""
    return [name for name, kind in events.schema().items() if kind.is_floating()]
