"""What a feature is: a plain function of visible rows, with the words that describe its column."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from features.counted import CountedValue
from features.grains import Grain, grains_of

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


SPANS = {"bills": "m", "purchases": "d", "usage": "d"}
"""What a project may declare windows of, and their unit: months, days or days."""


def declared_windows(spans: Mapping[str, Sequence[int]], name: str | None) -> tuple[Window, ...]:
    """The windows that a project declares under a name of `SPANS`; none under no name."""
    return tuple(Window(size, SPANS[name]) for size in spans.get(name, ())) if name else ()


def weeks(*sizes: int) -> tuple[Window, ...]:
    """Windows in weeks; multiples of four, the period of usage."""
    return tuple(Window(size // 4, "w") for size in sizes)


Block = Callable[[Any, Any, Any], Any]
OwnBlock = tuple[tuple[str, ...], Block]
"""The tables that a block needs, and the function (spine, tables, settings) that makes its rows."""
Rows = TypeVar("Rows", bound=Grain)
Rest = ParamSpec("Rest")
Value = TypeVar("Value")
NOT_THERE: Words = ("the table is not there", "没有该数据表")


@dataclass(frozen=True)
class Kind(Generic[Rows]):
    """What the features of one kind of computation share; calling it marks a function as a feature of the kind.

    Parameters
    ----------
    grain : what the functions get: `Events`, `Customer`, `WholeRow` or `Peers`
    source : the name of a block, or a function marked with `block`; `wide` and `peers` for other features
    unit : of the values; `currency` scales with money, `text` is a string, everything else is float64
    reason : the business reason under which a model explains with these columns
    null : what null means besides "the table is not there", in English and in Chinese
    no_events : the exact value for a customer of long standing without one row in `source` (for features of whole
        rows: without one event in any table); None is null. Features of `customers` always have their row
    per : `measure`, `topic` (of complaints), `part` (a measure that is contained in another), `component` (of bills), `value` (that is counted apart), or an attribute of
        customers: `attribute` (words), `number`, `date` or `flag`, where there is one column for each of them
    spans : the name in `SPANS` of the windows that a project may declare; each feature with windows has these too
    """

    grain: type[Rows]
    source: str | Block
    unit: str
    reason: str
    null: Words = NOT_THERE
    no_events: float | str | None = 0.0
    per: str | None = None
    spans: str | None = None

    def __post_init__(self) -> None:
        """Raises TypeError for a source that has no rows of the grain."""
        if self.grain not in grains_of(self.source):
            names = " or ".join(grain.__name__ for grain in grains_of(self.source))
            raise TypeError(f"features of {self.source!r} are of the grain {names}, not {self.grain.__name__}")

    def __call__(
        self,
        label: str,
        zh: str,
        windows: Sequence[Window] | None = None,
        *,
        column: str | None = None,
        reads: Sequence[str] = (),
        **other: Any,
    ) -> Callable[[Callable[Concatenate[Rows, Rest], Value]], Callable[Concatenate[Rows, Rest], Value]]:
        """Mark a function as a feature; it stays a plain function that others may call.

        Its docstring says what the column means: in English, and on its last line in Chinese.

        Parameters
        ----------
        label, zh : what people call the column, in English and in Chinese
        windows : one column each, whose names end with them; empty where all of them are a project's, None for no window
        column : the name with a slot for what it is made `per`, as `{measure}_mean`; else the name of the function
        reads : the columns that a feature of whole rows or of peers is made from, with slots as in `column`
        other : fields of the kind in which this feature differs
        """

        def mark(function: Callable[Concatenate[Rows, Rest], Value]) -> Callable[Concatenate[Rows, Rest], Value]:
            english, _, chinese = (function.__doc__ or "").strip().rpartition("\n")
            meaning = (" ".join(english.split()), chinese.strip())
            name, kind = column or function.__name__, replace(self, **other)
            chosen = None if windows is None else tuple(windows)
            definition = Definition(function, kind, name, (label, zh), meaning, chosen, tuple(reads))
            function.definition = definition  # type: ignore[attr-defined]
            return function

        return mark


@dataclass(frozen=True)
class Definition:
    """A feature function, its kind, and what all of its columns share.

    `column` and `reads` (the columns that a feature of whole rows or of peers is made from) have a slot for the name
    of what there is one column `per`.
    """

    function: Callable[..., Any]
    kind: Kind[Any]
    column: str
    label: Words
    meaning: Words
    windows: tuple[Window, ...] | None = None
    reads: tuple[str, ...] = ()

    def windows_with(self, spans: Mapping[str, Sequence[int]]) -> list[Window | None]:
        """Its windows and those that a project declares, each once; [None] for a feature without a window."""
        if self.windows is None:
            return [None]
        return list(dict.fromkeys((*self.windows, *declared_windows(spans, self.kind.spans))))

    @property
    def family(self) -> str:
        """The module that the function stands in."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def source(self) -> str:
        """The name of the block of rows that it is made from; `wide` and `peers` are other features."""
        return self.kind.source if isinstance(self.kind.source, str) else self.kind.source.__name__

    @property
    def block(self) -> OwnBlock | None:
        """What `build` needs of a block of a project's own; None for one of ours."""
        own = self.kind.source
        return None if isinstance(own, str) else (own.needed, own)  # type: ignore[attr-defined]

    @property
    def line(self) -> int:
        """Where it begins in the file of its function."""
        return self.function.__code__.co_firstlineno


