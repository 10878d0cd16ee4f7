"""How a raw column becomes a canonical one, as a mapping writes it."""

import re
from typing import Any

from pipelines.recognition import headers
from pipelines.recognition.columns import Column

PER_MB = {"b": "{} / 1048576", "kb": "{} / 1024", "gb": "{} * 1024", "tb": "{} * 1048576"}
PER_MINUTE = {"s": "{} / 60", "h": "{} * 60"}
_PLAIN = re.compile(r"[^\W\d]\w*")


def name_in_expression(column: str) -> str:
    """A column in an expression of a mapping: in backticks where it is no plain name."""
    return column if _PLAIN.fullmatch(column) else f"`{column}`"


def time(column: Column, shape: str | None = None, *, period_end: bool = False) -> Any:
    """A date or time: the column alone where it is ISO or typed, else with its shape.

    Parameters
    ----------
    column
        The raw one.
    shape
        What a person said of several readings.
    period_end
        A month stands for its end, the moment after its last day.
    """
    chosen = shape or next(iter(column.shapes), "iso")
    form: dict[str, Any] = {"from": column.name}
    if chosen != "iso" and not column.type.startswith(("DATE", "TIMESTAMP")):
        form["parse"] = chosen
    if period_end and column.is_month:
        form["add"] = "1mo"
    if column.placeholders:
        form["null_values"] = ["", *column.placeholders]
    return column.name if len(form) == 1 else form


def money(column: str, currency: str, minor: bool, less: str | None = None, *, turned: bool = False) -> Any:
    """An amount in the major unit.

    Parameters
    ----------
    column
        The raw one.
    currency
        ISO 4217.
    minor
        Is it in hundredths?
    less
        A column of discounts to take off; None for none.
    turned
        Is what customers paid below zero?
    """
    amount = f"{'-' if turned else ''}{name_in_expression(column)}"
    if not minor and less is None and not turned:
        return column
    net = f"{amount} - {name_in_expression(less)}" if less else amount
    if minor:
        net = f"({net}) / 100" if less else f"{net} / 100"
    return {"expr": net, "unit": currency}


def measure(meaning: str, column: str) -> Any:
    """What customers use, in the unit that its name promises."""
    unit = headers.unit(column)
    per = PER_MB if meaning.endswith("_mb") else PER_MINUTE if meaning == "voice_minutes" else {}
    if unit not in per:
        return column
    return {"expr": per[unit].format(name_in_expression(column)), "unit": "MB" if per is PER_MB else "min"}


def identifier(header: str, taken: set[str], stem: str) -> str:
    """A name for a column of one's own: the usual one, the words of an English header, else `<stem>_1`.

    Parameters
    ----------
    header
        As in the file.
    taken
        Names that are used already; the new one is added.
    stem
        For headers without Latin letters.
    """
    words = "_".join(word for word in headers.words(header) if word.isascii() and word.isalnum())
    base = headers.attribute(header) or re.sub(r"^[^a-z]+", "", words)[:40] or f"{stem}_1"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base.removesuffix('_1')}_{number}"
    taken.add(name)
    return name
