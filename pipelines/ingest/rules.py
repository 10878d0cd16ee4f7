"""Validation of one mapped table: rows that break a rule, duplicates, conflicts and corrections; nothing is guessed.

*rows in = rows used + quarantined + declared duplicates* holds for every table and is asserted.
"""

from dataclasses import dataclass
from datetime import date, datetime

import ibis
import ibis.expr.types as ir

from features.contracts import TIME, Contract
from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import cells
from pipelines.ingest.cells import Problem
from pipelines.ingest.readers.sources import FILE, ROW

EARLIEST, LATEST = date(1971, 1, 1), date(2100, 1, 1)
KEY_RULES = ("empty_key", "unclean_key", "conflicting_key")


@dataclass(frozen=True)
class RowCount:
    """What became of the rows of one table."""

    in_: int
    used: int
    quarantined: int = 0
    duplicates: int = 0

    def check(self, table: str) -> "RowCount":
        """Raises E320 when the rows do not add up."""
        if self.in_ != self.used + self.quarantined + self.duplicates:
            raise HeadwaterError(
                "E320", table=table, counts=f"{self.in_} ≠ {self.used}+{self.quarantined}+{self.duplicates}"
            )
        return self


def contract_problems(rows: ir.Table, contract: Contract) -> list[Problem]:
    """Empty required cells, implausible dates and the contract's own rules."""
    found = [_empty(rows, column.name, contract) for column in contract.columns if not column.nullable]
    found += [_implausible(rows, column.name, column.dtype) for column in contract.columns if _is_time(column.dtype)]
    for rule in contract.rules:
        broken = (~rule.holds(rows)).fill_null(False)
        found.append(Problem(broken, rule.name, rule.column, rows[rule.column].cast("string")))
    return found


def _is_time(dtype: str) -> bool:
    return dtype == "date" or dtype.startswith("timestamp")


def _empty(rows: ir.Table, column: str, contract: Contract) -> Problem:
    rule = "empty_key" if column in contract.key else "empty"
    return Problem(rows[column].isnull(), rule, column, ibis.literal(""))


def _implausible(rows: ir.Table, column: str, dtype: str) -> Problem:
    """1970, 0001 and 9999 are no dates; an open end is declared by `null_values`."""
    value = rows[column]
    outside = (value < ibis.literal(EARLIEST).cast(dtype)) | (value >= ibis.literal(LATEST).cast(dtype))
    return Problem(outside.fill_null(False), "implausible_date", column, value.cast("string"))


def clock_problems(rows: ir.Table, quality: Quality) -> list[Problem]:
    """Known too early.

    A row may be known up to `early_hours` before it happened: bills are often run on the last day of their month,
    and clocks of two systems differ. Plans may be known long before their first day, so they have no such rule.
    """
    if "known_at" not in rows.columns or "happened_at" not in rows.columns:
        return []
    early = rows.known_at < rows.happened_at - ibis.interval(hours=quality.early_hours)
    return [Problem(early.fill_null(False), "known_before_happened", "known_at", rows.known_at.cast("string"))]


def passing_problems(rows: ir.Table, delivered: datetime | None, customers: ir.Table | None) -> list[Problem]:
    """What a later reading may see otherwise: known after the data can have been delivered (UTC), nobody we know yet.

    They come last: a row that also has a problem of its own keeps that one for good.
    """
    found = []
    if delivered is not None and "known_at" in rows.columns:
        late = (rows.known_at >= ibis.literal(delivered).cast(TIME)).fill_null(False)
        found.append(Problem(late, "from_the_future", "known_at", rows.known_at.cast("string")))
    if customers is not None:
        missing = rows.customer_id.notin(customers.customer_id).fill_null(False)
        found.append(Problem(missing, "unknown_customer", "customer_id", rows.customer_id))
    return found


@dataclass(frozen=True)
class Versions:
    """Good rows split: `used` (with superseded_at for events), repeats as a number, `conflicts` with file and row."""

    used: ir.Table
    duplicates: int = 0
    conflicts: ir.Table | None = None


def versions(con, good: ir.Table, contract: Contract) -> Versions:
    """Exact repeats, conflicting keys and corrections among the good rows of a table.

    The same content twice is a duplicate: the first by file and row stays. The same key known at the same moment with
    other content is a conflict: no version can be preferred, all go. A later `known_at` is a correction: both stay, and
    the older one carries the moment from which it no longer counts.
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


def masked(text: ir.StringValue) -> ir.StringValue:
    """A value that may be told: no numbers of eleven digits or more, no addresses, at most 60 characters."""
    hidden = cells.narrow(text).re_replace(r"[^@\s]+@[^@\s]+", "***@***")
    return hidden.re_replace(r"([0-9]{3})[0-9]([ -]?[0-9]){5,}([0-9]{2})", r"\1******\3").substr(0, 60)
