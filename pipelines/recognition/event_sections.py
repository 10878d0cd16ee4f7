"""The sections of plans and of what customers did, paid and said, in a proposed mapping."""

from collections.abc import Sequence
from typing import Any

from pipelines.recognition import evidence, forms, headers, lines
from pipelines.recognition.choices import Choices
from pipelines.recognition.columns import Column
from pipelines.recognition.derived_sections import derived
from pipelines.recognition.section_lines import (
    column_lines,
    delay_of,
    described_section,
    money_form,
    section,
    time_form,
)
from pipelines.recognition.tables import Recognised
from pipelines.wording.texts import text

OWN_KEYS = {
    "bills": "bill_id",
    "payments": "payment_id",
    "complaints": "complaint_id",
    "contacts": "contact_id",
    "surveys": "response_id",
}


MEASURES = ("voice_minutes", "data_mb", "sms", "roaming_mb", "night_data_mb")


def subscriptions(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of plans over time."""
    own: dict[str, Any] = {
        m: time_form(found, m, choices) for m in ("valid_from", "valid_to", "contract_end") if m in found.columns
    }
    own |= {"monthly_fee": money_form(found, "monthly_fee", choices)} if "monthly_fee" in found.columns else {}
    names = ("customer_id", "valid_from", "plan", "monthly_fee", "valid_to", "contract_end")
    return described_section("subscriptions", found, choices, column_lines(found, names, choices, own), words)


def _row_key(found: Recognised, by_table: dict[str, Recognised], choices: Choices) -> tuple[Any, str]:
    """The column, or the columns together, that tell the rows of a table apart, and those of one source from another's."""
    own = OWN_KEYS[found.table]
    columns = evidence.row_key(found, own)
    first = by_table[found.table]
    if len(columns) == 1 and found is not first and evidence.collides(found, columns[0], first, own):
        return {"from": columns[0], "prefix": f"{found.raw.called}-"}, choices.why("prefix")
    if len(columns) == 1:
        return columns[0], ""
    return ({"concat": list(columns or found.raw.header)}, choices.why("key" if columns else "no_key"))


def bills(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of bills: key, amount in the major unit less a discount that is apart, and when it is due."""
    less = found.columns.get("discount") if choices.discount_apart else None
    own: dict[str, Any] = {
        "bill_id": _row_key(found, by_table, choices),
        "amount": money_form(found, "amount", choices, less),
    }
    own |= {"due_on": time_form(found, "due_on", choices)} if "due_on" in found.columns else {}
    names = ("bill_id", "customer_id", "amount", "due_on")
    kept = () if less is None else (less,)
    kept = (*kept, *evidence.row_key(found, "bill_id"))
    return section("bills", found, choices, column_lines(found, names, choices, own), kept)


def payments(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of payments: which bill they pay, and which of them failed."""
    own: dict[str, Any] = {
        "payment_id": _row_key(found, by_table, choices),
        "amount": money_form(found, "amount", choices),
    }
    kept: Sequence[str] = ()
    bills = by_table.get("bills")
    key = evidence.row_key(bills, "bill_id") if bills else ()
    if len(key) > 1 and set(key) <= set(found.raw.header):
        own["bill_id"] = ({"concat": list(key)}, choices.why("paid_bill"))
        kept = key
    if state := evidence.failed_states(found):
        own["failed"] = ({"from": state[0], "map": state[1]}, choices.why("failed"))
        kept = (*kept, state[0])
    names = ("payment_id", "customer_id", "bill_id", "amount", "failed")
    return section("payments", found, choices, column_lines(found, names, choices, own), kept)


def usage(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of usage: measures that are known, and every other number as one of its own; rows are counted where there is none."""
    known = [m for m in MEASURES if m in found.columns and (m != "voice_minutes" or _are_calls(found))]
    own = {m: forms.measure(m, found.columns[m]) for m in known}
    taken = {"customer_id", "happened_at", "known_at", *own}
    counted = [
        name for name in found.unused if found.raw.columns[name].is_number and not _is_code(found.raw.columns[name])
    ]
    counted += [found.columns[m] for m in MEASURES if m in found.columns and m not in own]
    if not own and not counted:
        return _counted_rows(found, choices, words)
    for column in counted:
        name = forms.identifier(column, taken, "measure")
        own[name] = (column, choices.why("measure"))
        words |= {} if column.isascii() else {name: [name.replace("_", " "), column]}
    return section("usage", found, choices, column_lines(found, ("customer_id", *own), choices, own), counted)


def _counted_rows(found: Recognised, choices: Choices, words: dict[str, list[str]]) -> list[str]:
    """Usage of which nothing is counted but how often: visits, logins and the like."""
    clock = f"happened_at + {delay_of(found, choices)}"
    name = forms.identifier(found.raw.source.table or found.raw.paths[0].stem, set(), "times")
    name = name if name in headers.catalogue().tables["usage"] else "times"
    words |= {} if name != "times" else {name: [text("init.measure.times", lang) for lang in ("en", "zh")]}
    columns = {"customer_id": "customer", name: "times"}
    sql = lines.times(found, choices.shapes.get(found.columns["happened_at"]))
    return derived("usage", found, sql, columns, ("day", clock), choices.why("counted_rows"))


def _are_calls(found: Recognised) -> bool:
    """Are minutes those of calls? Plain ones, beside neither data nor texts, may be of anything."""
    words = set(headers.tokens(found.columns["voice_minutes"]))
    return not words <= {"total", "minutes"} or any(m in found.columns for m in MEASURES[1:])


def _is_code(column: Column) -> bool:
    """Whole numbers that are all different, as of rows, are no measure."""
    return (column.unique and column.whole) or column.kind == "category"


def complaints(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of complaints; a severity that is no number is left out."""
    own: dict[str, Any] = {"complaint_id": _row_key(found, by_table, choices)}
    own |= {"resolved_at": time_form(found, "resolved_at", choices)} if "resolved_at" in found.columns else {}
    if not found.raw.columns.get(found.columns.get("severity", ""), _NO_COLUMN).whole:
        found.columns.pop("severity", None)
    names = ("complaint_id", "customer_id", "topic", "channel", "severity", "resolved_at")
    return described_section("complaints", found, choices, column_lines(found, names, choices, own), words)


def contacts(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of contacts: which way they went, and the arm of their campaign, where values tell."""
    own: dict[str, Any] = {"contact_id": _row_key(found, by_table, choices)}
    own |= {"cost": money_form(found, "cost", choices)} if "cost" in found.columns else {}
    ways = evidence.directions(found)
    if ways:
        own["direction"] = ({"from": found.columns["direction"], "map": ways}, choices.why("direction"))
    else:
        found.columns.pop("direction", None)
    names = ("contact_id", "customer_id", "channel", "direction", "campaign_id", "arm", "cost")
    arms = evidence.arms(found)
    own |= {"arm": ({"from": found.columns["arm"], "map": arms}, choices.why("arm"))} if arms else {}
    return described_section("contacts", found, choices, column_lines(found, names, choices, own), words)


def surveys(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of answers to surveys."""
    names = ("response_id", "customer_id", "touchpoint", "item", "score")
    return section(
        "surveys",
        found,
        choices,
        column_lines(found, names, choices, {"response_id": _row_key(found, by_table, choices)}),
    )


def consents(
    found: Recognised, by_table: dict[str, Recognised], choices: Choices, words: dict[str, list[str]]
) -> list[str]:
    """The section of consents; a table without a purpose is about marketing."""
    column = found.raw.columns[found.columns["allowed"]]
    codes = {value: str(value.lower() in evidence.YES).lower() for value in column.texts}
    own: dict[str, Any] = {"allowed": {"from": column.name, "map": codes}}
    own |= {} if "purpose" in found.columns else {"purpose": ({"value": "marketing"}, choices.why("purpose"))}
    return section("consents", found, choices, column_lines(found, ("customer_id", "purpose", "allowed"), choices, own))


_NO_COLUMN = Column("", "", 0, 0, 0, ())
