"""Guards over whole tables: sizes that do not fit their unit, and how old the data is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import MONEY, Contract
from features.errors import HeadwaterError, Problem
from pipelines.mapping import Mapping
from pipelines.parts import SIZES
from pipelines.quality import Quality

if TYPE_CHECKING:
    from pipelines.parts import Tables

COMPARED = {"bills.amount", "payments.amount", "subscriptions.monthly_fee"}
"""Money of about the same size: one far above the others is in another unit."""


@dataclass(frozen=True)
class Size:
    """Median of the positive values of a column, and whether every value is a whole number."""

    median: float
    whole: bool


def check(tables: "Tables", mapping: Mapping, quality: Quality, before: dict[str, float]) -> None:
    """Fill medians and newest rows of `tables`. Raises E301 for a suspicious unit."""
    found = {name: sizes(memory.sizes) for name, memory in tables.memory.items()}
    every = {f"{table}.{column}": size for table, of in found.items() for column, size in of.items()}
    tables.medians = {name: size.median for name, size in every.items()}
    for name, parts in tables.parts.items():
        moments = [part.newest for part in parts if part.newest is not None]
        if moments:
            tables.newest[name] = max(moments)
    suspect(tables, mapping, quality, every)
    changed(tables, mapping, quality, before)


def numeric(contract: Contract, measures: tuple[str, ...]) -> list[str]:
    """Columns whose size is watched: money, and the measures of usage."""
    money = [column.name for column in contract.columns if column.dtype == MONEY]
    return money + list(measures if contract.name == "usage" else ())


def counted(rows: ir.Table, columns: list[str], part: str) -> pa.Table:
    """How often each value stands in a part, to three digits: counts of parts add up, medians do not."""
    found = [SIZES.empty_table()]
    for name in columns:
        value = rows[name].cast("float64")
        digits = (2 - value.abs().nullif(0).log10().floor()).cast("int32")
        near = value.round(digits).fill_null(0.0)
        values = rows.filter(value.notnull()).group_by(value=near, whole=value == value.round(0))
        seen = values.aggregate(rows=lambda t: t.count()).to_pyarrow()
        same = [pa.array([text] * seen.num_rows, pa.string()) for text in (part, name)]
        found.append(pa.table([*same, *seen.columns], schema=SIZES))
    return pa.concat_tables(found)


def sizes(counts: pa.Table) -> dict[str, Size]:
    """Per column; those without any positive value are left out."""
    found = {}
    for name in pc.unique(counts["column"]).to_pylist():
        column = counts.filter(pc.equal(counts["column"], name))
        positive = column.filter(pc.greater(column["value"], 0)).sort_by("value")
        if positive.num_rows:
            found[name] = Size(median(positive), pc.all(column["whole"]).as_py())
    return found


def median(counts: pa.Table) -> float:
    """Of `rows` times each `value`, in order; halfway between the middle two of an even number."""
    values, upto = counts["value"].to_numpy(), np.cumsum(counts["rows"].to_numpy())
    last = int(upto[-1]) - 1
    low, high = (values[np.searchsorted(upto, place, side="right")] for place in (last // 2, (last + 1) // 2))
    return float((low + high) / 2)


def suspect(tables: "Tables", mapping: Mapping, quality: Quality, found: dict[str, Size]) -> None:
    """Fen where yuan is expected: whole numbers with a large median, or one money column far above the others."""
    if not mapping.decimals:
        return
    for name, size in found.items():
        if name in COMPARED and size.whole and size.median > quality.largest_median:
            raise unit(tables, mapping, name, size.median, "@found.cents")
    money = {name: size.median for name, size in found.items() if name in COMPARED}
    if len(money) > 1 and max(money.values()) > quality.largest_ratio * min(money.values()):
        name, least = max(money, key=lambda n: money[n]), min(money, key=lambda n: money[n])
        raise unit(tables, mapping, name, money[name], "@found.apart", other=least, before=money[least])


def changed(tables: "Tables", mapping: Mapping, quality: Quality, before: dict[str, float]) -> None:
    """A median that moved by a factor since the previous reading changed its unit, not its customers."""
    for name, old in before.items():
        new = tables.medians.get(name)
        if new is not None and old > 0 and not 1 / quality.largest_change <= new / old <= quality.largest_change:
            raise unit(tables, mapping, name, new, "@found.changed", before=old, ratio=new / old)


def unit(tables: "Tables", mapping: Mapping, name: str, median: float, found: str, **values) -> HeadwaterError:
    table, column = name.split(".")
    form = mapping.tables[table].forms()[column]
    source = form.expr or form.from_ or column
    files = tables.fingerprints[table]
    return HeadwaterError(
        "E301",
        file=files[0].path,
        column=column,
        table=table,
        mapping=mapping.origin,
        found=found,
        median=median,
        expr=f"({source}) / 100" if form.expr else f"{source} / 100",
        currency=mapping.currency if column not in tables.measures else (form.unit or column),
        rows=tables.counts[table].in_,
        **values,
    )


def freshness(tables: "Tables", mapping: Mapping, as_of: date) -> tuple[Problem, ...]:
    """Warnings W402 for tables older than `warn_after` at an as-of date. Raises E402 past `error_after`."""
    late = []
    for name, table in mapping.tables.items():
        limits, age = table.freshness, age_of(tables, name, mapping, as_of)
        file = tables.fingerprints[name][-1].path
        values = {"table": name, "age": round(age / timedelta(days=1), 1), "as_of": as_of}
        if limits.error_after and age > limits.error_after:
            raise HeadwaterError("E402", file=file, limit=limits.error_after.days, mapping=mapping.origin, **values)
        if limits.warn_after and age > limits.warn_after:
            late.append(Problem("W402", file, values=values | {"limit": limits.warn_after.days}))
    return tuple(late)


def age_of(tables: "Tables", name: str, mapping: Mapping, as_of: date) -> timedelta:
    """As-of midnight minus the newest row known before it; the time of the file where a table has no clock."""
    midnight = datetime.combine(as_of, time(), ZoneInfo(mapping.timezone)).astimezone(UTC).replace(tzinfo=None)
    table = tables.tables[name]
    if "known_at" not in table.columns:
        paths = [Path(file.path) for file in tables.fingerprints[name] if Path(file.path).is_file()]
        times = [datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None) for path in paths]
        return midnight - max(times, default=midnight)
    newest = tables.newest.get(name)
    if newest is not None and newest >= midnight:  # an old date: the rows must be looked at
        newest = table.filter(table.known_at < midnight).known_at.max().to_pyarrow().as_py()
    return timedelta(days=100_000) if newest is None else midnight - newest
