"""The twin of ARPU."""

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from tests.features.figures import less, mean, month, newest_closed, ratio, slope, spread


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family, from the customer's own bills."""
    bills, months = sold(seen["bills"], given.settings), known_months(who, seen["bills"], given.settings)
    billed = monthly(who, seen["bills"], given.settings)
    figures: dict[str, Any] = {"bill_count_3m": sum(m in months[:3] for m, a in bills if a >= 0)}
    newest = newest_closed(who.as_of, given.settings)
    figures["bills_awaited"] = newest - newest_known(who, seen["bills"], given.settings)
    more = tuple(given.declared.windows.get("bills", ()))
    for n in (1, 3, 6, 12, *more):
        figures[f"arpu_{n}m"] = mean(billed[:n])
    for n in (3, 6, *more):
        figures[f"arpu_before_{n}m"] = mean(billed[n : 2 * n])
    for n in (1, 3, 6, *more):
        figures[f"arpu_ratio_{n}m"] = ratio(mean(billed[:n]), mean(billed[n : 2 * n]))
    for n in (3, 6, 12, *more):
        part = billed[:n]
        figures[f"arpu_slope_{n}m"] = slope(part)
        figures[f"arpu_trend_{n}m"] = ratio(slope(part), mean(part))
        figures[f"arpu_variation_{n}m"] = ratio(spread(part), mean(part))
    for n in (6, *more):
        figures[f"arpu_trend_before_{n}m"] = ratio(slope(billed[n : 2 * n]), mean(billed[n : 2 * n]))
    for n in (3, *more):
        figures[f"arpu_acceleration_{n}m"] = less(slope(billed[:n]), slope(billed[n : 2 * n]))
    for skip in range(1, 6):
        then = billed[skip : skip + 6]
        figures[f"arpu_trend_then_6m_{skip}m_ago"] = ratio(slope(then), mean(then))
    return figures | peaks(billed, more) | shifts(billed)


def monthly(who: Any, bills: list[dict], settings: Any) -> list[Fraction]:
    """What was billed for each known month with us, the newest first."""
    amounts = sold(bills, settings)
    months = known_months(who, bills, settings)
    return [sum((amount for m, amount in amounts if m == wanted), Fraction(0)) for wanted in months]


def known_months(who: Any, bills: list[dict], settings: Any) -> list[int]:
    """The known months with us, the newest first."""
    return list(range(newest_known(who, bills, settings), month(who.activated_on) - 1, -1))


def newest_known(who: Any, bills: list[dict], settings: Any) -> int:
    """The newest closed month, or the one before the oldest whose bill is late: the months before it were all billed,
    and it ended a short while ago."""
    closed, first = newest_closed(who.as_of, settings), month(who.activated_on)
    billed = {m for m, amount in sold(bills, settings) if amount >= 0}
    late = []
    for missing in set(range(first + 1, closed + 1)) - billed:
        before = [m for m in (missing - 1, missing - 2, missing - 3) if m >= first]
        usual = all(m in billed for m in before) or any(rarely(missing, *rhythm, billed, first) for rhythm in RARE)
        if usual and open_still(missing, who.as_of, settings):
            late.append(missing)
    return min(late) - 1 if late else closed


RARE = ((3, 2), (6, 2), (12, 1))
"""By the quarter, half-year or year, and how many bills tell that."""


def rarely(missing: int, every: int, times: int, billed: set[int], first: int) -> bool:
    """Were there bills so many months apart before it, and none between them?"""
    months = range(missing - every * times, missing)
    return months[0] >= first and {m for m in months if m in billed} == {
        missing - every * n for n in range(1, times + 1)
    }


def open_still(of: int, as_of: date, settings: Any) -> bool:
    """May a bill of that month still come?"""
    ended = date(of // 12, of % 12 + 1, 1) if of % 12 else date(of // 12, 1, 1)
    return (as_of - ended).days < (62 if settings.settle_days is None else settings.settle_days)


def sold(rows: list[dict], settings: Any) -> list[tuple[int, Fraction]]:
    """The month that each bill is for, and its amount."""
    shift = timedelta(days=1 if settings.billed_in_arrears else 0)
    return [(month(row["happened_on"] - shift), Fraction(row["amount"])) for row in rows]


def shifts(billed: list[Fraction]) -> dict[str, Any]:
    """How many of the newest months lie on one side of the mean of as many before."""
    figures: dict[str, Any] = {}
    before = mean(billed[3:6])
    for side, sign in (("below", -1), ("above", 1)):
        away = [] if before is None else [int(sign * (value - before) > 0) for value in billed[:3]]
        figures[f"arpu_{side}_3m"] = mean(away)
    return figures


def peaks(billed: list[Fraction], more: tuple[int, ...]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for n in (6, 12, *more):
        peak = max(billed[:n], default=None)
        figures[f"arpu_peak_{n}m"] = peak
        figures[f"arpu_drop_{n}m"] = 1 - billed[0] / peak if peak and peak > 0 else None
        figures[f"arpu_peak_ago_{n}m"] = billed.index(peak) if peak and peak > 0 else None
    figures.pop("arpu_peak_ago_6m")
    for n in (6, *more):
        others = sorted(billed[:n])[:-1]
        figures[f"arpu_spike_{n}m"] = ratio(max(billed[:n], default=None), mean(others))
    for n in (3, 12, *more):
        figures[f"unbilled_share_{n}m"] = mean([int(value <= 0) for value in billed[:n]])
    return figures
