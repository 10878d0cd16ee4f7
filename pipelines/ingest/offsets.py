"""Times of text with an offset from UTC and without: a column has one kind or the other, never both."""

from collections.abc import Mapping

import ibis.expr.types as ir

from features.contracts import Contract
from features.errors import HeadwaterError
from pipelines.config import expressions
from pipelines.config.mapping import SourceMapping
from pipelines.ingest import cells


def aware_columns(rows: ir.Table, table: SourceMapping, contract: Contract, file: str) -> dict[str, bool]:
    """Which time columns of text carry an offset in every row.

    Parameters
    ----------
    rows
        Raw rows.
    table, contract
        How the columns of the canonical table are made.
    file
        Named in the error.

    Returns
    -------
    dict
        Source column -> true where every time has an offset, false where none has.

    Raises
    ------
    HeadwaterError
        E315 for a column that mixes both.
    """
    return awareness(offset_counts(rows, table, contract), file)


def awareness(counts: Mapping[str, tuple[int, int]], file: str) -> dict[str, bool]:
    """The same from numbers of times with and without an offset. Raises E315."""
    for name, (there, none) in counts.items():
        if there and none:
            raise HeadwaterError("E315", file=file, column=name, aware=there, naive=none)
    return {name: bool(there) for name, (there, _) in counts.items()}


def offset_counts(rows: ir.Table, table: SourceMapping, contract: Contract) -> dict[str, tuple[int, int]]:
    """Times with an offset and without, per time column of text.

    Parameters
    ----------
    rows
        Raw rows.
    table
        How the columns of the canonical table are made.
    contract
        Of that table.
    """
    texts = [
        name
        for name in sorted(_time_columns(table, contract))
        if name in rows.columns and rows[name].type().is_string()
    ]
    if not texts:
        return {}
    sums: dict[str, ir.Value] = {}
    for number, name in enumerate(texts):
        is_time, aware = rows[name].strip().re_search(cells.ISO_TIME), rows[name].strip().re_search(cells.OFFSET)
        sums |= {f"aware{number}": (is_time & aware).sum(), f"naive{number}": (is_time & ~aware).sum()}
    counts = rows.aggregate(**sums).to_pyarrow().to_pylist()[0]
    return {name: (counts[f"aware{n}"] or 0, counts[f"naive{n}"] or 0) for n, name in enumerate(texts)}


def _time_columns(table: SourceMapping, contract: Contract) -> set[str]:
    """Source columns read as times without a declared shape."""
    columns: set[str] = set()
    for name, form in table.forms().items():
        if contract.column(name).dtype[:4] not in ("time", "date") or form.parse:
            continue
        columns |= {form.from_} if form.from_ else expressions.names(expressions.parse(form.expr or "0"))
    return columns
