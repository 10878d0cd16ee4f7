"""The twin of payments."""

from fractions import Fraction
from typing import Any

from tests.features.figures import mean, ratio, spread, usual_gap


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family."""
    return settled(who, seen["bills"], seen["payments"]) | payments(who, seen["payments"])


def settled(who: Any, bills: list[dict], payments: list[dict]) -> dict[str, Any]:
    """Bills against the payments made for them, as known at the cutoff."""
    payments = [payment for payment in payments if payment["amount"] >= 0 and not payment["failed"]]
    bills = [bill for bill in bills if bill["amount"] >= 0]
    named = not payments or any(payment["bill_id"] for payment in payments)
    due = [bill for bill in bills if bill["due_on"] and bill["due_on"] < who.as_of] if named else []
    judged = [lateness(who, bill, payments) for bill in due]
    dated = not bills or (named and any(bill["due_on"] for bill in bills))
    figures: dict[str, Any] = {}
    for n in (91, 365):
        inside = [late for ago, late, _, _ in judged if ago < n]
        figures[f"bills_due_{n}d"] = len(inside)
        figures[f"bills_late_{n}d"] = sum(late is not None and late > 0 for late in inside)
    figures["bills_split_365d"] = sum(
        times > 1 or (times == 1 and unpaid > 0) for a, _, unpaid, times in judged if a < 365
    )
    for kind in ("late", "split"):
        figures[f"bills_{kind}_share_365d"] = ratio(Fraction(figures[f"bills_{kind}_365d"]), figures["bills_due_365d"])
    opened = [(ago + 1, unpaid) for ago, _, unpaid, _ in judged if unpaid > 0]
    figures["overdue_amount"] = sum(unpaid for _, unpaid in opened)
    figures["overdue_bills"] = len(opened)
    figures["overdue_days"] = max((days for days, _ in opened), default=0)
    figures = {column: value if dated else None for column, value in figures.items()}
    figures["days_late_182d"] = mean([late for ago, late, *_ in judged if ago < 182 and late is not None])
    year = [late for ago, late, *_ in judged if ago < 365 and late is not None]
    return figures | {
        "days_late_max_365d": max(year, default=None),
        "days_late_spread_365d": spread(year) if len(year) > 1 else None,
    }


def lateness(who: Any, bill: dict, payments: list[dict]) -> tuple[int, int | None, Fraction, int]:
    """Whole days since it was due, days late (early below zero; None when nothing had to be paid), what is unpaid, and
    in how many payments it was paid."""
    paid = [p for p in payments if p["bill_id"] == bill["bill_id"]]
    unpaid = Fraction(bill["amount"]) - sum(Fraction(p["amount"]) for p in paid)
    ago = who.ago(bill["due_on"])
    if unpaid > 0:
        return ago, ago + 1, unpaid, len(paid)
    last = max((p["happened_on"] for p in paid), default=None)
    return ago, last and (last - bill["due_on"]).days, Fraction(0), len(paid)


def payments(who: Any, rows: list[dict]) -> dict[str, Any]:
    failed = [who.ago(row["happened_on"]) for row in rows if row["failed"]]
    told = not rows or any(row["failed"] is not None for row in rows)
    rows = [row for row in rows if not row["failed"]]
    back = [(who.ago(row["happened_on"]), -Fraction(row["amount"])) for row in rows if row["amount"] < 0]
    rows = [row for row in rows if row["amount"] >= 0]
    ago = [who.ago(row["happened_on"]) for row in rows]
    recent = [Fraction(row["amount"]) for row in rows if who.ago(row["happened_on"]) < 91]
    figures: dict[str, Any] = {f"payment_count_{n}d": sum(a < n for a in ago) for n in (91, 365)}
    since = min(ago) + 1 if ago else None
    gap = usual_gap([a for a in ago if a < 365])
    figures |= {"payment_gap_365d": gap, "payment_overdue": ratio(since, gap)}
    figures |= {
        "refund_count_365d": sum(a < 365 for a, _ in back),
        "days_since_refund": min((a + 1 for a, _ in back), default=None),
    }
    figures["refund_amount_365d"] = sum(money for a, money in back if a < 365)
    figures |= {f"failed_payments_{n}d": sum(a < n for a in failed) if told else None for n in (91, 365)}
    figures["days_since_failed_payment"] = min(failed) + 1 if failed else None
    return figures | {"days_since_payment": since, "paid_amount_91d": sum(recent)}
