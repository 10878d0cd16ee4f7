"""The same subset of the features by other means, over the same Parquet files: SQL by hand, and pandas.

Both give one row per customer with us on the date, ordered by customer, with the columns of `subset`.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

PERIOD_DAYS = 28
USAGE_LOOKBACK = 13 * PERIOD_DAYS + 31
"""As in features/; not imported from there, because rivals must not pay for the memory of what they do not use."""

ARPU, SLOPES, PERIODS, DAYS = (1, 3, 6, 12), (3, 6, 12), (1, 3, 6, 13), (30, 90, 180, 365)


@dataclass(frozen=True)
class Asked:
    """One snapshot: where the tables lie, the date, its first instant in UTC, and what is assumed about bills."""

    folder: Path
    as_of: date
    cutoff: datetime
    measures: tuple[str, ...]
    closed: int
    """The newest closed month, as year * 12 + month."""

    def file(self, name: str) -> str:
        return str(self.folder / f"{name}.parquet")


def subset(measures: tuple[str, ...]) -> list[str]:
    """ARPU and its slopes, mean usage of every measure, complaint counts."""
    return [
        *[f"arpu_{n}m" for n in ARPU],
        *[f"arpu_slope_{n}m" for n in SLOPES],
        *[f"{m}_mean_{n * 4}w" for m in measures for n in PERIODS],
        *[f"complaint_count_{n}d" for n in DAYS],
    ]


def by_sql(asked: Asked, threads: int) -> pd.DataFrame:
    """One DuckDB statement, written by hand."""
    con = duckdb.connect(config={"threads": threads})
    con.execute("SET preserve_insertion_order = false")
    return con.execute(statement(asked)).df()


def asked(text: str) -> Asked:
    """Read the question from what `note` in benchmarks/operator.py has written down."""
    said = json.loads(text)
    day, cutoff = date.fromisoformat(said["as_of"]), datetime.fromisoformat(said["cutoff"])
    return Asked(Path(said["folder"]), day, cutoff, tuple(said["measures"]), said["closed"])


def statement(asked: Asked) -> str:
    outer = ",\n  ".join([*bill_columns(), *usage_columns(asked.measures), *complaint_columns()])
    return f"""
WITH spine AS (
  SELECT customer_id, activated_on FROM '{asked.file("customers")}'
  WHERE activated_on < DATE '{asked.as_of}' AND (deactivated_on IS NULL OR deactivated_on >= DATE '{asked.as_of}')
), {bills_sql(asked)}, {usage_sql(asked)}, {complaints_sql(asked)}
SELECT s.customer_id,
  {outer}
