"""One cell at a time: text or a typed source value -> a canonical type, or the rule that it breaks. Never a guess.

Every function takes an Ibis column of a plain source type and gives a Cell; nothing here reads data.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from features.contracts import MONEY, TIME
from pipelines.config.expressions import EXACT
from pipelines.ingest.sniffing import FLAGS

NUMBER = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$"
MARKED = {
    ".": (r"^[+-]?(([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]*)?|\.[0-9]+)$", ","),
    ",": (r"^[+-]?(([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]*)?|,[0-9]+)$", "."),
}
"""What stands before decimals -> texts that are such numbers, and what stands between their thousands."""
WHOLE = r"^[+-]?[0-9]{1,18}(\.0*)?$"
ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ISO_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$"
)
OFFSET = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$"
UNCLEAN = "^\\s|\\s$|[\\x00-\\x1f\\x7f\\x{00a0}\\x{200b}-\\x{200f}\\x{202a}-\\x{202e}\\x{2060}\\x{3000}\\x{feff}\\x{ff01}-\\x{ff5e}]"
WIDE = "".join(map(chr, range(0xFF01, 0xFF5F))) + "\u3000"
NARROW = "".join(map(chr, range(0x21, 0x7F))) + " "
LONGEST_KEY, LONGEST_TEXT = 256, 4_000

AWARE, NAIVE = dt.Timestamp(timezone="UTC"), dt.Timestamp(timezone=None)


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, NAIVE), AWARE))
def local_to_instant(zone, moment):
    """A local time in a zone as an instant."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, AWARE), NAIVE))
def instant_to_local(zone, moment):
    """An instant as local time in a zone."""


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), NAIVE))
def try_strptime(text, shape):
    """Text by a declared shape; null where it does not fit."""


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.string), AWARE))
def try_strptime_aware(text, shape):
    """The same for a shape with a zone."""


@ibis.udf.scalar.builtin(name="make_timestamp", signature=((dt.int64,), NAIVE))
def from_microseconds(count):
    """An instant from microseconds since 1970."""


@ibis.udf.scalar.builtin(name="isfinite", signature=((dt.float64,), dt.boolean))
def finite(number):
    """Is a number neither infinite nor NaN?"""


@dataclass(frozen=True)
class Problem:
    """`broken` is true where a row breaks `rule` in `column`; `found` is the text to show for it."""

    broken: ir.BooleanValue
    rule: str
    column: str
    found: ir.StringValue


@dataclass(frozen=True)
class Cell:
    """A canonical value, null where the source is empty or bad, and the ways in which it can be bad."""

    value: ir.Value
    problems: tuple[Problem, ...] = ()


def present(column: ir.Value, null_values: list[str]) -> ir.Value:
    """The source value, null where its text is blank or one of `null_values`."""
    if column.type().is_string():
        words = ibis.ifelse(column.strip() == "", ibis.null("string"), column)
        declared = [text for text in null_values if text]
        return ibis.ifelse(words.strip().isin(declared), ibis.null("string"), words) if declared else words
    declared = [text for text in null_values if text]
    missing = words_of(column).isin(declared) if declared else None
    return column if missing is None else ibis.ifelse(missing, ibis.null(column.type()), column)


def words_of(column: ir.Value) -> ir.StringValue:
    """The value as text, as people write it."""
    if column.type().is_timestamp() and column.type().timezone:
        return instant_to_local("UTC", column).cast("string") + "Z"
    return column if column.type().is_string() else column.cast("string")


def _failing(source: ir.Value, value: ir.Value, rule: str, column: str) -> Problem:
    return Problem(source.notnull() & value.isnull(), rule, column, words_of(source))


def text(source: ir.Value, name: str, clean: Sequence[str], key: bool) -> Cell:
    """Text as it stands; a key must have no blanks around it, no control and no full-width characters.

    Parameters
    ----------
    source
        Raw column.
    name
        Canonical column, for problems.
    clean
        Declared steps: trim, width, upper.
    key
        Is it part of a key? Then it may not be empty or unclean.
    """
    value = words_of(source)
    value = narrow(value) if "width" in clean else value
    value = value.strip() if "trim" in clean else value
    value = value.upper() if "upper" in clean else value
    longest = LONGEST_KEY if key else LONGEST_TEXT
    problems = [Problem(value.length() > longest, "too_long", name, value)]
    if key:
        problems.append(Problem(value.re_search(UNCLEAN), "unclean_key", name, value))
    return Cell(value, tuple(problems))


