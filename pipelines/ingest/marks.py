"""Marking rows: each gets the number of the first thing that is wrong with it, and the text to show for it."""

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from features.contracts import Contract
from features.errors import HeadwaterError
from pipelines.config import expressions
from pipelines.config.mapping import TableMapping
from pipelines.ingest import cells

BROKEN, FOUND = "__problem", "__found"

Told = tuple[str, str]
"""Column and rule of a problem; its place in the list is the number that rows carry."""


def told(problems: Sequence[cells.Problem]) -> list[Told]:
    """Column and rule of each problem, in the order of their numbers."""
    return [(problem.column, problem.rule) for problem in problems]


def marks(problems: Sequence[cells.Problem], start: int = 0) -> dict[str, ir.Value]:
    """Number (from `start`) and text of the first problem of each row; null where there is none."""
    numbered = [(p.broken, ibis.literal(n, "int32")) for n, p in enumerate(problems, start)]
    texts = [(p.broken, p.found) for p in problems]
    if not problems:
        return {BROKEN: ibis.null("int32"), FOUND: ibis.null("string")}
    return {
        BROKEN: ibis.cases(*numbered, else_=ibis.null("int32")),
        FOUND: ibis.cases(*texts, else_=ibis.null("string")),
    }


def broken_rows(mapped: ir.Table, earlier: Sequence[Told], later: Sequence[cells.Problem]) -> ir.Table:
    """`mapped`, its marks extended by the problems that show only once cells have become values."""
    found = marks(later, len(earlier))
    sound = mapped[BROKEN].isnull()
    return mapped.mutate(**{name: ibis.ifelse(sound, value, mapped[name]) for name, value in found.items()})


def offsets(rows: ir.Table, table: TableMapping, contract: Contract, file: str) -> dict[str, bool]:
    """Which time columns of text carry an offset in every row. Raises E315 for one that mixes both."""
    return aware(offset_counts(rows, table, contract), file)


def aware(counted: Mapping[str, tuple[int, int]], file: str) -> dict[str, bool]:
    """The same from numbers of times with and without an offset. Raises E315."""
    for name, (there, none) in counted.items():
        if there and none:
            raise HeadwaterError("E315", file=file, column=name, aware=there, naive=none)
    return {name: bool(there) for name, (there, _) in counted.items()}


def offset_counts(rows: ir.Table, table: TableMapping, contract: Contract) -> dict[str, tuple[int, int]]:
    """Times with an offset and without, per time column of text."""
    texts = [
        name
        for name in sorted(_time_columns(table, contract))
        if name in rows.columns and rows[name].type().is_string()
    ]
    if not texts:
        return {}
    counted: dict[str, ir.Value] = {}
    for number, name in enumerate(texts):
        is_time, aware = rows[name].strip().re_search(cells.ISO_TIME), rows[name].strip().re_search(cells.OFFSET)
        counted |= {f"aware{number}": (is_time & aware).sum(), f"naive{number}": (is_time & ~aware).sum()}
    found = rows.aggregate(**counted).to_pyarrow().to_pylist()[0]
    return {name: (found[f"aware{n}"] or 0, found[f"naive{n}"] or 0) for n, name in enumerate(texts)}


def _time_columns(table: TableMapping, contract: Contract) -> set[str]:
    """Source columns read as times without a declared shape."""
    found: set[str] = set()
    for name, form in table.forms().items():
        if contract.column(name).dtype[:4] not in ("time", "date") or form.parse:
            continue
        found |= {form.from_} if form.from_ else expressions.names(expressions.parse(form.expr or "0"))
    return found
