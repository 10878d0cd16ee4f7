"""Are the values that are counted apart still those that rows have? What is not listed counts as other, and that is told."""

from collections.abc import Iterator
from datetime import date

import ibis
import ibis.expr.types as ir

from features.counted import CountedValue
from features.errors import Problem
from features.spine import cutoff
from features.visible import happened_and_known
from pipelines.config.settings import Settings
from pipelines.ingest.tables import Tables

DAYS = 365
"""Days before the as-of date whose rows are looked at."""
OFTEN = 0.05
"""Share of the rows that say something from which a value that is not listed is told."""
SHOWN = 5


def check(tables: Tables, settings: Settings, as_of: date) -> Iterator[Problem]:
    """A warning W368 for each column of which values are frequent and not listed, and W369 for listed ones that no row has.

    Parameters
    ----------
    tables
        What was read.
    settings
        Say what is counted.
    as_of
        Rows of the year before it are looked at, as they were known then.
    """
    for table, values in settings.features.counted_values().items():
        others = [value for value in values if value.other]
        for other in others if table in tables.tables else []:
            file = tables.fingerprints[table][-1].path
            counts = _counts(tables[table], other, as_of, settings.tables.timezone)
            yield from _told(other, counts, {"table": table, "days": DAYS}, file)


def _counts(rows: ir.Table, other: CountedValue, as_of: date, timezone: str) -> dict[str, int]:
    """How often the column has each value, the most frequent first."""
    clock = ibis.memtable({"as_of": [as_of], "cutoff": [cutoff(as_of, timezone)]})
    recent = rows.happened_on >= clock.as_of - ibis.interval(days=DAYS)
    seen = clock.inner_join(rows, [recent, happened_and_known(clock, rows)]).filter(other.told)
    each = seen.group_by(value=seen[other.column].cast("string")).aggregate(n=lambda t: t.count())
    found = each.order_by([ibis.desc("n"), "value"]).limit(1000).to_pyarrow().to_pylist()
    return {row["value"]: row["n"] for row in found}


def _told(other: CountedValue, counts: dict[str, int], named: dict, file: str) -> Iterator[Problem]:
    total = sum(counts.values())
    often = {value: n for value, n in counts.items() if value not in other.values and n >= OFTEN * total}
    named |= {"name": other.column, "key": f"features.counted.{named['table']}.{other.column}"}
    if often:
        share = sum(n for value, n in counts.items() if value not in other.values) / total
        shown = ", ".join(f"{value[:40]} {n:,}" for value, n in list(often.items())[:SHOWN])
        yield Problem("W368", file, column=other.column, values=named | {"share": share, "found": shown})
    missing = [value for value in other.values if value not in counts]
    if missing and total:
        shown = ", ".join(value[:40] for value in list(counts)[:SHOWN])
        yield Problem("W369", file, column=other.column, values=named | {"found": ", ".join(missing), "known": shown})
