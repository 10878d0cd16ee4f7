"""Which as-of dates are learnt from, calibrated on and judged on: forward in time, with purge.

The rule, once. A label window lasts `days` = gap + horizon + reporting delay. Then

* `final` is the newest date whose labels are in; it is touched once, after everything has been chosen.
* What is judged there has learnt from dates whose label window was over by `final` (`every`).
* The newest of these are told beforehand, each by models of the dates whose label window was over by then
  (`rehearsals`): there candidates are compared, and probabilities brought to their level. What lies between is purged.
* What is shipped learns from `every` date and from `final` too: nobody is judged by that.
* Dates between and after these have shown a part of their outcome by `final`, or by today (`partial`): what learns the time
  to an event learns that part, as it was known by the day that is told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from features.errors import HeadwaterError
from features.strict import Strict

STEP = re.compile(r"^(\d+)(mo|d)$")


class Protocol(Strict):
    """Dates of learning and judging. All are derived from "today" unless they are given.

    `first` and `last` bound the dates before `final`; without `first` the newest `count` are taken. Without any clock
    there is no later time to judge on: `folds` learns on some customers and judges on the others, on one date.
    """

    design: Literal["forward", "folds"] = Field(
        "forward", description="judged on later time, or, for a table without dates, on customers that were left out"
    )
    folds: int = Field(5, ge=3, le=20, description="parts of the customers, each judged by models of the others")
    every: str = Field("1mo", pattern=STEP.pattern, description="step between as-of dates: 1mo, 30d …")
    first: date | None = Field(None, description="oldest date to learn from, instead of the newest `count`")
    last: date | None = Field(None, description="newest date to learn from")
    count: int | None = Field(12, gt=0, description="newest dates to learn from, when `first` is not given")
    calibrate: int = Field(
        3, gt=0, description="newest learnable dates that are told by models of earlier ones, to choose"
    )
    unjudged: Literal["folds", "wait"] = Field(
        "folds",
        description="with one label window only there is no later one to judge on: judge on customers that were left "
        "out (and say so), or wait",
    )
    final: date | None = Field(None, description="date to judge on; without it the newest whose labels are in")
    reporting_delay_days: int = Field(5, ge=0, description="days until what happened is surely known")
    history_days: int = Field(150, ge=0, description="assumption: as-of dates with less history teach little")
    seasons: bool = Field(
        True,
        description="look at the season of a year before each date that is told; where that tells the level of earlier dates "
        "much better than the newest outcomes do, the level is that of last year's season",
    )
    partial: int = Field(
        6,
        ge=0,
        description="most of the newest dates that have shown a part of their outcome, for who learns from that",
    )


@dataclass(frozen=True)
class Rehearsal:
    """One date that is told by models which have learnt from dates whose label window was over by then."""

    day: date
    learnt: tuple[date, ...]


@dataclass(frozen=True)
class YearBefore:
    """A date that is told, and the snapshot of the same season a year before: at most a week away from it."""

    told: date
    day: date


@dataclass(frozen=True)
class Split:
    """As-of dates of one training, oldest first; the days of `rehearsals` are part of `every`.

    With `folds` they are one date, whose customers are learnt from, calibrated on and judged on in turns. `partial` are
    dates after `every`, before and after `final`, of which the shortest horizon is known by `today`. `seasons` are dates told,
    oldest first and the day of the training last, with their season of a year before, where the history has it.
    """

    rehearsals: tuple[Rehearsal, ...]
    final: date
    every: tuple[date, ...]
    days: int
    folds: int = 0
    partial: tuple[date, ...] = ()
    today: date | None = None
    seasons: tuple[YearBefore, ...] = ()

    @property
    def calibrate(self) -> tuple[date, ...]:
        """The dates that are told before the final one."""
        return tuple(rehearsal.day for rehearsal in self.rehearsals)

    @property
    def dates(self) -> tuple[date, ...]:
        """All snapshots that this training needs; what is shipped learns from them, a season of before `every` excepted."""
        return tuple(sorted({*self.every, *self.partial, self.final, *(season.day for season in self.seasons)}))

    def year_before(self, told: date) -> date | None:
        """The snapshot of the same season a year before a date that is told; None where there is none."""
        return next((season.day for season in self.seasons if season.told == told), None)


def in_turns(day: date, folds: int, days: int = 0) -> Split:
    """One date, whose customers are learnt from, calibrated on and judged on in turns."""
    return Split((Rehearsal(day, (day,)),), day, (day,), days, folds)


def stepped(day: date, step: str, times: int) -> date:
    """`day` moved by `times` steps; a month step keeps the day of the month where the month has it."""
    number, unit = STEP.match(step).groups()  # type: ignore[union-attr]
    if unit == "d":
        return day + timedelta(days=int(number) * times)
    return (pd.Timestamp(day) + pd.DateOffset(months=int(number) * times)).date()


def newest_mature(today: date, days: int, protocol: Protocol) -> date:
    """The final date when none is given: with month steps the first of a month."""
    newest = today - timedelta(days=days)
    return newest.replace(day=1) if protocol.every.endswith("mo") else newest


def _learnable(final: date, days: int, protocol: Protocol, earliest: date | None = None) -> tuple[date, ...]:
    """Dates of the protocol's grid whose label window was over by `final`, oldest first."""
    newest = final - timedelta(days=days)
    newest = min(newest, protocol.last) if protocol.last else newest
    if protocol.first:
        grid = [protocol.first]
        while grid[-1] <= newest:
            grid.append(stepped(protocol.first, protocol.every, len(grid)))
        return tuple(d for d in grid if d <= newest)
    found: list[date] = []
    steps = 1
    while len(found) < (protocol.count or 10_000) and steps < 10_000:
        day = stepped(final, protocol.every, -steps)
        steps += 1
        if earliest and day < earliest:
            break
        if day <= newest:
            found.append(day)
    return tuple(reversed(found))