@dataclass(frozen=True)
class Feature:
    """One column of the wide table: a definition with its window and what it is made `per`: a measure and the like.

    `whole` is the measure that a part is contained in; `words` say what measures, topics and attributes are called.
    """

    column: str
    definition: Definition
    window: Window | None = None
    measure: str | None = None
    whole: str | None = None
    words: Mapping[str, Words] = field(default_factory=dict, compare=False, repr=False)
    counted: CountedValue | None = None

    @property
    def family(self) -> str:
        """The module that defines it."""
        return self.definition.family

    @property
    def source(self) -> str:
        """The block of rows that it is made from, by its name in `blocks`; `wide` and `peers` are other features."""
        return self.definition.source

    @property
    def unit(self) -> str:
        """Of its values; `currency` scales with money, see `laws`."""
        return self.definition.kind.unit

    @property
    def reason(self) -> str:
        """The group in which marketing reads of it."""
        return self.definition.kind.reason

    @property
    def group(self) -> str:
        """What its contribution is told together with: all of its reason; what is recorded of customers tells itself."""
        return self.reason if self.source != "attributes" else f"{self.reason}.{self.measure}"

    @property
    def no_events(self) -> float | str | None:
        """Its value for a customer of five years without any event; None is null."""
        return self.definition.kind.no_events

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns that this one is made from, when it is one of whole rows or of peers."""
        return tuple(_filled(c, self.definition, self.measure, self.whole) for c in self.definition.reads)

    def label(self, lang: str) -> str:
        """A short name for people, measure and window included."""
        return self.worded(self.definition.label, lang)

    def meaning(self, lang: str) -> str:
        """What it says of a customer, a sentence for the dictionary."""
        sentence = self.worded(self.definition.meaning, lang)
        return sentence[:1].upper() + sentence[1:]

    def null_meaning(self, lang: str) -> str:
        """When it is unknown."""
        return self.worded(self.definition.kind.null, lang)

    def value(self, rows: Any, *context: Any) -> Any:
        """What its function makes of `rows`, for Ibis rows an expression, and of the `context` where it takes one."""
        function = self.definition.function
        slots = [part for part in (self.counted or self.measure, self.whole, self.window) if part is not None]
        return function(rows, *slots, *context[: function.__code__.co_argcount - 1 - len(slots)])

    def worded(self, words: Words, lang: str, **others: Any) -> str:
        """A text about it in one language, its slots filled: `n` and `skip` of the window, what it is made `per`, `whole`.

        Parameters
        ----------
        words
            The text in English and in Chinese.
        lang
            `zh` or `en`.
        others
            What fills slots beyond those.
        """
        zh = lang == "zh"
        window = {"n": self.window.length, "skip": self.window.skipped} if self.window else {}
        names = {str(self.definition.kind.per): self._name(self.measure)[zh], "whole": self._name(self.whole)[zh]}
        text = words[zh].format(**names, **window, **others)
        return re.sub(r"\b1 (month|week|day)s\b", r"1 \1", text).replace("the 1 before", "the one before")

    def _name(self, name: str | None) -> Words:
        """What a measure, topic or attribute is called: by words of its mapping or of ours, or by its own name."""
        if self.counted is not None and name not in self.words:
            return self.counted.words(self.words.get(self.counted.column))
        return self.words.get(name or "") or WORDS.get(name or "", (str(name).replace("_", " "), str(name)))


WORDS: dict[str, Words] = {
    "voice_minutes": ("voice minutes", "语音分钟数"),
    "data_mb": ("data volume", "流量"),
    "night_data_mb": ("night data volume", "夜间流量"),
    "roaming_mb": ("roaming data volume", "漫游流量"),
    "sms": ("text messages", "短信数"),
    "logins": ("logins", "登录次数"),
    "billing_dispute": ("billing disputes", "话费争议"),
    "tariff_opacity": ("unclear tariffs", "资费不透明"),
    "coverage": ("coverage", "网络覆盖"),
    "handled_not_solved": ("complaints left unsolved", "投诉处理未解决"),
    "counter_service": ("service at the counter", "营业厅服务"),
    "broadband_repair_late": ("late broadband repairs", "宽带修障不及时"),
}
"""What telecom measures and topics are called; a mapping has words of its own, anything else is called by its name."""


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
    null: Words = NOT_THERE,
    reason: str,
    windows: Sequence[Window] = (),
    no_events: float | str | None = 0.0,
    per: str | None = None,
    reads: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Mark a function as the only feature of its kind: all that a `Kind` says and all that a feature says.

    Its docstring is the English meaning, `zh` the Chinese one. Where a `Kind` has slots, the word that it is made `per`
    stands between underscores in the function's name and in `reads`, as in `measure_mean`.
    """
    kind: Kind[Any] = Kind(grains_of(source)[0], source, unit, reason, null, no_events, per)

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        name, read = _with_slots(function.__name__, per), tuple(_with_slots(c, per) for c in reads)
        meaning = ((function.__doc__ or "").strip(), zh)
        function.definition = Definition(  # type: ignore[attr-defined]
            function, kind, name, label, meaning, tuple(windows) or None, read
        )
        return function

    return mark


