"""Rows of customers who were erased are left out of every reading, before anything is kept of them.

An id may be given to somebody else. Whoever is a customer since a later day than that of the erasure is somebody else, and
what happened since then is theirs.
"""

import re
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from pipelines.ingest.readers.sources import FILE, BadLine
from pipelines.workspace.erasures import Erasures

DIGEST, UNTIL = "__digest", "__until"
WORD = re.compile(r"[^\s,;|\"']+")
DAYS = ("activated_on", "happened_at", "valid_from", "as_of")
"""Which day of a row says whose it is; a table has one of them."""


def left_out(mapped: ir.Table, known: ir.Table | None, erasures: Erasures, counts: dict[int, int]) -> ir.Table:
    """Mapped rows without those of erased customers.

    Parameters
    ----------
    mapped
        Rows of a canonical table, with the position of their input.
    known
        The customers of this reading, none of whom is erased; None for customers themselves.
    erasures
        Who was erased.
    counts
        Gets how many rows of each input are left out.

    Returns
    -------
    ibis.expr.types.Table
        The same columns.
    """
    if not erasures:
        return mapped
    named = mapped.mutate(**{DIGEST: _digest(mapped, erasures)})
    marked = named.left_join(_untils(erasures), DIGEST)
    erased = marked[UNTIL].notnull() & ~_is_later(marked, known)
    gone = marked.filter(erased).group_by(FILE).aggregate(n=lambda rows: rows.count()).to_pyarrow().to_pylist()
    for row in gone:
        counts[row[FILE]] = counts.get(row[FILE], 0) + row["n"]
    return marked.filter(~erased).select(*mapped.columns) if gone else mapped


def _digest(rows: ir.Table, erasures: Erasures) -> ir.StringValue:
    return (ibis.literal(erasures.key) + rows.customer_id).hexdigest("sha256")


def _untils(erasures: Erasures) -> ir.Table:
    columns = {DIGEST: list(erasures.until), UNTIL: pa.array(erasures.until.values(), pa.date32())}
    return ibis.memtable(pa.table(columns))


def _is_later(rows: ir.Table, known: ir.Table | None) -> ir.BooleanValue:
    """Is a row of somebody who holds the id since the erasure? One without a day is not."""
    day = next(rows[name].cast("date") for name in DAYS if name in rows.columns)
    later = (day > rows[UNTIL]).fill_null(False)
    return later if known is None else later & rows.customer_id.isin(known.customer_id).fill_null(False)


def holds_any(customers: ir.Table, erasures: Erasures) -> bool:
    """Holds one of some customers an id that was erased?"""
    return bool(_digest(customers, erasures).isin(list(erasures.until)).any().execute())


def lines_left(lines: Sequence[BadLine], erasures: Erasures, counts: dict[int, int]) -> list[BadLine]:
    """Rows of the wrong length without those in which a word is an erased id: no table says whose they are.

    Parameters
    ----------
    lines
        Rows that could not be read.
    erasures
        Who was erased.
    counts
        Gets how many rows of each input are left out.
    """
    kept = []
    for line in lines:
        if erasures and any(erasures.digest(word) in erasures.until for word in WORD.findall(line.text)):
            counts[line.file] = counts.get(line.file, 0) + 1
        else:
            kept.append(line)
    return kept
