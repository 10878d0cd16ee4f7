"""Repeats, conflicting keys and corrections among the good rows of a table."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.contracts import TIME, Contract
from pipelines.ingest.readers.sources import FILE, ROW


@dataclass(frozen=True)
class Versions:
    """Good rows split: `used` (with superseded_at for events), repeats as a number, `conflicts` with file and row."""

    used: ir.Table
    duplicates: int = 0
    conflicts: ir.Table | None = None


def versions(con, good: ir.Table, contract: Contract) -> Versions:
    """The good rows of a table (with `__file` and `__row`) in their versions; `con` is given small tables for a while.

    The same content twice is a duplicate: the first by file and row stays. The same key known at the same moment with
    other content is a conflict: no version can be preferred, all go. A later `known_at` is a correction: both stay, and
    the older one carries the moment from which it no longer counts.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    good
        Rows with `__file` and `__row`.
    contract
        Of the table.
    """
    repeated = good.group_by(*contract.key).aggregate(n=good.count()).filter(lambda t: t.n > 1).drop("n")
    repeated = con.create_table(f"repeated_{contract.name}", repeated, temp=True, overwrite=True)
    if not repeated.count().execute():
        return Versions(_with_null_version(good, contract))
    return _split(con, good, repeated, contract)


def _split(con, good: ir.Table, repeated: ir.Table, contract: Contract) -> Versions:
    """The windows run over the repeated keys only; they are few."""
    names = list(contract.schema())
    same = ibis.window(group_by=names, order_by=[FILE, ROW])
    several = good.semi_join(repeated, list(contract.key)).mutate(copy=ibis.row_number().over(same))
    several = con.create_table(f"several_{contract.name}", several, temp=True, overwrite=True)
    first = several.filter(several["copy"] == 0)
    clock = ["known_at"] if contract.event else []
    rivals = first.mutate(rivals=first.count().over(ibis.window(group_by=[*contract.key, *clock])))
    kept = rivals.filter(rivals.rivals == 1)
    if contract.event:
        follows = ibis.window(group_by=list(contract.key), order_by="known_at")
        kept = kept.mutate(superseded_at=kept.known_at.lead().over(follows).cast(TIME))
    single = _with_null_version(good.anti_join(repeated, list(contract.key)), contract)
    used = single.union(kept.select(*single.columns))
    conflicts = rivals.filter(rivals.rivals > 1).select(FILE, ROW, *names)
    return Versions(used, int(several.filter(several["copy"] > 0).count().execute()), conflicts)


def _with_null_version(rows: ir.Table, contract: Contract) -> ir.Table:
    """Exactly the contract's columns; events also have `superseded_at`, null here."""
    chosen = rows.select(*contract.schema())
    return chosen.mutate(superseded_at=ibis.null(TIME)) if contract.event else chosen
