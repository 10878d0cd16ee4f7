"""The arithmetic of the twins: exact fractions, one value at a time, nothing of `features`."""

from datetime import date, timedelta
from fractions import Fraction
from math import sqrt
from typing import Any

Number = Fraction | float | None


def month(day: date) -> int:
    return day.year * 12 + day.month


def newest_closed(as_of: date, settings: Any) -> int:
    """The newest calendar month that had ended, its last bills being known, before the as-of date."""
    arrears = 1 if settings.billed_in_arrears else 0
    return month(as_of - timedelta(days=settings.closing_days + arrears)) - 1


def mean(values: list) -> Fraction | None:
    return Fraction(sum(values)) / len(values) if values else None


def spread(values: list) -> float | None:
    """Population standard deviation."""
    middle = mean(values)
    return None if middle is None else sqrt(sum((Fraction(v) - middle) ** 2 for v in values) / len(values))


def slope(newest_first: list) -> Fraction | None:
    """Least squares over 0, 1, 2 … from the oldest on."""
    values = newest_first[::-1]
    if len(values) < 2:
        return None
    x, y = mean(list(range(len(values)))), mean(values)
    assert x is not None and y is not None
    across = sum((i - x) * (v - y) for i, v in enumerate(values))
    return Fraction(across) / sum((i - x) ** 2 for i in range(len(values)))


def ratio(part: Number, whole: Number) -> Number:
    return None if part is None or whole is None or whole <= 0 else part / whole


def less(a: Number, b: Number) -> Number:
    return None if a is None or b is None else a - b


def since(who: Any, rows: list[dict]) -> int | None:
    """Days since the newest row; 1 is the day before the as-of date."""
    return min((who.ago(row["happened_on"]) + 1 for row in rows), default=None)


def within(who: Any, rows: list[dict], days: int) -> list[dict]:
    return [row for row in rows if who.ago(row["happened_on"]) < days]


def usual_gap(ago: list[int]) -> Fraction | None:
    """Days from the first to the last over the number of gaps between them, however many fall on one day."""
    return Fraction(max(ago) - min(ago), len(ago) - 1) if len(ago) > 1 else None
