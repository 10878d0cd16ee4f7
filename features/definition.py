"""What a feature is: a plain function of visible rows, with the words that describe its column."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

KEY = ["customer_id", "as_of"]
ROW = "row"
"""Number of a row of the spine: what histories are grouped and joined by, a whole number being cheaper than a text."""
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
        """The end of a column's name: `6m`, and for windows that end earlier `6m_2m_ago`."""
        earlier = f"_{self.skipped}{self.unit}_ago" if self.skip else ""
        return f"{self.length}{self.unit}{earlier}"

    @property
    def skipped(self) -> int:
        """What lies between the window and the cutoff: months, days or weeks."""
        return self.skip * 4 if self.unit == "w" else self.skip

    def before(self) -> "Window":
        """The window of the same size right before this one."""
        return self.earlier(self.size)

    def earlier(self, units: int) -> "Window":
        """The window of the same size, so many months, days or periods of four weeks earlier."""
        return Window(self.size, self.unit, self.skip + units)

    def covers(self, ago: Any) -> Any:
        """Is `ago` (whole units back, 0 is the newest) inside? Null where there is no event."""
        return (ago >= self.skip) & (ago < self.skip + self.size)


def months(*sizes: int) -> tuple[Window, ...]:
    """Windows of so many closed calendar months that end with the newest closed one."""
    return tuple(Window(size, "m") for size in sizes)


def days(*sizes: int) -> tuple[Window, ...]:
    """Windows of so many days that end with the day before the as-of date."""
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
    `per` says of what there is one column each: `measure`, `attribute`, `topic` (of complaints), `part` (a measure that
    is contained in another); that word in the function's name is replaced by the name of each.
    `reads` are the columns that a feature of whole rows or of peers is made from.
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
    per: str | None = None
    block: "OwnBlock | None" = None
    reads: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        return self.function.__module__.rpartition(".")[2]