def narrow(value: ir.StringValue) -> ir.StringValue:
    """Full-width digits, letters and signs as plain ones."""
    return value.translate(WIDE, NARROW)


def plain(source: ir.Value, mark: str | None) -> ir.Value:
    """Numbers in text with a decimal mark as plain ones; what is no such number stays as it is, to be shown.

    Parameters
    ----------
    source
        Raw column.
    mark
        What stands before decimals; None where numbers are plain, and of other types than text.
    """
    if mark is None or not source.type().is_string():
        return source
    shape, thousands = MARKED[mark]
    stripped = source.strip()
    number = stripped.replace(thousands, "").replace(mark, ".")
    wrong = ibis.ifelse(stripped.re_search(NUMBER), "'" + stripped, stripped)  # 1.5 among 1.234,56 is not guessed
    return ibis.ifelse(stripped.re_search(shape), number, wrong)


def decimal(source: ir.Value, name: str) -> Cell:
    """decimal(19, 6), exact where the source is text, whole or decimal; floats go through their shortest text."""
    words = _number_words(source)
    value = words.try_cast(EXACT)
    bad = Problem(source.notnull() & words.isnull(), "not_a_number", name, words_of(source))
    wide = Problem(words.notnull() & value.isnull(), "out_of_range", name, words_of(source))
    return Cell(value, (bad, wide))


def _number_words(source: ir.Value) -> ir.Value:
    """The source where it is a plain number, else null: `1,5`, `1e3` and `1 000` are not."""
    if source.type().is_string():
        stripped = source.strip()
        return ibis.ifelse(stripped.re_search(NUMBER), stripped, ibis.null("string"))
    if source.type().is_floating():
        return ibis.ifelse(finite(source), source, ibis.null("float64")).cast("string")
    return source


def price(source: ir.Value, name: str) -> Cell:
    """decimal(12, 2) straight from the source, half away from zero, rounded once."""
    words = _number_words(source)
    value = words.try_cast(MONEY)
    bad = Problem(source.notnull() & words.isnull(), "not_a_number", name, words_of(source))
    return Cell(value, (bad, Problem(words.notnull() & value.isnull(), "out_of_range", name, words_of(source))))


def money(value: ir.DecimalValue, sources: list[ir.Value], name: str) -> Cell:
    """decimal(12, 2), half away from zero.

    Parameters
    ----------
    value
        Decimals.
    sources
        Raw columns that it was made of; null where one is null.
    name
        Canonical column, for problems.
    """
    rounded = value.try_cast(MONEY)
    complete = ibis.and_(*[source.notnull() for source in sources]) if sources else ibis.literal(True)
    return Cell(rounded, (Problem(complete & rounded.isnull(), "out_of_range", name, _shown(sources)),))


def _shown(sources: list[ir.Value]) -> ir.StringValue:
    return ibis.literal(" ").join([words_of(source) for source in sources]) if sources else ibis.literal("")


def measure(source: ir.Value, name: str) -> Cell:
    """float64; NaN and infinities are not numbers."""
    words = _number_words(source)
    value = words.try_cast("float64") if words.type().is_string() else words.cast("float64")
    return Cell(value, (_failing(source, value, "not_a_number", name),))


def bounded(value: ir.FloatingValue, sources: list[ir.Value], name: str) -> Cell:
    """A computed measure must be finite and within 1e15.

    Parameters
    ----------
    value
        Numbers.
    sources
        Raw columns that it was made of; null where one is null.
    name
        Canonical column, for problems.
    """
    sound = ibis.ifelse(finite(value) & (value.abs() < 1e15), value, ibis.null("float64"))
    complete = ibis.and_(*[source.notnull() for source in sources]) if sources else ibis.literal(True)
    return Cell(sound, (Problem(complete & sound.isnull(), "out_of_range", name, _shown(sources)),))


def whole(source: ir.Value, name: str) -> Cell:
    """int64; 3.0 is 3, and 3.5 breaks `not_a_whole_number`."""
    words = words_of(source).strip()
    plain = ibis.ifelse(words.re_search(WHOLE), words.re_replace(r"\.0*$", ""), ibis.null("string"))
    value = plain.try_cast("int64")
    return Cell(value, (_failing(source, value, "not_a_whole_number", name),))


def boolean(source: ir.Value, name: str) -> Cell:
    """true and false, yes and no, 1 and 0, 是 and 否 and the like (`sniffing.FLAGS`); other words need a map."""
    if source.type().is_boolean():
        return Cell(source)
    words = words_of(source).strip().lower()
    value = ibis.cases(
        (words.isin([yes for yes, _ in FLAGS]), True),
        (words.isin([no for _, no in FLAGS]), False),
        else_=ibis.null("boolean"),
    )
    return Cell(value, (_failing(source, value, "not_true_or_false", name),))


