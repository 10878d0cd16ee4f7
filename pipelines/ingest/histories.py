"""Each customer's sizes against their own past: rows in another unit, although file and table look as always.

A file of which a part is in another unit, a database, or one file that grows have no file of an odd median. But the
customers of those rows have a sixtieth, or a hundred times, of what they always had, and hardly anybody else does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.contracts import MONEY
from features.errors import Problem
from features.spine import cutoff
from models.splits import stepped
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest import inputs, magnitudes, store
from pipelines.ingest.tables import Tables
from pipelines.ingest.units import CLOSE, MEASURE_FACTORS, MONEY_FACTORS

MONTHS, JUDGED = 13, 2
"""Calendar months that are looked at, and the newest of them that are judged."""
PAST, FEWEST_MONTHS = 6, 2
"""Months before that make the past of a customer, and how many of them must be known."""
MOST_ROWS = 1_000_000
"""Of more, those of each so many-th customer."""
FEWEST, LEAST = 30, 0.03
"""Customers, and share of all who are compared, whose sizes must have moved by one factor."""
TIMES = 4.0
"""How many times the share of any month before that must be: some customers always have ten times as much."""
USUAL, STEADY = np.log(3.0), 0.8
"""A column is judged where in the months before so many stay within three times of their own past. Roaming does not."""

MILLION = 1_000_000
"""Logarithms are added up in whole millionths: in any order, by any number of threads, to the same sum."""


@dataclass(frozen=True)
class Odd:
    """`customers` of `of` who were compared have in a month about `factor` times what they had before; `usual`: the share
    of such customers in the month before with the most. `month`: its first day."""

    table: str
    column: str
    month: date
    factor: float
    customers: int
    of: int
    usual: float

    @property
    def share(self) -> float:
        """Of those who were compared."""
        return self.customers / self.of


def problems(con: Any, tables: Tables, mapping: Mapping, quality: Quality, as_of: date) -> list[Problem]:
    """E328 for each column whose newest months hold rows in another unit; fills the `sizes` of the tables.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    mapping
        Names measures, currency and sources.
    quality
        Limits, and changes that were accepted.
    as_of
        Rows known then or later do not count.
    """
    found = []
    for name in ("bills", "payments", "usage"):
        if name in tables.parts:
            columns = magnitudes.watched_columns(inputs.extended(name, mapping), mapping.measures)
            sizes = _sizes(con, tables, name, columns, as_of, mapping.timezone)
            tables.sizes |= {f"{name}.{column}": size for column, size in usual(sizes, columns).items()}
            found += [_problem(odd, tables, mapping) for odd in judged(sizes, name, columns, quality)]
    return found


def usual(sizes: pd.DataFrame, columns: Sequence[str]) -> dict[str, float]:
    """The geometric mean of the positive values of each column, over all months and customers; those without any are
    left out.

    Parameters
    ----------
    sizes
        As `judged` takes them.
    columns
        Those that are asked for.
    """
    found = {}
    for column in columns:
        rows = sizes[f"rows_{column}"].to_numpy(dtype=float)
        if rows.sum() > 0:
            logs = sizes[column].to_numpy(dtype=float, na_value=np.nan) * rows
            found[column] = math.exp(math.fsum(logs[~np.isnan(logs)]) / rows.sum())  # exact: groups come in any order
    return found


def judged(sizes: pd.DataFrame, table: str, columns: Sequence[str], quality: Quality) -> list[Odd]:
    """The columns with rows in another unit in the newest months, each with its worst month.

    Parameters
    ----------
    sizes
        customer_id, month (its first day), and of each column the mean logarithm of its positive values, with
        `rows_<column>`, how many there are.
    table
        Their table.
    columns
        Those that are looked at.
    quality
        `largest_change` is the least factor; `changed` accepts months.
    """
    if sizes.empty:
        return []
    months = sorted(sizes["month"].unique())
    place = {month: n for n, month in enumerate(months)}
    customers, _ = pd.factorize(sizes["customer_id"])
    at = (customers, sizes["month"].map(place).to_numpy())
    shape = (customers.max() + 1, len(months))
    found = []
    for column in columns:
        accepted = quality.changed.get(f"{table}.{column}", ())
        grid, rows = (_grid(shape, at, sizes[name]) for name in (column, f"rows_{column}"))
        usual = MONEY_FACTORS if table != "usage" else MEASURE_FACTORS
        factors = [factor for factor in usual if factor > quality.largest_change]
        odd = _worst(grid, rows, [pd.Timestamp(month).date() for month in months], factors)
        if odd and f"{odd[0]:%Y-%m}" not in accepted:
            found.append(Odd(table, column, *odd))
    return found


def _grid(shape: tuple[int, int], at: tuple[np.ndarray, np.ndarray], values: pd.Series) -> np.ndarray:
    """Customers x months; NaN where nothing is known."""
    grid = np.full(shape, np.nan)
    grid[at] = values.to_numpy(dtype=float, na_value=np.nan)
    return grid


def _worst(
    sizes: np.ndarray, rows: np.ndarray, months: Sequence[date], factors: Sequence[float]
) -> tuple[date, float, int, int, float] | None:
    """The month among the newest in which most customers have moved by one factor, more than in any month before."""
    moved = {n: _moved(sizes, n) for n in range(FEWEST_MONTHS, len(months))}
    newest = [n for n in moved if n >= len(months) - JUDGED]
    before = [moved[n][~np.isnan(moved[n])] for n in moved if n not in newest]
    before = [one for one in before if len(one) >= FEWEST]
    if before and np.median([np.mean(np.abs(one) < USUAL) for one in before]) < STEADY:
        return None
    found = []
    for n in newest:
        known = ~np.isnan(moved[n])
        for factor in (*factors, *(1 / f for f in factors)) if known.sum() >= FEWEST else ():
            near = known & _is_near(moved[n], factor)
            usual = max((float(_is_near(one, factor).mean()) for one in before), default=0.0)
            share = near.sum() / known.sum()
            if near.sum() >= FEWEST and share >= max(LEAST, TIMES * usual) and not _regrained(rows, n, near, factor):
                named = _named(moved[n][near], factors)
                near = known & _is_near(moved[n], named)
                found.append((months[n], named, int(near.sum()), int(known.sum()), usual))
    return max(found, key=lambda one: one[2]) if found else None


def _is_near(moved: np.ndarray, factor: float) -> np.ndarray:
    return np.abs(moved - np.log(factor)) < np.log(CLOSE)


def _named(moved: np.ndarray, factors: Sequence[float]) -> float:
    """The usual factor that is nearest to the middle of those who moved."""
    middle = float(np.median(moved))
    both = (*factors, *(1 / factor for factor in factors))
    return min(both, key=lambda factor: abs(middle - float(np.log(factor))))


def _moved(sizes: np.ndarray, month: int) -> np.ndarray:
    """Logarithm of each customer's size in a month over the median of the months before; NaN where few are known."""
    past = np.sort(sizes[:, max(0, month - PAST) : month], axis=1)  # NaN comes last
    known = (~np.isnan(past)).sum(axis=1)
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, past.shape[1] - 1)
    rows = np.arange(len(past))
    usual = (past[rows, low] + past[rows, high]) / 2
    return np.where(known >= FEWEST_MONTHS, sizes[:, month] - usual, np.nan)


