"""The lines that sections of a mapping have in common: source, columns, clocks, conditions, and what is left out."""

import json
from collections.abc import Sequence
from typing import Any

from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.recognition import commented, described, evidence, forms, headers, lines, links
from pipelines.recognition.accompaniments import Accompaniment
from pipelines.recognition.choices import Choices
from pipelines.recognition.commented import comment, line
from pipelines.recognition.tables import Recognised

DELAYS = {
    "bills": "5d",
    "payments": "1d",
    "usage": "1d",
    "complaints": "1d",
    "contacts": "1d",
    "surveys": "1d",
    "consents": "1d",
    "subscriptions": "0d",
}
"""Assumed time until an event is in the extract, where it has no load time."""


AT_ONCE = "happened_at + 0d"
"""The clock of what is known when it happens."""


def source_lines(found: Recognised, choices: Choices) -> list[str]:
    """Where the rows are, and how sure it is that they are these."""
    source = found.raw.source
    if found.raw.link:
        return [comment(4, choices.why("link")), *query_lines(found, lines.linked(found.raw, found.raw.paths[0]))]
    if source.table:
        place = {"connection": source.connection} if source.connection else {"database": source.database}
        return [line(4, "source", {**place, "table": source.table})]
    value: dict[str, Any] = {"path": source.path}
    if source.format != "parquet" or not str(source.path).endswith(".parquet"):
        value["format"] = source.format
    if source.sheet:
        value["sheet"] = source.sheet
    if source.format == "csv":
        value["encoding"] = source.encoding
    if source.format == "csv" and source.delimiter != ",":
        value["delimiter"] = source.delimiter
    value |= Accompaniment(source.marker, source.manifest).said()
    return [line(4, "source", value)]


def column_lines(found: Recognised, names: Sequence[str], choices: Choices, forms_of: dict[str, Any]) -> list[str]:
    """A line for each canonical column that was found."""
    rows = []
    for name in names:
        if name in forms_of:
            rows.append(line(6, name, *_with_reason(forms_of[name])))
        elif name in found.columns:
            rows.append(line(6, name, found.columns[name], doubt_of(found, found.columns[name], choices)))
    return rows


def _with_reason(value: Any) -> tuple[Any, str]:
    return value if isinstance(value, tuple) else (value, "")


def doubt_of(found: Recognised, column: str, choices: Choices) -> str:
    """A word of warning beside a column whose name is not quite known."""
    match = found.matches.get(column)
    return choices.why("check") if match and match.certainty <= headers.MAYBE else ""


def time_form(found: Recognised, meaning: str, choices: Choices, *, period_end: bool = False) -> Any:
    """How a mapping writes the column of a date or time; a month stands for its end with `period_end`."""
    column = found.raw.columns[found.columns[meaning]]
    return forms.time(column, choices.shapes.get(column.name), period_end=period_end)


def clock_lines(found: Recognised, choices: Choices) -> list[str]:
    """`happened_at` and `known_at` of an event."""
    rows = []
    column = found.raw.columns.get(found.columns.get("happened_at", ""))
    if column is not None:
        why = choices.why("period_end") if column.is_month else ""
        rows.append(line(4, "happened_at", time_form(found, "happened_at", choices, period_end=True), why))
    if "known_at" in found.columns:
        rows.append(line(4, "known_at", time_form(found, "known_at", choices)))
    elif CONTRACTS[found.table].event:
        start = "happened_at" if column is not None else "valid_from"
        delay = delay_of(found, choices)
        rows.append(line(4, "known_at", f"{start} + {delay}", choices.why("known_at", delay=delay)))
    return rows


def delay_of(found: Recognised, choices: Choices) -> str:
    """Assumed days until an event is known: none for purchases, a few for bills of a month."""
    column = found.raw.columns.get(found.columns.get("happened_at", ""))
    if found.table in ("bills", "usage") and choices.at_once:
        return "0d"
    is_daily_bill = found.table == "bills" and column is not None and not column.is_month
    return "1d" if is_daily_bill else DELAYS[found.table]


