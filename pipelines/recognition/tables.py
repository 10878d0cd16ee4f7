"""Which canonical table a raw table is, seen by itself: by its header, its grain and the names of its files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipelines.recognition import forms, headers
from pipelines.recognition.columns import quoted
from pipelines.recognition.grouping import month_shape
from pipelines.recognition.headers import MAYBE, Match, Meaning
from pipelines.recognition.raw_tables import RawTable

ONLY = 0.7
"""How certain it is that the only column of dates, whatever it is called, says when something happened."""
NAMED = 1.5
"""What a word in the name of a file is worth, in columns."""
MOST_MONTHS = 240
"""Different values of a column that names the months of a series."""
ONCE = 0.5
"""What a table of events is worth in which every customer has one: it may as well be one of customers."""


@dataclass(frozen=True)
class Signs:
    """How a table is known: meanings that it cannot be without, and what others are worth."""

    needs: tuple[tuple[str, ...], ...]
    tells: Mapping[str, float] = field(default_factory=dict)
    unique: bool = False


SIGNS: Mapping[str, Signs] = {
    "customers": Signs(
        (("customer_id",),),
        {"activated_on": 2, "deactivated_on": 2, "status": 1, "left": 2, "customer_type": 1, "region": 0.5, "plan": 0.5,
         "status_date": 1, "group_size": 1, "personal": 0.5, "phone": 0.5, "contract_end": 0.5, "monthly_fee": 0.3},
        unique=True,
    ),
    "subscriptions": Signs(
        (("customer_id",), ("plan",), ("valid_from",)), {"monthly_fee": 1.5, "contract_end": 1, "valid_to": 1.5, "plan": 1}
    ),
    "lines": Signs(
        (("customer_id",), ("bill_id",), ("happened_at",), ("quantity",), ("unit_price", "amount")),
        {"product_id": 2, "description": 1, "unit_price": 1, "quantity": 1, "bill_id": 1},
    ),
    "bills": Signs((("customer_id",), ("happened_at",), ("amount",)), {"due_on": 1, "bill_id": 1, "discount": 1, "tax": 0.5, "amount": 1}),
    "payments": Signs((("customer_id",), ("happened_at",), ("amount",)), {"payment_id": 1.5, "bill_id": 0.3, "amount": 0.5}),
    "usage": Signs(
        (("customer_id",), ("happened_at",)),
        {"voice_minutes": 2, "data_mb": 2, "sms": 2, "roaming_mb": 1, "night_data_mb": 1},
    ),
    "complaints": Signs(
        (("customer_id",), ("happened_at",), ("complaint_id", "topic")),
        {"complaint_id": 2, "topic": 1, "resolved_at": 1.5, "severity": 1, "channel": 0.3},
    ),
    "contacts": Signs(
        (("customer_id",), ("happened_at",), ("contact_id", "direction", "campaign_id", "channel")),
        {"contact_id": 2, "direction": 1.5, "campaign_id": 1.5, "arm": 1.5, "channel": 0.7, "cost": 0.5},
    ),
    "surveys": Signs(
        (("customer_id",), ("happened_at",), ("score",)), {"response_id": 2, "touchpoint": 1.5, "item": 1.5, "score": 1.5}
    ),
    "consents": Signs((("customer_id",), ("allowed",), ("happened_at",)), {"allowed": 2, "purpose": 2}),
}  # fmt: skip
"""Every table that a folder may hold; `lines` are those of invoices, which become bills, usage and customers."""


@dataclass
class Recognised:
    """A raw table and what it probably is.

    Attributes
    ----------
    raw
        The files.
    table
        A canonical table, or `lines`; empty where nothing fits.
    columns
        Meaning -> column; `personal` and `other` are left out.
    matches
        Column -> reading.
    confidence
        From 0 to 1: how far it is from the next best, and how sure the key is.
    rival
        The next best table; empty for none.
    lacks
        Where nothing fits: the table that it is nearest to, and the meanings that no column of it has.
    leads
        Is it none of ours, and leads from the accounts in another one to customers?
    repeated
        Is it another source of a table that one of the others is: the share of its rows that are there too; else None.
    """

    raw: RawTable
    table: str
    columns: dict[str, str]
    matches: dict[str, Match]
    confidence: float
    rival: str = ""
    lacks: tuple[str, tuple[str, ...]] | None = None
    leads: bool = False
    repeated: float | None = None

    @cached_property
    def month(self) -> dict[str, str] | None:
        """Of a series with a yes or no for each month: which month a row is of, as a mapping writes it; else None."""
        if self.table != "customers" or not {"customer_id", "left"} <= self.columns.keys():
            return None
        customer, shape = self.columns["customer_id"], month_shape(self.raw.paths)
        if self.raw.columns[customer].unique:
            return None
        if shape and _most_rows_each(self.raw, customer) <= len(self.raw.paths):
            return {"file": shape}
        column = next((name for name in self.raw.header if _tells_month(self.raw, customer, name)), None)
        form = forms.time(self.raw.columns[column]) if column else None
        return {"from": form} if isinstance(form, str) else form

    @property
    def unused(self) -> list[str]:
        """Columns that have no meaning of their own, in order; personal ones are not among them."""
        known = {name for name, match in self.matches.items() if match.meaning.name not in ("other",)}
        return [name for name in self.raw.header if name not in known]

    @property
    def personal(self) -> list[str]:
        """Names, addresses, numbers of telephones and documents: these never leave the source."""
        return [name for name in self.raw.header if self._means(name) in ("personal", "phone")]

    def _means(self, column: str) -> str:
        return self.matches[column].meaning.name if column in self.matches else ""


def as_table(raw: RawTable, table: str) -> Recognised:
    """The columns of a raw table if it is the table that somebody says."""
    matches = _with_only_date(raw, table, _with_own_number(raw, table, _meanings(raw, table)))
    columns = {m.meaning.name: name for name, m in matches.items() if m.meaning.name not in ("personal", "other")}
    return Recognised(raw, table, columns, matches, 1.0)


def best(raw: RawTable) -> Recognised:
    """The table that fits a raw one best, with what it lacks where none does."""
    answers = as_table(raw, "customers")
    if answers.month:
        answers.confidence = 0.9 * _key_certainty(answers)
        return answers
    scores = {table: _score(raw, table, as_table(raw, table)) for table in SIGNS}
    order = sorted((table for table in SIGNS if scores[table] > 0), key=lambda table: -scores[table])
    if not order:
        answers.confidence = 0.7
        return answers if "left" in answers.columns else Recognised(raw, "", {}, {}, 0.0, lacks=_nearest(raw))
    best = as_table(raw, order[0])
    margin = scores[order[0]] - (scores[order[1]] if order[1:] else 0)
    best.rival = order[1] if order[1:] else ""
    best.confidence = min(1.0, 0.5 + margin / 4) * _key_certainty(best)
    if order[0] == "usage" and not _is_usage(best):
        return Recognised(raw, "", {}, {}, 0.0, lacks=("usage", ("voice_minutes",)))
    return best


def _is_usage(found: Recognised) -> bool:
    """Is something counted, is the date named as one of use, or the file? Who and when alone may be anything."""
    happened = found.matches[found.columns["happened_at"]]
    return happened.certainty > ONLY or _measures(found) > 0 or _is_named(found.raw.paths[0], found.raw, "usage")


def _with_own_number(raw: RawTable, table: str, matches: dict[str, Match]) -> dict[str, Match]:
    """Where an account stands in for customers and has several rows, and each row a number of its own, the number is the
    customer: one account pays for the numbers of a household."""
    named = {match.meaning.name: name for name, match in matches.items()}
    key, number = named.get("customer_id"), named.get("phone")
    if table != "customers" or key is None or number is None:
        return matches
    account = next((m for m in headers.readings(key, table) if m.meaning.name == "account_id"), None)
    if account is None or raw.columns[key].unique or not raw.columns[number].unique:
        return matches
    return matches | {number: Match(Meaning("customer_id", "key"), MAYBE), key: account}


def _with_only_date(raw: RawTable, table: str, matches: dict[str, Match]) -> dict[str, Match]:
    """Where a table must say when something happened and no name does, the only column of dates without a meaning."""
    if ("happened_at",) not in SIGNS[table].needs or any(m.meaning.name == "happened_at" for m in matches.values()):
        return matches
    dated = [name for name, column in raw.columns.items() if name not in matches and column.is_date]
    return matches | {dated[0]: Match(Meaning("happened_at", "time"), ONLY)} if len(dated) == 1 else matches


def _nearest(raw: RawTable) -> tuple[str, tuple[str, ...]] | None:
    """The table of which the least is missing, and what it is; None where no column is anybody's id and nothing else fits."""
    lacking = {}
    for table, signs in SIGNS.items():
        columns = as_table(raw, table).columns
        missing = tuple(either[0] for either in signs.needs if not any(name in columns for name in either))
        told = len(signs.needs) - len(missing) + sum(worth for name, worth in signs.tells.items() if name in columns)
        if missing and len(missing) < len(signs.needs):
            lacking[table] = (len(missing), -told, missing)
    if not lacking:
        return None
    table = min(lacking, key=lambda name: lacking[name][:2])
    return table, lacking[table][2]


