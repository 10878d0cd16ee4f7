"""Days on which a source brought far less than it brings: in the middle of it, or the newest ones.

A day is judged against the same weekdays around it; the newest fortnight, of which rows may still come, against what
had come of earlier ones at the same age. Days of few rows, of a source with a run a month, are never asked for.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pipelines.ingest.arrivals import FEWEST_PERIODS, FEWEST_ROWS, GRACE, Arrivals, Thin

ARRIVING = 14
"""Newest days that are compared with what had come of others at the same age."""
WEEKS = 8
"""Same weekdays that a day is compared with: the nearest."""
OUTLIERS = 2
"""The fewest of those that are left out: a gap among them must not hide another one."""
LOOKBACK = 400
"""Days that are judged: more than any feature of usage looks back to."""
RECENT, TOLD = 35, 120
"""Days in which what is odd, and no gap, is told; and in which a gap of a source that is not steady is."""
HALF, STEADY, LOOSE, MOST_GAPS = 0.5, 0.01, 0.05, 3
"""A source of which more than one day in a hundred lies below half, or that has more gaps, is not steady: then nothing
stops. Of more than one in twenty it has another rhythm than that of weeks, and days say nothing."""
FIFTH, WAVER = 1.645, 0.1
"""One day in twenty has so many standard deviations fewer rows than usual by chance (Poisson); a steady source wavers by
no more than a tenth besides. One that does has its holidays too, and a first year has no earlier one to know them by."""
SEASON = range(340, 391)
"""Days after which a quiet day comes again: New Year, or the Spring Festival, which wanders."""


@dataclass(frozen=True)
class ThinDays:
    """What a source did not bring.

    Attributes
    ----------
    gaps
        Runs of days with hardly any rows, others after them; the newest last. None that comes every year.
    scant
        Runs of the last weeks with far fewer rows than usual, or with hardly any as every year, which is told.
    newest
        The run that reaches up to the as-of date, and on how many days rows were missing; None without.
    missing
        Days of `newest` on which rows were to come.
    holidays
        How many of them are holidays.
    steady
        Does the source otherwise bring about as much every day?
    longest
        Days of the longest earlier gap, those that come every year included.
    told_from
        The day from which on a gap that does not stop is told.
    """

    gaps: tuple[Thin, ...] = ()
    scant: tuple[Thin, ...] = ()
    newest: Thin | None = None
    missing: int = 0
    holidays: int = 0
    steady: bool = False
    longest: int = 0
    told_from: date = date.min

    @property
    def recent(self) -> tuple[Thin, ...]:
        """The newest gap, told for a while where it does not stop: a source that is not steady has several."""
        return tuple(gap for gap in self.gaps[-1:] if gap.last >= self.told_from)

    @property
    def stopped(self) -> bool:
        """Has the source stopped, for longer than it ever was silent and than a delivery is late?"""
        return self.steady and self.missing - self.holidays > max(self.longest, MOST_MISSING)


MOST_MISSING = 3
"""Newest days that may be missing: they are unknown, and told."""


@dataclass(frozen=True)
class _Judged:
    """One entry per day: rows `found`, the fewest (`low`) and the `usual` of others; was it `asked` for, and is it a
    `gap` (hardly any rows) or `scant` (far fewer)?"""

    start: date
    found: np.ndarray
    low: np.ndarray
    usual: np.ndarray
    asked: np.ndarray
    gap: np.ndarray
    scant: np.ndarray

    def closed(self, holiday: Callable[[date], bool]) -> np.ndarray:
        """Which gaps are holidays of a business that may be closed on them: it was not open on more of them than not."""
        found = np.zeros(len(self.gap), dtype=bool)
        places = np.flatnonzero(self.asked)
        found[places] = [holiday(self.start + timedelta(days=int(place))) for place in places]
        closed = found & self.gap
        return closed if 2 * closed.sum() >= found.sum() else np.zeros(len(self.gap), dtype=bool)

    def runs(self, places: np.ndarray) -> list[Thin]:
        """Days in a row, those that were not asked for between them passed over."""
        order = np.cumsum(self.asked)  # of two days in a row that were asked for it differs by one
        breaks = np.flatnonzero(np.diff(order[places]) > 1) + 1
        return [self.thin(run) for run in np.split(places, breaks) if len(run)]

    def thin(self, run: np.ndarray) -> Thin:
        first, last = (self.start + timedelta(days=int(place)) for place in (run[0], run[-1]))
        return Thin(first, last, int(self.found[run].sum()), int(self.low[run].sum()))


def _never(day: date) -> bool:
    return False


def thin_days(
    came: Arrivals,
    as_of: date,
    share: float,
    accepted: Callable[[date], bool] = _never,
    holiday: Callable[[date], bool] = _never,
) -> ThinDays:
    """Days of a source that hardly came, or came with far fewer rows than they usually have.

    Parameters
    ----------
    came
        Rows by day, as they were seen on the as-of date and on the seven-day steps before it, a day early.
    as_of
        The day after the newest.
    share
        Least part of the rows of the other days; 0 finds nothing.
    accepted
        Days that are right as they are.
    holiday
        Days that may be, unless rows came on most others of them: they are told, and stop nothing.
    """
    if not share:
        return ThinDays()
    judged = _judged(came, as_of, share, accepted)
    last = len(judged.found)
    newest = _newest(judged)
    gone = np.isin(np.arange(last), newest)
    gaps, recent = judged.gap & ~gone, np.arange(last) >= last - RECENT
    closed = judged.closed(holiday)
    own = np.flatnonzero(gaps & ~closed & ~_every_year(gaps) & (np.arange(last) >= last - LOOKBACK))
    runs, every = judged.runs(own), judged.runs(np.flatnonzero(gaps))
    others = judged.asked & ~np.isin(np.arange(last), own) & ~gone
    ratio = judged.found[others] / judged.usual[others]
    if not len(ratio) or (ratio < HALF).mean() > LOOSE:
        return ThinDays()
    return ThinDays(
        tuple(runs),
        tuple(
            judged.runs(np.flatnonzero((judged.scant | judged.gap) & ~np.isin(np.arange(last), own) & ~gone & recent))
        ),
        judged.thin(newest) if len(newest) else None,
        len(newest),
        int(closed[newest].sum()),
        len(runs) <= MOST_GAPS and _is_steady(ratio, float(np.median(judged.usual[others]))),
        max(((run.last - run.first).days + 1 for run in every), default=0),
        as_of - timedelta(days=TOLD),
    )


def _is_steady(ratio: np.ndarray, usual: float) -> bool:
    """Do days hardly ever lie below half of what is usual, and hardly vary more than counts of that size do?"""
    if len(ratio) < 2 * ARRIVING or (ratio < HALF).mean() > STEADY:
        return False
    return bool(np.quantile(ratio, 0.05) >= 1 - WAVER - FIFTH / np.sqrt(usual))


def _judged(came: Arrivals, as_of: date, share: float, accepted: Callable[[date], bool]) -> _Judged:
    """Every day from the first one counted to the as-of date."""
    last = (as_of - came.start).days
    found, first = np.diff(came.upto[as_of])[:last], max((came.first - came.start).days, 0)
    others = _around(found, first, last - ARRIVING)
    for place in range(max(last - ARRIVING, 0), last):
        others[:, place] = _at_the_same_age(came, came.start + timedelta(days=place), as_of)
    count = np.sum(~np.isnan(others), axis=0)
    others = np.sort(others, axis=0)  # what is not known comes last
    days = np.arange(last)
    fewest = others[np.where(count >= WEEKS - OUTLIERS, OUTLIERS, 0), days]
    kept = count - np.where(count >= WEEKS - OUTLIERS, OUTLIERS, 0)
    asked = (kept >= FEWEST_PERIODS) & (np.nan_to_num(fewest) >= FEWEST_ROWS) & (days >= first + 7)
    asked &= ~np.array([accepted(came.start + timedelta(days=int(day))) for day in days], dtype=bool)
    low, usual = np.where(asked, fewest, 1.0), np.ones(last)
    usual[asked] = np.nanmedian(others[:, asked], axis=0)
    most = np.where(asked, others[np.maximum(count - 1, 0), days], 1.0)
    gap = asked & (found < share * (low / usual) * low)
    scant = asked & (found < (0.9 - 2 * (most - low) / usual - 5 / np.sqrt(low)) * low)
    return _Judged(came.start, found, low, usual, asked, gap, scant)


def _around(rows: np.ndarray, first: int, settled: int) -> np.ndarray:
    """One column per day: the rows of the nearest same weekdays that have settled; NaN where there are fewer."""
    steps = sorted((7 * k * sign for k in range(1, WEEKS + 1) for sign in (-1, 1)), key=abs)
    near = np.arange(len(rows)) + np.array(steps)[:, None]
    there = (near >= first) & (near < settled)
    there &= np.cumsum(there, axis=0) <= WEEKS
    return np.where(there, rows[np.clip(near, 0, len(rows) - 1)], np.nan)


def _at_the_same_age(came: Arrivals, day: date, as_of: date) -> np.ndarray:
    """What had come of the same weekdays before, a day younger than the day is now; only since the source is watched."""
    column = np.full(2 * WEEKS, np.nan)
    for k in range(1, WEEKS + 1):
        past, seen = day - timedelta(days=7 * k), as_of - timedelta(days=7 * k) - GRACE
        if past > came.live:
            column[k - 1] = came.between(past, past + timedelta(days=1), seen)
    return column


def _newest(judged: _Judged) -> np.ndarray:
    """The days in a row up to the as-of date of which hardly anything came."""
    last = len(judged.found)
    asked = np.flatnonzero(judged.asked[-ARRIVING:]) + max(last - ARRIVING, 0)
    came = asked[~judged.gap[asked]]
    return asked[asked > came[-1]] if len(came) else asked


def _every_year(gaps: np.ndarray) -> np.ndarray:
    """Which gaps come again, or came before, at about the same time of another year."""
    places = np.flatnonzero(gaps)
    apart = np.abs(places[:, None] - places[None, :])
    again = ((apart >= SEASON.start) & (apart < SEASON.stop)).any(axis=1)
    return np.isin(np.arange(len(gaps)), places[again])