def plan(
    today: date, protocol: Protocol, window_days: int, earliest: date | None = None, shortest_days: int | None = None
) -> Split:
    """The split of one training as seen on `today`.

    Parameters
    ----------
    today
        As-of date of the training; nothing known at or after it is used.
    protocol
        Dates of learning and judging.
    window_days
        Gap + horizon of the label, without the reporting delay.
    earliest
        First as-of date with enough history behind it; None when the protocol names `first`.
    shortest_days
        Gap + shortest horizon, where somebody learns from dates of which only that is known; None where nobody does.

    Raises
    ------
    HeadwaterError
        E451 when the final date's labels are not in yet, E452 when too few dates are left.
    """
    if protocol.design == "folds":
        return in_turns(today, protocol.folds)
    days = window_days + protocol.reporting_delay_days
    final = protocol.final or newest_mature(today, days, protocol)
    ready = final + timedelta(days=days)
    if ready > today:
        raise HeadwaterError("E451", final=final.isoformat(), ready=ready.isoformat(), as_of=today.isoformat())
    every = _learnable(final, days, protocol, earliest)
    if every:
        split = Split(_rehearsals(every, days, protocol.calibrate), final, every, days)
        split = with_seasons(split, today, earliest) if protocol.seasons else split
        return split if shortest_days is None else with_partial(split, protocol, today, shortest_days)
    if protocol.unjudged == "wait" or (earliest and final < earliest) or (protocol.first and final < protocol.first):
        raise _too_short(final, days, every, earliest, protocol)
    return in_turns(final, protocol.folds, days)


def _rehearsals(every: tuple[date, ...], days: int, count: int) -> tuple[Rehearsal, ...]:
    """The newest dates that models of earlier ones can tell; none where there is one label window only before the final."""
    window = timedelta(days=days)
    found = (Rehearsal(day, tuple(d for d in every if d + window <= day)) for day in every)
    return tuple(rehearsal for rehearsal in found if rehearsal.learnt)[-count:]


NEAR = timedelta(days=7)
"""Dates as close as that are of the same season."""


def with_seasons(split: Split, today: date, earliest: date | None) -> Split:
    """The same split with the season of a year before each date that is told, where it may be known.

    Parameters
    ----------
    split
        Forward in time.
    today
        Told by what is shipped.
    earliest
        First as-of date with enough history behind it; before it no snapshot is made. None: none is made at all.
    """
    found = list[YearBefore]()
    for told in (*split.calibrate, split.final, today):
        wanted = stepped(told, "1mo", -12)
        near = min(split.every, key=lambda day: (abs(day - wanted), day))
        if abs(near - wanted) <= NEAR:
            found.append(YearBefore(told, near))
        elif earliest and wanted >= earliest and wanted + timedelta(days=split.days) <= split.final:
            found.append(YearBefore(told, wanted))
    # one that is told and an earlier one that speaks for it: else nothing is learnt of seasons, and no snapshot made
    return replace(split, seasons=tuple(found)) if len(found) > 1 else split


