"""How old the newest row of each table is at an as-of date."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from features.errors import HeadwaterError, Problem
from features.spine import cutoff
from pipelines.config.mapping import Mapping
from pipelines.ingest.tables import Tables


def check(tables: Tables, mapping: Mapping, as_of: date) -> tuple[Problem, ...]:
    """Warnings W402 for tables older than `warn_after` at an as-of date. Raises E402 past `error_after`.

    Parameters
    ----------
    tables
        What was read.
    mapping
        Holds the limits, and the time zone.
    as_of
        Ages are counted back from the beginning of this day.
    """
    late = []
    for name, table in mapping.tables.items():
        limits, age = table.freshness, _age_of(tables, name, mapping, as_of)
        file = tables.fingerprints[name][-1].path
        values = {"table": name, "age": round(age / timedelta(days=1), 1), "as_of": as_of}
        if limits.error_after and age > limits.error_after:
            raise HeadwaterError("E402", file=file, limit=limits.error_after.days, mapping=mapping.origin, **values)
        if limits.warn_after and age > limits.warn_after:
            late.append(Problem("W402", file, values=values | {"limit": limits.warn_after.days}))
    return tuple(late)


def _age_of(tables: Tables, name: str, mapping: Mapping, as_of: date) -> timedelta:
    """As-of midnight minus the newest row known before it; the time of the file where a table has no clock."""
    midnight = cutoff(as_of, mapping.timezone)
    table = tables.tables[name]
    if "known_at" not in mapping.tables[name].forms():
        paths = [Path(file.path) for file in tables.fingerprints[name] if Path(file.path).is_file()]
        times = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
        return midnight - max(times, default=midnight)
    newest = tables.newest.get(name)
    if newest is not None and newest >= midnight:  # an old date: the rows must be looked at
        newest = table.filter(table.known_at < midnight).known_at.max().to_pyarrow().as_py()
    return timedelta(days=100_000) if newest is None else midnight - newest
