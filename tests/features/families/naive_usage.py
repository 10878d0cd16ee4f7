"""The twin of usage."""

from fractions import Fraction
from typing import Any

from tests.features.figures import mean, ratio, slope, spread

PERIOD = 28
"""Days of a period of usage: four weeks."""


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family."""
    aged, whole = periods(who, seen["usage"], given.settings)
    figures: dict[str, Any] = {}
    for measure in given.declared.measures:
        figures |= level(measure, [total(aged, measure, k) for k in range(whole)])
        figures[f"{measure}_weekend_12w"] = weekend(aged, measure, whole, given.settings)
    return figures | shares(aged, whole, given.declared.parts)


def periods(who: Any, rows: list[dict], settings: Any) -> tuple[list[tuple[int, dict]], int]:
    """Each row with the days since it closed, and how many periods of four weeks they were with us from the first day.
    Days that have come for nobody are not closed."""
    closing = max(settings.usage_closing_days, who.usage_lag)
    return [(who.ago(row["happened_on"]) - closing, row) for row in rows], max((who.age - closing) // PERIOD, 0)


def total(aged: list[tuple[int, dict]], measure: str, period: int) -> Fraction:
    """What was used in a period; a measure that is not recorded adds nothing."""
    inside = [row[measure] or 0 for ago, row in aged if ago // PERIOD == period]
    return sum((Fraction(str(value)) for value in inside), Fraction(0))


def level(measure: str, periods: list[Fraction]) -> dict[str, Any]:
    figures: dict[str, Any] = {f"{measure}_mean_{weeks}w": mean(periods[: weeks // 4]) for weeks in (4, 12, 24, 52)}
    for weeks in (4, 12):
        n = weeks // 4
        figures[f"{measure}_ratio_{weeks}w"] = ratio(mean(periods[:n]), mean(periods[n : 2 * n]))
    half = periods[:6]
    figures[f"{measure}_trend_24w"] = ratio(slope(half), mean(half))
    figures[f"{measure}_variation_24w"] = ratio(spread(half), mean(half))
    figures[f"{measure}_of_peak_24w"] = ratio(mean(periods[:1]), max(half, default=None))
    return figures


def weekend(aged: list, measure: str, whole: int, settings: Any) -> Any:
    """What was used on Saturdays and Sundays, as a share."""
    if settings.usage_grain != "day":
        return None
    used = [(row, Fraction(str(row[measure] or 0))) for ago, row in aged if 0 <= ago < min(whole, 3) * PERIOD]
    used = [(row, value) for row, value in used if value > 0]
    ends = sum((value for row, value in used if row["happened_on"].weekday() > 4), Fraction(0))
    return ratio(ends, sum(value for _, value in used))


def shares(aged: list, whole: int, parts: dict[str, str]) -> dict[str, Any]:
    """A measure over the one that contains it."""
    figures: dict[str, Any] = {}
    for part, larger in parts.items():
        for weeks in (4, 12):
            inside = [row for ago, row in aged if 0 <= ago < min(whole * PERIOD, weeks * 7)]
            both = [sum(Fraction(str(row[m] or 0)) for row in inside) for m in (part, larger)]
            figures[f"{part}_share_{weeks}w"] = ratio(Fraction(both[0]), both[1])
    return figures