def with_partial(split: Split, protocol: Protocol, today: date, shortest_days: int) -> Split:
    """The same split with the dates of its grid that have shown their shortest horizon, and are not learnt whole.

    Parameters
    ----------
    split
        Forward in time.
    protocol
        Its grid, its newest date to learn from, and how many of these dates there may be: of more each n-th is taken.
    today
        What is known by then is used.
    shortest_days
        Gap + shortest horizon.
    """
    newest = today - timedelta(days=shortest_days + protocol.reporting_delay_days)
    newest = min(newest, protocol.last) if protocol.last else newest
    found = [day for day in _grid_after(split, protocol, newest) if day != split.final]
    if not found or not protocol.partial:
        return split
    each = -(-len(found) // protocol.partial)
    return replace(split, partial=tuple(found[::-1][::each][::-1]), today=today)


def _grid_after(split: Split, protocol: Protocol, newest: date) -> Iterator[date]:
    """Dates of the protocol's grid after those that are learnt whole, up to `newest`, oldest first."""
    anchor, steps = protocol.first or split.final, 0
    while stepped(anchor, protocol.every, steps) > split.every[-1]:
        steps -= 1
    while (day := stepped(anchor, protocol.every, steps)) <= newest:
        steps += 1
        if day > split.every[-1]:
            yield day


def _too_short(
    final: date, days: int, every: tuple[date, ...], earliest: date | None, protocol: Protocol
) -> HeadwaterError:
    """E452 with everything in days: how long a window is, from when on is learnt, and how much must be there."""
    begins = protocol.first or earliest
    return HeadwaterError(
        "E452",
        final=final.isoformat(),
        days=days,
        dates=len(every),
        earliest=begins and begins.isoformat(),
        history=protocol.history_days,
        need=(days if protocol.unjudged == "wait" else 0) + (0 if protocol.first else protocol.history_days),
    )


def origins(
    today: date,
    protocol: Protocol,
    window_days: int,
    folds: int,
    earliest: date | None = None,
    shortest_days: int | None = None,
) -> list[Split]:
    """Rolling origins for a backtest, oldest first: the same plan with `final` moved back step by step.

    Nothing is shipped: of dates that have shown a part of their outcome only those are there that had by `final`.
    Folds without enough history are left out; E452 when none is left. Without any clock there is one origin.
    """
    newest = plan(today, protocol, window_days, earliest)
    found = [newest]
    for back in range(1, 1 if newest.folds else folds):
        final = stepped(newest.final, protocol.every, -back)
        moved = protocol.model_copy(update={"final": final, "unjudged": "wait"})
        try:
            found.append(plan(today, moved, window_days, earliest))
        except HeadwaterError as error:
            if error.problem.code != "E452":
                raise
            break
    if shortest_days is not None and not newest.folds:
        shown = [with_partial(split, protocol, split.final, shortest_days) for split in found]
        found = [replace(split, today=today) for split in shown]  # outcomes that judge came in since then
    return found[::-1]


class MonthlySplit:
    """A scikit-learn splitter over as-of dates: test on one date, train on those at least `purge` before it.

    The dates are taken from `groups`, or from a column `as_of` of X.
    """

    def __init__(self, n_splits: int = 3, purge: str = "90D"):
        self.n_splits = n_splits
        self.purge = purge

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        return self.n_splits

    def split(self, X: Any, y: Any = None, groups: Any = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions of training and test rows, oldest test date first."""
        days = pd.to_datetime(pd.Series(np.asarray(X["as_of"] if groups is None else groups)))
        dates = np.sort(days.unique())
        ends = days + pd.Timedelta(self.purge)
        usable = [d for d in dates if (ends <= d).any()]
        if len(usable) < self.n_splits:
            found = {"final": str(dates[-1])[:10], "dates": len(dates)}
            raise HeadwaterError("E454", **found, splits=self.n_splits, purge=self.purge)
        for test in usable[-self.n_splits :]:
            yield np.flatnonzero(ends <= test), np.flatnonzero(days == test)
