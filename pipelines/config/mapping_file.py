"""The file of a mapping: read, and held against the contracts of the canonical tables."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from features.contracts import CHURNED, CONTACT_DETAILS, CONTRACTS, JOINED, SOURCE_NAME, Contract
from features.errors import HeadwaterError, Problem
from pipelines.config.documents import Document, read
from pipelines.config.forms import Form
from pipelines.config.mapping import CLOCKS, DESCRIBED, Mapping, SourceMapping, TableMapping
from pipelines.config.validation import filled, nearest

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")
BESIDE = f"{CONTACT_DETAILS.name} beside tables"
"""Where the one table stands that is none of those which nights read."""
RESERVED = ("happened_on", "superseded_at", "as_of", SOURCE_NAME)
OF_SPINE = ("activated_on", "cutoff", "row", "usage_lag", "days_ago", "known", "ago")
"""What rows of events get beside their own columns."""


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file; everything that can be said without the data is said here.

    Raises E201-E206 for the file, E208-E211 for tables and columns, E212-E220 for expressions, zones and names.
    """
    document = read(path)
    mapping = filled(Mapping, document.content, document).model_copy(update={"origin": str(path)})
    _check_tables(mapping, document)
    return mapping


def _check_tables(mapping: Mapping, document: Document) -> None:
    """Tables and columns against the contracts. Raises E208 to E211, E214, E220, E227 or E249, with every other problem."""
    problems = list(_problems(mapping, document))
    if problems:
        raise HeadwaterError.of(problems)


def _problems(mapping: Mapping, document: Document) -> Iterator[Problem]:
    for name in mapping.tables:
        if name not in CONTRACTS:
            near = BESIDE if name == CONTACT_DETAILS.name else nearest(name, list(CONTRACTS))
            yield _problem("E211", document, ("tables", name), name=name, nearest=near or "—")
    for contract in CONTRACTS.values():
        if contract.name in mapping.tables:
            yield from _table_problems(mapping.tables[contract.name], contract, document)
        elif contract.needed:
            yield Problem("E208", str(document.path), None, f"tables.{contract.name}", values={"table": contract.name})
    if mapping.contact_details is not None:
        at = (CONTACT_DETAILS.name,)
        yield from _source_problems(mapping.contact_details, CONTACT_DETAILS, document, (at, at))
    if dated := _dated_beside_answer(mapping):
        keys = ("tables", "customers", "columns", CHURNED.name)
        yield _problem("E249", document, keys, names=", ".join(dated))


def _dated_beside_answer(mapping: Mapping) -> list[str]:
    """What has dates beside an answer that has none: what ends when a customer leaves would tell it."""
    if not mapping.clockless:
        return []
    left = "deactivated_on" in mapping.tables["customers"].forms()
    others = [f"tables.{name}" for name in mapping.tables if name != "customers"]
    return [*others, *(["tables.customers.columns.deactivated_on"] if left else [])]


def _table_problems(table: TableMapping, contract: Contract, document: Document) -> Iterator[Problem]:
    """Columns that the table needs and does not have, and those that it does not know, at their lines of the file."""
    at = ("tables", contract.name)
    yield from _history_problems(table, contract, document)
    yield from _type_problems(table, contract, document)
    if table.closes is not None and not contract.event:
        yield _problem("E276", document, (*at, "closes"), table=contract.name)
    if table.source is not None:
        yield from _source_problems(table.parts[0], contract, document, (at, at))
    told = set()
    for number, part in enumerate(table.parts if table.sources else ()):
        for problem in _source_problems(part, contract, document, ((*at, "sources", number), at)):
            if (problem.code, problem.column) not in told:  # what all of them share is told once
                told.add((problem.code, problem.column))
                yield problem


Places = tuple[tuple[str | int, ...], tuple[str | int, ...]]
"""Where a source stands in a mapping file, and its table, which says what holds for all of its sources."""


