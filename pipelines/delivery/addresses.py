"""Telephone numbers and e-mail addresses as other systems take them."""

import re
from typing import Literal

AddressKind = Literal["email", "phone"]
ADDRESSES: dict[AddressKind, re.Pattern[str]] = {
    "email": re.compile(r"[A-Za-z0-9.!#$%&*/?^_`{|}~'=+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+"),
    "phone": re.compile(r"\+[0-9]{6,15}"),
}
"""What an id looks like that is an e-mail address, or a telephone number as E.164 writes it."""
_BETWEEN = re.compile(r"[\s().\-/\u2010-\u2015\uff08\uff09\uff0d]+")
_KEEPS_ZERO = "+39"
"""Italy, where the 0 before the area is part of the number abroad, too."""
_DIGITS = re.compile(r"[0-9]+")


def phone(text: str | None, prefix: str | None) -> str | None:
    """A telephone number as E.164 writes it; None where it cannot be told.

    Parameters
    ----------
    text
        As somebody wrote it: `138 0013 8000`, `0571-8888 8888`, `0086 138…`.
    prefix
        Country of numbers that do not say theirs, such as `+86`; None where it is not known.
    """
    digits = _BETWEEN.sub("", text or "")
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    if not digits.startswith("+"):
        if prefix is None or not _DIGITS.fullmatch(digits):
            return None
        digits = prefix + (digits if prefix == _KEEPS_ZERO else digits.removeprefix("0"))
    return digits if ADDRESSES["phone"].fullmatch(digits) else None


def email(text: str | None) -> str | None:
    """An e-mail address that a spreadsheet would not take for a formula; None for any other text."""
    found = (text or "").strip()
    return found if found[:1].isalnum() and "|" not in found and ADDRESSES["email"].fullmatch(found) else None
