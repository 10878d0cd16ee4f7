"""Has everything come that a source usually brings? What nobody delivered is not zero.

A source is judged against its own past, each period against earlier ones *as they were seen at the same age*, so that
what is late as always is not missing. Two rhythms: months, which stop a run, and the newest week, which warns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.contracts import CONTRACTS
from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from models.splits import stepped
from pipelines.config.mapping import Mapping, Source
from pipelines.config.quality import Quality
from pipelines.ingest.inputs import raise_first
from pipelines.ingest.tables import Tables

FEWEST_ROWS = 50
"""Fewer rows are never asked for. Of 50 expected, chance alone (Poisson) leaves 12 or less once in 10^10 periods."""

FEWEST_PERIODS = 3
"""Earlier periods needed: below that nobody knows what is usual."""

GRACE = timedelta(days=1)
"""What has come now is compared with what had come a day younger: a run may be a day late, or fall on a Sunday."""

WANDER = timedelta(days=4)
"""A monthly run may wander over a weekend, so that one month seems to have two and the next none: a month is not thin
when about as much as a month brings lies in the few days before it."""


@dataclass(frozen=True)
class Rhythm:
    """Periods `[early, late)`, the newest first, and the midnights `seen` at which each was as old as the newest is now.

    `judged`: how many of the newest are judged. `compared`: how many periods earlier its comparables lie. `arriving`:
    so many of the newest may still be incomplete, and are compared with what had come at the same age.
    """

    spans: tuple[tuple[date, date], ...]
    seen: tuple[date, ...]
    judged: int
    compared: tuple[int, ...]
    arriving: int
    wander: timedelta = timedelta(0)

    @property
    def moments(self) -> set[date]:
        """The midnights at which rows must be counted."""
        return {self.seen[k] for k in (0, *self.compared)}


def months(as_of: date, edge: date) -> Rhythm:
    """24 months back from an edge, each against the half year before it and the same season a year ago."""
    edges, seen = ([stepped(day, "1mo", -k) for k in range(39)] for day in (edge, as_of))
    spans = tuple((early, late) for late, early in pairwise(edges))
    return Rhythm(spans, _graced(seen), 24, (*range(1, 7), 11, 12, 13), 3, WANDER)


def week(as_of: date, step: str, times: int) -> Rhythm:
    """The newest seven days, against seven days of some weeks or months before.

    Parameters
    ----------
    as_of
        The day after the newest week.
    step
        From one week to the one before: 7d or 1mo.
    times
        How many weeks before it are compared.
    """
    ends = [stepped(as_of, step, -k) for k in range(times + 1)]
    spans = tuple((end - timedelta(days=7), end) for end in ends)
    return Rhythm(spans, _graced(ends), 1, tuple(range(1, times + 1)), 1)


def _graced(moments: Sequence[date]) -> tuple[date, ...]:
    """Now, and the earlier moments with a day less."""
    return (moments[0], *[moment - GRACE for moment in moments[1:]])


@dataclass(frozen=True)
class Arrivals:
    """Rows of a table by local day of `happened_on`: `upto` runs over the days from `start` as seen at some midnights.

    `first` is the oldest day of the source; `live` the day from which on it was watched as well, for what was loaded at
    once when it began says nothing about how quickly rows come.
    """

    start: date
    first: date
    live: date
    upto: dict[date, np.ndarray]

    def between(self, early: date, late: date, seen: date) -> int:
        """Rows of the days `[early, late)` that were seen at a midnight."""
        upto = self.upto[seen]
        low, high = (min(max((day - self.start).days, 0), len(upto) - 1) for day in (early, late))
        return int(upto[high] - upto[low])


@dataclass(frozen=True)
class Thin:
    """A period with far fewer rows than each of its comparables; both ends belong to it."""

    first: date
    last: date
    found: int
    expected: int

    @property
    def share(self) -> float:
        """Rows found per row expected."""
        return self.found / self.expected


def check(con: Any, tables: Tables, mapping: Mapping, quality: Quality, as_of: date) -> tuple[Problem, ...]:
    """Warnings W421 for a thin week. Raises E421 for months that hardly came, the emptiest table first.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    mapping
        Names the sources, and the time zone of days.
    quality
        Limits, and months accepted as they are.
    as_of
        Rows known then or later do not count.
    """
    if not (quality.gaps and quality.smallest_month):
        return ()
    stopped: list[tuple[float, HeadwaterError]] = []
    warnings: list[Problem] = []
    for name in (name for name in CONTRACTS if CONTRACTS[name].event and name in tables.parts):
        file = _shown(mapping.tables[name].source)
        thin = _thinnest(con, tables, name, mapping.timezone, quality, as_of)
        if thin.month:
            stopped.append((thin.month.share, HeadwaterError("E421", file=file, **_values(name, thin.month))))
        elif thin.week:
            warnings.append(Problem("W421", file, values=_values(name, thin.week)))
    raise_first([error for _, error in sorted(stopped, key=lambda pair: pair[0])])
    return tuple(warnings)


def _shown(source: Source) -> str:
    """How a source is spelled where no single file is meant."""
    return source.files or source.database or source.table or "sql"


def _values(name: str, thin: Thin) -> dict[str, Any]:
    days = {"first": thin.first.isoformat(), "last": thin.last.isoformat(), "month": _month(thin.last)}
    return {"table": name, "found": thin.found, "expected": thin.expected, **days}


@dataclass(frozen=True)
class ThinnestPeriods:
    """The thinnest month of a table, and its newest week, if they are thin."""

    month: Thin | None = None
    week: Thin | None = None


def _thinnest(con: Any, tables: Tables, name: str, zone: str, quality: Quality, as_of: date) -> ThinnestPeriods:
    """Looks at calendar months and at those that end with the as-of date.

    A week must be thin against other weeks and against the same days of other months: bills are paid at a month's end.
    """
    by_month = [months(as_of, edge) for edge in dict.fromkeys((as_of.replace(day=1), as_of))]
    by_week = [week(as_of, "7d", 8), week(as_of, "1mo", 6)]
    arrived = arrivals(con, tables, name, zone, [*by_month, *by_week])
    if arrived is None:
        return ThinnestPeriods()
    share, accepted = quality.smallest_month, quality.quiet.get(name, ())
    thin = [month for rhythm in by_month for month in thin_periods(arrived, rhythm, share)]
    thin = [month for month in thin if not _overlaps(month, accepted)]
    quiet = [thin_periods(arrived, rhythm, share) for rhythm in by_week]
    return ThinnestPeriods(min(thin, key=lambda month: month.share, default=None), quiet[0][0] if all(quiet) else None)


def _overlaps(thin: Thin, accepted: Sequence[str]) -> bool:
    """Does a month that was declared right as it is lie in the period?"""
    return any(_month(thin.first) <= month <= _month(thin.last) for month in accepted)


def _month(day: date) -> str:
    """As months are accepted in the configuration: 2026-01."""
    return f"{day:%Y-%m}"


def thin_periods(came: Arrivals, rhythm: Rhythm, share: float) -> list[Thin]:
    """Periods with less than `share` of the rows of each comparable, but for runs that came a few days early.

    Parameters
    ----------
    came
        Rows by day, as they were seen at some midnights.
    rhythm
        Which periods are compared.
    share
        Least part of the fewest rows of the comparables; 0 finds none.
    """
    thin = []
    for (early, late), then, now in _counted(came, rhythm):
        if len(then) < FEWEST_PERIODS or min(then) < FEWEST_ROWS or now >= share * _steadiness(then) * min(then):
            continue
        if came.between(early - rhythm.wander, early, rhythm.seen[0]) < min(then) / 2:
            thin.append(Thin(early, late - timedelta(days=1), now, min(then)))
    return thin


def _steadiness(then: list[int]) -> float:
    """Fewest over usual rows of the newest comparables: a source that varies by itself may fall further."""
    return min(then[:6]) / float(np.median(then[:6]))


def _counted(came: Arrivals, rhythm: Rhythm) -> Iterator[tuple[tuple[date, date], list[int], int]]:
    """Each period that is judged, the rows of its comparables at the same age, and its own."""
    now = rhythm.seen[0]
    for j, span in enumerate(rhythm.spans[: rhythm.judged]):
        same_age = j < rhythm.arriving
        watched = came.live if same_age else came.first
        pairs = [(rhythm.spans[j + k], rhythm.seen[k] if same_age else now) for k in rhythm.compared]
        yield span, [came.between(*past, seen) for past, seen in pairs if past[0] > watched], came.between(*span, now)


def arrivals(con: Any, tables: Tables, name: str, zone: str, rhythms: Sequence[Rhythm]) -> Arrivals | None:
    """Rows per day as they were seen at each midnight of the rhythms; None for a table without any in that time.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    name
        Of a table of events.
    zone
        IANA name, in which days begin.
    rhythms
        Every period that will be asked for.
    """
    start = min(early for rhythm in rhythms for early, _ in rhythm.spans)
    end = max(late for rhythm in rhythms for _, late in rhythm.spans)
    moments = sorted(set().union(*[rhythm.moments for rhythm in rhythms]))
    events = tables.opened(con, {name: start})[name]
    events = events.filter(events.happened_on >= start, events.happened_on < end)
    seen = {f"seen_{moment:%Y%m%d}": _was_seen(events, cutoff(moment, zone)).sum() for moment in moments}
    days = events.group_by("happened_on").aggregate(known=events.known_at.min(), **seen).to_pandas()
    if not len(days):
        return None
    first = min(part.first_day for part in tables.parts[name] if part.first_day)
    live = max(first, days["known"].min().date())
    places = (pd.to_datetime(days["happened_on"]) - pd.Timestamp(start)).dt.days
    upto = {moment: _running((end - start).days, places, days[f"seen_{moment:%Y%m%d}"]) for moment in moments}
    return Arrivals(start, first, live, upto)


def _running(size: int, places: pd.Series, rows: pd.Series) -> np.ndarray:
    """Rows up to each day, from none before the first."""
    return np.bincount(places + 1, weights=rows, minlength=size + 1).cumsum()


def _was_seen(events: ir.Table, moment: Any) -> ir.BooleanValue:
    """Was a row known before a moment, and not yet superseded?"""
    midnight = ibis.literal(moment).cast("timestamp(6)")
    superseded = events.superseded_at.isnull() | (events.superseded_at >= midnight)
    return (events.known_at < midnight) & superseded