FROM spine s LEFT JOIN b USING (customer_id) LEFT JOIN u USING (customer_id) LEFT JOIN c USING (customer_id)
  CROSS JOIN LATERAL (SELECT
    {asked.closed} - (year(s.activated_on) * 12 + month(s.activated_on)) + 1 AS months,
    (DATE '{asked.as_of}' - s.activated_on)::INT // {PERIOD_DAYS} AS periods)
ORDER BY customer_id"""


def events(asked: Asked, table: str) -> str:
    """The rows of a table that had happened and were known, of whoever holds the number now."""
    return f"""'{asked.file(table)}' e JOIN spine s ON e.customer_id = s.customer_id
    AND e.happened_at < TIMESTAMP '{asked.cutoff}' AND e.known_at < TIMESTAMP '{asked.cutoff}'
    AND e.happened_on >= s.activated_on
    AND (e.superseded_at IS NULL OR e.superseded_at >= TIMESTAMP '{asked.cutoff}')"""


def bills_sql(asked: Asked) -> str:
    """Per customer the sums of billed hundredths, and of these times months ago, in every window."""
    known = f"{asked.closed} - (year(s.activated_on) * 12 + month(s.activated_on)) + 1"
    ago = f"{asked.closed} - (year(e.happened_on - 1) * 12 + month(e.happened_on - 1))"
    sums = [f"sum(y) FILTER (ago < {n}) AS y{n}, sum(y * ago) FILTER (ago < {n}) AS w{n}" for n in ARPU]
    return f"""b AS (
  SELECT customer_id, {", ".join(sums)} FROM (
    SELECT e.customer_id, {ago} AS ago, {known} AS known, round(e.amount * 100)::DOUBLE AS y
    FROM {events(asked, "bills")}) WHERE ago BETWEEN 0 AND 11 AND ago < known GROUP BY customer_id)"""


def usage_sql(asked: Asked) -> str:
    sums = [f"sum(round({m} * 100)) FILTER (ago < {n}) AS {m}_{n}" for m in asked.measures for n in PERIODS]
    oldest = asked.as_of - timedelta(days=USAGE_LOOKBACK)
    return f"""u AS (
  SELECT customer_id, {", ".join(sums)} FROM (
    SELECT e.customer_id, {", ".join(asked.measures)},
      (DATE '{asked.as_of}' - s.activated_on)::INT // {PERIOD_DAYS} AS known,
      ((DATE '{asked.as_of}' - e.happened_on)::INT - 1) // {PERIOD_DAYS} AS ago
    FROM {events(asked, "usage")} AND e.happened_on >= DATE '{oldest}') WHERE ago < known GROUP BY customer_id)"""


def complaints_sql(asked: Asked) -> str:
    counts = [f"count(*) FILTER (e.happened_on >= DATE '{asked.as_of}' - {n}) AS k{n}" for n in DAYS]
    return f"c AS (SELECT e.customer_id, {', '.join(counts)} FROM {events(asked, 'complaints')} GROUP BY e.customer_id)"


def bill_columns() -> Iterator[str]:
    for n in ARPU:
        yield f"coalesce(y{n}, 0) / nullif(100.0::DOUBLE * least(greatest(months, 0), {n}), 0) AS arpu_{n}m"
    for n in SLOPES:
        x = f"least(greatest(months, 0), {n})::DOUBLE"
        top = f"({x} - 1) / 2 * coalesce(y{n}, 0) - coalesce(w{n}, 0)"
        steps = f"{x} * ({x} * {x} - 1) * 100 / 12"
        yield f"CASE WHEN {x} >= 2 THEN ({top}) / ({steps}) END AS arpu_slope_{n}m"


def usage_columns(measures: tuple[str, ...]) -> Iterator[str]:
    for m in measures:
        for n in PERIODS:
            yield f"coalesce({m}_{n}, 0) / nullif(100.0::DOUBLE * least(periods, {n}), 0) AS {m}_mean_{n * 4}w"


def complaint_columns() -> Iterator[str]:
    for n in DAYS:
        yield f"coalesce(k{n}, 0)::DOUBLE AS complaint_count_{n}d"


def by_pandas(asked: Asked) -> pd.DataFrame:
    """Only the needed columns and dates are read; then groupby."""
    spine = with_us(asked)
    parts = [bill_part(asked, spine), usage_part(asked, spine), complaint_part(asked, spine)]
    return pd.concat(parts, axis=1).reset_index()


def with_us(asked: Asked) -> pd.Series:
    """activated_on of each customer of the snapshot, by customer_id in order."""
    day = pd.Timestamp(asked.as_of)
    rows = pd.read_parquet(asked.file("customers"), columns=["customer_id", "activated_on", "deactivated_on"])
    joined, left = pd.to_datetime(rows.activated_on), pd.to_datetime(rows.deactivated_on)
    here = (joined < day) & (left.isna() | (left >= day))
    return pd.Series(joined[here].to_numpy(), index=pd.Index(rows.customer_id[here], name="customer_id")).sort_index()


def seen(asked: Asked, spine: pd.Series, table: str, columns: list[str], days: int) -> pd.DataFrame:
    """Visible events of the newest `days`, with `joined` and `happened_on` as timestamps."""
    wanted = ["customer_id", "happened_at", "known_at", "happened_on", "superseded_at", *columns]
    oldest = [("happened_on", ">=", asked.as_of - timedelta(days=days))]
    rows = pd.read_parquet(asked.file(table), columns=wanted, filters=oldest)
    cut = pd.Timestamp(asked.cutoff)
    current = rows.superseded_at.isna() | (rows.superseded_at >= cut)
    rows = rows[(rows.happened_at < cut) & (rows.known_at < cut) & current]
    rows = rows.assign(joined=rows.customer_id.map(spine), happened_on=pd.to_datetime(rows.happened_on))
    return rows[rows.happened_on >= rows.joined]


def month(days: pd.Series) -> pd.Series:
    return days.dt.year * 12 + days.dt.month


def bill_part(asked: Asked, spine: pd.Series) -> pd.DataFrame:
    rows = seen(asked, spine, "bills", ["amount"], 400)
    ago = asked.closed - month(rows.happened_on - pd.Timedelta(days=1))
    rows = pd.DataFrame({"customer_id": rows.customer_id, "y": (rows.amount.astype(float) * 100).round(), "ago": ago})
    known = (asked.closed - month(spine) + 1).clip(lower=0)
    rows = rows[(ago >= 0) & (ago < rows.customer_id.map(known))].assign(w=lambda t: t.y * t.ago)
    made = {}
    for n in ARPU:
        sums = rows[rows.ago < n].groupby("customer_id")[["y", "w"]].sum().reindex(spine.index, fill_value=0.0)
        x = known.clip(upper=n).astype(float)
        made[f"arpu_{n}m"] = sums.y / (100 * x).where(x > 0)
        if n in SLOPES:
            steps = (x * (x * x - 1) * 100 / 12).where(x >= 2)
            made[f"arpu_slope_{n}m"] = ((x - 1) / 2 * sums.y - sums.w) / steps
    return pd.DataFrame(made)


def usage_part(asked: Asked, spine: pd.Series) -> pd.DataFrame:
    names, day = list(asked.measures), pd.Timestamp(asked.as_of)
    rows = seen(asked, spine, "usage", names, USAGE_LOOKBACK)
    known = (day - spine).dt.days // PERIOD_DAYS
    ago = ((day - rows.happened_on).dt.days - 1) // PERIOD_DAYS
    # halves go up, as in DuckDB; pandas would take them to the even neighbour
    rows = np.floor(rows[names] * 100 + 0.5).assign(customer_id=rows.customer_id, ago=ago)
    rows = rows[ago < rows.customer_id.map(known)]
    made: dict[str, pd.Series] = {}
    for n in PERIODS:
        sums = rows[rows.ago < n].groupby("customer_id")[names].sum().reindex(spine.index, fill_value=0.0)
        units = known.clip(upper=n).astype(float)
        made |= {f"{m}_mean_{n * 4}w": sums[m] / (100 * units).where(units > 0) for m in names}
    return pd.DataFrame(made)


def complaint_part(asked: Asked, spine: pd.Series) -> pd.DataFrame:
    rows = seen(asked, spine, "complaints", [], max(DAYS))
    age = (pd.Timestamp(asked.as_of) - rows.happened_on).dt.days
    counts = {n: rows[age <= n].groupby("customer_id").size() for n in DAYS}
    return pd.DataFrame({f"complaint_count_{n}d": c.reindex(spine.index, fill_value=0) for n, c in counts.items()})


def difference(ours: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> float:
    """The largest difference, relative where numbers exceed 1. Raises ValueError for other customers or nulls."""
    if list(ours.customer_id) != list(other.customer_id):
        raise ValueError("other customers")
    a, b = ours[columns].to_numpy(dtype=float), other[columns].to_numpy(dtype=float)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        wrong = [c for c, bad in zip(columns, (np.isnan(a) != np.isnan(b)).any(axis=0), strict=True) if bad]
        raise ValueError(f"other nulls in {wrong}")
    return float(np.nanmax(np.abs(a - b) / np.maximum(np.abs(a), 1.0)))
