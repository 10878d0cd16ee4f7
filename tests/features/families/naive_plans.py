"""The twin of plans."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.features.figures import less, ratio, since, within


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family that follows from plans alone."""
    rows = sorted(seen["subscriptions"], key=lambda row: row["valid_from"])
    return plans(who, rows) | moves(who, rows) | ahead(who, seen["announced"])


def whole(row: dict[str, Any], given: Any) -> dict[str, Any]:
    """Bills beside the fee."""
    beyond = less(row["arpu_3m"], row["plan_fee"])
    return {
        "next_fee_change": less(row["next_fee"], row["plan_fee"]) if row["plans_announced"] else 0,
        "bill_over_fee": ratio(row["arpu_3m"], row["plan_fee"]),
        "bill_beyond_fee": beyond if beyond is None or beyond > 0 else 0,
        "peak_over_fee": ratio(row["arpu_peak_6m"], row["plan_fee"]),
    }


def plans(who: Any, rows: list[dict]) -> dict[str, Any]:
    """The newest plan that has not ended is in force; the oldest ever is the first."""
    running = [row for row in rows if row["valid_to"] is None]
    now = running[-1] if running else {"plan": None, "monthly_fee": None, "contract_end": None}
    fee = None if now["monthly_fee"] is None else Fraction(now["monthly_fee"])
    first = Fraction(rows[0]["monthly_fee"]) if rows and rows[0]["monthly_fee"] is not None else None
    fees = [Fraction(row["monthly_fee"]) for row in rows if row["monthly_fee"] is not None]
    return {
        "plan": now["plan"],
        "plan_fee": fee,
        "plan_days": since(who, running[-1:]),
        "plan_changes_182d": len(within(who, rows[1:], 182)),
        "plan_changes_365d": len(within(who, rows[1:], 365)),
        "plan_fee_change": less(fee, first),
        "plan_fee_of_peak": ratio(fee, max(fees, default=None)),
        "contract_days_left": now["contract_end"] and (now["contract_end"] - who.as_of).days,
    }


def ahead(who: Any, rows: list[dict]) -> dict[str, Any]:
    """Of the plans that are signed and have not begun the one that begins next."""
    first = min(rows, key=lambda row: row["valid_from"]) if rows else None
    fee = first and first["monthly_fee"]
    return {
        "plans_announced": len(rows),
        "next_fee": None if fee is None else Fraction(fee),
        "days_to_next_plan": first and (first["valid_from"] - who.as_of).days,
    }


def moves(who: Any, rows: list[dict]) -> dict[str, Any]:
    """Plans that cost more, or less, than the one before."""
    both = [(a["monthly_fee"], b["monthly_fee"], b) for a, b in pairwise(rows)]
    known = [(before, after, row) for before, after, row in both if before is not None and after is not None]
    ways = {"upgrade": [r for b, a, r in known if a > b], "downgrade": [r for b, a, r in known if a < b]}
    figures: dict[str, Any] = {f"plan_{way}s_365d": len(within(who, moved, 365)) for way, moved in ways.items()}
    return figures | {f"days_since_{way}": since(who, moved) for way, moved in ways.items()}