def _key_certainty(found: Recognised) -> float:
    match = found.matches.get(found.columns.get("customer_id", ""))
    return 1.0 if match is None or match.certainty > MAYBE else 0.9


def _score(raw: RawTable, table: str, found: Recognised) -> float:
    """Columns that tell, and words in names; 0 where something needed is not there or the grain is another."""
    signs = SIGNS[table]
    if any(not any(name in found.columns for name in either) for either in signs.needs):
        return 0.0
    one_each = _one_row_each(raw, found)
    if signs.unique and not one_each:
        return 0.0
    usual = 1.0 if signs.unique or not one_each or table == "consents" else ONCE
    told = sum(
        worth * found.matches[found.columns[name]].certainty
        for name, worth in signs.tells.items()
        if name in found.columns
    )
    needed = sum(
        max(found.matches[found.columns[n]].certainty for n in either if n in found.columns) for either in signs.needs
    )
    measures = min(3.0, _measures(found)) if table == "usage" else 0.0
    named = NAMED * _is_named(raw.paths[0], raw, table)
    return usual * (told + needed / 2 + measures + named + (1.0 if signs.unique else 0.0))


def _one_row_each(raw: RawTable, found: Recognised) -> bool:
    """Has every customer one row?"""
    return raw.columns[found.columns["customer_id"]].unique if "customer_id" in found.columns else False


