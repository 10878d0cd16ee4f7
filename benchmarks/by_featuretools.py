"""The subset of the features with featuretools, in an environment of its own: `python -m benchmarks.by_featuretools`.

Sums and counts over training windows are its own (deep feature synthesis, one call per table and window). Which rows
were known on the night, and dividing by the time that a customer has been with us, are pandas before and after it.
"""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import featuretools as ft
import numpy as np
import pandas as pd

from benchmarks import measure
from benchmarks.asked import ARPU, DAYS, PERIOD_DAYS, PERIODS, SLOPES, USAGE_LOOKBACK, Asked, asked, kept, subset
from benchmarks.by_pandas import month, seen, with_us
from benchmarks.measure import Work

TEXT = {"customer_id": "Categorical"}
"""Left to itself it takes ids of digits for numbers."""


def _by_featuretools(asked: Asked, out: Path) -> None:
    spine = with_us(asked)
    known = {
        "months": (asked.closed - month(spine) + 1).clip(lower=0),
        "periods": (pd.Timestamp(asked.as_of) - spine).dt.days // PERIOD_DAYS,
    }
    sums = {
        "bills": _synthesised(asked, spine, _bills(asked, spine, known["months"]), ARPU, PERIOD_DAYS),
        "usage": _synthesised(asked, spine, _usage(asked, spine, known["periods"]), PERIODS, PERIOD_DAYS),
        "complaints": _synthesised(asked, spine, seen(asked, spine, "complaints", [], max(DAYS)), DAYS, 1),
    }
    _finished(asked, sums, known).reset_index()[["customer_id", *subset(asked.measures)]].to_parquet(out)


def _synthesised(asked: Asked, spine: pd.Series, rows: pd.DataFrame, windows: Sequence[int], days: int) -> dict:
    """Window -> sums of every number and the count of rows, per customer."""
    number = rows.select_dtypes("number").columns.tolist()
    rows = rows[["customer_id", "happened_on", *number]].reset_index(drop=True).rename_axis("event_id").reset_index()
    rows["customer_id"] = rows.customer_id.astype(str).astype(object)
    who = pd.DataFrame({"customer_id": spine.index.astype(str).astype(object)})
    entities = ft.EntitySet("night")
    entities = entities.add_dataframe(
        dataframe_name="customers", dataframe=who, index="customer_id", logical_types=TEXT
    )  # fmt: skip
    entities = entities.add_dataframe(
        dataframe_name="events", dataframe=rows, index="event_id", time_index="happened_on",
        logical_types=TEXT | dict.fromkeys(number, "Double"),
    )  # fmt: skip
    entities = entities.add_relationship("customers", "customer_id", "events", "customer_id")
    return {
        n: ft.calculate_feature_matrix(
            ft.dfs(
                entityset=entities, target_dataframe_name="customers", agg_primitives=["sum", "count"],
                trans_primitives=[], max_depth=1, features_only=True,
            ),
            entityset=entities,
            cutoff_time=pd.Timestamp(asked.as_of),
            training_window=f"{n * days} days",
            include_cutoff_time=False,
        ).reindex(spine.index)
        for n in windows
    }  # fmt: skip


def _bills(asked: Asked, spine: pd.Series, known: pd.Series) -> pd.DataFrame:
    """Billed hundredths `y`, and `w` times months ago; each dated so that a month is a window of 28 days."""
    rows = seen(asked, spine, "bills", ["amount"], 400)
    ago = asked.closed - month(rows.happened_on - pd.Timedelta(days=1))
    y = (rows.amount.astype(float) * 100).round()
    dated = pd.Timestamp(asked.as_of) - pd.to_timedelta(ago * PERIOD_DAYS + 1, unit="D")
    rows = pd.DataFrame({"customer_id": rows.customer_id, "happened_on": dated, "y": y, "w": y * ago})
    return rows[(ago >= 0) & (ago < rows.customer_id.map(known))]


def _usage(asked: Asked, spine: pd.Series, known: pd.Series) -> pd.DataFrame:
    """Hundredths of every measure in the whole periods that the customer has been with us."""
    names = list(asked.measures)
    rows = seen(asked, spine, "usage", names, USAGE_LOOKBACK)
    ago = ((pd.Timestamp(asked.as_of) - rows.happened_on).dt.days - 1) // PERIOD_DAYS
    whole = np.floor(rows[names] * 100 + 0.5).assign(customer_id=rows.customer_id, happened_on=rows.happened_on)
    return whole[ago < rows.customer_id.map(known)]


def _finished(asked: Asked, sums: dict[str, dict], known: dict[str, pd.Series]) -> pd.DataFrame:
    made: dict[str, pd.Series] = {}
    for n in ARPU:
        x = known["months"].clip(upper=n).astype(float)
        y, w = (sums["bills"][n][f"SUM(events.{c})"].fillna(0.0).astype(float) for c in ("y", "w"))
        made[f"arpu_{n}m"] = y / (100 * x).where(x > 0)
        if n in SLOPES:
            made[f"arpu_slope_{n}m"] = ((x - 1) / 2 * y - w) / (x * (x * x - 1) * 100 / 12).where(x >= 2)
    for n in PERIODS:
        units = known["periods"].clip(upper=n).astype(float)
        for m in asked.measures:
            total = sums["usage"][n][f"SUM(events.{m})"].fillna(0.0).astype(float)
            made[f"{m}_mean_{n * 4}w"] = total / (100 * units).where(units > 0)
    for n in DAYS:
        made[f"complaint_count_{n}d"] = sums["complaints"][n]["COUNT(events)"].fillna(0).astype(float)
    return pd.DataFrame(made)


def _work(store: Path) -> Work:
    question = asked(store)

    def run() -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was written for an older pandas
            _by_featuretools(question, kept("featuretools", store))
        return {"version": ft.__version__}

    return run


if __name__ == "__main__":
    measure.write(measure.timed(_work(Path(sys.argv[2]))), Path(sys.argv[1]))
