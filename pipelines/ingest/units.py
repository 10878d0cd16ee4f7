"""A size that does not fit its unit: by which usual factor it is off, and what to do about it. Only what was tried is proposed."""

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.contracts import MONEY
from features.errors import HeadwaterError
from pipelines.config.forms import Form
from pipelines.config.mapping import SourceMapping
from pipelines.ingest import columns, inputs, offsets
from pipelines.ingest.columns import Columns
from pipelines.ingest.readers import sources
from pipelines.ingest.readers.sources import Raw
from pipelines.ingest.reading import Reading

MONEY_FACTORS = (10.0, 100.0, 1_000.0, 10_000.0)
MEASURE_FACTORS = (8.0, 10.0, 24.0, 60.0, 100.0, 1_000.0, 1_024.0, 3_600.0, 86_400.0, 1_000_000.0, 1_048_576.0)
"""Fen, thousands and tens of thousands; bits, hours, minutes and seconds, kilo and mega of both kinds."""

CLOSE = 1.5
"""A factor is named when it explains what was found up to this ratio: 60 is never told as 100."""

NEGATED = "* -1"

FIRST = 1_000
"""Rows on which a fix is tried."""


@dataclass(frozen=True)
class Odd:
    """`table.column`, in the whole table or in one of its files, whose median does not lie between `low` and `high`.

    `found` is the key of the sentence that says why. `position`: of the file, where one file is meant; `source`: where all
    files of one of several sources are.
    """

    name: str
    median: float
    low: float
    high: float
    found: str
    other: str = ""
    position: int | None = None
    source: int | None = None

    @property
    def table(self) -> str:
        """The table of the column."""
        return self.name.split(".")[0]

    @property
    def column(self) -> str:
        """The column without its table."""
        return self.name.split(".")[1]

    @property
    def ratio(self) -> float:
        """How many times too large, or below 1 how much too small; below 0 it is the other way round."""
        if self.median < 0:
            return -1.0
        return self.median / (self.high if self.median > self.high else self.low)


def error(reading: Reading, odd: Odd) -> HeadwaterError:
    """E301 with the figures, and a fix that was tried on the first rows where there is one."""
    form = _place(reading, odd)[0].forms()[odd.column]
    files = reading.result.fingerprints[odd.table]
    first = next((n for n, file in enumerate(files) if file.source == odd.source), 0)
    file = files[first if odd.position is None else odd.position]
    money = odd.column not in reading.mapping.measures
    return HeadwaterError(
        "E301",
        file=file.path,
        column=odd.column,
        table=odd.table,
        mapping=reading.mapping.origin,
        found=odd.found,
        median=odd.median,
        before=odd.low,
        low=odd.low,
        high=odd.high,
        other=odd.other,
        ratio=odd.ratio,
        currency=reading.mapping.currency if money else (form.unit or odd.column),
        rows=reading.result.counts[odd.table].in_,
        **_advice(reading, odd, form),
    )


def _advice(reading: Reading, odd: Odd, form: Form) -> dict[str, Any]:
    """The key of the sentence to follow, and its values; no factor is named that does not fit."""
    step = _operation(odd, reading)
    try:
        trial = step and _trial(reading, odd, form, step)
    except HeadwaterError:
        trial = None
    if not trial:
        return {"advice": "@unit.unknown"}
    old, new, expr = trial
    shown = {"given": f"{old:,.6g}", "made": f"{new:,.6g}", "step": step, "expr": expr}
    kind = "sign" if step == NEGATED else "expression" if odd.position is None else "deliver"
    return {"advice": f"@unit.{kind}", **shown}


def _operation(odd: Odd, reading: Reading) -> str | None:
    """`/ 60`, say: the usual factor that is nearest, if it is near; `* -1` for the other sign."""
    if odd.ratio < 0:
        return NEGATED
    factors = MEASURE_FACTORS if odd.column in reading.mapping.measures else MONEY_FACTORS
    size = abs(math.log(odd.ratio))
    near = min(factors, key=lambda factor: abs(math.log(factor) - size))
    if abs(math.log(near) - size) > math.log(CLOSE):
        return None
    return f"{'/' if odd.ratio > 1 else '*'} {near:.0f}"


def _place(reading: Reading, odd: Odd) -> tuple[SourceMapping, Raw, int | None]:
    """The source that is meant, with the position of its file in it: of a whole table the first one with the column."""
    parts = reading.sources(odd.table)
    if odd.source is not None:
        return (*parts[odd.source], None)
    if odd.position is None:
        return (*next(pair for pair in parts if odd.column in pair[0].columns), None)
    number, position = reading.inputs.raws[odd.table].place(odd.position)
    return (*parts[number], position)


def _trial(reading: Reading, odd: Odd, form: Form, step: str) -> tuple[float, float, str] | None:
    """A value of the first rows, what it becomes, and the expression; None where the outcome does not fit either."""
    part, _, _ = _place(reading, odd)
    made_of = _spelled(form, odd.column)
    expr = f"-{made_of}" if step == NEGATED else f"{made_of} {step}"
    changed = part.model_copy(
        update={"columns": part.columns | {odd.column: Form(expr=expr, unit=form.unit, decimal=form.decimal)}}
    )
    rows = _first_rows(reading, odd)
    old, new = (_values(reading, odd, kind, rows) for kind in (part, changed))
    positive = np.flatnonzero(new > 0)
    if not len(positive):
        return None
    middle = positive[np.argsort(new[positive])[len(positive) // 2]]
    fits = step == NEGATED or odd.low / CLOSE <= new[middle] <= odd.high * CLOSE
    return (float(old[middle]), float(new[middle]), expr) if fits else None


def _spelled(form: Form, column: str) -> str:
    """What a column is made of now, as a part of an expression."""
    if form.expr:
        return f"({form.expr})" if re.search(r"[-+*/]", form.expr) else form.expr
    name = form.from_ or column
    return name if re.fullmatch(r"[^\W\d]\w*", name) else f"`{name}`"


def _first_rows(reading: Reading, odd: Odd) -> Any:
    """The first raw rows of the file that is meant, or of the source."""
    part, raw, position = _place(reading, odd)
    rows = sources.first_rows(raw, sorted(columns.needed(part)), FIRST, position)
    return reading.con.create_table(f"tried_{odd.table}", rows, temp=True, overwrite=True)


def _values(reading: Reading, odd: Odd, part: SourceMapping, rows: Any) -> np.ndarray:
    """The column as a mapping makes it of some raw rows; NaN where it makes nothing."""
    contract = inputs.extended(odd.table, reading.mapping)
    aware = offsets.aware_columns(rows, part, contract, odd.table)
    cell = Columns(contract, part, reading.mapping, rows, aware).column(odd.column)
    dtype = MONEY if contract.column(odd.column).dtype == MONEY else "float64"
    values = rows.select(value=cell.value.cast(dtype).cast("float64"))
    return values.to_pandas()["value"].to_numpy(dtype=float, na_value=np.nan)
