"""The twin of habits."""

from fractions import Fraction
from typing import Any

from tests.features.families.naive_usage import PERIOD, periods, total
from tests.features.figures import mean


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family."""
    aged, whole = periods(who, seen["usage"], given.settings)
    measures = given.declared.measures
    used = [(ago, row) for ago, row in aged if any((row[m] or 0) > 0 for m in measures)]
    figures = rhythm(used, measures, whole, given.settings)
    for measure in measures:
        figures |= single(who, measure, aged, whole)
    figures["days_since_usage"] = recency(who, [row for _, row in used])
    for weeks in (4, 12, 52):
        figures[f"usage_days_{weeks}w"] = len({row["happened_on"] for ago, row in used if 0 <= ago < weeks * 7})
    for weeks in (4, 12):
        inside = [row for ago, row in used if 0 <= ago < weeks * 7]
        figures[f"usage_breadth_{weeks}w"] = sum(any((row[m] or 0) > 0 for row in inside) for m in measures)
    return figures


def recency(who: Any, rows: list[dict]) -> int | None:
    """Days since the newest row within a year, counted from before the days that have come for nobody; at least 1."""
    days = [max(who.ago(row["happened_on"]) - who.usage_lag, 0) + 1 for row in rows]
    return min((day for day in days if day <= 365), default=None)


def single(who: Any, measure: str, aged: list, whole: int) -> dict[str, Any]:
    """When a measure was used."""
    some = [(ago, row) for ago, row in aged if (row[measure] or 0) > 0]
    first = [ago // PERIOD for ago, _ in some if 0 <= ago < 364]
    empty = [int(total(aged, measure, k) == 0) for k in range(min(whole, 13))]
    return {
        f"days_since_{measure}": recency(who, [row for _, row in some]),
        f"{measure}_days_12w": len({row["happened_on"] for ago, row in some if 0 <= ago < 84}),
        f"weeks_since_first_{measure}": max(first) * 4 if first else None,
        f"{measure}_idle_52w": mean(empty),
    }


def rhythm(used: list, measures: list[str], whole: int, settings: Any) -> dict[str, Any]:
    """Days of use, the gaps between them, and what was taken up or given up."""
    figures: dict[str, Any] = {}
    for weeks in (4, 12):
        n = min(whole, weeks // 4)
        days = {row["happened_on"] for ago, row in used if 0 <= ago < n * PERIOD}
        possible = n * {"day": 28, "week": 4, "month": 1}[settings.usage_grain]
        figures[f"usage_days_share_{weeks}w"] = Fraction(len(days), possible) if n else None
    figures["usage_gap_max_52w"] = idle({ago // PERIOD for ago, _ in used}, min(whole, 13))
    now = {m for ago, row in used if 0 <= ago < min(whole, 3) * PERIOD for m in measures if (row[m] or 0) > 0}
    before = {m for ago, row in used if 84 <= ago < min(whole, 13) * PERIOD for m in measures if (row[m] or 0) > 0}
    figures["usage_adopted_12w"] = len(now - before) if whole > 3 else None
    figures["usage_dropped_12w"] = len(before - now) if whole > 3 else None
    return figures


def idle(used: set[int], whole: int) -> int | None:
    """Weeks of the longest run of periods without use."""
    text = "".join("u" if period in used else "-" for period in range(whole))
    return max(len(run) for run in text.split("u")) * 4 if whole else None
