"""Has everything come that a source usually brings? What nobody delivered is not zero.

A source is judged against its own past, each period against earlier ones *as they were seen at the same age*, so that
what is late as always is not missing. Months and days stop a run, of a table or of one region; what may be right warns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from features.contracts import CONTRACTS
from features.errors import Problem
from models.splits import stepped
from pipelines.config import public_holidays
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest.arrivals import (
    FEWEST_PERIODS,
    FEWEST_ROWS,
    GRACE,
    Arrivals,
    Asked,
    Thin,
    arrivals,
    arrivals_by_region,
    least_share,
)
from pipelines.ingest.days import ThinDays, thin_days
from pipelines.ingest.tables import Tables

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


SEASONED = (*range(1, 7), 11, 12, 13)
"""Months before that one is compared with: the half year before it, and the same season a year ago."""


def months(as_of: date, edge: date, judged: int = 24, compared: tuple[int, ...] = SEASONED) -> Rhythm:
    """Months back from an edge.

    Parameters
    ----------
    as_of
        When they are seen.
    edge
        The day after the newest.
    judged
        How many.
    compared
        How many months before each its comparables lie.
    """
    count = judged + max(compared) + 2
    edges, seen = ([stepped(day, "1mo", -k) for k in range(count)] for day in (edge, as_of))
    spans = tuple((early, late) for late, early in pairwise(edges))
    return Rhythm(spans, _graced(seen), judged, compared, min(judged, 3), WANDER)


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


def problems(con: Any, tables: Tables, mapping: Mapping, quality: Quality, as_of: date) -> list[Problem]:
    """What did not come (E421-E424, the emptiest first), and what is thin and may be right (W421-W424).

    Months (E421), days in the middle (E422) and a source that stopped (E423) are asked for of each table, and of each of
    its sources where it has several; of one that is whole, the same of each region (E424).

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    mapping
        Names the sources, and the time zone of days.
    quality
        Limits, and months and days accepted as they are.
    as_of
        Rows known then or later do not count.
    """
    if not (quality.gaps and quality.smallest_month):
        return []
    told: list[tuple[bool, float, Problem]] = []
    for name in (name for name in CONTRACTS if CONTRACTS[name].event and name in tables.parts):
        for part in mapping.tables[name].parts:
            limits = Limits(quality, name, part.judged_on(as_of), mapping.timezone, mapping.tables[name].closes)
            counted = Counted(con, tables, name, mapping.timezone, part.name)
            found = _of_table(counted, limits)
            if not any(code.startswith("E") for code, _, _ in found):
                found += _of_regions(counted, limits)
            for code, thin, more in found:
                stops = code.startswith("E")
                problem = Problem(code, part.source.shown, values=_values(name, thin) | more | {"source": part.name})
                told.append((not stops, thin.share if stops else 0.0, problem))
    return [problem for *_, problem in sorted(told, key=lambda one: one[:2])]


def _values(name: str, thin: Thin) -> dict[str, Any]:
    days = {"first": thin.first.isoformat(), "last": thin.last.isoformat(), "month": _month(thin.last)}
    dates = ", ".join(f'"{thin.first + timedelta(days=n)}"' for n in range((thin.last - thin.first).days + 1))
    return {"table": name, "found": thin.found, "expected": thin.expected, "dates": dates, **days}


@dataclass(frozen=True)
class Limits:
    """How much of a table must have come on a date."""

    quality: Quality
    name: str
    as_of: date
    zone: str
    closes: timedelta | None = None

    def months(self, judged: int = 24, compared: tuple[int, ...] = SEASONED) -> list[Rhythm]:
        """Calendar months and those that end with the date; of a table that says when they close, those that have closed,
        against all that has come of others.

        Parameters
        ----------
        judged
            How many of the newest.
        compared
            How many months before each its comparables lie.
        """
        newest = self.as_of - (self.closes or timedelta(0))
        found = [months(self.as_of, edge, judged, compared) for edge in dict.fromkeys((newest.replace(day=1), newest))]
        if self.closes is None:
            return found
        return [replace(rhythm, seen=(self.as_of,) * len(rhythm.seen), arriving=0) for rhythm in found]

    def is_open(self, day: date) -> bool:
        """May rows of a day still come, as the mapping says?"""
        return self.closes is not None and day + timedelta(days=1) + self.closes > self.as_of

    @property
    def _accepted(self) -> tuple[str, ...]:
        return self.quality.quiet.get(self.name, ())

    def is_accepted(self, day: date) -> bool:
        """Was a day, or its month, declared right as it is?"""
        return bool({_month(day), day.isoformat()} & set(self._accepted))

    def is_holiday(self, day: date) -> bool:
        """May everything have been closed?"""
        return public_holidays.is_holiday(day, self.quality.holidays or public_holidays.country_of(self.zone))

    def takes(self, thin: Thin) -> bool:
        """Does a month that was declared right as it is lie in the period?"""
        return any(_month(thin.first) <= month <= _month(thin.last) for month in self._accepted if len(month) == 7)

    def thin_months(self, came: Arrivals, rhythms: Sequence[Rhythm]) -> list[Thin]:
        """Those that hardly came and were not accepted, the emptiest first."""
        thin = [month for rhythm in rhythms for month in thin_periods(came, rhythm, self.quality.smallest_month)]
        return sorted((month for month in thin if not self.takes(month)), key=lambda month: month.share)

    def thin_days(self, came: Arrivals) -> ThinDays:
        """Those that hardly came, have closed and were not accepted."""

        def accepted(day: date) -> bool:
            return self.is_accepted(day) or self.is_open(day)

        return thin_days(came, self.as_of, self.quality.smallest_day, accepted, self.is_holiday)


@dataclass(frozen=True)
class Counted:
    """Counts the rows of a table of events, or of one of its sources, on one connection, in the days of a time zone."""

    con: Any
    tables: Tables
    name: str
    zone: str
    source: str | None = None

    def whole(self, asked: Asked) -> Arrivals | None:
        """Of the whole table, or source."""
        return arrivals(self.con, self.tables, (self.name, self.source), self.zone, asked)

    def by_region(self, asked: Asked) -> dict[str, Arrivals]:
        """Of the customers of each region."""
        return arrivals_by_region(self.con, self.tables, (self.name, self.source), self.zone, asked)


Found = list[tuple[str, Thin, dict[str, Any]]]
"""Code of a problem, its period, and what more its text says."""


def _of_table(counted: Counted, limits: Limits) -> Found:
    """The emptiest month, else days, else the newest week of a table.

    Months are calendar months and those that end with the as-of date. A week must be thin against other weeks and
    against the same days of other months: bills are paid at a month's end.
    """
    by_month = limits.months()
    by_week = [week(limits.as_of, "7d", 8), week(limits.as_of, "1mo", 6)]
    came = counted.whole(asked([*by_month, *by_week]))
    if came is None:
        return []
    if emptiest := limits.thin_months(came, by_month)[:1]:
        return [("E421" if limits.closes is None else "E427", emptiest[0], {})]
    if found := _of_days(limits.thin_days(came)):
        return found
    if limits.closes is not None:
        return []
    quiet = [thin_periods(came, rhythm, limits.quality.smallest_month) for rhythm in by_week]
    return [("W421", quiet[0][0], {})] if all(quiet) else []


def _of_days(days: ThinDays) -> Found:
    """Gaps stop where a source is steady, and are told where it is not; so are the newest days that are missing."""
    if days.newest and days.stopped:
        return [("E423", days.newest, {"days": days.missing})]
    if days.gaps and days.steady:
        return [("E422", gap, {}) for gap in days.gaps]
    odd: Found = [("W422", thin, {}) for thin in (*days.recent, *days.scant)]
    return [*odd, *([("W423", days.newest, {"days": days.missing})] if days.newest else [])]


def _of_regions(counted: Counted, limits: Limits) -> Found:
    """Of each region the emptiest of the newest months, or days without rows: files may come by region.

    Only where the other regions came as usual meanwhile: what all of them lack is a matter of the whole table, and where
    one region is nearly the whole of it, the others tell nothing.
    """
    if not limits.quality.regions:
        return []
    by_month = limits.months(judged=3, compared=tuple(range(1, 7)))
    found: Found = []
    regions = counted.by_region(asked([*by_month, week(limits.as_of, "7d", 8)]))
    for region, came in regions.items():
        days, told = limits.thin_days(came), {"region": region}
        gaps = [*limits.thin_months(came, by_month)[:1], *(days.gaps if days.steady else ())]
        gaps += [days.newest] if days.newest and days.stopped else []
        others = [other for name, other in regions.items() if name != region]
        gaps = [thin for thin in gaps if _came_as_usual(others, thin, limits.as_of)]
        found += [("E424", thin, told) for thin in gaps[:1]]
        if days.newest and days.steady and not gaps and _came_as_usual(others, days.newest, limits.as_of):
            found.append(("W424", days.newest, told | {"days": days.missing}))
    return found


def _came_as_usual(others: Sequence[Arrivals], thin: Thin, as_of: date) -> bool:
    """Did the others bring enough rows in a period to tell, and at least half of what they brought in the one before?"""
    late = thin.last + timedelta(days=1)
    back = timedelta(days=-7 * ((thin.first - late).days // 7))  # whole weeks, so that weekdays are the same
    now = sum(came.between(thin.first, late, as_of) for came in others)
    before = sum(came.between(thin.first - back, late - back, as_of) for came in others)
    return now >= max(FEWEST_ROWS, before / 2)


def asked(rhythms: Sequence[Rhythm]) -> Asked:
    """The days and midnights of some rhythms."""
    start = min(early for rhythm in rhythms for early, _ in rhythm.spans)
    end = max(late for rhythm in rhythms for _, late in rhythm.spans)
    return Asked(start, end, tuple(sorted(set().union(*[rhythm.moments for rhythm in rhythms]))))


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
        if len(then) < FEWEST_PERIODS or min(then) < FEWEST_ROWS or now >= least_share(then, share) * min(then):
            continue
        if came.between(early - rhythm.wander, early, rhythm.seen[0]) < min(then) / 2:
            thin.append(Thin(early, late - timedelta(days=1), now, min(then)))
    return thin


def _counted(came: Arrivals, rhythm: Rhythm) -> Iterator[tuple[tuple[date, date], list[int], int]]:
    """Each period that is judged, the rows of its comparables at the same age, and its own."""
    now = rhythm.seen[0]
    for j, span in enumerate(rhythm.spans[: rhythm.judged]):
        same_age = j < rhythm.arriving
        watched = came.live if same_age else came.first
        pairs = [(rhythm.spans[j + k], rhythm.seen[k] if same_age else now) for k in rhythm.compared]
        yield span, [came.between(*past, seen) for past, seen in pairs if past[0] > watched], came.between(*span, now)
