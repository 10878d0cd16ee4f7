"""Worked examples as text tables, which a product owner can write and check by hand.

Columns are separated by `|`; `null` is unknown; a date where an instant is due means its first instant, UTC. What an
example does not say gets a plain default: keys are numbered, and a row is known when it happens.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import ibis
import pyarrow as pa
import pytest
from ibis.expr import types as ir

from features.build import build
from features.catalogue import catalogue
from features.contracts import ALWAYS, CONTRACTS, MONEY, Contract
from features.definition import Feature
from features.settings import FeatureSettings
from features.spine import everyone


def parse(text: str) -> list[dict[str, str | None]]:
    """The rows of a text table; cells are stripped, `null` is None."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    head = lines[0]
    return [{c: None if v == "null" else v for c, v in zip(head, line, strict=True)} for line in lines[1:]]


def table(name: str, text: str) -> ir.Table:
    """A canonical table; columns of `usage` that its contract does not know are measures, of `bills` components, of what describes events words."""
    rows = parse(text)
    contract = CONTRACTS[name]
    if name == "usage":
        given = rows[0].keys() if rows else text.strip().split("|")
        contract = contract.with_measures(tuple(c.strip() for c in given if c.strip() not in contract.schema()))
    schema = contract.schema() | ({"superseded_at": "timestamp(6)"} if "superseded_at" in text else {})
    if name == "bills":
        schema |= dict.fromkeys([c for c in (rows[0] if rows else []) if c not in schema], MONEY)
    if name in ("contacts", "complaints", "subscriptions"):
        schema |= dict.fromkeys([c for c in (rows[0] if rows else []) if c not in schema], "string")
    full = [completed(contract, row, number) for number, row in enumerate(rows)]
    arrays = {c: pa.array([value(r.get(c), t) for r in full], arrow_type(t)) for c, t in schema.items()}
    return ibis.memtable(pa.table(arrays), schema=ibis.schema(schema))


def completed(contract: Contract, row: dict[str, str | None], number: int) -> dict[str, str | None]:
    """The row with its defaults."""
    if not contract.event:
        return {"known_at": str(ALWAYS)} | row if contract.versioned else row
    happened = row.get("happened_at") or row.get("valid_from")
    defaults = {contract.key[0]: str(number), "happened_at": happened, "known_at": happened}
    return defaults | {"happened_on": happened and happened[:10]} | row


def arrow_type(dtype: str) -> pa.DataType:
    return ibis.dtype(dtype).to_pyarrow()


def value(text: str | None, dtype: str) -> Any:
    """The cell as a value of its column."""
    if text is None:
        return None
    kind = dtype.partition("(")[0]
    readers: dict[str, Callable[[str], Any]] = {
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
        "decimal": Decimal,
        "int64": int,
    }
    readers |= {"float64": float, "boolean": lambda cell: cell == "true"}
    return readers.get(kind, str)(text)


def chosen(columns: Iterable[str], measures: Sequence[str], settings: FeatureSettings) -> list[Feature]:
    """The features of these columns, and what they are made from."""
    everything = {f.column: f for f in catalogue(measures, topics=settings.topics, parts=settings.parts)}
    wanted = list(dict.fromkeys(columns))
    for column in wanted:  # grows while it is read
        wanted += [c for c in everything[column].reads if c not in wanted]
    return [everything[c] for c in wanted]


def expect(con: ibis.BaseBackend, expected: str, settings: FeatureSettings | None = None, **given: str) -> None:
    """Do the `given` tables yield the features of `expected`, a table with `customer_id` and `seen on`?"""
    rows = parse(expected)
    columns = [c for c in rows[0] if c not in {"customer_id", "seen on"}]
    tables = {name: table(name, text) for name, text in given.items()}
    measures = [c for c, t in tables["usage"].schema().items() if t.is_floating()] if "usage" in tables else []
    days = {date.fromisoformat(str(row["seen on"])) for row in rows}
    spine = everyone(tables["customers"], sorted(days), "UTC")
    settings = settings or FeatureSettings()
    wide = build(tables, spine, chosen(columns, measures, settings), settings)
    found = {(r["customer_id"], str(r["as_of"])): r for r in con.to_pyarrow(wide).to_pylist()}
    got = [found[str(row["customer_id"]), str(row["seen on"])] for row in rows]
    plain = [{c: told(row[c]) for c in columns} for row in rows]
    assert [{c: row[c] for c in columns} for row in got] == [
        {c: pytest.approx(v, rel=1e-9, abs=1e-12) if isinstance(v, float) else v for c, v in row.items()}
        for row in plain
    ]


def told(cell: str | None) -> float | str | None:
    """A cell of an expected table: nothing, a number, a fraction such as 50/20, or a word."""
    if cell is None:
        return None
    try:
        return float(Fraction(cell.replace(" ", "")))
    except ValueError:
        return cell
