"""Guards over whole tables: sizes that do not fit their unit, months that are missing or thin, how old the data is."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis.expr.types as ir

from features.contracts import CONTRACTS, MONEY
from features.errors import HeadwaterError, Problem
from pipelines.mapping import Mapping
from pipelines.quality import Quality

if TYPE_CHECKING:
    from pipelines.tables import Tables

COMPARED = {"bills.amount", "payments.amount", "subscriptions.monthly_fee"}
"""Money of about the same size: one far above the others is in another unit."""


@dataclass(frozen=True)
class Size:
    """Median of the positive values of a column, and whether every value is a whole number."""

    median: float
    whole: bool


def check(tables: "Tables", mapping: Mapping, quality: Quality, before: dict[str, float]) -> None:
    """Fill medians and newest rows of `tables`. Raises E301 for a suspicious unit, E421 and E323 for months."""
    found = {name: sizes(table, numeric(name, tables)) for name, table in tables.tables.items()}
    every = {f"{table}.{column}": size for table, of in found.items() for column, size in of.items()}
    tables.medians = {name: size.median for name, size in every.items()}
    for name, table in tables.tables.items():
        if "known_at" in table.columns:
            tables.newest[name] = table.known_at.max().to_pyarrow().as_py()
    suspect(tables, mapping, quality, every)
    changed(tables, mapping, quality, before)
    for name in ("bills", "usage"):
        months(tables, name, quality)


def numeric(name: str, tables: "Tables") -> list[str]:
    money = [column.name for column in CONTRACTS[name].columns if column.dtype == MONEY]
    return money + list(tables.measures if name == "usage" else ())


def sizes(table: ir.Table, columns: list[str]) -> dict[str, Size]:
    """Columns without any positive value are left out."""
    if not columns:
        return {}
    asked = {}
    for column in columns:
        value = table[column].cast("float64")
        asked[f"m_{column}"] = value.median(where=value > 0)
        asked[f"w_{column}"] = (value == value.round(0)).all()
    row = table.aggregate(**asked).to_pyarrow().to_pylist()[0]
    return {c: Size(row[f"m_{c}"], bool(row[f"w_{c}"])) for c in columns if row[f"m_{c}"] is not None}


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


def months(tables: "Tables", name: str, quality: Quality) -> None:
    """No month inside a table's history may be empty (E421) or, where asked, far below the median month (E323)."""
    table = tables.tables.get(name)
    if table is None or not (quality.gaps or quality.smallest_month):
        return
    month = (table.happened_on.year() * 12 + table.happened_on.month() - 1).name("month")
    counted = table.group_by(month).aggregate(n=table.count()).order_by("month").to_pyarrow().to_pylist()
    file = tables.fingerprints[name][0].path
    for earlier, later in pairwise(row["month"] for row in counted):
        if quality.gaps and later > earlier + 1:
            raise HeadwaterError("E421", file=file, table=name, month=spelled(earlier + 1), until=spelled(later - 1))
    thin(counted[1:-1], file, name, quality)


def thin(counted: list[dict], file: str, table: str, quality: Quality) -> None:
    middle = sorted(row["n"] for row in counted)[len(counted) // 2] if counted else 0
    for row in counted:
        if row["n"] < quality.smallest_month * middle:
            values = {"month": spelled(row["month"]), "rows": row["n"], "usual": middle}
            raise HeadwaterError("E323", file=file, table=table, **values)


def spelled(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


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
    newest = table.filter(table.known_at < midnight).known_at.max().to_pyarrow().as_py()
    return timedelta(days=100_000) if newest is None else midnight - newest