def _unused(found: Recognised, choices: Choices, written: Sequence[str], kept: Sequence[str] = ()) -> list[str]:
    """Columns that nothing is made of, those among them whose name is known: nothing is left out in silence."""
    rows, said = [], "\n".join(written)
    left = [name for name in found.unused if name not in kept]
    left += [
        name for name in found.columns.values() if name not in said and name not in (*left, *kept, *found.personal)
    ]
    left = [name for name in left if found.raw.left_out is None or name != found.raw.left_out[0]]
    if left:
        rows.append(comment(4, choices.why("unused", columns=", ".join(left))))
    if found.personal:
        rows.append(comment(4, choices.why("personal", columns=", ".join(found.personal))))
    return rows


def section(name: str, found: Recognised, choices: Choices, rows: list[str], kept: Sequence[str] = ()) -> list[str]:
    """The section of a table: source, columns, clocks, conditions, and what is not used, `kept` columns apart."""
    clocks = clock_lines(found, choices) if CONTRACTS[name].event else []
    rows = [*rows, *_required(name, rows, choices)]
    return [
        f"  {name}:",
        *source_lines(found, choices),
        "    columns:",
        *rows,
        *clocks,
        *_where(found, choices),
        *_unused(found, choices, [*rows, *clocks], kept),
    ]


def _where(found: Recognised, choices: Choices) -> list[str]:
    """Which rows count, where some do not."""
    if found.raw.left_out is None:
        return []
    column, values = found.raw.left_out
    texts = ", ".join(json.dumps(value, ensure_ascii=False) for value in values)
    return [line(4, "where", f"{forms.name_in_expression(column)} not in ({texts})", choices.why("void"))]


def described_section(
    name: str, found: Recognised, choices: Choices, rows: list[str], words: dict[str, list[str]]
) -> list[str]:
    """A section with the columns beyond the contract that describe the event."""
    own = described.columns(found, words)
    rows = [*rows, *(line(6, column, form, choices.why("described")) for column, form in own.items())]
    return section(name, found, choices, rows, [form["from"] for form in own.values()])


def _required(name: str, rows: list[str], choices: Choices) -> list[str]:
    """What the contract cannot be without and was not found; clocks are looked for elsewhere."""
    mapped = {row.strip().partition(":")[0] for row in rows}
    needed = [
        column.name
        for column in CONTRACTS[name].columns
        if not column.nullable and column.name not in ("happened_at", "known_at")
    ]
    return [comment(6, f"{column}: {choices.why('required')}") for column in needed if column not in mapped]


def money_form(found: Recognised, meaning: str, choices: Choices, less: str | None = None) -> tuple[Any, str]:
    """How a mapping writes an amount in the major unit, less a discount, and why."""
    column = found.columns[meaning]
    minor = choices.minor.get(column, evidence.is_minor(column))
    turned = column in found.raw.turned
    whys = [choices.why(key) for key, said in (("fen", minor), ("turned", turned)) if said]
    return forms.money(column, choices.currency, minor, less, turned=turned), "; ".join(whys)


def query_lines(found: Recognised, sql: str, *further: Recognised) -> list[str]:
    """A source that is a query, with the files that it reads by name. Raises E259 for SQLite, which does not know its words,
    and for tables that no query can read together."""
    source = found.raw.source
    if source.connection or not all(links.is_beside(found.raw, each.raw) for each in further):
        raise HeadwaterError("E259", file=found.raw.title)
    place = [line(6, "connection", f"duckdb://{source.database}")] if source.database else []
    files = {name: written for each in (found, *further) for name, written in lines.reads(each.raw).items()}
    named = [line(6, "reads", None), *(line(8, name, source) for name, source in files.items())] if files else []
    return ["    source:", *place, *commented.block(6, "sql", sql), *named]
