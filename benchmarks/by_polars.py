"""The subset of the features with Polars: lazy frames over the Parquet files, collected by its streaming engine."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from benchmarks.asked import ARPU, DAYS, PERIOD_DAYS, PERIODS, SLOPES, Asked

ID = "customer_id"


def by_polars(asked: Asked, out: Path) -> None:
    """The features asked for, written to `out` by the streaming engine."""
    spine = _with_us(asked)
    made = [_bill_part(asked, spine), _usage_part(asked, spine), _complaint_part(asked, spine)]
    wide = spine
    for part in made:
        wide = wide.join(part, on=ID, how="left")
    columns = [*_bill_columns(), *_usage_columns(asked), *_complaint_columns()]
    wide.select(ID, *columns).sort(ID).sink_parquet(out, engine="streaming")


def _with_us(asked: Asked) -> pl.LazyFrame:
    """customer_id, joined, and how many closed months and whole periods the customer has been with us."""
    day = pl.lit(asked.as_of)
    here = (pl.col("activated_on") < day) & (pl.col("deactivated_on").is_null() | (pl.col("deactivated_on") >= day))
    joined = pl.col("activated_on")
    return (
        pl.scan_parquet(asked.file("customers"))
        .filter(here)
        .select(
            ID,
            joined=joined,
            months=(asked.closed - _month(joined) + 1).clip(0),
            periods=(day - joined).dt.total_days() // PERIOD_DAYS,
        )
    )


def _seen(asked: Asked, spine: pl.LazyFrame, table: str, columns: list[str], days: int) -> pl.LazyFrame:
    """Visible events of the newest `days`, of whoever holds the number now."""
    cut, oldest = pl.lit(asked.cutoff), pl.lit(asked.as_of - timedelta(days=days))
    current = pl.col("superseded_at").is_null() | (pl.col("superseded_at") >= cut)
    known = (pl.col("happened_at") < cut) & (pl.col("known_at") < cut) & current
    rows = pl.scan_parquet(asked.file(table)).filter(pl.col("happened_on") >= oldest, known)
    rows = rows.select(ID, "happened_on", *columns)
    return rows.join(spine, on=ID).filter(pl.col("happened_on") >= pl.col("joined"))


def _month(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int64) * 12 + day.dt.month()


def _bill_part(asked: Asked, spine: pl.LazyFrame) -> pl.LazyFrame:
    rows = _seen(asked, spine, "bills", ["amount"], 400)
    ago = asked.closed - _month(pl.col("happened_on").dt.offset_by("-1d"))
    rows = rows.select(ID, "months", y=(pl.col("amount").cast(pl.Float64) * 100).round(), ago=ago)
    rows = rows.filter(pl.col("ago") >= 0, pl.col("ago") < pl.col("months"))
    inside = {n: pl.col("ago") < n for n in ARPU}
    sums = [pl.col("y").filter(inside[n]).sum().alias(f"y{n}") for n in ARPU]
    weighted = [(pl.col("y") * pl.col("ago")).filter(inside[n]).sum().alias(f"w{n}") for n in SLOPES]
    return rows.group_by(ID).agg(*sums, *weighted)


def _bill_columns() -> list[pl.Expr]:
    made = []
    for n in ARPU:
        x = pl.col("months").clip(upper_bound=n).cast(pl.Float64)
        y = pl.col(f"y{n}").fill_null(0.0)
        made.append(pl.when(x > 0).then(y / (100.0 * x)).alias(f"arpu_{n}m"))
        if n in SLOPES:
            steps = x * (x * x - 1) * 100 / 12
            top = (x - 1) / 2 * y - pl.col(f"w{n}").fill_null(0.0)
            made.append(pl.when(x >= 2).then(top / steps).alias(f"arpu_slope_{n}m"))
    return made


def _usage_part(asked: Asked, spine: pl.LazyFrame) -> pl.LazyFrame:
    names = list(asked.measures)
    rows = _seen(asked, spine, "usage", names, (asked.as_of - asked.since).days)
    ago = ((pl.lit(asked.as_of) - pl.col("happened_on")).dt.total_days() - 1) // PERIOD_DAYS
    rows = rows.with_columns(ago=ago).filter(pl.col("ago") < pl.col("periods"))
    hundredths = {m: (pl.col(m) * 100 + 0.5).floor() for m in names}  # halves go up, as in DuckDB
    sums = [v.filter(pl.col("ago") < n).sum().alias(f"{m}_{n}") for m, v in hundredths.items() for n in PERIODS]
    return rows.group_by(ID).agg(*sums)


def _usage_columns(asked: Asked) -> list[pl.Expr]:
    made = []
    for m in asked.measures:
        for n in PERIODS:
            units = pl.col("periods").clip(upper_bound=n).cast(pl.Float64)
            mean = pl.col(f"{m}_{n}").fill_null(0.0) / (100.0 * units)
            made.append(pl.when(units > 0).then(mean).alias(f"{m}_mean_{n * 4}w"))
    return made


def _complaint_part(asked: Asked, spine: pl.LazyFrame) -> pl.LazyFrame:
    rows = _seen(asked, spine, "complaints", [], max(DAYS))
    age = (pl.lit(asked.as_of) - pl.col("happened_on")).dt.total_days()
    return rows.group_by(ID).agg(*[(age <= n).sum().cast(pl.Float64).alias(f"k{n}") for n in DAYS])


def _complaint_columns() -> list[pl.Expr]:
    return [pl.col(f"k{n}").fill_null(0.0).alias(f"complaint_count_{n}d") for n in DAYS]
