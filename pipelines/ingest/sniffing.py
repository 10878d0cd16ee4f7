"""How files are written and what their columns hold, told by bytes and texts alone. What has two readings is never guessed."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

from features.errors import HeadwaterError
from pipelines.ingest.readers import packed

Kind = Literal["number", "date", "flag", "category"]
Paths = Sequence[str | Path]

ISO = "iso"
"""The shape of dates and times that need no `parse`: 2026-03-04, 2026-03-04T05:06:07+08:00."""

SAMPLE = 1 << 20
"""Bytes of each file that are looked at for letters, and for what stands between cells."""

DELIMITERS = (",", ";", "\t", "|", "^", "\x01")
PLACEHOLDERS = frozenset(
    {"", "-", "--", "\\n", "null", "none", "nan", "n/a", "na", "0000-00-00", "00000000", "99991231", "9999-12-31"}
)
"""Texts, in small letters, that stand for nothing; they say nothing of the kind of a column."""

FLAGS: tuple[tuple[str, str], ...] = (
    ("yes", "no"),
    ("y", "n"),
    ("true", "false"),
    ("t", "f"),
    ("1", "0"),
    ("ja", "nein"),
    ("是", "否"),
    ("有", "无"),
)
"""What yes and no are written as, in small letters."""

_FIELDS = {
    "%Y": "(?:19|20)[0-9]{2}",
    "%y": "[0-9]{2}",
    "%m": "(?:0?[1-9]|1[0-2])",
    "%d": "(?:0?[1-9]|[12][0-9]|3[01])",
    "%b": "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    "%H": "(?:[01]?[0-9]|2[0-3])",
    "%M": "[0-5][0-9]",
    "%S": "[0-5][0-9]",
}
_DAYS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d-%b-%Y",
]
_CLOCKS = ("", " %H:%M:%S", " %H:%M")
_SOLID = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m", "%Y%m%d%H%M%S", "%Y%m%d%H%M")
MONTHS = ("%Y-%m", "%Y/%m", "%Y年%m月", "%m/%Y", "%m-%Y", "%b %Y", "%b-%Y")
"""Shapes that name a month and no day, with marks between its parts."""
_ISO = re.compile(
    r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d(?::?\d\d)?)?)?"
)
_EPOCHS = {"epoch_s": re.compile(r"1[0-9]{9}"), "epoch_ms": re.compile(r"1[0-9]{12}")}

_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_MARKED = {
    ".": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?"),
    ",": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d*)?"),
}
_CODE = re.compile(r"[+-]?0\d")


def _matcher(shape: str) -> re.Pattern[str]:
    """What texts of a strptime shape look like; without marks between them every part has all its digits."""
    solid = shape in _SOLID
    fields = {
        name: part.replace("0?", "0").replace("[01]?", "[01]") if solid else part for name, part in _FIELDS.items()
    }
    return re.compile(re.sub(r"%[a-zA-Z]", lambda match: fields[match[0]], shape.replace(".", r"\.")), re.IGNORECASE)


_SHAPES: dict[str, re.Pattern[str]] = {
    ISO: _ISO,
    **{day + clock: _matcher(day + clock) for day, clock in product(_DAYS, _CLOCKS)},
    **{shape: _matcher(shape) for shape in (*_SOLID, *MONTHS)},
    **_EPOCHS,
}


@dataclass(frozen=True)
class Layout:
    """How the CSV files of a source are written."""

    encoding: str
    delimiter: str


def layout(paths: Paths) -> Layout:
    """Encoding and delimiter of files that are written alike. Raises E241 or E242 where they do not tell."""
    found = encoding(paths)
    return Layout(found, delimiter(paths, found))


def encoding(paths: Paths) -> str:
    """One that reads every byte of these files, with letters that people write: utf-8, utf-16, gb18030 or cp1252.

    Raises
    ------
    HeadwaterError
        E241 where none of them is likely: others must be declared.
    """
    heads = [head for path in paths if (head := _head(path))]
    if wide := next((name for head in heads if (name := _wide(head))), None):
        return wide
    if _decodes(paths, "utf-8"):
        return "utf-8"
    runs = [len(run) for run in _runs(heads)]
    total = sum(runs)
    if total and sum(n for n in runs if n == 1) >= 0.8 * total and _decodes(paths, "cp1252"):
        return "cp1252"
    if total and _is_chinese(heads, total) and _decodes(paths, "gb18030"):
        return "gb18030"
    raise HeadwaterError("E241", file=str(paths[0]) if paths else None)


def _head(path: str | Path) -> bytes:
    with packed.opened(path) as file:
        return file.read(SAMPLE)


def _wide(head: bytes) -> str | None:
    """UTF-16 by its mark, or by the zeros beside digits and commas, which no other encoding has."""
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    zeros = [head[side::2].count(0) for side in (0, 1)]
    if max(zeros) * 16 < len(head) or min(zeros) * 10 > max(zeros):
        return None
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


def _decodes(paths: Paths, name: str) -> bool:
    """Does it read every byte of every file?"""
    return all(_decodes_file(path, name) for path in paths)


def _decodes_file(path: str | Path, name: str) -> bool:
    decoder = codecs.getincrementaldecoder(name)("strict")
    try:
        with packed.opened(path) as file:
            while block := file.read(SAMPLE):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _runs(heads: Iterable[bytes]) -> Iterator[bytes]:
    """Bytes beyond ASCII that stand together."""
    for head in heads:
        yield from re.findall(rb"[\x80-\xff]+", head)


def _is_chinese(heads: Sequence[bytes], total: int) -> bool:
    """Nearly all letters are pairs of high bytes, and most are among the 3,755 common ones or punctuation."""
    pairs = [run for run in _runs(heads) if len(run) % 2 == 0]
    leads = [byte for run in pairs for byte in run[::2]]
    common = sum(0xA1 <= lead <= 0xA9 or 0xB0 <= lead <= 0xD7 for lead in leads)
    return 2 * len(leads) >= 0.95 * total and common >= 0.7 * len(leads)


def delimiter(paths: Paths, encoding: str) -> str:
    """What stands between the cells: the mark that cuts nearly all first lines into as many cells as the header.

    Raises
    ------
    HeadwaterError
        E242 where two marks do so equally well.
    """
    path = next((path for path in paths if Path(path).stat().st_size), None)
    if path is None:
        return DELIMITERS[0]
    widths = {mark: width for mark in DELIMITERS if (width := _width(_lines(path, encoding), mark)) > 1}
    best = [mark for mark, width in widths.items() if width == max(widths.values())]
    if len(best) > 1:
        raise HeadwaterError("E242", file=str(path), found=" ".join(map(repr, best)), first=_written(best[0]))
    return best[0] if best else DELIMITERS[0]


def _written(mark: str) -> str:
    """A delimiter as YAML has it."""
    return {"\t": '"\\t"', "\x01": '"\\x01"'}.get(mark, f'"{mark}"')


def _lines(path: str | Path, encoding: str) -> str:
    """The first whole lines of a file as text."""
    head = _head(path)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).lstrip("\ufeff")
    return text if len(head) < SAMPLE else text.rpartition("\n")[0]


def _width(text: str, mark: str) -> int:
    """Cells of the header, if nine of ten rows have as many; 0 where they do not."""
    try:
        rows = [len(row) for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if row]
    except csv.Error:
        return 0
    return rows[0] if rows and rows.count(rows[0]) >= 0.9 * len(rows) else 0


def told(texts: Iterable[str | None]) -> list[str]:
    """The distinct texts that say something, without blanks around them, in order of appearance."""
    stripped = (text.strip() for text in texts if text is not None)
    return list(dict.fromkeys(text for text in stripped if text.lower() not in PLACEHOLDERS))


def time_shapes(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Every shape that reads these texts as dates or times best: a strptime format, `epoch_s`, `epoch_ms`, or `ISO`.

    None: fewer than nine of ten can be read by any. Several: each reads as many, such as 03/04/2026 by day or by month
    first, and a person must say which.
    """
    said = told(texts)
    fits = {shape: sum(matcher.fullmatch(text) is not None for text in said) for shape, matcher in _SHAPES.items()}
    most = max(fits.values(), default=0)
    if not said or most < 0.9 * len(said):
        return ()
    best = tuple(shape for shape, count in fits.items() if count == most)
    return (ISO,) if ISO in best else best


