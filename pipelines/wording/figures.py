"""A figure of a customer as people say it: 41% lower than before, 3 days ago, rising by ¥2.50 a month, 1.2 GB.

A template of the catalogue says by the words after the colon of `{figure:…}` how its figure is told; what others have
is told the same way, without what it is compared with.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipelines.wording.formats import missing, money, number, percent, word
from pipelines.wording.texts import text

SAME = 0.02
"""Shares that differ by less are told as about the same."""
MANIFOLD = 2.0
"""From so many times on, a ratio is told as a multiple and not in percent."""
RATIOS = ("lower", "less", "fewer", "behind")
SPANS = {"days": "day", "day": "day", "weeks": "week", "months": "month"}
MEGABYTES = 1000.0


def figure_of(value: Any) -> float | None:
    """The number that a text of the score table stands for; None for words and for what is unknown."""
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(figure) else figure


@dataclass(frozen=True)
class Figure:
    """A value of one feature in one language, for the slot `{figure}` of a template.

    Parameters
    ----------
    value
        As the score table holds it: a number or word as text.
    column
        Of the feature.
    unit
        Of its values.
    measure
        What the column is made per, as a measure; its name may tell of what unit volumes are.
    lang
        `zh` or `en`.
    currency
        ISO 4217.
    """

    value: Any
    column: str
    unit: str
    measure: str | None
    lang: str
    currency: str

    @property
    def number(self) -> float | None:
        """None for words, and for what is unknown; the name of a plan may look like a number."""
        return None if self.unit == "text" else figure_of(self.value)

    def __format__(self, spec: str) -> str:
        kind, _, than = spec.partition(" ")
        return self.told(kind.rstrip("!"), than)

    def told(self, kind: str, than: str | None) -> str:
        """The figure in words.

        Parameters
        ----------
        kind
            How it is told; empty for the plain figure in its unit, a measure word of Chinese to be put behind it.
        than
            What it is compared with; None where that was said before.
        """
        figure = self.number
        if figure is None:
            return word(self.column, self.value, self.lang)
        if kind in RATIOS:
            return self._ratio(figure, kind, than)
        tell: dict[str, Callable[[float, str | None], str]] = {
            "": lambda figure, _: self._with_unit(figure),
            "differs": self._difference,
            "course": self._course,
            "times": lambda figure, _: self._say("times", n=number(figure, self.lang, 1)),
            "n": self._counted,
            "ago": self._ago,
            "after": self._after,
            "ends": self._ends,
            "flag": lambda figure, _: self._say("yes" if figure else "no"),
        }
        return tell[kind](figure, than) if kind in tell else f"{self._with_unit(figure)} {kind}"

    def _say(self, key: str, **values: Any) -> str:
        return text(f"figures.{key}", self.lang, **values)

    def _side(self, key: str, than: str | None, **values: Any) -> str:
        return self._say(f"{key}_alone", **values) if than is None else self._say(key, than=than, **values)

    def _ratio(self, ratio: float, kind: str, than: str | None) -> str:
        if abs(ratio - 1) < SAME:
            return self._side("same", than)
        if ratio <= 0 and kind != "behind":
            return self._side("gone", than)
        if ratio >= MANIFOLD and kind != "behind":
            return self._side("multiple", than, n=number(ratio, self.lang, 1))
        return self._side(f"{kind}_{'down' if ratio < 1 else 'up'}", than, n=percent(abs(ratio - 1), self.lang))

    def _difference(self, change: float, than: str | None) -> str:
        shown = self._with_unit(abs(change))
        if shown == self._with_unit(0.0):
            return self._side("same", than)
        kind = "lower" if self.unit.startswith("currency") else "count"
        return self._side(f"{kind}_{'down' if change < 0 else 'up'}", than, n=shown)

    def _course(self, change: float, _: str | None) -> str:
        shown, nothing = (self._step(abs(c)) for c in (change, 0.0))
        if shown == nothing:
            return self._say("course_same")
        per = self._say("per_weeks" if self.unit.endswith("weeks") else "per_month")
        return self._say(f"course_{'down' if change < 0 else 'up'}", n=shown, per=per)

    def _step(self, size: float) -> str:
        return self._with_unit(size) if self.unit.startswith("currency") else percent(size, self.lang, 1)

    def _counted(self, count: float, forms: str | None) -> str:
        """With the noun of the template, `complaint|complaints`; alone without one."""
        shown = self._with_unit(count)
        if forms is None:
            return shown
        one, _, many = forms.partition("|")
        return self._say("none_of", many=many) if count == 0 else f"{shown} {one if count == 1 else many}"

    def _ago(self, days: float, _: str | None) -> str:
        return self._say("ago_now") if days < 1 else self._say("ago", n=self._span(days, "day"))

    def _after(self, days: float, _: str | None) -> str:
        if round(days) == 0:
            return self._say("after_now")
        return self._say("after" if days > 0 else "after_before", n=self._span(abs(round(days)), "day"))

    def _ends(self, days: float, than: str | None) -> str:
        key = "ends_now" if days == 0 else "ends" if days > 0 else "ends_ago"
        return self._say(key if than is not None else f"{key}_alone", n=self._span(abs(days), "day"))

    def _span(self, length: float, name: str) -> str:
        return self._say(name if length == 1 else f"{name}s", n=number(length, self.lang, _digits(length)))

    def _with_unit(self, figure: float) -> str:
        if self.unit.startswith("currency"):
            return money(figure, self.currency, self.lang)
        if self.unit in ("ratio", "share", "probability") or self.unit.startswith("share per"):
            return percent(figure, self.lang)
        if self.unit in SPANS:
            return self._span(figure, SPANS[self.unit])
        if self.unit.startswith("measure") and str(self.measure).endswith("_mb"):
            return self._volume(figure)
        return number(figure, self.lang, _digits(figure))

    def _volume(self, megabytes: float) -> str:
        size, unit = (megabytes / MEGABYTES, "GB") if megabytes >= MEGABYTES else (megabytes, "MB")
        return f"{number(size, self.lang, _digits(size))} {unit}"


def _digits(figure: float) -> int:
    return 0 if figure == round(figure) or abs(figure) >= 100 else 1


def comparable(value: Any) -> bool:
    """Is there something to tell at all: neither unknown nor empty?"""
    return not missing(value) and value != ""
