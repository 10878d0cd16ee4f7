"""Guards over whole tables: signs that are the wrong way round, and sizes that do not fit their unit."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import ALWAYS, CONTRACTS, MONEY, Contract
from pipelines.config.quality import Quality
from pipelines.ingest import units
from pipelines.ingest.readers.sources import FILE
from pipelines.ingest.reading import Reading
from pipelines.ingest.tables import SIZES, Tables
from pipelines.ingest.units import Odd

COMPARED = {"bills.amount", "payments.amount", "subscriptions.monthly_fee"}
"""Money of about the same size: one far above the others is in another unit."""


FEN = 100

FEWEST_VALUES = 30
"""A median of fewer positive values says little of a file."""


@dataclass(frozen=True)
class Size:
    """Median of the positive values of a column, and whether every value is a whole number."""

    median: float
    whole: bool


@dataclass(frozen=True)
class FileSize:
    """The median of a column in one input; `day` of its newest row, None where the table has no clock."""

    position: int
    median: float
    day: date | None


def check(reading: Reading, before: dict[str, float]) -> None:
    """Fill medians and newest rows of the result. Raises E301 for a suspicious sign or unit; `before`: medians of last time."""
    tables, mapping, quality = reading.result, reading.mapping, reading.quality
    by_table = {name: _sizes(memory.sizes) for name, memory in tables.memory.items()}
    sizes = {f"{table}.{column}": size for table, of in by_table.items() for column, size in of.items()}
    tables.medians = {name: size.median for name, size in sizes.items()}
    for name, parts in tables.parts.items():
        moments = [part.newest for part in parts if part.newest not in (None, ALWAYS)]
        if moments:
            tables.newest[name] = max(moments)
    odd = (
        _opposite(tables)
        or _odd_file(tables, quality)
        or (_suspect(quality, sizes) or _suspect_source(tables, quality) if mapping.decimals else None)
        or _changed(quality, tables.medians, before)
    )
    if odd:
        raise units.error(reading, odd)


def watched_columns(contract: Contract, measures: tuple[str, ...]) -> list[str]:
    """Columns whose size is watched: money but for components of bills, which come and go, and the measures of usage."""
    money = [column.name for column in CONTRACTS[contract.name].columns if column.dtype == MONEY]
    return money + list(measures if contract.name == "usage" else ())


def counts_of(rows: ir.Table, columns: list[str]) -> pa.Table:
    """How often each value stands in an input, to two digits: counts of slices add up, medians do not."""
    counts = [SIZES.empty_table()]
    newest = rows.known_at if "known_at" in rows.columns else ibis.null("timestamp(6)")
    for name in columns:
        value = rows[name].cast("float64")
        digits = (1 - value.abs().nullif(0).log10().floor()).cast("int32")
        near = value.round(digits).fill_null(0.0)
        known = rows.filter(value.notnull()).mutate(near=near, round=value == value.round(0), newest=newest)
        values = known.group_by(FILE, column=ibis.literal(name), value=known.near, whole=known["round"])
        seen = values.aggregate(rows=lambda t: t.count(), newest=lambda t: t.newest.max())
        counts.append(seen.to_pyarrow().cast(SIZES))
    return pa.concat_tables(counts)


def total_counts(counts: list[pa.Table]) -> pa.Table:
    """The counts of several slices, or readings, as one."""
    by = [FILE, "column", "value", "whole"]
    total = pa.concat_tables(counts).group_by(by).aggregate([("rows", "sum"), ("newest", "max")])
    return total.rename_columns([*by, "rows", "newest"]).select(SIZES.names).cast(SIZES)


def _sizes(counts: pa.Table) -> dict[str, Size]:
    """Per column; those without any positive value are left out."""
    sizes = {}
    for name in pc.unique(counts["column"]).to_pylist():
        column = counts.filter(pc.equal(counts["column"], name))
        positive = column.filter(pc.greater(column["value"], 0)).sort_by("value")
        if positive.num_rows:
            sizes[name] = Size(_median(positive), pc.all(column["whole"]).as_py())
    return sizes


def _median(counts: pa.Table) -> float:
    """Of `rows` times each `value`, in order; halfway between the middle two of an even number."""
    values, upto = counts["value"].to_numpy(), np.cumsum(counts["rows"].to_numpy())
    last = int(upto[-1]) - 1
    low, high = (values[np.searchsorted(upto, place, side="right")] for place in (last // 2, (last + 1) // 2))
    return float((low + high) / 2)


def _opposite(tables: Tables) -> Odd | None:
    """Money that is mostly below zero: in a whole column, or in a file whose month has no other money of the column.

    Returns and refunds are less than what they give back, and come beside it: a file of credit notes has its bills.
    """
    for name, memory in tables.memory.items():
        for column, signs in _signs(memory.sizes).items():
            if signs["minus"].sum() > signs["plus"].sum():
                return _negative(f"{name}.{column}", signs, None)
            alone = signs[(signs["minus"] >= FEWEST_VALUES) & (signs["minus"] > signs["plus"])]
            paid = set(signs[signs["minus"] <= signs["plus"]]["month"])
            for position, month in zip(alone.index, alone["month"], strict=True):
                if isinstance(month, str) and month not in paid:
                    return _negative(f"{name}.{column}", signs.loc[[position]], int(position))
    return None


def _negative(name: str, signs: pd.DataFrame, position: int | None) -> Odd:
    median = float(signs["median"].median())
    return Odd(name, median, -median, -median, "@found.negative", position=position)


def _signs(counts: pa.Table) -> dict[str, pd.DataFrame]:
    """Per column that has values below zero, per input: values above and below zero, their median size below, and the
    month of the newest row."""
    frame = counts.to_pandas()
    frame = frame[frame["column"].isin(frame[frame["value"] < 0]["column"].unique())]
    frame["minus"], frame["plus"] = (
        frame["rows"].where(frame["value"] < 0, 0),
        frame["rows"].where(frame["value"] > 0, 0),
    )
    by_file = frame.groupby(["column", FILE]).agg(
        minus=("minus", "sum"), plus=("plus", "sum"), newest=("newest", "max")
    )
    by_file["median"] = frame[frame["value"] < 0].groupby(["column", FILE])["value"].median()
    by_file["month"] = by_file.pop("newest").dt.strftime("%Y-%m")
    return {column: by_file.loc[column] for column in by_file.index.unique("column")}


def _suspect(quality: Quality, sizes: dict[str, Size]) -> Odd | None:
    """Fen where yuan is expected: whole numbers with a large median, or one money column far above the others."""
    money = {name: size.median for name, size in sizes.items() if name in COMPARED}
    for name, median in money.items():
        if sizes[name].whole and median > quality.largest_median:
            return Odd(name, median, median / FEN, median / FEN, "@found.cents")
    if len(money) > 1 and max(money.values()) > quality.largest_ratio * min(money.values()):
        name, least = max(money, key=lambda n: money[n]), min(money, key=lambda n: money[n])
        return Odd(name, money[name], money[least], money[least], "@found.apart", other=least)
    return None


def _suspect_source(tables: Tables, quality: Quality) -> Odd | None:
    """The same of one of several sources, whose whole numbers those of the others hide."""
    for name, number, counts in _of_sources(tables):
        for column, size in _sizes(counts).items():
            if f"{name}.{column}" in COMPARED and size.whole and size.median > quality.largest_median:
                usual = size.median / FEN
                return Odd(f"{name}.{column}", size.median, usual, usual, "@found.cents", source=number)
    return None


def _of_sources(tables: Tables) -> Iterator[tuple[str, int, pa.Table]]:
    """Table, place of a source among those of the table, and the counts of its files: sources need not be alike."""
    for name, memory in tables.memory.items():
        source_of = pa.array([file.source for file in tables.fingerprints[name]], pa.int32())
        sources = source_of.take(memory.sizes[FILE].combine_chunks())
        for number in pc.unique(source_of).to_pylist():
            yield name, number, memory.sizes.filter(pc.equal(sources, number))


def _changed(quality: Quality, medians: dict[str, float], before: dict[str, float]) -> Odd | None:
    """A median that moved by a factor since the previous reading changed its unit, not its customers."""
    for name, old in before.items():
        new = medians.get(name)
        if new is not None and old > 0 and _outside(new, [old], quality.largest_change):
            return Odd(name, new, old, old, "@found.changed")
    return None


def _odd_file(tables: Tables, quality: Quality) -> Odd | None:
    """The first file whose median lies far outside those of the files of its source before it."""
    for name, _, counts in _of_sources(tables):
        for column, files in _by_file(counts).items():
            odd = departing(files, quality.largest_change)
            if odd:
                file, usual = odd
                low, high = min(usual), max(usual)
                return Odd(f"{name}.{column}", file.median, low, high, "@found.file", position=file.position)
    return None


def _by_file(counts: pa.Table) -> dict[str, list[FileSize]]:
    """Per column the files with enough positive values, in the order of their newest row, then of their names."""
    frame = counts.to_pandas()
    frame = frame[frame["value"] > 0].sort_values(["column", FILE, "value"])
    groups = frame.groupby(["column", FILE], sort=True)
    half = groups["rows"].cumsum() * 2 >= groups["rows"].transform("sum")
    medians = frame[half].groupby(["column", FILE])["value"].first()
    sizes = pd.DataFrame({"median": medians, "rows": groups["rows"].sum(), "day": groups["newest"].max()}).reset_index()
    sizes = sizes[sizes["rows"] >= FEWEST_VALUES].sort_values(["column", "day", FILE])
    files: dict[str, list[FileSize]] = {}
    for column, position, median, day in zip(sizes["column"], sizes[FILE], sizes["median"], sizes["day"], strict=True):
        files.setdefault(column, []).append(FileSize(position, median, None if pd.isna(day) else day.date()))
    return files


def departing(files: list[FileSize], change: float) -> tuple[FileSize, list[float]] | None:
    """A file far from those before it, and their medians; the first file, where it is the one that all others leave.

    Files that end on the same day are one delivery, such as companies and persons apart: they have no order.
    """
    for place, file in enumerate(files):
        before = [other.median for other in files[:place] if file.day is None or other.day != file.day]
        if before and _outside(file.median, before, change):
            rest = [other.median for other in files[1:]]
            if len(before) == 1 and len(rest) > 1 and _outside(files[0].median, rest, change):
                return files[0], rest
            return file, before
    return None


def _outside(median: float, usual: list[float], change: float) -> bool:
    return not min(usual) / change <= median <= max(usual) * change
