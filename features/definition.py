"""What a feature is: a plain function of visible rows, with the words that describe its column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

KEY = ["customer_id", "as_of"]
Words = tuple[str, str]
"""The same text in English and in Chinese."""

PERIOD_DAYS = 28
"""Usage is counted in periods of four weeks: every period holds each weekday equally often."""


@dataclass(frozen=True)
class Window:
    """The newest `size` units before the cutoff, `skip` units back; unit is `m` month, `d` day or `w` four weeks."""

    size: int
    unit: str
    skip: int = 0

    @property
    def length(self) -> int:
        """The number that people read: months, days or weeks."""
        return self.size * 4 if self.unit == "w" else self.size

    @property
    def suffix(self) -> str:
        return f"{self.length}{self.unit}"

    def before(self) -> "Window":
        """The window of the same size right before this one."""
        return Window(self.size, self.unit, self.skip + self.size)

    def covers(self, ago: Any) -> Any:
        """Is `ago` (whole units back, 0 is the newest) inside? Null where there is no event."""
        return (ago >= self.skip) & (ago < self.skip + self.size)


def months(*sizes: int) -> tuple[Window, ...]:
    return tuple(Window(size, "m") for size in sizes)


def days(*sizes: int) -> tuple[Window, ...]:
    return tuple(Window(size, "d") for size in sizes)


def weeks(*sizes: int) -> tuple[Window, ...]:
    """Windows in weeks; multiples of four, the period of usage."""
    return tuple(Window(size // 4, "w") for size in sizes)


@dataclass(frozen=True)
class Definition:
    """A feature function and what all of its columns share.

    `no_events` is the exact value for a customer of long standing without one row in `source` (None: null), or for
    features of whole rows without one event in any table. Features of `customers` always have their row.
    `null` says what null means besides "the table is not there".
    `reason` names the business reason under which a model explains with these columns.
    """

    function: Callable[..., Any]
    source: str
    unit: str
    label: Words
    meaning: Words
    null: Words
    reason: str
    windows: tuple[Window, ...]
    no_events: float | str | None
    per_measure: bool

    @property
    def family(self) -> str:
        return self.function.__module__.rpartition(".")[2]


@dataclass(frozen=True)
class Feature:
    """One column of the wide table: a definition with its window and, for usage, its measure."""

    column: str
    definition: Definition
    window: Window | None = None
    measure: str | None = None

    @property
    def family(self) -> str:
        return self.definition.family

    @property
    def source(self) -> str:
        return self.definition.source

    @property
    def unit(self) -> str:
        return self.definition.unit

    @property
    def reason(self) -> str:
        return self.definition.reason

    @property
    def no_events(self) -> float | str | None:
        return self.definition.no_events

    def label(self, lang: str) -> str:
        """A short name for people, measure and window included."""
        return self._fill(self.definition.label, lang)

    def meaning(self, lang: str) -> str:
        return self._fill(self.definition.meaning, lang)

    def null_meaning(self, lang: str) -> str:
        return self._fill(self.definition.null, lang)

    def value(self, rows: Any, *context: Any) -> Any:
        """The Ibis expression of this column over `rows`; features of whole rows also get the stage settings."""
        given = [part for part in (self.measure, self.window) if part is not None]
        return self.definition.function(rows, *given, *context)

    def _fill(self, words: Words, lang: str) -> str:
        measure = MEASURES.get(self.measure or "", (str(self.measure).replace("_", " "), str(self.measure)))
        zh = lang == "zh"
        told = words[zh].format(n=self.window.length if self.window else "", measure=measure[zh])
        return told.replace(" 1 months", " 1 month").replace("the 1 before", "the one before")


MEASURES: dict[str, Words] = {
    "voice_minutes": ("voice minutes", "语音分钟数"),
    "data_mb": ("data volume", "流量"),
    "night_data_mb": ("night data volume", "夜间流量"),
    "roaming_mb": ("roaming data volume", "漫游流量"),
    "sms": ("text messages", "短信数"),
    "baskets": ("shopping baskets", "购物次数"),
    "items": ("items bought", "购买件数"),
    "departments": ("departments visited", "购物部门数"),
    "logins": ("logins", "登录次数"),
}
"""Words for the measures of the shipped mappings; any other measure is called by its own name."""


def feature(
    source: str,
    *,
    unit: str,
    label: Words,
    zh: str,
    null: Words = ("the table is not there", "没有该数据表"),
    reason: str,
    windows: Sequence[Window] = (),
    no_events: float | str | None = 0.0,
    per_measure: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a feature; it stays a plain function that others may call.

    Its name makes the column, its docstring the English meaning, `zh` the Chinese one, its windows the suffix.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        meaning = ((function.__doc__ or "").strip(), zh)
        function.definition = Definition(  # type: ignore[attr-defined]
            function, source, unit, label, meaning, null, reason, tuple(windows), no_events, per_measure
        )
        return function

    return mark


def columns(definition: Definition, measures: Sequence[str]) -> list[Feature]:
    """Every column that a definition makes, names derived from measure and window."""
    return [
        Feature(column_name(definition, measure, window), definition, window, measure)
        for measure in (measures if definition.per_measure else [None])
        for window in (definition.windows or [None])
    ]


def column_name(definition: Definition, measure: str | None, window: Window | None) -> str:
    name = definition.function.__name__
    stem = name.replace("measure", measure) if measure else name
    return f"{stem}_{window.suffix}" if window else stem
