"""What only a person can know about a folder, and which answers are answers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import available_timezones

from babel.numbers import is_currency

EXAMPLES = {"horizon": "7 … 730", "currency": "CNY, USD, EUR, GBP …", "timezone": "Asia/Shanghai, Europe/London, UTC …"}
ACCEPTED: dict[str, Callable[[str], bool]] = {
    "horizon": lambda answer: answer.isascii() and answer.isdigit() and 7 <= int(answer) <= 730,
    "currency": is_currency,
    "timezone": lambda answer: answer in available_timezones(),
}


@dataclass(frozen=True)
class Question:
    """Something that only a person can know.

    Attributes
    ----------
    key
        Of its words, and of the answer given in advance.
    default
        Taken when nothing is said; None where nobody may guess.
    choices
        Allowed answers; empty for a text of one's own.
    values
        For its words.
    known
        What an answer may name, several with commas between; empty for anything.
    """

    key: str
    default: str | None
    choices: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may be answered, for people."""
        return ", ".join(self.choices or self.known) or EXAMPLES.get(self.key, "…")

    def accepts(self, answer: str) -> bool:
        """Is this an answer to the question?"""
        if self.choices:
            return answer in self.choices
        if self.known:
            return bool(answer) and {part.strip() for part in answer.split(",")} <= set(self.known)
        return ACCEPTED.get(self.key, bool)(answer)
