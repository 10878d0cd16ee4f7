"""The pyramid of customers: who brings how much, tier by tier, and who has moved between two dates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

TOP = 0.20
"""Share of the customers of whom the 80/20 rule tells what they bring."""


@dataclass(frozen=True)
class Pyramid:
    """Shares of customers and of revenue by tier.

    Attributes
    ----------
    tiers
        A row per tier, highest first, then those without one (None): tier, customers, revenue (money a month),
        share_of_customers and share_of_revenue, which each sum to one.
    top_share
        Share of the revenue that the best-paying fifth of the customers brings; None without revenue.
    for_80
        Share of the customers, the best-paying first, that bring 80 % of the revenue; None without revenue.
    review
        Core customers whom a person should look at, because they were rated lower.
    """

    tiers: pd.DataFrame
    top_share: float | None
    for_80: float | None
    review: int


def pyramid(frame: pd.DataFrame, names: Sequence[str]) -> Pyramid:
    """The pyramid of a publication.

    Parameters
    ----------
    frame
        tier_current, arpu_3m (money a month; unknown counts as nothing) and, where it is known, tier_review.
    names
        Of the tiers, the lowest first.
    """
    revenue = pd.to_numeric(frame["arpu_3m"]).fillna(0.0).clip(lower=0.0)
    tier = frame["tier_current"].astype(object)
    order = [*reversed(names), *sorted(set(tier.dropna()) - set(names)), None]
    grouped = revenue.groupby(tier.where(tier.notna(), "")).agg(["size", "sum"])
    rows = [
        {
            "tier": name,
            "customers": int(grouped["size"].get(name or "", 0)),
            "revenue": float(grouped["sum"].get(name or "", 0)),
        }
        for name in order
        if name is not None or "" in grouped.index
    ]
    table = pd.DataFrame(rows, columns=["tier", "customers", "revenue"])
    table["tier"] = pd.Series([row["tier"] for row in rows], dtype=object)
    table["share_of_customers"] = table["customers"] / max(len(frame), 1)
    table["share_of_revenue"] = table["revenue"] / (table["revenue"].sum() or 1.0)
    review = int(frame["tier_review"].eq(True).sum()) if "tier_review" in frame else 0
    return Pyramid(table, *_eighty_twenty(revenue.to_numpy()), review)


def _eighty_twenty(revenue: np.ndarray) -> tuple[float | None, float | None]:
    """What the best-paying fifth brings, and which share of the customers brings 80 %."""
    total = float(revenue.sum())
    if not total:
        return None, None
    risen = np.cumsum(np.sort(revenue)[::-1])
    top = int(np.ceil(TOP * len(revenue)))
    needed = int(np.searchsorted(risen, 0.8 * total - 1e-9)) + 1
    return float(risen[top - 1] / total), needed / len(revenue)


def migration(before: pd.DataFrame, after: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """How many customers went from which tier to which between two publications; nobody is lost.

    Parameters
    ----------
    before, after
        customer_id and tier_current.
    names
        Of the tiers, the lowest first.

    Returns
    -------
    pandas.DataFrame
        A row per tier of before, highest first, then None for newcomers; a column per tier of after in the same order, then
        `left` for those who are not in it any more. Customers without a tier stand under `unknown`.
    """
    sides = [side.set_index("customer_id")["tier_current"].astype(object) for side in (before, after)]
    old, new = (side.where(side.notna(), "unknown") for side in sides)
    both = pd.DataFrame({"old": old, "new": new}).fillna({"old": "joined", "new": "left"})
    counts = pd.crosstab(both["old"], both["new"])
    seen = set(old) | set(new)
    order = [*reversed(names), *sorted(seen - set(names) - {"unknown"}), *(["unknown"] if "unknown" in seen else [])]
    return (
        counts.reindex(index=[*order, "joined"], columns=[*order, "left"], fill_value=0)
        .rename_axis(None)
        .rename_axis(None, axis=1)
    )
