"""The twins of household and peers: what a customer's figures are beside those of other customers."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from math import floor
from statistics import median
from typing import Any

from tests.features.naive_money import newest_closed, over, sold

Tables = dict[str, list[dict]]


def household(who: Any, own: Tables, mates: Sequence[tuple[dict, Tables]], settings: Any) -> dict[str, Any]:
    """`own` and each mate's visible rows; a mate is a customer of the same account, with us, to come, or gone."""
    if not own["customers"][0]["account_id"]:
        return dict.fromkeys(HOUSEHOLD)
    joined = [(mate, rows) for mate, rows in mates if mate["activated_on"] < who.as_of]
    gone = [who.ago(mate["deactivated_on"]) for mate, _ in joined if left(mate, who.as_of)]
    here = [rows for mate, rows in joined if not left(mate, who.as_of)]
    complaints = [row for rows in here for row in rows["complaints"]]
    mine = billed(who, own["bills"], settings)
    everybody = mine + sum(billed(who, rows["bills"], settings) for rows in here)
    return {
        "household_members": len(here),
        "household_left_90d": sum(ago < 90 for ago in gone),
        "household_left_180d": sum(ago < 180 for ago in gone),
        "household_bill_3m": everybody / 3 if here else None,
        "household_bill_share_3m": over(mine, everybody) if here else None,
        "household_complaints_180d": sum(who.ago(row["happened_on"]) < 180 for row in complaints),
    }


HOUSEHOLD = [
    "household_members",
    "household_left_90d",
    "household_left_180d",
    "household_bill_3m",
    "household_bill_share_3m",
    "household_complaints_180d",
]


def left(customer: dict, as_of: date) -> bool:
    return customer["deactivated_on"] is not None and customer["deactivated_on"] < as_of


def billed(who: Any, rows: list[dict], settings: Any) -> Fraction:
    """Sum of the bills of the three newest closed months."""
    newest = newest_closed(who.as_of, settings)
    return sum((amount for m, amount in sold(rows, settings) if 0 <= newest - m < 3), Fraction(0))


def peers(rows: Sequence[dict[str, Any]], measures: Sequence[str]) -> list[dict[str, Any]]:
    """What the rows of one as-of date say of each other, in their order."""
    return [beside(row, rows, measures) for row in rows]


def beside(row: dict[str, Any], rows: Sequence[dict[str, Any]], measures: Sequence[str]) -> dict[str, Any]:
    found = {
        "arpu_rank_plan_3m": rank(row, rows, "plan"),
        "arpu_rank_region_3m": rank(row, rows, "region"),
        "arpu_rank_all_3m": rank(row, rows, None),
        "arpu_of_plan_3m": of_median(row, rows, "arpu_3m", "plan"),
        "arpu_ratio_of_plan_3m": of_median(row, rows, "arpu_ratio_3m", "plan"),
        "arpu_ratio_of_all_3m": of_median(row, rows, "arpu_ratio_3m", None),
    }
    for m in measures:
        found[f"{m}_of_plan_12w"] = of_median(row, rows, f"{m}_mean_12w", "plan")
        found[f"{m}_ratio_of_all_12w"] = of_median(row, rows, f"{m}_ratio_12w", None)
    return found


def group(row: dict, rows: Sequence[dict], column: str, by: str | None) -> list[dict]:
    """Those of the same plan or region whose figure is known; nobody for a customer who has none."""
    if row[column] is None or (by and row[by] is None):
        return []
    return [r for r in rows if r[column] is not None and (by is None or r[by] == row[by])]


def rank(row: dict, rows: Sequence[dict], by: str | None) -> float | None:
    among = [cents(r["arpu_3m"]) for r in group(row, rows, "arpu_3m", by)]
    return sum(value < cents(row["arpu_3m"]) for value in among) / (len(among) - 1) if len(among) > 1 else None


def cents(value: float) -> int:
    return floor(value * 100 + 0.5)


def of_median(row: dict, rows: Sequence[dict], column: str, by: str | None) -> float | None:
    among = [r[column] for r in group(row, rows, column, by)]
    found = over(row[column], median(among)) if len(among) > 1 else None
    return None if found is None else float(found)
