"""What is told of a mapping's `where`: that it keeps nothing, of a table or of one input."""

from collections.abc import Mapping

import ibis
import pyarrow as pa

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.config import conditions
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import Raw
from pipelines.ingest.reading import Reading
from pipelines.ingest.rules import masked

SHOWN = 6
"""Values of a column that an error names."""


def nothing_kept(reading: Reading, contract: Contract, raw: Raw, rows: int) -> HeadwaterError:
    """E323 with the values that are there.

    Parameters
    ----------
    reading
        The reading that stops.
    contract
        Of the table.
    raw
        Its inputs.
    rows
        How many it has.
    """
    where = reading.mapping.tables[contract.name].where or ""
    column = sorted(conditions.names(conditions.parse(where)))[0]
    values = _values(reading, raw, column)
    return HeadwaterError(
        "E323", file=raw.shown, column=column, rows=rows, where=where, values=values, first=values.split(", ")[0]
    )


def _values(reading: Reading, raw: Raw, column: str) -> str:
    """The most frequent values of the first rows, as they may be shown."""
    batch = next(iter(sources.stream(raw, [column], [0])))
    rows = ibis.memtable(pa.Table.from_batches([batch]))
    counts = rows.group_by(value=masked(rows[column].cast("string"))).aggregate(n=lambda t: t.count())
    ranked = reading.con.to_pyarrow(counts.order_by([ibis.desc("n"), "value"]).limit(SHOWN))
    return ", ".join("null" if value is None else f'"{value}"' for value in ranked["value"].to_pylist())


def notes(reading: Reading, contract: Contract, raw: Raw, kept: Mapping[int, tuple[int, int]]) -> list[Problem]:
    """W304 for every input of which nothing is kept.

    Parameters
    ----------
    reading
        Names the mapping.
    contract
        Of the table.
    raw
        Its inputs.
    kept
        Position of an input -> its rows that are kept, of all that it has.
    """
    where = reading.mapping.tables[contract.name].where
    values = {"table": contract.name, "where": where, "mapping": reading.mapping.origin}
    empty = [(raw.inputs[position].path, rows) for position, (used, rows) in sorted(kept.items()) if not used]
    return [Problem("W304", path, values=values | {"rows": rows}) for path, rows in empty]
