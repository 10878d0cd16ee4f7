"""Columns that describe calls, complaints and plans in few words beyond the contract, and which of the words would count."""

from collections.abc import Mapping as Names
from typing import Any

from features.contracts import CONTRACTS
from features.counted import OTHER
from pipelines.config.mapping import DESCRIBED, Mapping
from pipelines.config.mapping_file import OF_SPINE, RESERVED
from pipelines.recognition import evidence, forms
from pipelines.recognition.columns import Column
from pipelines.recognition.tables import Recognised

MOST_WORDS = 30
"""Different values of a column that says what kind of event a row is; more are names or numbers of something."""
SHOWN = 8
"""Values that are proposed to count by themselves, the most frequent."""


def columns(found: Recognised, words: dict[str, list[str]]) -> dict[str, Any]:
    """Our own names for such columns, each with how a mapping writes it; words for those that are not Latin are added.

    The state of a complaint is none of them: that it is solved is filled in later.
    """
    taken = {*(column.name for column in CONTRACTS[found.table].columns), *OF_SPINE, *RESERVED}
    kept: dict[str, Any] = {}
    settled = [name for name in found.unused if not (found.table == "complaints" and evidence.is_state(name))]
    for column in filter(describes, (found.raw.columns[name] for name in settled)):
        name = forms.identifier(column.name, taken, "about")
        unknown = {"null_values": ["", *column.placeholders]} if column.placeholders else {}
        kept[name] = {"from": column.name, "type": "category", **unknown}
        words |= {} if column.name.isascii() else {name: [name.replace("_", " "), column.name]}
    return kept


def describes(column: Column) -> bool:
    """A few words that come again and again."""
    few = 2 <= column.distinct <= min(MOST_WORDS, column.known // 2)
    return few and column.kind in ("category", "flag") and not column.is_time


def counted(tables: Names[str, Recognised | None], mapping: Mapping) -> dict[str, dict[str, Any]]:
    """By table and column the values that a configuration would count apart: as a list where they are names already."""
    found: dict[str, dict[str, Any]] = {}
    for table in (name for name in DESCRIBED if name in mapping.tables):
        raw, written = tables.get(table), mapping.tables[table].forms()
        for name in mapping.described(table) if raw else ():
            column = raw.raw.columns.get(str(written[name].from_)) if raw else None
            if column:
                found.setdefault(table, {})[name] = _values(column)
    return found


def _values(column: Column) -> Any:
    said = [value for value in column.texts if value.strip() and value not in column.placeholders][:SHOWN]
    taken = {OTHER}
    named = {forms.identifier(value, taken, "value"): value for value in said}
    return list(named) if all(name == value for name, value in named.items()) else named