def _most_rows_each(raw: RawTable, column: str) -> int:
    """Rows of the customer who has most of them."""
    query = f"SELECT max(n) FROM (SELECT count(*) AS n FROM {quoted(raw.name)} WHERE {quoted(column)} IS NOT NULL GROUP BY {quoted(column)})"
    return int(raw.con.sql(query).fetchall()[0][0] or 0)


def _tells_month(raw: RawTable, customer: str, name: str) -> bool:
    """Is it a month, or a day of it, of which each customer has at most one row, and are there several?"""
    column = raw.columns[name]
    if not column.is_time or not 1 < column.distinct <= MOST_MONTHS:
        return False
    query = f"SELECT count(DISTINCT ({quoted(customer)}, {quoted(name)})) FROM {quoted(raw.name)}"
    return int(raw.con.sql(query).fetchall()[0][0]) == raw.rows


def _measures(found: Recognised) -> float:
    """Numbers that nobody has a name for: what customers do is counted in such columns."""
    return 0.5 * sum(found.raw.columns[name].is_number for name in found.unused)


def _is_named(path: Path, raw: RawTable, table: str) -> bool:
    """Does a word for the table stand in the name of the file, or of the table of a database?"""
    words = headers.tokens(raw.source.table or path.stem)
    own = headers.catalogue().tables.get("bills" if table == "lines" else table, frozenset())
    return any(word in own for word in words) or any(not w.isascii() and w in "".join(words) for w in own)


def _meanings(raw: RawTable, table: str) -> dict[str, Match]:
    known = headers.meanings(raw.header, table, lambda name, kind: raw.columns[name].fits(kind))
    if raw.customer is None:
        return known
    others = {name: match for name, match in known.items() if match.meaning.name != "customer_id"}
    return others | {raw.customer: Match(Meaning("customer_id", "key"), MAYBE)}


def contained(inner: RawTable, column: str, outer: RawTable, key: str) -> float:
    """The share of different values of a column that another table has in its key; whole numbers are compared as such."""
    left, right = _key_text(column), _key_text(key)
    query = (
        f"SELECT avg((k IN (SELECT {right} FROM {quoted(outer.name)}))::INT)"
        f" FROM (SELECT DISTINCT {left} AS k FROM {quoted(inner.name)} WHERE {quoted(column)} IS NOT NULL LIMIT 100000)"
    )
    return float(inner.con.sql(query).fetchall()[0][0] or 0.0)


def _key_text(name: str) -> str:
    return f"regexp_replace(trim({quoted(name)}::VARCHAR), '\\.0+$', '')"
