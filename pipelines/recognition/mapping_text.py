"""The mapping of a folder as commented YAML: each line says what was found."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from features.contracts import CONTRACTS
from pipelines.recognition import forms
from pipelines.recognition.choices import Choices
from pipelines.recognition.commented import comment, line
from pipelines.recognition.customer_section import customers, permitted
from pipelines.recognition.derived_sections import derived_bills, derived_customers, derived_usage
from pipelines.recognition.event_sections import (
    bills,
    complaints,
    consents,
    contacts,
    payments,
    subscriptions,
    surveys,
    usage,
)
from pipelines.recognition.evidence import span
from pipelines.recognition.tables import Recognised


def mapping_text(found: Sequence[Recognised], choices: Choices) -> str:
    """The mapping file of these tables, in the order of the contracts."""
    by_table = {f.table: f for f in found if f.table and f.repeated is None}
    further: dict[str, list[Recognised]] = {}
    for each in found:
        if each.repeated is not None:
            further.setdefault(each.table, []).append(each)
    words: dict[str, list[str]] = {}
    body: list[str] = []
    for name in ("customers",) if choices.folds else CONTRACTS:
        if section := _section_of(name, by_table, further, choices, words):
            body += ["", *section]
    head = [comment(0, choices.why("mapping")), line(0, "version", 1)]
    head += [
        line(0, "timezone", choices.timezone, choices.why("timezone")),
        line(0, "currency", choices.currency, choices.why("currency")),
    ]
    if words:
        head += [line(0, "words", None, choices.why("words")), *(line(2, name, said) for name, said in words.items())]
    return "\n".join([*head, "", "tables:", *body[1:]]) + "\n"


def _section_of(
    name: str,
    by_table: dict[str, Recognised],
    further: dict[str, list[Recognised]],
    choices: Choices,
    words: dict[str, list[str]],
) -> list[str]:
    """The section of one canonical table; empty where nothing gives it."""
    purchases = by_table.get("lines") or by_table.get("bills")
    if name == "customers" and purchases and (choices.derived or name not in by_table):
        return derived_customers([purchases, *further.get(purchases.table, [])], choices)
    if name in further:
        return _sources([by_table[name], *further[name]], by_table, choices, words)
    if name in by_table:
        return SECTIONS[name](by_table[name], by_table, choices, words)
    return _derived_section(name, by_table, choices, words)


def _derived_section(
    name: str, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """A section that another table gives: lines of invoices, or a column of customers; empty where none does."""
    if name == "consents" and choices.permits and not choices.derived:
        return permitted(by_table["customers"], choices)
    if "lines" in by_table and name == "bills":
        return derived_bills(by_table["lines"], choices)
    if "lines" in by_table and name == "usage":
        return derived_usage(by_table["lines"], choices, words)
    return []


def _sources(
    sources: Sequence[Recognised], by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of a table that several systems write, each with columns and clocks of its own."""
    table, taken = sources[0].table, set[str]()
    rows = [f"  {table}:", comment(4, choices.why("sources")), "    sources:"]
    for found in sources:
        stem = found.raw.source.table or found.raw.paths[0].stem
        name = forms.identifier(re.sub(r"[\d\W_]+$", "", stem) or stem, taken, "source")
        section = SECTIONS[table](found, by_table, choices, words)[1:]
        rows += [
            f"      - name: {name}",
            *_ended(found, sources, choices),
            *("    " + row if row else row for row in section),
        ]
    return rows


REPLACED = timedelta(days=31)
"""A source whose newest row is so much older than that of another one was replaced by it."""


def _ended(found: Recognised, sources: Sequence[Recognised], choices: Choices) -> list[str]:
    """The day after the last rows of a source that brings nothing any more, while another one does."""
    newest, others = (
        [days[1] for each in those if (days := span(each, choices.shapes.get(each.columns["happened_at"])))]
        for those in ([found], sources)
    )
    if not newest or newest[0] + REPLACED > max(others):
        return []
    return [line(8, "ended", newest[0] + timedelta(days=2), choices.why("ended"))]


Section = Callable[[Recognised, dict[str, Recognised], Choices, dict[str, list[str]]], list[str]]
SECTIONS: dict[str, Section] = {
    "customers": customers,
    "subscriptions": subscriptions,
    "bills": bills,
    "payments": payments,
    "usage": usage,
    "complaints": complaints,
    "contacts": contacts,
    "surveys": surveys,
    "consents": consents,
}