def decimal_marks(texts: Iterable[str | None]) -> tuple[str, ...]:
    """What can stand before the decimals of these numbers: `.` or `,`; both where they do not tell (1,234).

    None where they are not all numbers. Plain numbers have a dot, however many decimals: 1.234 is less than two.
    """
    said = told(texts)
    if not said:
        return ()
    if all(_PLAIN.fullmatch(text) for text in said):
        return (".",)
    return tuple(mark for mark, matcher in _MARKED.items() if all(matcher.fullmatch(text) for text in said))


def is_flag(texts: Iterable[str | None]) -> bool:
    """Are there both answers of one way to say yes and no, and nothing else?"""
    said = {text.lower() for text in told(texts)}
    return any(said == set(pair) for pair in FLAGS)


def kind(texts: Iterable[str | None]) -> Kind:
    """What these texts are.

    Digits with leading zeros (00123) are codes and so categories; eight digits that are all days of the calendar are
    dates. Where nothing is said, or anything else is, they are categories.
    """
    said = told(texts)
    if is_flag(said):
        return "flag"
    if said and set(time_shapes(said)) - set(_EPOCHS) and _all_times(said):
        return "date"
    if any(_CODE.match(text) for text in said):
        return "category"
    return "number" if decimal_marks(said) else "category"


def _all_times(said: Sequence[str]) -> bool:
    """Every text has the shape that most have: a few dates among words make no column of dates."""
    return any(all(_SHAPES[shape].fullmatch(text) for text in said) for shape in time_shapes(said))
