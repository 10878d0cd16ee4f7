"""Which nights the monitor looks at: those that a night is compared with, those whose outcomes are known, and which of
what came of them asks for something."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any, TypeVar

import numpy as np

from features.errors import Problem
from models.splits import stepped
from models.targets.registry import TARGETS
from pipelines.flows.realised import Kept
from pipelines.workspace.score_files import ScoreFile

T = TypeVar("T")

MONTHS = 12
"""Months back in which the same day is looked for."""
DAYS = 35
"""How far back it looks where no date is given: every day of a month is among the nights, and every weekday."""


def compared(files: Sequence[ScoreFile], day: date, most: int) -> list[ScoreFile]:
    """The nights that a night is compared with: the newest two, those of the same day of the months before, for bills
    and days since them come and go with the month, and others evenly over the time; oldest first.

    Parameters
    ----------
    files
        Earlier publications, oldest first.
    day
        The night.
    most
        How many.
    """
    days = [date.fromisoformat(file.meta["as_of"]) for file in files]
    same = [stepped(day, "1mo", -n) for n in range(1, MONTHS + 1)]
    in_phase = [n for n, other in enumerate(days) if min(abs((other - one).days) for one in same) <= 1]
    chosen = list(dict.fromkeys([*range(len(files) - 2, len(files)), *reversed(in_phase)]))
    chosen = [n for n in chosen if n >= 0][:most]
    rest = [file for n, file in enumerate(files) if n not in chosen]
    kept = [files[n] for n in chosen] + (_spread(rest, most - len(chosen)) if most > len(chosen) else [])
    return sorted(kept, key=lambda file: file.meta["as_of"])


def with_outcomes(days: Sequence[date], waits: Sequence[int], until: date, since: date | None, most: int) -> list[date]:
    """The nights whose outcomes are looked at: of each look the newest that is over, and others evenly over the time.

    Outcomes of a whole horizon come months after their night. So where nobody asks for a range, the time begins 35 days
    before the newest night whose last outcome can be known.

    Parameters
    ----------
    days
        Of all publications, rising.
    waits
        Days from a night until each of its looks is over.
    until
        Outcomes are known up to this day.
    since
        The first day that was asked for; None where nobody asked.
    most
        How many others.

    Returns
    -------
    list of date
        Rising; at most `most` and one for each look.
    """
    if not waits:
        return []
    first = since or until - timedelta(days=max(waits) + DAYS)
    asked = [day for day in days if first <= day]
    due = {max(over) for wait in waits if (over := [d for d in (asked if since else days) if _is_over(d, wait, until)])}
    known = [day for day in asked if _is_over(day, min(waits), until)]
    return sorted(due | set(_spread(known, most)))


def _is_over(day: date, wait: int, until: date) -> bool:
    return day + timedelta(days=wait) <= until


def _spread(found: Sequence[T], most: int) -> list[T]:
    """At most so many, evenly over the time, the newest among them."""
    if len(found) <= most:
        return list(found)
    places = np.unique(np.linspace(0, len(found) - 1, most).round().astype(int))
    return [found[place] for place in places]


def broken(kept: Iterable[Kept], champions: Mapping[str, str]) -> list[Problem]:
    """W573 for a level, W574 for an order that broke its promise, each at most once per target.

    Of each number of days the newest night is judged, early looks and full ones by themselves: an early look must not
    hide the full one that comes months later, nor wait for it. What was scored by a model that is champion no more asks
    for nothing, and nights that a model had learnt from by then (backfilled ones) tell nothing of it.

    Parameters
    ----------
    kept
        What came of nights.
    champions
        Target -> version in force.

    Returns
    -------
    list of Problem
        In the order of targets; of several looks that are broken the longest is told.
    """
    own = [one for one in kept if champions.get(one.target) == one.version and not one.learnt]
    newest = _newest(own)
    found = []
    for target in dict.fromkeys(one.target for one in newest):
        looks = sorted((one for one in newest if one.target == target), key=lambda one: -one.days)
        for code, is_broken in (("W573", _level), ("W574", _order)):
            told = next((one for one in looks if is_broken(one)), None)
            if told:
                found.append(_problem(code, told))
    return found


def _newest(kept: Iterable[Kept]) -> list[Kept]:
    """The newest night of each look."""
    ordered = sorted(kept, key=lambda one: (list(TARGETS).index(one.target), one.days, one.as_of))
    return [list(nights)[-1] for _, nights in groupby(ordered, lambda one: (one.target, one.days))]


def _level(one: Kept) -> bool:
    return one.result.level_broken


def _order(one: Kept) -> bool:
    return one.order_broken


def _problem(code: str, one: Kept) -> Problem:
    values: dict[str, Any] = {"target": one.target, "version": one.version, "since": one.as_of.isoformat()}
    values |= {"days": one.days, "promised": one.result.promised, "observed": one.result.observed, "n": one.result.n}
    if one.announced:
        figure = {"metric": TARGETS[one.target].metric, "found": one.result.figure.value, "low": one.announced[0]}
        values |= figure
    return Problem(code, values=values)