@dataclass(frozen=True)
class Moment:
    """A local time without a zone, and the instant itself where the source knows it."""

    local: ir.TimestampValue
    instant: ir.TimestampValue | None
    problems: tuple[Problem, ...] = ()

    def utc(self, zone: str) -> ir.TimestampValue:
        """The instant in UTC, without a zone; `zone` (IANA) is that of local times."""
        instant = local_to_instant(zone, self.local) if self.instant is None else self.instant
        return instant_to_local("UTC", instant).cast(TIME)


def moment(source: ir.Value, name: str, shape: str | None, zone: str, aware: bool) -> Moment:
    """A time from text (ISO, or of the given shape), date, timestamp or epoch. `aware`: its texts carry an offset.

    Parameters
    ----------
    source
        Raw column: text, date or time, or a number since 1970.
    name
        Canonical column, for problems.
    shape
        strptime format or epoch unit; None for ISO 8601.
    zone
        IANA name, of times without an offset.
    aware
        Does every text carry an offset?
    """
    kind = source.type()
    if kind.is_date():
        return Moment(source.cast(NAIVE), None)
    if kind.is_timestamp():
        return _seen_from(zone, source.cast(AWARE)) if kind.timezone else Moment(source.cast(NAIVE), None)
    words = words_of(source).strip()
    if shape and shape.startswith("epoch_"):
        instant = _since_1970(whole(source, name).value, shape)
    elif not aware:
        local = try_strptime(words, shape) if shape else _iso(words).try_cast(NAIVE)
        return Moment(local, None, (_failing(source, local, "not_a_time", name),))
    else:
        instant = try_strptime_aware(words, shape) if shape else _iso(words).try_cast(AWARE)
    bad = _failing(source, instant, "not_a_time", name)
    seen = _seen_from(zone, instant)
    return Moment(seen.local, seen.instant, (bad,))


def _since_1970(count: ir.IntegerValue, shape: str) -> ir.TimestampValue:
    """The instant of an epoch count; null beyond the year 9999, where a wrong unit often leads."""
    factor = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1}[shape]
    near = ibis.ifelse(count.abs() < 253_402_300_800_000_000 // factor, count, ibis.null("int64"))
    return local_to_instant("UTC", from_microseconds(near * factor))


def _iso(words: ir.StringValue) -> ir.StringValue:
    return ibis.ifelse(words.re_search(ISO_TIME), words, ibis.null("string"))


def _seen_from(zone: str, instant: ir.TimestampValue) -> Moment:
    return Moment(instant_to_local(zone, instant), instant)


def local_text(moment: ir.TimestampValue, zone: str) -> ir.StringValue:
    """A UTC moment as people of a zone write it."""
    return instant_to_local(zone, local_to_instant("UTC", moment)).strftime("%Y-%m-%d %H:%M:%S")


def later(start: Moment, steps: tuple[tuple[int, str], ...], zone: str) -> Moment:
    """Days and longer are added on the local calendar, hours and shorter to the instant.

    Parameters
    ----------
    start
        Local times.
    steps
        Amounts and units, added in order.
    zone
        IANA name, of the local calendar.
    """
    for amount, unit in steps:
        step = ibis.interval(abs(amount), unit=unit)
        if unit in "YMWD" or start.instant is None:
            local = start.local + step if amount >= 0 else start.local - step
            start = Moment(local, None, start.problems)
        else:
            instant = start.instant + step if amount >= 0 else start.instant - step
            start = Moment(instant_to_local(zone, instant), instant, start.problems)
    return start


def day(source: ir.Value, name: str, shape: str | None, zone: str, aware: bool) -> Cell:
    """A local calendar date; the hour of a time is dropped.

    Parameters
    ----------
    source
        Raw column: text, date or time.
    name
        Canonical column, for problems.
    shape
        strptime format; None for ISO 8601.
    zone
        IANA name, of the day of a time with an offset.
    aware
        Does every text carry an offset?
    """
    if source.type().is_date():
        return Cell(source)
    time = moment(source, name, shape, zone, aware)
    value = time.local.cast("date")
    return Cell(value, tuple(Problem(p.broken, "not_a_date", p.column, p.found) for p in time.problems))


def is_aware_shape(shape: str) -> bool:
    """Does a declared shape of times hold a zone?"""
    return re.search(r"%z|%Z", shape) is not None
