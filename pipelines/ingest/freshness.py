"""How old the newest row of each table is at an as-of date."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from features.contracts import SOURCE_NAME
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
        limits = table.freshness
        for number in range(len(table.parts)):
            age = _age_of(tables, name, number, mapping, as_of)
            file = [file.path for file in tables.fingerprints[name] if file.source == number][-1]
            values = {"table": name, "age": round(age / timedelta(days=1), 1), "as_of": as_of}
            if limits.error_after and age > limits.error_after:
                raise HeadwaterError("E402", file=file, limit=limits.error_after.days, mapping=mapping.origin, **values)
            if limits.warn_after and age > limits.warn_after:
                late.append(Problem("W402", file, values=values | {"limit": limits.warn_after.days}))
    return tuple(late)


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
