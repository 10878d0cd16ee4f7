"""The twin of recent usage."""

from fractions import Fraction
from typing import Any

from tests.features.figures import ratio


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family: the days of each window that a project declares, and as many before."""
    closing = max(given.settings.usage_closing_days, who.usage_lag)
    aged = [(who.ago(row["happened_on"]) - closing, row) for row in seen["usage"]]
    figures: dict[str, Any] = {}
    for n in given.declared.windows.get("usage", ()):
        now, before = ([row for ago, row in aged if start <= ago < start + n] for start in (0, n))
        for measure in given.declared.measures:
            used, earlier = total(now, measure), total(before, measure)
            figures[f"{measure}_used_{n}d"] = used
            figures[f"{measure}_used_ratio_{n}d"] = ratio(used, earlier) if who.age - closing >= 2 * n else None
        some = [row for row in now if any((row[m] or 0) > 0 for m in given.declared.measures)]
        figures[f"usage_days_{n}d"] = len({row["happened_on"] for row in some})
    return figures


def total(rows: list[dict], measure: str) -> Fraction:
    return sum((Fraction(str(row[measure] or 0)) for row in rows), Fraction(0))
