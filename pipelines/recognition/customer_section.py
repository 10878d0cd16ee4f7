"""The section of customers in a proposed mapping: with dates, as a yes or no, month by month; and what they permit."""

from collections.abc import Sequence
from typing import Any

from features.catalogue import catalogue
from features.contracts import CONTRACTS
from pipelines.recognition import described, evidence, forms, lines
from pipelines.recognition.choices import Choices
from pipelines.recognition.columns import Column
from pipelines.recognition.commented import comment, line
from pipelines.recognition.section_lines import (
    AT_ONCE,
    column_lines,
    doubt_of,
    query_lines,
    section,
    source_lines,
    time_form,
)
from pipelines.recognition.tables import Recognised


def customers(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of a table of customers: when they joined and left, and what they are in few words."""
    if choices.folds:
        return _answers(found, choices, words)
    if choices.month:
        return series(found, choices, words)
    own: dict[str, Any] = {}
    if "activated_on" in found.columns:
        own["activated_on"] = time_form(found, "activated_on", choices)
    if "deactivated_on" in found.columns:
        own["deactivated_on"] = time_form(found, "deactivated_on", choices)
    elif choices.left_codes and {"status", "status_date"} <= found.columns.keys():
        form = time_form(found, "status_date", choices)
        form = form if isinstance(form, dict) else {"from": form}
        codes = ", ".join(choices.left_codes)
        own["deactivated_on"] = (
            form | {"when": {found.columns["status"]: list(choices.left_codes)}},
            choices.why("left_codes", codes=codes),
        )
    names = [column.name for column in CONTRACTS["customers"].columns if column.name != "known_at"]
    rows = column_lines(found, names, choices, own)
    if "deactivated_on" not in own and {"status", "status_date"} <= found.columns.keys():
        status = found.raw.columns[found.columns["status"]]
        rows.append(
            comment(
                6,
                choices.why(
                    "which_left",
                    date=found.columns["status_date"],
                    status=status.name,
                    codes=", ".join(status.texts[:12]),
                ),
            )
        )
    about = _about(found, rows, has_plans="subscriptions" in by_table)
    if about:
        rows += [comment(6, choices.why("about")), *_attributes(found, about, choices, words)]
    permits = [found.columns[m] for m in ("allowed", "refused") if m in found.columns and choices.permits]
    return section("customers", found, choices, rows, [*about, *permits])


def _about(found: Recognised, written: Sequence[str], *, has_plans: bool) -> list[str]:
    """Columns in few words of what customers are, in order: their trade, and their plan where no table has it over time.
    States change, and tell who has left."""
    said = "\n".join(written)
    named = {*found.unused, *([found.columns["plan"]] if "plan" in found.columns and not has_plans else [])}
    return [
        name
        for name in found.raw.header
        if name in named
        and name not in said
        and not evidence.is_state(name)
        and described.describes(found.raw.columns[name])
    ]


TELLING = ("left_reason", "status", "status_date", "deactivated_on")
"""What gives the answer away, or is it once more."""


def series(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """Customers month by month: who left in it, and everything that was known of them at its end."""
    section = _answers(found, choices, words)
    at = section.index("    columns:")
    how = [
        line(4, "history", "months", choices.why("months")),
        line(4, "month", choices.month, choices.why("month" if "file" in (choices.month or {}) else "month_column")),
    ]
    return [*section[:at], *how, *section[at:]]


def _answers(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """Customers whose answer has no date: the answer, and everything else that is known of them."""
    key, left = _customer(found), found.columns["left"]
    why = choices.why(
        "month_answer" if choices.month else "answer", share=evidence.yes_share(found), rows=found.raw.rows
    )
    doubt = doubt_of(found, key, choices) if "customer_id" in found.columns else choices.why("number_rows")
    telling = [found.columns[meaning] for meaning in TELLING if meaning in found.columns]
    month = (choices.month or {}).get("from")
    others = [name for name in found.raw.header if name not in (key, left, month, *telling, *found.personal)]
    silent = [name for name in others if _says_nothing(found.raw.columns[name])]
    rows = [line(6, "customer_id", key, doubt), line(6, "churned", left, why)]
    rows += _attributes(found, [name for name in others if name not in silent], choices, words)
    left_out = {"telling": telling, "constant": silent, "personal": found.personal}
    notes = [comment(4, choices.why(why, columns=", ".join(names))) for why, names in left_out.items() if names]
    source = source_lines(found, choices) if key != ROW else _numbered(found)
    return ["  customers:", *source, "    columns:", *rows, *notes]


def _customer(found: Recognised) -> str:
    """The column that tells customers apart, else that numbers rows, else one that is made."""
    numbered = found.columns.get("row_number")
    is_whole = numbered is not None and found.raw.columns[numbered].unique
    return found.columns.get("customer_id") or (numbered if numbered and is_whole else ROW)


def _attributes(found: Recognised, names: Sequence[str], choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """A line for each thing that is known of customers: our own name for it, and numbers as numbers."""
    known = {column.name for column in CONTRACTS["customers"].columns}
    canonical = {name: meaning for meaning, name in found.columns.items() if meaning in known}
    features = {feature.column for feature in catalogue(())}
    taken, rows = {"customer_id", "churned", *known, *features}, []
    for column in names:
        name = canonical.get(column) or forms.identifier(column, taken, "attribute")
        numbered = name[-2:] == "_2"  # the name of the column is that of a feature, or was taken
        words |= (
            {name: [column, column] if numbered else [name.replace("_", " "), column]}
            if numbered or not column.isascii()
            else {}
        )
        rows.append(line(6, name, _attribute(found.raw.columns[column], canonical.get(column), choices)))
    return rows


ROW = "row"
"""The column that numbers rows where no other tells customers apart."""


def _numbered(found: Recognised) -> list[str]:
    """A source of the rows with their number; the order of one file does not change."""
    sql = f"SELECT 'row-' || row_number() OVER () AS {ROW}, * FROM {lines.scanned(found.raw, found.raw.paths[0])}"
    return query_lines(found, sql)


def _attribute(column: Column, canonical: str | None, choices: Choices) -> Any:
    if canonical in ("activated_on", "deactivated_on"):
        return forms.time(column, choices.shapes.get(column.name))
    return column.name if canonical else {"from": column.name, "type": column.kind}


def _says_nothing(column: Column) -> bool:
    """The same everywhere, or words of which nearly all are different."""
    return column.distinct < 2 or (not column.is_number and column.distinct > 0.5 * column.rows)


def permitted(found: Recognised, choices: Choices) -> list[str]:
    """Consents out of a column of customers: no other day is known than that on which they joined."""
    column = found.raw.columns[found.columns.get("allowed") or found.columns["refused"]]
    rows = [
        line(6, "customer_id", found.columns["customer_id"]),
        line(6, "purpose", {"value": "marketing"}, choices.why("purpose")),
        line(6, "allowed", {"from": column.name, "map": evidence.permissions(found)}),
        line(4, "happened_at", time_form(found, "activated_on", choices), choices.why("permitted")),
        line(4, "known_at", AT_ONCE),
        line(4, "freshness", {"warn_after": None, "error_after": None}, choices.why("never_stale")),
    ]
    return ["  consents:", *source_lines(found, choices), "    columns:", *rows]
