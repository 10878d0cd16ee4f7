"""How far a source has come at an as-of date: of its newest days nothing may have arrived yet, from anybody."""

from functools import reduce
from operator import and_

import ibis
import ibis.expr.types as ir

from features.contracts import SOURCE_NAME
from features.visible import happened_and_known

MOST_LAG = 10
"""Newest days that may be missing; a source that is silent for longer has stopped, which is told before this."""
WEEKS = 4
"""Same weekdays before with which each of them is compared."""
FEWEST, SHARE = 50, 0.25
"""A day counts as arrived with a quarter of the rows of the others; days of fewer rows are never asked for."""


def with_usage_lag(spine: ir.Table, usage: ir.Table) -> ir.Table:
    """The spine with `usage_lag`: how many of the newest days before its date are unknown, for everybody alike.

    A day on which hardly any rows are seen, of those of the same weekdays of the four weeks before, has not come yet;
    days before it are known again from the first that has. 0 where all have come, or too few rows tell. Of several sources
    the latest decides: what one of them measures is unknown until it has come.

    Parameters
    ----------
    spine : rows with `as_of` and `cutoff`
    usage : the whole canonical table, whoever is on the spine
    """
    dates = spine.select("as_of", "cutoff").distinct()
    days = MOST_LAG + 7 * WEEKS
    recent = usage.happened_on >= dates.as_of - ibis.interval(days=days)
    rows = dates.inner_join(usage, [recent, happened_and_known(dates, usage)])
    ago = rows.as_of.delta(rows.happened_on, unit="day") - 1
    of = ["as_of", *([SOURCE_NAME] if SOURCE_NAME in usage.columns else [])]
    each = rows.group_by(*of, ago=ago).aggregate(n=rows.count())
    counts = each.group_by(of).aggregate(**{f"n{d}": each.n.sum(where=each.ago == d) for d in range(days)})
    lags = counts.select("as_of", usage_lag=_lag([counts[f"n{d}"].fill_null(0) for d in range(days)]))
    if SOURCE_NAME in of:
        lags = lags.group_by("as_of").aggregate(usage_lag=lags.usage_lag.max())
    joined = spine.left_join(lags, "as_of").drop("as_of_right")
    return joined.mutate(usage_lag=joined.usage_lag.fill_null(0))


def _lag(rows: list[ir.IntegerValue]) -> ir.IntegerValue:
    """From the rows of each day, the newest first, how many days are unknown."""
    lag, missing = ibis.literal(0, "int64"), []
    for day in range(MOST_LAG):
        others = [rows[day + 7 * week] for week in range(1, WEEKS + 1)]
        usual = (sum(others[1:], others[0]) - ibis.greatest(*others) - ibis.least(*others)) / (WEEKS - 2)
        asked, gone = usual >= FEWEST, rows[day] < SHARE * usual
        missing.append(~asked | gone)
        lag = (reduce(and_, missing) & asked).ifelse(ibis.literal(day + 1, "int64"), lag)
    return lag
