"""How old the newest row of each table is at an as-of date, against what is declared, or else against its own rhythm.

The rhythm are the days on which rows became known. A source without a declared limit is told when it is silent for
longer than it ever was, and stops a run when it is so by half as much again; one that comes at any time stops nothing.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import ibis
import numpy as np

from features.contracts import CONTRACTS, SOURCE_NAME
from features.errors import Problem
from features.spine import cutoff
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest.tables import Tables

FEWEST_GAPS = 3
"""Gaps between days with new rows that tell a rhythm."""
LATE, LEAST = 0.5, 3
"""A source is stale when it is silent for so much longer, as a share and in days, than it ever was."""
USUAL, WANDER = 1.2, 2
"""A source is regular where nineteen gaps in twenty are at most the middle one times this, and so many days."""
WATCHED = timedelta(days=2200)
"""Time in which gaps are looked at: of a yearly source five."""


@dataclass(frozen=True)
class Rhythm:
    """Days from one day with new rows to the next: the `usual` and the `longest`, and whether they hardly differ."""

    usual: int
    longest: int
    regular: bool

    @property
    def warn_after(self) -> int:
        """Days of silence that are told, when they are more."""
        return self.longest + 1

    @property
    def error_after(self) -> int:
        """Days of silence that stop a run, when they are more."""
        return self.longest + max(LEAST, int(LATE * self.longest))


def rhythm(days: np.ndarray) -> Rhythm | None:
    """That of the sorted days (as numbers) on which rows became known; None where there are too few."""
    gaps = np.diff(days)
    if len(gaps) < FEWEST_GAPS:
        return None
    usual = int(np.median(gaps))
    regular = np.quantile(gaps, 0.95, method="inverted_cdf") <= USUAL * usual + WANDER
    return Rhythm(usual, int(gaps.max()), bool(regular))


def problems(tables: Tables, mapping: Mapping, quality: Quality, as_of: date) -> list[Problem]:
    """Tables older than is declared (E402, W402), or silent for longer than they were before (E405, W405).

    Parameters
    ----------
    tables
        What was read.
    mapping
        Holds the limits, and the time zone.
    quality
        Days and months that are right although few rows came.
    as_of
        Ages are counted back from the beginning of this day.
    """
    found = []
    for name, table in mapping.tables.items():
        for number, part in enumerate(table.parts):
            day = part.judged_on(as_of)
            files = [file.path for file in tables.fingerprints.get(name, ()) if file.source == number]
            if table.freshness.model_fields_set:
                told = _by_limits(tables, name, number, mapping, day)
            elif part.known_at is not None and CONTRACTS[name].event:
                told = _by_rhythm(tables, name, number, mapping, quality, day)
            else:
                continue
            values = {"table": name, "as_of": day, "source": part.name}
            file = files[-1] if files else None
            found += [Problem(code, file, values=values | more) for code, more in told]
    return found


Told = list[tuple[str, dict[str, Any]]]
"""Code of a problem, and what its text says."""


def _by_limits(tables: Tables, name: str, number: int, mapping: Mapping, as_of: date) -> Told:
    limits, age = mapping.tables[name].freshness, _age_of(tables, name, number, mapping, as_of)
    values = {"age": round(age / timedelta(days=1), 1), "mapping": mapping.origin}
    if limits.error_after and age > limits.error_after:
        return [("E402", values | {"limit": limits.error_after.days})]
    if limits.warn_after and age > limits.warn_after:
        return [("W402", values | {"limit": limits.warn_after.days})]
    return []


def _by_rhythm(tables: Tables, name: str, number: int, mapping: Mapping, quality: Quality, as_of: date) -> Told:
    """Of a source without limits; days that were declared right as they are do not count."""
    days = _known_days(tables, name, number, mapping, as_of)
    own = rhythm(days)
    if own is None:
        return []
    newest = date.fromordinal(int(days[-1]))
    quiet = set(quality.quiet.get(name, ()))
    silent = [newest + timedelta(days=n) for n in range(1, (as_of - newest).days + 1)]
    age = sum(not {f"{day:%Y-%m}", f"{day}"} & quiet for day in silent)
    values = {"newest": newest, "days": age, "usual": own.usual, "longest": own.longest, "mapping": mapping.origin}
    values |= {"enough": age + own.usual, "ended": newest + timedelta(days=1)}
    if own.regular and age > own.error_after:
        return [("E405", values)]
    return [("W405", values)] if age > own.warn_after else []


def _known_days(tables: Tables, name: str, number: int, mapping: Mapping, as_of: date) -> np.ndarray:
    """The local days (ordinals) on which rows of a source became known before a date, sorted; by the clock of that date."""
    rows, midnight, part = tables.tables[name], cutoff(as_of, mapping.timezone), mapping.tables[name].parts[number]
    rows = rows if part.name is None else rows.filter(rows[SOURCE_NAME] == part.name)
    rows = rows.filter(rows.known_at < midnight, rows.known_at >= midnight - WATCHED)
    ahead = ibis.interval(seconds=int((datetime.combine(as_of, time()) - midnight).total_seconds()))
    days = rows.select(day=(rows.known_at + ahead).date()).distinct().to_pyarrow()["day"].to_pylist()
    return np.array(sorted(day.toordinal() for day in days), dtype=np.int64)


def _age_of(tables: Tables, name: str, number: int, mapping: Mapping, as_of: date) -> timedelta:
    """As-of midnight minus the newest row of a source known before it; the time of the file where it has no clock."""
    midnight, part = cutoff(as_of, mapping.timezone), mapping.tables[name].parts[number]
    table = tables.tables[name]
    if part.known_at is None:
        files = (Path(file.path) for file in tables.fingerprints[name] if file.source == number)
        paths = [path for path in files if path.is_file()]
        times = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
        return midnight - max(times, default=midnight)
    newest = tables.newest.get(name)
    if part.name is not None:
        own = (table[SOURCE_NAME] == part.name) & (table.known_at < midnight)
        newest = table.filter(own).known_at.max().to_pyarrow().as_py()
    if newest is not None and newest >= midnight:  # an old date: the rows must be looked at
        newest = table.filter(table.known_at < midnight).known_at.max().to_pyarrow().as_py()
    return timedelta(days=100_000) if newest is None else midnight - newest
