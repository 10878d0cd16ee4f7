"""The subset of the features with pandas: only the needed columns and dates are read, then groupby."""

from datetime import timedelta

import numpy as np
import pandas as pd

from benchmarks.asked import ARPU, DAYS, PERIOD_DAYS, PERIODS, SLOPES, USAGE_LOOKBACK, Asked


def by_pandas(asked: Asked) -> pd.DataFrame:
    """One row per customer with us, ordered by customer."""
    spine = with_us(asked)
    parts = [_bill_part(asked, spine), _usage_part(asked, spine), _complaint_part(asked, spine)]
    return pd.concat(parts, axis=1).reset_index()


def with_us(asked: Asked) -> pd.Series:
    """activated_on of each customer of the snapshot, by customer_id in order."""
    day = pd.Timestamp(asked.as_of)
    rows = pd.read_parquet(asked.folder / "customers", columns=["customer_id", "activated_on", "deactivated_on"])
    joined, left = pd.to_datetime(rows.activated_on), pd.to_datetime(rows.deactivated_on)
    here = (joined < day) & (left.isna() | (left >= day))
    return pd.Series(joined[here].to_numpy(), index=pd.Index(rows.customer_id[here], name="customer_id")).sort_index()


def seen(asked: Asked, spine: pd.Series, table: str, columns: list[str], days: int) -> pd.DataFrame:
    """Visible events of the newest `days`, with `joined` and `happened_on` as timestamps."""
    wanted = ["customer_id", "happened_at", "known_at", "happened_on", "superseded_at", *columns]
    oldest = [("happened_on", ">=", asked.as_of - timedelta(days=days))]
    rows = pd.read_parquet(asked.folder / table, columns=wanted, filters=oldest)
    cut = pd.Timestamp(asked.cutoff)
    current = rows.superseded_at.isna() | (rows.superseded_at >= cut)
    rows = rows[(rows.happened_at < cut) & (rows.known_at < cut) & current]
    rows = rows.assign(joined=rows.customer_id.map(spine), happened_on=pd.to_datetime(rows.happened_on))
    return rows[rows.happened_on >= rows.joined]


def month(days: pd.Series) -> pd.Series:
    """Months since year 0, so that they can be subtracted."""
    return days.dt.year * 12 + days.dt.month


def _bill_part(asked: Asked, spine: pd.Series) -> pd.DataFrame:
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


def _usage_part(asked: Asked, spine: pd.Series) -> pd.DataFrame:
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


def _complaint_part(asked: Asked, spine: pd.Series) -> pd.DataFrame:
    rows = seen(asked, spine, "complaints", [], max(DAYS))
    age = (pd.Timestamp(asked.as_of) - rows.happened_on).dt.days
    counts = {n: rows[age <= n].groupby("customer_id").size() for n in DAYS}
    return pd.DataFrame({f"complaint_count_{n}d": c.reindex(spine.index, fill_value=0) for n, c in counts.items()})