def _regrained(rows: np.ndarray, month: int, near: np.ndarray, factor: float) -> bool:
    """Have rows become as much fewer as they are larger? A row a month for a row a day is no other unit."""
    counts = np.log(np.maximum(rows, 1.0))
    change = _moved(counts, month)[near]
    change = change[~np.isnan(change)]
    return bool(len(change)) and abs(float(np.median(change)) + np.log(factor)) < abs(np.log(factor)) / 2


def _sizes(con: Any, tables: Tables, name: str, columns: Sequence[str], as_of: date, zone: str) -> pd.DataFrame:
    """What `judged` needs, of each so many-th customer where there are many rows."""
    since = stepped(as_of.replace(day=1), "1mo", -MONTHS)
    midnight = ibis.literal(cutoff(as_of, zone))
    rows = tables.opened(con, {name: since})[name]
    rows = rows.filter(rows.happened_on >= since, rows.happened_on < as_of, rows.known_at < midnight)
    rows = rows.filter(rows.superseded_at.isnull() | (rows.superseded_at >= midnight))
    one_in = max(1, sum(part.rows for part in tables.since(name, since)) // MOST_ROWS)
    if one_in > 1:
        rows = rows.filter((rows.customer_id.hash() % one_in + one_in) % one_in == 0)
    each: dict[str, ir.Value] = {}
    for column in columns:
        value = rows[column].cast("float64")
        positive = ibis.ifelse(value > 0, value, None)
        each |= {column: mean_logarithm(positive), f"rows_{column}": positive.count()}
    found: pd.DataFrame = (
        rows.group_by("customer_id", month=rows.happened_on.truncate("M")).aggregate(**each).to_pandas()
    )
    return found


def mean_logarithm(positive: ir.FloatingValue) -> ir.FloatingScalar:
    """The mean of logarithms, to a millionth; the same to the last bit in any order of the rows. Null without a value."""
    return (positive.ln() * MILLION).round().cast("int64").sum() / positive.count() / MILLION


def _problem(odd: Odd, tables: Tables, mapping: Mapping) -> Problem:
    """What is told of it: where, how many, and what was tried."""
    contract = inputs.extended(odd.table, mapping)
    money = contract.column(odd.column).dtype == MONEY
    step = f"/ {odd.factor:.0f}" if odd.factor > 1 else f"* {1 / odd.factor:.0f}"
    values = {"table": odd.table, "month": f"{odd.month:%Y-%m}", "customers": odd.customers, "total": odd.of}
    values |= {"share": odd.share, "usual": odd.usual, "factor": odd.factor, "step": step, "within": CLOSE}
    values |= {"unit": mapping.currency if money else odd.column}
    return Problem("E328", _file(odd, tables), column=odd.column, values=values)


def _file(odd: Odd, tables: Tables) -> str:
    """The input with the most rows of the column whose newest became known in the month or later; the last, if none."""
    files = tables.fingerprints[odd.table]
    sizes = store.sizes(tables, odd.table)
    own = sizes[(sizes["column"] == odd.column) & (sizes["newest"] >= pd.Timestamp(odd.month))]
    rows = own.groupby("__file")["rows"].sum()
    return files[int(rows.idxmax())].path if len(rows) else files[-1].path
