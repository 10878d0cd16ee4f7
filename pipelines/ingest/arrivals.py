"""Rows of a source by day, as they were seen at midnights: what everything that judges whether it is whole counts with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.contracts import SOURCE_NAME
from features.spine import cutoff
from pipelines.ingest.tables import Tables

FEWEST_ROWS = 50
"""Fewer rows are never asked for. Of 50 expected, chance alone (Poisson) leaves 12 or less once in 10^10 periods."""

FEWEST_PERIODS = 3
"""Earlier periods needed: below that nobody knows what is usual."""

MOST_TELLING = 6
"""Earlier periods needed to say that a source hardly varies."""

GRACE = timedelta(days=1)
"""What has come now is compared with what had come a day younger: a run may be a day late, or fall on a Sunday."""


@dataclass(frozen=True)
class Asked:
    """Days `[start, end)` and the midnights at which they are counted."""

    start: date
    end: date
    moments: tuple[date, ...]


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


def least_share(then: Sequence[float], share: float) -> float:
    """What part of the fewest rows of comparables, the newest first, must be there: the steadier they are, the more.

    A source that varies by itself may fall further than `share`, one that hardly varies may not lose a third. What
    chance takes from few rows is allowed for.
    """
    usual = float(np.median(then[:6]))
    wild = share * min(then[:6]) / usual
    if len(then) < MOST_TELLING:
        return wild
    spread = (max(then) - min(then)) / usual
    return float(max(wild, 0.9 - 2 * spread - 6 / np.sqrt(min(then))))


Origin = tuple[str, str | None]
"""A table of events, and one of its sources; None: all that it has."""


def arrivals(con: Any, tables: Tables, origin: Origin, zone: str, asked: Asked) -> Arrivals | None:
    """Rows per day as they were seen at each midnight that is asked for; None for a table without any in that time.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    origin
        A table of events, and one of its sources or None.
    zone
        IANA name, in which days begin.
    asked
        The days, and the midnights at which they will be counted.
    """
    counts = _counted(_events(con, tables, origin, asked), ["happened_on"])
    return _arrivals(counts, _first_day(tables, origin) or asked.start, zone, asked) if len(counts) else None


def _first_day(tables: Tables, origin: Origin) -> date | None:
    """The oldest day of a table, or of one of its sources."""
    name, source = origin
    if source is None:
        return min((part.first_day for part in tables.parts[name] if part.first_day), default=None)
    events = tables[name]
    day: date | None = events.filter(events[SOURCE_NAME] == source).happened_on.min().to_pyarrow().as_py()
    return day


MOST_ROWS = 3_000_000
"""Rows that are counted by region; of more, those of each so many-th customer."""


def arrivals_by_region(con: Any, tables: Tables, origin: Origin, zone: str, asked: Asked) -> dict[str, Arrivals]:
    """The same for the customers of each region, as it is on record now; empty where no region is.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    origin
        A table of events, and one of its sources or None.
    zone
        IANA name, in which days begin.
    asked
        The days, and the midnights at which they will be counted.
    """
    if "customers" not in tables.tables:
        return {}
    people = tables["customers"]
    people = people.filter(people.region.notnull()).select("customer_id", "region").distinct()
    rows = sum(part.rows for part in tables.since(origin[0], asked.start))
    one_in = max(1, rows // MOST_ROWS)
    if one_in > 1:
        people = people.filter((people.customer_id.hash() % one_in + one_in) % one_in == 0)
    events = _events(con, tables, origin, asked).join(people, "customer_id")
    counts = _counted(events, ["region", "happened_on"])
    return {
        str(region): _arrivals(own, own["happened_on"].min(), zone, asked)
        for region, own in counts.groupby("region", observed=True)
    }


def _events(con: Any, tables: Tables, origin: Origin, asked: Asked) -> ir.Table:
    """The rows of a table, or of one of its sources, of the days that are asked for."""
    name, source = origin
    events = tables.opened(con, {name: asked.start})[name]
    if source is not None:
        events = events.filter(events[SOURCE_NAME] == source)
    return events.filter(events.happened_on >= asked.start, events.happened_on < asked.end)


def _counted(events: ir.Table, by: list[str]) -> pd.DataFrame:
    """Rows by day (and what else they are counted by), by when they were known and when they were superseded.

    One pass, however many midnights are asked for: those of every time zone are full quarters of an hour.
    """
    clocks = {name: events[name].bucket(minutes=15) for name in ("known_at", "superseded_at")}
    counts: pd.DataFrame = events.group_by(*by, **clocks).aggregate(rows=events.count()).to_pandas()
    return counts


def _arrivals(counts: pd.DataFrame, first: date, zone: str, asked: Asked) -> Arrivals:
    """Counts by day as running sums, as they were seen at each midnight."""
    first = pd.Timestamp(first).date()
    places = (pd.to_datetime(counts["happened_on"]) - pd.Timestamp(asked.start)).dt.days.to_numpy()
    rows, known, superseded = (counts[name].to_numpy() for name in ("rows", "known_at", "superseded_at"))

    def upto(moment: date) -> np.ndarray:
        """Rows up to each day, from none before the first."""
        midnight = np.datetime64(cutoff(moment, zone))
        seen = (known < midnight) & ~(superseded < midnight)  # what is not superseded is null, and never less
        return np.bincount(places[seen] + 1, weights=rows[seen], minlength=(asked.end - asked.start).days + 1).cumsum()

    live = max(first, counts["known_at"].min().date())
    return Arrivals(asked.start, first, live, {moment: upto(moment) for moment in asked.moments})
