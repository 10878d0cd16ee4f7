"""What raw tables are beside each other: customers known by values, payments of bills, further sources of a table."""

from collections.abc import Sequence

from pipelines.recognition import evidence
from pipelines.recognition.columns import quoted
from pipelines.recognition.raw_tables import RawTable
from pipelines.recognition.tables import SIGNS, Recognised, as_table, best, contained

MOST, HALF = 0.95, 0.5
"""Share of keys that are those of another table: of numbers, which may be alike by chance, and of words."""
FEWEST = 20
"""Different values of a column below which they are no customers, whatever they are alike with."""
ADDED = ("bills", "payments", "usage", "complaints", "contacts", "surveys")
"""Tables of events: two systems may write one each."""


def recognised(raws: Sequence[RawTable]) -> list[Recognised]:
    """What each raw table is.

    Of several that are the same table the longest and most certain comes first. Another one of events of which at least
    half of the rows are not in it is a further source of it (`repeated`), any other is left out (`rival`): two lists of
    orders may tell of the same money twice.
    """
    found = [best(raw) for raw in raws]
    if anchor := with_customers(found):
        found = [_by_values(each, anchor) for each in found]
    _tell_payments(found)
    for table in SIGNS:
        same = sorted((each for each in found if each.table == table), key=_weight)
        for number, other in enumerate(same[1:], 1):
            _settle(same[0], other, number)
    for each in found:
        if is_other_sign(each):
            each.raw.turn(each.columns["amount"])
    return found


def is_other_sign(found: Recognised) -> bool:
    """Is money mostly below zero, as a bank books what its customers spend? Returns are the fewer."""
    column = found.raw.columns.get(found.columns.get("amount", ""))
    return found.table in ("bills", "payments") and column is not None and (column.negative or 0.0) > 0.5


def _weight(found: Recognised) -> float:
    return -found.raw.rows * found.confidence


def with_customers(found: Sequence[Recognised]) -> Recognised | None:
    """The table whose customers are known best: that of customers, or else the longest of what they paid; None for none."""
    named = [each for each in found if "customer_id" in each.columns]
    customers = [each for each in named if each.table == "customers"]
    return next(iter(customers or sorted((e for e in named if e.table in ("bills", "lines")), key=_weight)), None)


def _by_values(found: Recognised, anchor: Recognised) -> Recognised:
    """A table that nothing fits because no name says who its customers are, with the column whose values are customers."""
    if found.table or (found.lacks and "customer_id" not in found.lacks[1]):
        return found
    key = anchor.columns["customer_id"]
    shares = {name: contained(found.raw, name, anchor.raw, key) for name in found.raw.header if _may_be(found, name)}
    name = max(shares, key=lambda each: shares[each], default=None)
    if name is None or shares[name] < (MOST if found.raw.columns[name].is_number else HALF):
        return found
    found.raw.customer = name
    known = best(found.raw)
    found.raw.customer = name if known.table else None
    return known if known.table else found


def _may_be(found: Recognised, name: str) -> bool:
    column = found.raw.columns[name]
    return column.fits("key") and column.distinct >= FEWEST


def _tell_payments(found: Sequence[Recognised]) -> None:
    """Of two tables that look like bills, the one that names those of the other, several times or with a number of its own,
    is what was paid of them."""
    if any(each.table == "payments" for each in found):
        return
    bills = [each for each in found if each.table == "bills" and "bill_id" in each.columns]
    paying = next((other for other in bills for each in bills if other is not each and _pays(other, each)), None)
    if paying:
        told = as_table(paying.raw, "payments")
        paying.table, paying.rival, paying.columns, paying.matches = "payments", "bills", told.columns, told.matches


def _pays(paying: Recognised, bills: Recognised) -> bool:
    theirs, own = bills.columns["bill_id"], paying.columns["bill_id"]
    if not bills.raw.columns[theirs].unique or contained(paying.raw, own, bills.raw, theirs) < MOST:
        return False
    numbered = "row_id" in paying.columns and "row_id" not in bills.columns
    return numbered or not paying.raw.columns[own].unique


def _settle(first: Recognised, other: Recognised, number: int) -> None:
    """Is another table that looks the same a further source, or the same once more?"""
    share = _repeated(first, other) if other.table in ADDED else 1.0
    if share < HALF:
        other.repeated, other.raw.called = share, f"further_{number}"
    else:
        other.table, other.rival, other.confidence = "", other.table, 0.0


def _repeated(first: Recognised, other: Recognised) -> float:
    """The share of rows of a table that the first one has too: the same customer on the same day with the same figures."""
    pairs = _figures(first, other)
    if first.table == "usage" and not pairs:
        return 0.0
    mine, theirs = (_rows(each, [pair[side] for pair in pairs]) for side, each in enumerate((first, other)))
    query = f"SELECT (SELECT count(*) FROM (({theirs}) INTERSECT ({mine}))), (SELECT count(*) FROM ({theirs}))"
    same, rows = first.raw.con.sql(query).fetchall()[0]
    return float(same / rows) if rows else 1.0


def _figures(first: Recognised, other: Recognised) -> list[tuple[str, str]]:
    """Columns of both that tell two events of a customer on one day apart; for usage, where none is known, those of one name."""
    both = [m for m in FIGURES[first.table] if m in first.columns and m in other.columns]
    if both or first.table != "usage":
        return [(first.columns[m], other.columns[m]) for m in both]
    return [(name, name) for name in first.unused if name in other.unused and first.raw.columns[name].is_number]


FIGURES = {
    "bills": ("amount",),
    "payments": ("amount",),
    "usage": ("voice_minutes", "data_mb", "sms"),
    "complaints": (),
    "contacts": (),
    "surveys": ("score",),
}
"""Meanings whose values tell two events of a customer on one day apart."""


def _rows(found: Recognised, figures: Sequence[str]) -> str:
    """SQL for the different rows: customer, day, and figures without their sign."""
    names = found.columns
    day = evidence.moment(found.raw.columns[names["happened_at"]])
    values = "".join(f", round(abs(TRY_CAST({quoted(name)} AS DOUBLE)), 2)" for name in figures)
    return f"SELECT DISTINCT {evidence.key(names['customer_id'])}, ({day})::DATE{values} FROM {quoted(found.raw.name)}"
