"""Numbers, money, dates and codes as people read them, in both languages."""

import math
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from pipelines.wording.texts import has, text

LOCALES = {"en": Locale.parse("en_US"), "zh": Locale.parse("zh_CN")}  # parsed once: Babel takes long to find a name
NOTHING = "–"
SHOWN_IDS = 2  # characters of an id that stay readable at its end


def number(value: Any, lang: str, digits: int = 0, signed: bool = False) -> str:
    """A number with thousands separators; a dash where it is missing.

    Parameters
    ----------
    value
        None or NaN for unknown.
    lang
        `zh` or `en`.
    digits
        After the point.
    signed
        With a plus where it is positive?
    """
    if missing(value):
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return format_decimal(value, _signed(pattern, signed), LOCALES[lang])


def percent(share: Any, lang: str, digits: int = 0, signed: bool = False) -> str:
    """A share such as 0.41 as 41%.

    Parameters
    ----------
    share
        0.05 is 5 %; None or NaN for unknown.
    lang
        `zh` or `en`.
    digits
        After the point.
    signed
        With a plus where it is positive?
    """
    if missing(share):
        return NOTHING
    pattern = "#,##0" + ("." + "0" * digits if digits else "") + "%"
    return format_decimal(share, _signed(pattern, signed), LOCALES[lang])


def money(amount: Any, currency: str, lang: str, digits: int = 2, signed: bool = False) -> str:
    """An amount with its currency sign; yuan is ¥ in both languages, because one page shows one currency.

    Parameters
    ----------
    amount
        None or NaN for unknown.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    digits
        After the point.
    signed
        With a plus where it is positive?
    """
    if missing(amount):
        return NOTHING
    pattern = "¤#,##0" + ("." + "0" * digits if digits else "")
    shown = format_currency(amount, currency, _signed(pattern, signed), LOCALES[lang], currency_digits=False)
    return shown.replace("CN¥", "¥")


def big_money(amount: Any, currency: str, lang: str) -> str:
    """A large amount in few digits: ¥7.8M in English, ¥780.0万 in Chinese; below a ten thousand in full.

    Parameters
    ----------
    amount
        None or NaN for unknown.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    """
    if missing(amount):
        return NOTHING
    steps = [(1e8, "亿"), (1e4, "万")] if lang == "zh" else [(1e9, "B"), (1e6, "M"), (1e4, "K")]
    for size, name in steps:
        if abs(float(amount)) >= size:
            scale = 1e3 if name == "K" else size
            return money(float(amount) / scale, currency, lang, 1) + name
    return money(amount, currency, lang, 0)


def day(value: date | None, lang: str) -> str:
    """A date as people write it; a dash where it is missing."""
    if value is None or pd.isna(value):
        return NOTHING
    return format_date(value, "yyyy年M月d日" if lang == "zh" else "d MMM yyyy", LOCALES[lang])


def duration(seconds: float | None, lang: str) -> str:
    """How long something took, in two units at most: 4.2 s, 3 min 20 s, 1 h 04 min; a dash where that is not known."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return text("calls.duration.seconds", lang, seconds=seconds)
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return text("calls.duration.minutes", lang, minutes=minutes, seconds=rest)
    return text("calls.duration.hours", lang, hours=minutes // 60, minutes=minutes % 60)


def masked(customer_id: str) -> str:
    """`138****21`: the first three and last two characters, never more than half of the id."""
    if len(customer_id) >= 10:
        return f"{customer_id[:3]}****{customer_id[-SHOWN_IDS:]}"
    return "****" + (customer_id[-SHOWN_IDS:] if len(customer_id) >= 2 * SHOWN_IDS else "")


def word(column: str, code: Any, lang: str) -> str:
    """A code of the score table in words; a code that no catalogue knows, such as a region, stands for itself.

    Parameters
    ----------
    column
        Of the score table.
    code
        One of its values; None for unknown.
    lang
        `zh` or `en`.
    """
    if missing(code):
        return NOTHING
    if isinstance(code, (bool, np.bool_)) and not has(f"enums.{column}_{code}"):
        return text("lists.yes" if code else "lists.no", lang)
    key = f"actions.{code}" if column == "recommended_action" else f"enums.{column}_{code}"
    return text(key, lang) if has(key) else str(code)


def missing(value: Any) -> bool:
    """Is it None, NaN, NaT or NA?"""
    return value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) or value is pd.NaT


def _signed(pattern: str, signed: bool) -> str:
    return f"+{pattern};-{pattern}" if signed else pattern