def _source_problems(part: SourceMapping, contract: Contract, document: Document, places: Places) -> Iterator[Problem]:
    forms, known = part.forms(), {column.name for column in (*contract.columns, *contract.rare)}
    at = places[0]
    for name in forms:
        if name in CLOCKS and name not in known:
            yield _problem("E220", document, _written_at(document, places, name), table=contract.name)
        elif name not in known:
            where = _written_at(document, places, "columns", name)
            yield from _extra_problems(name, forms[name], contract, document, where)
    if part.source.watermark and ("known_at" not in known or (not contract.event and "known_at" not in forms)):
        yield _problem("E227", document, (*at, "source", "watermark"), table=contract.name)
    if contract.event and "known_at" not in forms:
        yield _problem("E209", document, at, table=contract.name)
    for column in contract.columns:
        needed = not column.nullable and not (column is JOINED and (part.month or CHURNED.name in forms))
        if needed and column.name not in forms and column.name != "known_at":
            yield _problem("E210", document, at, table=contract.name, name=column.name)


def _written_at(document: Document, places: Places, *keys: str) -> tuple[str | int, ...]:
    """The path of a key of a source: its own, or that of its table where it stands there."""
    own, shared = ((*place, *keys) for place in places)
    return own if own in document.lines or shared not in document.lines else shared


def _type_problems(table: TableMapping, contract: Contract, document: Document) -> Iterator[Problem]:
    """A column of one's own that two sources declare to be of different types."""
    for name in dict.fromkeys(name for part in table.parts for name in part.columns):
        kinds = {part.columns[name].kind for part in table.parts if name in part.columns} - {None}
        if len(kinds) > 1 and all(column.name != name for column in (*contract.columns, *contract.rare)):
            keys = ("tables", contract.name, "sources")
            named = {"table": contract.name, "mapping": str(document.path)}
            yield _problem("E275", document, keys, **named, name=name, kinds=", ".join(sorted(map(str, kinds))))


def _history_problems(table: TableMapping, contract: Contract, document: Document) -> Iterator[Problem]:
    """Only customers are told by changes, snapshots or as they are now, and only changes have a clock."""
    at = ("tables", contract.name, "history")
    if table.history and contract.name != "customers":
        yield _problem("E271", document, at, table=contract.name)
    elif table.history and (table.history == "changes") != any(part.known_at for part in table.parts):
        yield _problem("E272", document, at, history=table.history)
    if (table.history == "months") != (table.month is not None):
        yield _problem("E273", document, at if table.history else (*at[:-1], "month"))


def _extra_problems(
    name: str, form: Form, contract: Contract, document: Document, at: tuple[str | int, ...]
) -> Iterator[Problem]:
    """Only usage, customers, bills and what describes events take columns of your own. Bills take those that say that they
    are numbers, events those that say of which type they are, for others may be misspelt; names become names of features."""
    if contract.name in DESCRIBED and form.kind is None:
        near = nearest(name, [column.name for column in contract.columns])
        written = f'{{from: "{form.from_ or "…"}", type: category}}'
        yield _problem("E281", document, at, table=contract.name, name=name, nearest=near or "—", form=written)
    elif contract.name not in ("usage", "customers", "bills", *DESCRIBED):
        near = nearest(name, [column.name for column in contract.columns])
        yield _problem("E211", document, at, name=name, nearest=near or "—")
    elif contract.name == "bills" and form.kind != "number":
        near = nearest(name, [column.name for column in contract.columns])
        written = f'{{from: "{form.from_ or "…"}", type: number}}'
        yield _problem("E245", document, at, name=name, nearest=near or "—", form=written)
    elif not IDENTIFIER.fullmatch(name) or name in RESERVED or (contract.name in DESCRIBED and name in OF_SPINE):
        yield _problem("E214", document, at, name=name[:80])


def _problem(code: str, document: Document, keys: tuple[str | int, ...], **values: Any) -> Problem:
    """A problem at a place of a mapping: file, line and dotted key."""
    return Problem(code, str(document.path), document.line(keys), ".".join(map(str, keys)), values=values)