@dataclass(frozen=True)
class Feature:
    """One column of the wide table: a definition with its window and what it is made `per`: a measure and the like.

    `whole` is the measure that a part is contained in.
    """

    column: str
    definition: Definition
    window: Window | None = None
    measure: str | None = None
    whole: str | None = None

    @property
    def family(self) -> str:
        return self.definition.family

    @property
    def source(self) -> str:
        """The block of rows that it is made from, by its name in `blocks`; `wide` and `peers` are other features."""
        return self.definition.source

    @property
    def unit(self) -> str:
        """Of its values; `currency` scales with money, see `laws`."""
        return self.definition.unit

    @property
    def reason(self) -> str:
        """The group in which marketing reads of it."""
        return self.definition.reason

    @property
    def no_events(self) -> float | str | None:
        """Its value for a customer of two years without any event; None is null."""
        return self.definition.no_events

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that this one is made from, when it is one of whole rows or of peers."""
        return tuple(_named(c, self.definition.per, self.measure, self.whole) for c in self.definition.reads)

    def label(self, lang: str) -> str:
        """A short name for people, measure and window included."""
        return self._fill(self.definition.label, lang)

    def meaning(self, lang: str) -> str:
        """What it says of a customer, a sentence for the dictionary."""
        told = self._fill(self.definition.meaning, lang)
        return told[:1].upper() + told[1:]

    def null_meaning(self, lang: str) -> str:
        """When it is unknown."""
        return self._fill(self.definition.null, lang)

    def value(self, rows: Any, *context: Any) -> Any:
        """The Ibis expression of this column over `rows`; features of whole rows also get the stage settings."""
        given = [part for part in (self.measure, self.whole, self.window) if part is not None]
        return self.definition.function(rows, *given, *context)

    def _fill(self, words: Words, lang: str) -> str:
        zh = lang == "zh"
        window = {"n": self.window.length, "skip": self.window.skipped} if self.window else {}
        given = {str(self.definition.per): _called(self.measure)[zh], "whole": _called(self.whole)[zh]}
        told = words[zh].format(**given, **window)
        return re.sub(r"\b1 (month|week|day)s\b", r"1 \1", told).replace("the 1 before", "the one before")


def _called(name: str | None) -> Words:
    """What a measure, topic or attribute is called: by words of ours or by its own name."""
    return WORDS.get(name or "", (str(name).replace("_", " "), str(name)))


WORDS: dict[str, Words] = {
    "voice_minutes": ("voice minutes", "语音分钟数"),
    "data_mb": ("data volume", "流量"),
    "night_data_mb": ("night data volume", "夜间流量"),
    "roaming_mb": ("roaming data volume", "漫游流量"),
    "sms": ("text messages", "短信数"),
    "baskets": ("shopping baskets", "购物次数"),
    "items": ("items bought", "购买件数"),
    "departments": ("departments visited", "购物部门数"),
    "logins": ("logins", "登录次数"),
    "lines": ("receipt lines", "小票行数"),
    "units": ("units bought", "购买单位数"),
    "categories": ("product categories bought", "购买品类数"),
    "private_label": ("own-brand spending", "自有品牌消费额"),
    "discount": ("discounts", "折扣额"),
    "coupons": ("coupons", "优惠券用量"),
    "cds": ("CDs bought", "购买唱片数"),
    "billing_dispute": ("billing disputes", "话费争议"),
    "tariff_opacity": ("unclear tariffs", "资费不透明"),
    "coverage": ("coverage", "网络覆盖"),
    "handled_not_solved": ("complaints left unsolved", "投诉处理未解决"),
    "counter_service": ("service at the counter", "营业厅服务"),
    "broadband_repair_late": ("late broadband repairs", "宽带修障不及时"),
    "age": ("age", "年龄"),
    "income": ("income", "收入"),
    "home_ownership": ("home ownership", "住房情况"),
    "household_size": ("household size", "家庭人口"),
    "kids": ("children", "子女情况"),
}
"""Words for the measures, topics and attributes of the shipped mappings; any other is called by its own name."""


Block = Callable[[Any, Any, Any], Any]
OwnBlock = tuple[tuple[str, ...], Block]
"""The tables that a block needs, and the function (spine, tables, settings) that makes its rows."""


def block(*needed: str) -> Callable[[Block], Block]:
    """Mark a function of a project's own module as a block: its features name the function as their source.

    It gets the spine, the canonical tables and the settings, and returns rows with the `row` of the spine, every one
    of which must be there. It begins with `visible(spine, tables[...])`; `needed` are the tables that it reads.
    """

    def mark(function: Block) -> Block:
        function.needed = needed  # type: ignore[attr-defined]
        return function

    return mark


def feature(
    source: str | Block,
    *,
    unit: str,
    label: Words,
    zh: str,
    null: Words = ("the table is not there", "没有该数据表"),
    reason: str,
    windows: Sequence[Window] = (),
    no_events: float | str | None = 0.0,
    per: str | None = None,
    reads: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as a feature; it stays a plain function that others may call.

    Its name makes the column, its docstring the English meaning, `zh` the Chinese one, its windows the suffix.
    `source` is the name of a block, or a function marked with `block`.
    """

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        meaning = ((function.__doc__ or "").strip(), zh)
        name, own = (source, None) if isinstance(source, str) else _own_source(source)
        function.definition = Definition(  # type: ignore[attr-defined]
            function, name, unit, label, meaning, null, reason, tuple(windows), no_events, per, own, tuple(reads)
        )
        return function

    return mark


def _own_source(function: Block) -> tuple[str, OwnBlock]:
    """The name of a block of a project's own, and what `build` needs of it."""
    return function.__name__, (function.needed, function)  # type: ignore[attr-defined]


def columns(
    definition: Definition,
    measures: Sequence[str],
    attributes: Sequence[str] = (),
    topics: Sequence[str] = (),
    parts: Mapping[str, str] = MappingProxyType({}),
) -> list[Feature]:
    """Every column that a definition makes; `parts` names measures and the measures that they are contained in."""
    one_each: dict[str | None, Sequence[str | None]]
    one_each = {None: [None], "measure": measures, "attribute": attributes, "topic": topics, "part": list(parts)}
    return [
        Feature(_column_name(definition, name, window), definition, window, name, whole)
        for name in one_each[definition.per]
        for whole in [parts[str(name)] if definition.per == "part" else None]
        for window in (definition.windows or [None])
    ]


def _column_name(definition: Definition, name: str | None, window: Window | None) -> str:
    stem = _named(definition.function.__name__, definition.per, name, None)
    return f"{stem}_{window.suffix}" if window else stem


def _named(pattern: str, per: str | None, name: str | None, whole: str | None) -> str:
    """`measure_mean` -> `sms_mean`; a column that a part's whole has is written `whole_mean`."""
    return pattern.replace("whole", str(whole)).replace(per, str(name)) if per else pattern
