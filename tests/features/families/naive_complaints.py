"""The twin of complaints."""

from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.features.figures import mean, since, usual_gap, within

MICROSECOND = timedelta(microseconds=1)


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family that follows from complaints alone."""
    rows = seen["complaints"]
    figures: dict[str, Any] = {f"complaint_count_{n}d": len(within(who, rows, n)) for n in (30, 90, 180, 365)}
    figures["days_since_complaint"] = since(who, rows)
    unsolved = [who.ago(row["happened_on"]) + 1 for row in rows if not row["resolved_at"]]
    figures |= {"complaints_open": len(unsolved), "complaint_open_days": max(unsolved, default=0)}
    solved = [row for row in within(who, rows, 365) if row["resolved_at"]]
    took = [row["resolved_at"] - row["happened_at"] for row in solved]
    figures["complaint_solving_days_365d"] = mean([Fraction(t // MICROSECOND, 86_400_000_000) for t in took])
    half = within(who, rows, 180)
    topics = [row["topic"] for row in half if row["topic"] is not None]
    figures["complaint_topics_180d"] = len(set(topics))
    figures["complaints_repeated_180d"] = len(topics) - len(set(topics))
    grades = [row["severity"] for row in half if row["severity"] is not None]
    figures["complaint_severity_180d"] = max(grades, default=None)
    year = len(within(who, rows, 365))
    figures["complaint_recent_share"] = Fraction(len(within(who, rows, 90)), year) if year else None
    figures["complaint_solving_max_365d"] = max(
        [Fraction(t // MICROSECOND, 86_400_000_000) for t in took], default=None
    )
    open_still = sum(not row["resolved_at"] for row in within(who, rows, 365))
    figures["complaints_unsolved_share_365d"] = Fraction(open_still, year) if year else None
    figures["complaint_gap_365d"] = usual_gap([who.ago(row["happened_on"]) for row in within(who, rows, 365)])
    return figures | {
        f"complaints_{topic}_180d": sum(row["topic"] == topic for row in half) for topic in given.declared.topics
    }


def whole(row: dict[str, Any], given: Any) -> dict[str, Any]:
    """Short windows meet about a complaint of last month, long ones about one of the months before."""
    days = row["days_since_complaint"] or 0

    def after(short: str, long: str, most: tuple[int, int]) -> Any:
        if 15 <= days <= most[0]:
            return row[short]
        return row[long] if most[0] < days <= most[1] else None

    figures = {"bill_after_complaint": after("arpu_ratio_1m", "arpu_ratio_3m", (45, 135))}
    for m in given.declared.measures:
        figures[f"{m}_after_complaint"] = after(f"{m}_ratio_4w", f"{m}_ratio_12w", (42, 126))
    return figures
