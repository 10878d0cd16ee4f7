"""Tables that name accounts or telephones where customers are asked for, and the one that says whose each is: that of
customers or one beside it."""

from collections.abc import Iterator, Sequence

from pipelines.recognition.headers import Match, Meaning
from pipelines.recognition.raw_tables import Link, RawTable
from pipelines.recognition.tables import Recognised, contained

FEW, MOST = 0.5, 0.95
"""Share of keys that are customers below which they are something else, and of those that a link must know."""


def follow(found: Sequence[Recognised]) -> None:
    """Give each table that names no customers the column of those to whom a table of the others leads."""
    customers = next((each for each in found if each.table == "customers"), None)
    if customers is None or "customer_id" not in customers.columns:
        return
    for each in found:
        if each.table and each is not customers and (link := _link(each, customers, found)):
            each.raw.lead_by(link)
            each.columns |= {"customer_id": link.customer, "account_id": link.own}
            each.matches[link.customer] = Match(Meaning("customer_id", "key"), 1.0)
            next(other for other in found if other.raw is link.raw).leads = True


def _link(each: Recognised, customers: Recognised, found: Sequence[Recognised]) -> Link | None:
    """The table that leads from the keys of a table to customers; None where they are customers, or nothing leads there."""
    own = each.columns["customer_id"]
    if contained(each.raw, own, customers.raw, customers.columns["customer_id"]) >= FEW or not _is_joined(each.raw):
        return None
    others = [other.raw for other in found if other is customers or not other.table]
    beside = [raw for raw in others if is_beside(raw, each.raw)]
    return next((link for raw in beside for link in _ways(each.raw, own, raw, customers)), None)


def _is_joined(raw: RawTable) -> bool:
    """Can a query read all of its files as one? SQLite does not know our words."""
    return not raw.aliases and not raw.source.connection


def is_beside(raw: RawTable, other: RawTable) -> bool:
    """Can one query read both? Files, or tables of the same database."""
    return _is_joined(raw) and raw.source.database == other.source.database


def _ways(events: RawTable, own: str, raw: RawTable, customers: Recognised) -> Iterator[Link]:
    """Pairs of columns that lead from the events to customers: one has each key once, the other has customers."""
    key_of_all = customers.columns["customer_id"]
    keys = [name for name in raw.header if raw.columns[name].unique and contained(events, own, raw, name) >= MOST]
    named = [name for name in raw.header if name not in events.header and raw.columns[name].fits("key")]
    theirs = [name for name in named if contained(raw, name, customers.raw, key_of_all) >= MOST]
    yield from (Link(raw, key, own, name) for key in keys for name in theirs if name != key)