def _with_slots(name: str, per: str | None) -> str:
    """`measure_mean` with a slot: `{measure}_mean`; a part's whole has one too."""
    return re.sub(rf"(?<![^_])({per}|whole)(?![^_])", r"{\1}", name) if per else name


def columns(
    definition: Definition,
    measures: Sequence[str],
    attributes: Sequence[str] = (),
    topics: Sequence[str] = (),
    parts: Mapping[str, str] = MappingProxyType({}),
    words: Mapping[str, Words] = MappingProxyType({}),
    numbers: Sequence[str] = (),
    dates: Sequence[str] = (),
    flags: Sequence[str] = (),
    components: Sequence[str] = (),
    spans: Mapping[str, Sequence[int]] = MappingProxyType({}),
    counted: Mapping[str, Sequence[CountedValue]] = MappingProxyType({}),
) -> list[Feature]:
    """Every column that a definition makes.

    Parameters
    ----------
    measures, attributes, topics, numbers, dates, flags, components : the names that there is one column `per`
    parts : names of measures and of the measures that they are contained in
    words : what measures, topics and attributes are called in English and in Chinese
    spans : windows that a project declares, by their names in `SPANS`
    counted : by table the values that are counted apart
    """
    values = {value.key: value for value in counted.get(str(definition.kind.source), ())}
    one_each: dict[str | None, Sequence[str | None]] = {None: [None], "measure": measures, "attribute": attributes}
    one_each |= {
        "number": numbers,
        "date": dates,
        "flag": flags,
        "component": components,
        "topic": topics,
        "part": list(parts),
        "value": list(values),
    }
    return [
        Feature(
            _column_name(definition, name, window),
            definition,
            window,
            name,
            whole,
            words,
            values.get(str(name)) if definition.kind.per == "value" else None,
        )
        for name in one_each[definition.kind.per]
        for whole in [parts[str(name)] if definition.kind.per == "part" else None]
        for window in definition.windows_with(spans)
    ]


def _column_name(definition: Definition, name: str | None, window: Window | None) -> str:
    stem = _filled(definition.column, definition, name, None)
    return f"{stem}_{window.suffix}" if window else stem


def _filled(pattern: str, definition: Definition, name: str | None, whole: str | None) -> str:
    """`{measure}_mean` -> `sms_mean`; a column that a part's whole has is written `{whole}_mean`."""
    return pattern.format(**{definition.kind.per or "": name}, whole=whole)
