"""Repeats, conflicting keys, corrections, and ids that are handed on, among the good rows of a table."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.contracts import SOURCE_NAME, TIME, Contract
from pipelines.ingest.readers.sources import FILE, ROW
from pipelines.ingest.tables import ACROSS, CONFLICT, OVERLAP, RULE
from pipelines.ingest.temporary import temporary


@dataclass(frozen=True)
class Versions:
    """Good rows split: `used` (with superseded_at where they are versioned), repeats as a number, `conflicts` with
    file, row and rule."""

    used: ir.Table
    duplicates: int = 0
    conflicts: ir.Table | None = None


def pooled(contract: Contract) -> list[str]:
    """What rows share that must be looked at together: the key, of customers the id alone, whoever holds it."""
    return ["customer_id"] if contract.name == "customers" else list(contract.key)


def versions(con, good: ir.Table, contract: Contract) -> Versions:
    """The good rows of a table (with `__file` and `__row`) in their versions; `con` is given small tables for a while.

    The same content twice is a duplicate: the first by file and row stays. The same key known at the same moment with
    other content is a conflict: no version can be preferred, all go. A later `known_at` is a correction: both stay, and
    the older one carries the moment from which it no longer counts.

    Where a table has several sources, the same content from two of them is a duplicate too, and the same key with other
    content is a conflict whenever it became known: two systems that number their rows alike correct nothing.

    Customers who hold one id one after the other are rows of their own. Two whose times with us overlap cannot both be
    right: the one that became known later corrects the other, and where both became known at once, both go.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    good
        Rows with `__file` and `__row`.
    contract
        Of the table.
    """
    repeated = good.group_by(*pooled(contract)).aggregate(n=good.count()).filter(lambda t: t.n > 1).drop("n")
    repeated = temporary(con, f"repeated_{contract.name}", repeated)
    if not repeated.count().execute():
        return Versions(_with_null_version(good, contract))
    return _split(con, good, repeated, contract)


def _split(con, good: ir.Table, repeated: ir.Table, contract: Contract) -> Versions:
    """The windows run over the repeated keys only; they are few."""
    names = list(contract.schema())
    said, several_sources = [name for name in names if name != SOURCE_NAME], [n for n in names if n == SOURCE_NAME]
    same = ibis.window(group_by=said, order_by=[*several_sources, FILE, ROW])
    several = good.semi_join(repeated, pooled(contract)).mutate(copy=ibis.row_number().over(same))
    several = temporary(con, f"several_{contract.name}", several)
    first = several.filter(several["copy"] == 0)
    clock = ["known_at"] if contract.versioned else []
    rivals = first.mutate(rivals=first.count().over(ibis.window(group_by=[*contract.key, *clock])))
    kept, conflicts = rivals.filter(rivals.rivals == 1), [_of_rule(rivals.filter(rivals.rivals > 1), names, CONFLICT)]
    if several_sources:
        own = ibis.window(group_by=list(contract.key))
        across = rivals[SOURCE_NAME].min().over(own) != rivals[SOURCE_NAME].max().over(own)
        rivals = temporary(con, "rival_sources", rivals.mutate(across=across))
        kept = rivals.filter(~rivals.across, rivals.rivals == 1)
        conflicts = [_of_rule(rivals.filter(~rivals.across, rivals.rivals > 1), names, CONFLICT)]
        conflicts.append(_of_rule(rivals.filter(rivals.across), names, ACROSS))
    if contract.name == "customers":
        kept = kept.mutate(place=ibis.row_number().over(ibis.window(order_by=[FILE, ROW, *names])))
        kept = temporary(con, "several_holders", kept)
        both = _overlapping(kept, lambda one, other: one.known_at == other.known_at)
        conflicts.append(_of_rule(kept.semi_join(both, "place"), names, OVERLAP))
        kept = kept.anti_join(both, "place")
    if contract.versioned:
        follows = ibis.window(group_by=list(contract.key), order_by="known_at")
        kept = kept.mutate(superseded_at=kept.known_at.lead().over(follows).cast(TIME))
    if contract.name == "customers":
        kept = _ended_by_others(kept)
    single = _with_null_version(good.anti_join(repeated, pooled(contract)), contract)
    used = single.union(kept.select(*single.columns))
    repeats = int(several.filter(several["copy"] > 0).count().execute())
    return Versions(used, repeats, ibis.union(*conflicts) if len(conflicts) > 1 else conflicts[0])


def _of_rule(rows: ir.Table, names: list[str], rule: str) -> ir.Table:
    return rows.select(FILE, ROW, *names, **{RULE: ibis.literal(rule)})


def _overlapping(holders: ir.Table, when) -> ir.Table:
    """The `place` of holders whose time with us overlaps that of another holder of the id, `until` when that is known.

    Parameters
    ----------
    holders
        Rows of customers, numbered by `place`: stored ones have no file and row.
    when
        Of a row and another one: which pairs count.
    """
    other = holders.view()
    apart = (other.activated_on >= holders.deactivated_on) | (holders.activated_on >= other.deactivated_on)
    pairs = holders.join(
        other,
        [
            holders.customer_id == other.customer_id,
            holders.activated_on != other.activated_on,
            ~apart.fill_null(False),
            when(holders, other),
        ],
        rname="{name}_other",
    )
    return pairs.group_by("place").aggregate(until=pairs.known_at_other.min())


def _ended_by_others(versions: ir.Table) -> ir.Table:
    """Versions of holders, each superseded at the latest when another holder is known whose time overlaps theirs."""
    corrected = _overlapping(versions, lambda one, other: one.known_at < other.known_at)
    rows = versions.left_join(corrected, "place", rname="{name}_other")
    earlier = ibis.least(rows.superseded_at.fill_null(rows.until), rows.until.fill_null(rows.superseded_at))
    return rows.mutate(superseded_at=earlier.cast(TIME)).drop("until", "place_other")


def _with_null_version(rows: ir.Table, contract: Contract) -> ir.Table:
    """Exactly the contract's columns; of versioned tables also `superseded_at`, null here."""
    chosen = rows.select(*contract.schema())
    return chosen.mutate(superseded_at=ibis.null(TIME)) if contract.versioned else chosen
