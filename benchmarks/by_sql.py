"""The subset of the features as one DuckDB statement written by hand, over the canonical tables or from raw files."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.asked import ARPU, DAYS, PERIOD_DAYS, PERIODS, SLOPES, USAGE_LOOKBACK, Asked


def by_sql(asked: Asked, out: Path) -> None:
    """The rows go to a Parquet file without ever being in Python."""
    con = duckdb.connect(config={"threads": asked.threads})
    con.execute("SET preserve_insertion_order = false")
    con.execute(f"COPY ({statement(asked)}) TO '{out}' (FORMAT parquet)")


def statement(asked: Asked) -> str:
    """One SQL statement for all features asked for, over the canonical tables."""
    outer = ",\n  ".join([*_bill_columns(), *_usage_columns(asked.measures), *_complaint_columns()])
    return f"""
WITH spine AS (
  SELECT customer_id, activated_on FROM '{asked.file("customers")}'
  WHERE activated_on < DATE '{asked.as_of}' AND (deactivated_on IS NULL OR deactivated_on >= DATE '{asked.as_of}')
), {_bills_sql(asked)}, {_usage_sql(asked)}, {_complaints_sql(asked)}
SELECT s.customer_id,
  {outer}
FROM spine s LEFT JOIN b USING (customer_id) LEFT JOIN u USING (customer_id) LEFT JOIN c USING (customer_id)
  CROSS JOIN LATERAL (SELECT
    {asked.closed} - (year(s.activated_on) * 12 + month(s.activated_on)) + 1 AS months,
    (DATE '{asked.as_of}' - s.activated_on)::INT // {PERIOD_DAYS} AS periods)
ORDER BY customer_id"""


def _events(asked: Asked, table: str) -> str:
    """The rows of a table that had happened and were known, of whoever holds the number now."""
    return f"""'{asked.file(table)}' e JOIN spine s ON e.customer_id = s.customer_id
    AND e.happened_at < TIMESTAMP '{asked.cutoff}' AND e.known_at < TIMESTAMP '{asked.cutoff}'
    AND e.happened_on >= s.activated_on
    AND (e.superseded_at IS NULL OR e.superseded_at >= TIMESTAMP '{asked.cutoff}')"""


def _bills_sql(asked: Asked) -> str:
    """Per customer the sums of billed hundredths, and of these times months ago, in every window."""
    known = f"{asked.closed} - (year(s.activated_on) * 12 + month(s.activated_on)) + 1"
    ago = f"{asked.closed} - (year(e.happened_on - 1) * 12 + month(e.happened_on - 1))"
    sums = [f"sum(y) FILTER (ago < {n}) AS y{n}, sum(y * ago) FILTER (ago < {n}) AS w{n}" for n in ARPU]
    return f"""b AS (
  SELECT customer_id, {", ".join(sums)} FROM (
    SELECT e.customer_id, {ago} AS ago, {known} AS known, round(e.amount * 100)::DOUBLE AS y
    FROM {_events(asked, "bills")}) WHERE ago BETWEEN 0 AND 11 AND ago < known GROUP BY customer_id)"""


def _usage_sql(asked: Asked) -> str:
    sums = [f"sum(round({m} * 100)) FILTER (ago < {n}) AS {m}_{n}" for m in asked.measures for n in PERIODS]
    oldest = asked.as_of - timedelta(days=USAGE_LOOKBACK)
    return f"""u AS (
  SELECT customer_id, {", ".join(sums)} FROM (
    SELECT e.customer_id, {", ".join(asked.measures)},
      (DATE '{asked.as_of}' - s.activated_on)::INT // {PERIOD_DAYS} AS known,
      ((DATE '{asked.as_of}' - e.happened_on)::INT - 1) // {PERIOD_DAYS} AS ago
    FROM {_events(asked, "usage")} AND e.happened_on >= DATE '{oldest}') WHERE ago < known GROUP BY customer_id)"""


def _complaints_sql(asked: Asked) -> str:
    counts = [f"count(*) FILTER (e.happened_on >= DATE '{asked.as_of}' - {n}) AS k{n}" for n in DAYS]
    return (
        f"c AS (SELECT e.customer_id, {', '.join(counts)} FROM {_events(asked, 'complaints')} GROUP BY e.customer_id)"
    )


def _bill_columns() -> Iterator[str]:
    for n in ARPU:
        yield f"coalesce(y{n}, 0) / nullif(100.0::DOUBLE * least(greatest(months, 0), {n}), 0) AS arpu_{n}m"
    for n in SLOPES:
        x = f"least(greatest(months, 0), {n})::DOUBLE"
        top = f"({x} - 1) / 2 * coalesce(y{n}, 0) - coalesce(w{n}, 0)"
        steps = f"{x} * ({x} * {x} - 1) * 100 / 12"
        yield f"CASE WHEN {x} >= 2 THEN ({top}) / ({steps}) END AS arpu_slope_{n}m"


def _usage_columns(measures: tuple[str, ...]) -> Iterator[str]:
    for m in measures:
        for n in PERIODS:
            yield f"coalesce({m}_{n}, 0) / nullif(100.0::DOUBLE * least(periods, {n}), 0) AS {m}_mean_{n * 4}w"


def _complaint_columns() -> Iterator[str]:
    for n in DAYS:
        yield f"coalesce(k{n}, 0)::DOUBLE AS complaint_count_{n}d"


def differences(con: duckdb.DuckDBPyConnection, ours: Path, other: Path, columns: Sequence[str]) -> dict[str, float]:
    """Of two files with the same columns: `largest` difference, relative where numbers exceed 1, over all cells that
    both know; `nulls` only one of them has; `customers` only one of them has."""
    both = f"FROM '{ours}' a FULL JOIN '{other}' b USING (customer_id)"
    largest = ", ".join(f"max(abs(a.{c} - b.{c}) / greatest(abs(a.{c}), 1))" for c in columns)
    nulls = " + ".join(f"((a.{c} IS NULL) <> (b.{c} IS NULL))::INT" for c in columns)
    alone = "a.customer_id IS NULL OR b.customer_id IS NULL"
    found = con.execute(
        f"SELECT coalesce(greatest({largest}), 0), sum({nulls}) FILTER (NOT ({alone})), count(*) FILTER ({alone}) {both}"
    ).fetchall()
    return dict(zip(("largest", "nulls", "customers"), map(float, found[0]), strict=True))
