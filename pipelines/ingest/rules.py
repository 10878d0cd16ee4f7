"""The rules that one row is judged by, alone or against the customers that are known; nothing is guessed."""

from datetime import date, datetime

import ibis
import ibis.expr.types as ir

from features.contracts import CONTRACTS, TIME, Contract
from pipelines.config.quality import Quality
from pipelines.ingest import cells
from pipelines.ingest.cells import Problem

EARLIEST, LATEST = date(1971, 1, 1), date(2100, 1, 1)
OLDEST = date(1900, 1, 1)
"""Of a date that the mapping adds, such as a birthday."""
KEY_RULES = ("empty_key", "unclean_key", "conflicting_key", "overlapping_holders", "key_of_two_sources")


def contract_problems(rows: ir.Table, contract: Contract) -> list[Problem]:
    """Empty required cells, implausible dates and the contract's own rules, in the order in which they count."""
    problems = [_empty(rows, column.name, contract) for column in contract.columns if not column.nullable]
    own = {column.name for column in contract.columns} - {column.name for column in CONTRACTS[contract.name].columns}
    times = [column for column in contract.columns if _is_time(column.dtype)]
    problems += [_implausible(rows, c.name, c.dtype, OLDEST if c.name in own else EARLIEST) for c in times]
    for rule in contract.rules:
        broken = (~rule.holds(rows)).fill_null(False)
        problems.append(Problem(broken, rule.name, rule.column, rows[rule.column].cast("string")))
    return problems


def _is_time(dtype: str) -> bool:
    return dtype == "date" or dtype.startswith("timestamp")


def _empty(rows: ir.Table, column: str, contract: Contract) -> Problem:
    rule = "empty_key" if column in contract.key else "empty"
    return Problem(rows[column].isnull(), rule, column, ibis.literal(""))


def _implausible(rows: ir.Table, column: str, dtype: str, earliest: date) -> Problem:
    """1970, 0001 and 9999 are no dates; an open end is declared by `null_values`."""
    value = rows[column]
    outside = (value < ibis.literal(earliest).cast(dtype)) | (value >= ibis.literal(LATEST).cast(dtype))
    return Problem(outside.fill_null(False), "implausible_date", column, value.cast("string"))


def clock_problems(rows: ir.Table, quality: Quality, zone: str) -> list[Problem]:
    """A row that was known too early; none for tables without both clocks. Times are shown as in the zone.

    A row may be known up to `early_hours` before it happened: bills are often run on the last day of their month,
    and clocks of two systems differ. Plans may be known long before their first day, so they have no such rule.
    """
    if "known_at" not in rows.columns or "happened_at" not in rows.columns:
        return []
    early = rows.known_at < rows.happened_at - ibis.interval(hours=quality.early_hours)
    found = cells.local_text(rows.known_at, zone)
    return [Problem(early.fill_null(False), "known_before_happened", "known_at", found)]


def passing_problems(rows: ir.Table, delivered: datetime | None, customers: ir.Table | None) -> list[Problem]:
    """What a later reading may see otherwise. It comes last: a row with a problem of its own keeps that one for good.

    Parameters
    ----------
    rows
        Mapped rows.
    delivered
        Rows known then or later (UTC) are from the future; None where there is no such moment.
    customers
        Those that rows may name; None where every name is good.
    """
    problems = []
    if delivered is not None and "known_at" in rows.columns:
        late = (rows.known_at >= ibis.literal(delivered).cast(TIME)).fill_null(False)
        problems.append(Problem(late, "from_the_future", "known_at", rows.known_at.cast("string")))
    if customers is not None:
        missing = rows.customer_id.notin(customers.customer_id).fill_null(False)
        problems.append(Problem(missing, "unknown_customer", "customer_id", rows.customer_id))
    return problems


def masked(text: ir.StringValue) -> ir.StringValue:
    """A value that may be shown: no numbers of eleven digits or more, no addresses, at most 60 characters."""
    hidden = cells.narrow(text).re_replace(r"[^@\s]+@[^@\s]+", "***@***")
    return hidden.re_replace(r"([0-9]{3})[0-9]([ -]?[0-9]){5,}([0-9]{2})", r"\1******\3").substr(0, 60)
