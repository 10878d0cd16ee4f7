"""The slow, obvious twin of the whole catalogue: plain Python, one customer, one as-of date, nothing of `features`.

Written from what names and dictionary entries say; each family's stands beside its tests, in `families/naive_<family>`.
Sums are exact fractions, so money must agree to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from fractions import Fraction
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from tests.features import families
from tests.features.families import naive_peers

_TWINS = [
    import_module(f"{families.__name__}.{module.name}")
    for module in iter_modules(families.__path__)
    if module.name.startswith("naive_")
]
FAMILIES = [module for module in _TWINS if hasattr(module, "twin")]
"""Twins of one customer's rows; `twin` gives every column of the family."""
WHOLE = [module for module in _TWINS if hasattr(module, "whole")]
"""Twins of other columns; `whole` gives what follows from them."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Who:
    """One row of the spine."""

    customer_id: str
    as_of: date
    cutoff: datetime
    activated_on: date
    usage_lag: int = 0

    @property
    def age(self) -> int:
        return (self.as_of - self.activated_on).days

    def ago(self, day: date) -> int:
        """Whole days back from the as-of date; the day before it is 0."""
        return (self.as_of - day).days - 1


@dataclass(frozen=True)
class Declared:
    """What a mapping and a configuration name."""

    measures: Sequence[str]
    attributes: Sequence[str] = ()
    topics: Sequence[str] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    numbers: Sequence[str] = ()
    dates: Sequence[str] = ()
    flags: Sequence[str] = ()
    components: Sequence[str] = ()
    windows: Mapping[str, Sequence[int]] = field(default_factory=dict)
    counted: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Everybody:
    """Every customer's record, with what they had done lately as it was known at one cutoff."""

    rows: Sequence[tuple[dict[str, Any], dict[str, Rows]]]


@dataclass(frozen=True)
class Given:
    """Beside a customer's own rows: settings, what is declared, and the other customers of the account, and everybody,
    with what they had done, as it was known where the customer is looked at."""

    settings: Any
    declared: Declared
    mates: Sequence[tuple[dict[str, Any], dict[str, Rows]]] = ()
    everybody: Everybody | None = None


def twins(spine: Rows, tables: Mapping[str, Mapping[str, Rows]], settings: Any, declared: Declared) -> dict[Any, Rows]:
    """Every column of every row of a spine, by (customer_id, as_of); `tables` by name and customer."""
    histories = {c: {n: rows.get(c, []) for n, rows in tables.items()} for c in tables["customers"]}
    accounts: dict[str, list[str]] = {}
    for customer, history in histories.items():
        accounts.setdefault(history["customers"][0]["account_id"], []).append(customer)
    figures: dict[date, dict[str, Any]] = {}
    seen: dict[datetime, Everybody] = {}
    for row in spine:
        who = Who(**{f.name: row[f.name] for f in fields(Who) if f.name in row})
        own = histories[who.customer_id]
        account = own["customers"][0]["account_id"]
        mates = [histories[c] for c in accounts[account] if account and c != who.customer_id]
        others = [(mate["customers"][0], from_within(mate, who)) for mate in mates]
        if who.cutoff not in seen:
            everybody = [(rows["customers"][0], lately(rows, who)) for rows in histories.values()]
            seen[who.cutoff] = Everybody(everybody)
        given = Given(settings, declared, others, seen[who.cutoff])
        figures.setdefault(who.as_of, {})[who.customer_id] = twin(who, own, given)
    for rows in figures.values():
        for row, beside in zip(rows.values(), naive_peers.peers(list(rows.values()), declared.measures), strict=True):
            row.update(beside)
    return {(customer, day): row for day, rows in figures.items() for customer, row in rows.items()}


def twin(who: Who, tables: Mapping[str, Rows], given: Given) -> dict[str, Any]:
    """Every column but those of peers for one customer, `tables` holding all of their rows, whenever they happened or
    became known."""
    seen = {name: rows if name == "customers" else visible(rows, who) for name, rows in tables.items()}
    seen["announced"] = [row for row in tables.get("subscriptions", []) if is_announced(row, who)]
    figures: dict[str, Any] = {}
    for family in FAMILIES:
        figures |= family.twin(who, seen, given)
    for family in WHOLE:
        figures |= family.whole(figures, given)
    return {column: float(v) if isinstance(v, int | Fraction) else v for column, v in figures.items()}


def from_within(mate: Mapping[str, Rows], who: Who) -> dict[str, Rows]:
    """What a member of the account had done, as it was known where the customer is looked at."""
    there = replace(who, activated_on=mate["customers"][0]["activated_on"])
    return {name: visible(mate[name], there) for name in ("bills", "complaints")}


def lately(history: Mapping[str, Rows], who: Who) -> dict[str, Rows]:
    """What anybody had done in the last four weeks, as it was known where the customer is looked at."""
    there = replace(who, activated_on=history["customers"][0]["activated_on"])
    seen = {name: visible(history[name], there) for name in ("complaints", "payments") if name in history}
    return {name: [row for row in rows if who.ago(row["happened_on"]) < 28] for name, rows in seen.items()}


def visible(rows: Rows, who: Who) -> Rows:
    """Happened before the cutoff, known before it, not before they joined, and the newest version known by then."""
    return [masked(row, who) for row in rows if is_seen(row, who)]


def is_seen(row: dict[str, Any], who: Who) -> bool:
    if "happened_at" in row and row["happened_at"] >= who.cutoff:
        return False
    if row["happened_on"] >= who.as_of or row["known_at"] >= who.cutoff:
        return False
    superseded = row.get("superseded_at")
    return row["happened_on"] >= who.activated_on and (superseded is None or superseded >= who.cutoff)


def is_announced(row: dict[str, Any], who: Who) -> bool:
    """A plan that was known before the cutoff, in its newest version, and begins later."""
    superseded = row.get("superseded_at")
    known = row["known_at"] < who.cutoff and (superseded is None or superseded >= who.cutoff)
    return known and row["valid_from"] >= who.as_of


def masked(row: dict[str, Any], who: Who) -> dict[str, Any]:
    """The row without what came true at the cutoff or later."""
    row = dict(row)
    if row.get("resolved_at") and row["resolved_at"] >= who.cutoff:
        row["resolved_at"] = None
    if row.get("valid_to") and row["valid_to"] >= who.as_of:
        row["valid_to"] = None
    return row
