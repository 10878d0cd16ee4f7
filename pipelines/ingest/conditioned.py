"""What is told of a mapping's `where`: that it keeps nothing, of a table or of one input."""

from collections.abc import Mapping

import ibis
import pyarrow as pa

from features.contracts import Contract
from features.errors import HeadwaterError, Problem
from pipelines.config import conditions
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import Raw, Raws
from pipelines.ingest.reading import Reading
from pipelines.ingest.rules import masked

SHOWN = 6
"""Values of a column that an error names."""


def check(
    reading: Reading, contract: Contract, number: int, kept: Mapping[int, tuple[int, int]], *, all_filtered: bool
) -> None:
    """Raises E323 with the values that are there, where the condition of a source keeps nothing.

    Parameters
    ----------
    reading
        The reading that stops then.
    contract
        Of the table.
    number
        Place of the source among those of the table.
    kept
        Position of an input that was read -> its rows that are kept, of all that it has.
    all_filtered
        Is nothing kept of the whole table, of what was known before too?
    """
    part, raw = reading.sources(contract.name)[number]
    own = [kept.get(raw.first + place) for place in range(len(raw.inputs))]
    rows = sum(count[1] for count in own if count)
    if part.where is None or not (all_filtered or (rows and all(count and not count[0] for count in own))):
        return
    column = sorted(conditions.names(conditions.parse(part.where)))[0]
    values = _values(reading, raw, column)
    told = {"rows": rows or sum(file.rows for file in raw.inputs), "where": part.where, "values": values}
    raise HeadwaterError("E323", file=raw.shown, column=column, first=values.split(", ")[0], **told)


def _values(reading: Reading, raw: Raw, column: str) -> str:
    """The most frequent values of the first rows, as they may be shown."""
    batch = next(iter(sources.stream(raw, [column], [0])))
    rows = ibis.memtable(pa.Table.from_batches([batch]))
    counts = rows.group_by(value=masked(rows[column].cast("string"))).aggregate(n=lambda t: t.count())
    ranked = reading.con.to_pyarrow(counts.order_by([ibis.desc("n"), "value"]).limit(SHOWN))
    return ", ".join("null" if value is None else f'"{value}"' for value in ranked["value"].to_pylist())


def notes(reading: Reading, contract: Contract, raws: Raws, kept: Mapping[int, tuple[int, int]]) -> list[Problem]:
    """W304 for every input of which nothing is kept.

    Parameters
    ----------
    reading
        Names the mapping.
    contract
        Of the table.
    raws
        Its inputs.
    kept
        Position of an input -> its rows that are kept, of all that it has.
    """
    conditions_of = [part.where for part, _ in reading.sources(contract.name)]
    values = {"table": contract.name, "mapping": reading.mapping.origin}
    empty = [(raws.inputs[position], rows) for position, (used, rows) in sorted(kept.items()) if not used]
    return [
        Problem("W304", file.path, values=values | {"rows": rows, "where": conditions_of[file.source]})
        for file, rows in empty
    ]
