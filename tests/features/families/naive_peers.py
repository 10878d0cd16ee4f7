"""The twin of peers: a customer's figures beside those of everybody of the date."""

from collections.abc import Sequence
from math import floor
from statistics import median
from typing import Any

from tests.features.figures import ratio


def peers(rows: Sequence[dict[str, Any]], measures: Sequence[str]) -> list[dict[str, Any]]:
    """What the rows of one as-of date say of each other, in their order."""
    return [beside(row, rows, measures) for row in rows]


def beside(row: dict[str, Any], rows: Sequence[dict[str, Any]], measures: Sequence[str]) -> dict[str, Any]:
    figures = {
        "arpu_rank_plan_3m": rank(row, rows, "plan"),
        "arpu_rank_region_3m": rank(row, rows, "region"),
        "arpu_rank_all_3m": rank(row, rows, None),
        "arpu_of_plan_3m": of_median(row, rows, "arpu_3m", "plan"),
        "arpu_ratio_of_plan_3m": of_median(row, rows, "arpu_ratio_3m", "plan"),
        "arpu_ratio_of_all_3m": of_median(row, rows, "arpu_ratio_3m", None),
    }
    for m in measures:
        figures[f"{m}_of_plan_12w"] = of_median(row, rows, f"{m}_mean_12w", "plan")
        figures[f"{m}_ratio_of_all_12w"] = of_median(row, rows, f"{m}_ratio_12w", None)
    return figures


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
    share = ratio(row[column], median(among)) if len(among) > 1 else None
    return None if share is None else float(share)
