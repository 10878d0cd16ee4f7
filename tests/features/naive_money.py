"""The twins of bills, purchases and payments, and the arithmetic of all twins."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
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


def over(part: Number, whole: Number) -> Number:
    return None if part is None or not whole else part / whole


def less(a: Number, b: Number) -> Number:
    return None if a is None or b is None else a - b


def sold(rows: list[dict], settings: Any) -> list[tuple[int, Fraction]]:
    """The month that each bill is for, and its amount."""
    shift = timedelta(days=1 if settings.billed_in_arrears else 0)
    return [(month(row["happened_on"] - shift), Fraction(row["amount"])) for row in rows]


def arpu(who: Any, rows: list[dict], settings: Any) -> dict[str, Any]:
    bills, newest = sold(rows, settings), newest_closed(who.as_of, settings)
    months = list(range(newest, month(who.activated_on) - 1, -1))
    billed = [sum((amount for m, amount in bills if m == wanted), Fraction(0)) for wanted in months]
    found: dict[str, Any] = {"bill_count_3m": sum(m in months[:3] for m, _ in bills)}
    for n in (1, 3, 6, 12):
        found[f"arpu_{n}m"] = mean(billed[:n])
    for n in (3, 6):
        found[f"arpu_before_{n}m"] = mean(billed[n : 2 * n])
    for n in (1, 3, 6):
        found[f"arpu_ratio_{n}m"] = over(mean(billed[:n]), mean(billed[n : 2 * n]))
    for n in (3, 6, 12):
        part = billed[:n]
        found[f"arpu_slope_{n}m"] = slope(part)
        found[f"arpu_trend_{n}m"] = over(slope(part), mean(part))
        found[f"arpu_variation_{n}m"] = over(spread(part), mean(part))
    found["arpu_trend_before_6m"] = over(slope(billed[6:12]), mean(billed[6:12]))
    found["arpu_acceleration_3m"] = less(slope(billed[:3]), slope(billed[3:6]))
    for skip in range(1, 6):
        then = billed[skip : skip + 6]
        found[f"arpu_trend_then_6m_{skip}m_ago"] = over(slope(then), mean(then))
    return found | peaks(billed) | shifts(billed) | seasons(billed)


def shifts(billed: list[Fraction]) -> dict[str, Any]:
    """How many of the newest months lie on one side of the mean of as many before."""
    found: dict[str, Any] = {}
    before = mean(billed[3:6])
    for side, sign in (("below", -1), ("above", 1)):
        away = [] if before is None else [int(sign * (value - before) > 0) for value in billed[:3]]
        found[f"arpu_{side}_3m"] = mean(away)
    return found


def seasons(billed: list[Fraction]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for n in (1, 3):
        year = billed[12 : 12 + n] if len(billed) >= 12 + n else []
        found[f"arpu_year_change_{n}m"] = less(mean(billed[:n]), mean(year))
        found[f"arpu_year_ratio_{n}m"] = over(mean(billed[:n]), mean(year))
    return found


def peaks(billed: list[Fraction]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for n in (6, 12):
        peak = max(billed[:n], default=None)
        found[f"arpu_peak_{n}m"] = peak
        found[f"arpu_drop_{n}m"] = 1 - billed[0] / peak if peak else None
    peak = max(billed[:12], default=None)
    found["arpu_peak_ago_12m"] = billed.index(peak) if peak else None
    others = sorted(billed[:6])[:-1]
    found["arpu_spike_6m"] = over(max(billed[:6], default=None), mean(others))
    for n in (3, 12):
        found[f"unbilled_share_{n}m"] = mean([int(value == 0) for value in billed[:n]])
    return found


def purchases(who: Any, rows: list[dict]) -> dict[str, Any]:
    """A purchase is a bill above zero."""
    bought = [(who.ago(row["happened_on"]), Fraction(row["amount"])) for row in rows if row["amount"] > 0]
    found: dict[str, Any] = {}
    for n in (30, 91, 182, 365):
        inside = [(ago, paid) for ago, paid in bought if ago < n]
        found[f"spend_{n}d"] = sum(paid for _, paid in inside)
        found[f"orders_{n}d"] = len(inside)
        found[f"purchase_days_{n}d"] = len({ago for ago, _ in inside})
    for n in (91, 182):
        before = sum(paid for ago, paid in bought if n <= ago < 2 * n)
        found[f"spend_ratio_{n}d"] = over(Fraction(found[f"spend_{n}d"]), before)
    amounts = [paid for _, paid in bought]
    found |= {"spend_ever": sum(amounts), "orders_ever": len(amounts)}
    found["order_rate"] = Fraction(len(amounts) * 30, who.age)
    found["spend_rate"] = sum(amounts) * Fraction(30, who.age)
    found |= {"order_value": mean(amounts), "order_value_max": max(amounts, default=None)}
    found["order_value_spread"] = spread(amounts)
    return found | rhythm(bought)


def rhythm(bought: list[tuple[int, Fraction]]) -> dict[str, Any]:
    days = sorted({ago for ago, _ in bought}, reverse=True)
    gaps = [older - newer for older, newer in pairwise(days)]
    newest = days[-1] + 1 if days else None
    first = days[0] + 1 if days else None
    return {
        "days_since_purchase": newest,
        "days_since_first_purchase": first,
        "order_value_last": max((paid for ago, paid in bought if ago == days[-1]), default=None),
        "purchase_gap": mean(gaps),
        "purchase_gap_max": max(gaps, default=None),
        "purchase_gap_spread": spread(gaps),
        "purchase_gap_last": gaps[-1] if gaps else None,
        "purchase_overdue": over(newest, mean(gaps)),
        "purchase_silence_share": over(newest, first and Fraction(first)),
    }


def settled(who: Any, bills: list[dict], payments: list[dict]) -> dict[str, Any]:
    """Bills against the payments made for them, as known at the cutoff."""
    named = not payments or any(payment["bill_id"] for payment in payments)
    due = [bill for bill in bills if bill["due_on"] and bill["due_on"] < who.as_of] if named else []
    judged = [lateness(who, bill, payments) for bill in due]
    dated = not bills or (named and any(bill["due_on"] for bill in bills))
    found: dict[str, Any] = {}
    for n in (91, 365):
        inside = [late for ago, late, _, _ in judged if ago < n]
        found[f"bills_due_{n}d"] = len(inside)
        found[f"bills_late_{n}d"] = sum(late is not None and late > 0 for late in inside)
    found["bills_split_365d"] = sum(
        times > 1 or (times == 1 and unpaid > 0) for a, _, unpaid, times in judged if a < 365
    )
    for kind in ("late", "split"):
        found[f"bills_{kind}_share_365d"] = over(Fraction(found[f"bills_{kind}_365d"]), found["bills_due_365d"])
    opened = [(ago + 1, unpaid) for ago, _, unpaid, _ in judged if unpaid > 0]
    found["overdue_amount"] = sum(unpaid for _, unpaid in opened)
    found["overdue_bills"] = len(opened)
    found["overdue_days"] = max((days for days, _ in opened), default=0)
    found = {column: value if dated else None for column, value in found.items()}
    found["days_late_182d"] = mean([late for ago, late, *_ in judged if ago < 182 and late is not None])
    year = [late for ago, late, *_ in judged if ago < 365 and late is not None]
    return found | {
        "days_late_max_365d": max(year, default=None),
        "days_late_spread_365d": spread(year) if len(year) > 1 else None,
    }


def lateness(who: Any, bill: dict, payments: list[dict]) -> tuple[int, int | None, Fraction, int]:
    """Whole days since it was due, days late (early below zero; None when nothing had to be paid), what is unpaid, and
    in how many payments it was paid."""
    made = [p for p in payments if p["bill_id"] == bill["bill_id"]]
    unpaid = Fraction(bill["amount"]) - sum(Fraction(p["amount"]) for p in made)
    ago = who.ago(bill["due_on"])
    if unpaid > 0:
        return ago, ago + 1, unpaid, len(made)
    last = max((p["happened_on"] for p in made), default=None)
    return ago, last and (last - bill["due_on"]).days, Fraction(0), len(made)


def payments(who: Any, rows: list[dict]) -> dict[str, Any]:
    ago = [who.ago(row["happened_on"]) for row in rows]
    recent = [Fraction(row["amount"]) for row in rows if who.ago(row["happened_on"]) < 91]
    found: dict[str, Any] = {f"payment_count_{n}d": sum(a < n for a in ago) for n in (91, 365)}
    since = min(ago) + 1 if ago else None
    gap = usual_gap([a for a in ago if a < 365])
    found |= {"payment_gap_365d": gap, "payment_overdue": over(since, gap)}
    return found | {"days_since_payment": since, "paid_amount_91d": sum(recent)}


def usual_gap(ago: list[int]) -> Fraction | None:
    """Days from the first to the last over the number of gaps between them, however many fall on one day."""
    return Fraction(max(ago) - min(ago), len(ago) - 1) if len(ago) > 1 else None
