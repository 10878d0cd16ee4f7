"""The twins of usage, complaints, contacts, plans and satisfaction."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Any

from tests.features.naive_money import less, mean, over, slope, spread

MICROSECOND = timedelta(microseconds=1)
PERIOD = 28
"""Days of a period of usage: four weeks."""


def since(who: Any, rows: list[dict]) -> int | None:
    """Days since the newest row; 1 is the day before the as-of date."""
    return min((who.ago(row["happened_on"]) + 1 for row in rows), default=None)


def within(who: Any, rows: list[dict], days: int) -> list[dict]:
    return [row for row in rows if who.ago(row["happened_on"]) < days]


def usage(who: Any, rows: list[dict], settings: Any, measures: Sequence[str]) -> dict[str, Any]:
    """Periods of four weeks, the newest first, only those in which he was with us from the first day on."""
    closing = settings.usage_closing_days
    whole = max((who.age - closing) // PERIOD, 0)
    aged = [(who.ago(row["happened_on"]) - closing, row) for row in rows]
    used = [(ago, row) for ago, row in aged if any((row[m] or 0) > 0 for m in measures)]
    found: dict[str, Any] = {}
    for measure in measures:
        found |= level(measure, [total(aged, measure, k) for k in range(whole)])
    found["days_since_usage"] = since(who, within(who, [row for _, row in used], 365))
    for weeks in (4, 12, 52):
        found[f"usage_days_{weeks}w"] = len({row["happened_on"] for ago, row in used if 0 <= ago < weeks * 7})
    for weeks in (4, 12):
        inside = [row for ago, row in used if 0 <= ago < weeks * 7]
        found[f"usage_breadth_{weeks}w"] = sum(any((row[m] or 0) > 0 for row in inside) for m in measures)
    return found


def total(aged: list[tuple[int, dict]], measure: str, period: int) -> Fraction:
    """What was used in a period; a measure that is not recorded adds nothing."""
    inside = [row[measure] or 0 for ago, row in aged if ago // PERIOD == period]
    return sum((Fraction(str(value)) for value in inside), Fraction(0))


def level(measure: str, periods: list[Fraction]) -> dict[str, Any]:
    found: dict[str, Any] = {f"{measure}_mean_{weeks}w": mean(periods[: weeks // 4]) for weeks in (4, 12, 24, 52)}
    for weeks in (4, 12):
        n = weeks // 4
        found[f"{measure}_ratio_{weeks}w"] = over(mean(periods[:n]), mean(periods[n : 2 * n]))
    half = periods[:6]
    found[f"{measure}_trend_24w"] = over(slope(half), mean(half))
    found[f"{measure}_variation_24w"] = over(spread(half), mean(half))
    found[f"{measure}_of_peak_24w"] = over(mean(periods[:1]), max(half, default=None))
    return found


def complaints(who: Any, rows: list[dict]) -> dict[str, Any]:
    found: dict[str, Any] = {f"complaint_count_{n}d": len(within(who, rows, n)) for n in (30, 90, 180, 365)}
    found["days_since_complaint"] = since(who, rows)
    unsolved = [who.ago(row["happened_on"]) + 1 for row in rows if not row["resolved_at"]]
    found |= {"complaints_open": len(unsolved), "complaint_open_days": max(unsolved, default=0)}
    solved = [row for row in within(who, rows, 365) if row["resolved_at"]]
    took = [row["resolved_at"] - row["happened_at"] for row in solved]
    found["complaint_solving_days_365d"] = mean([Fraction(t // MICROSECOND, 86_400_000_000) for t in took])
    half = within(who, rows, 180)
    topics = [row["topic"] for row in half if row["topic"] is not None]
    found["complaint_topics_180d"] = len(set(topics))
    found["complaints_repeated_180d"] = len(topics) - len(set(topics))
    grades = [row["severity"] for row in half if row["severity"] is not None]
    found["complaint_severity_180d"] = max(grades, default=None)
    year = len(within(who, rows, 365))
    found["complaint_recent_share"] = Fraction(len(within(who, rows, 90)), year) if year else None
    return found


def contacts(who: Any, rows: list[dict]) -> dict[str, Any]:
    rows = [row for row in rows if row["arm"] != "control"]
    found: dict[str, Any] = {}
    for direction, windows in (("inbound", (30, 90, 365)), ("outbound", (90, 365))):
        for n in windows:
            inside = within(who, rows, n)
            found[f"{direction}_contacts_{n}d"] = sum(row["direction"] == direction for row in inside)
    half = within(who, rows, 180)
    found["campaign_contacts_180d"] = sum(row["arm"] == "treated" for row in half)
    found["contact_channels_180d"] = len({row["channel"] for row in half} - {None})
    return found | {"days_since_contact": since(who, rows)}


def plans(who: Any, rows: list[dict]) -> dict[str, Any]:
    """The newest plan that has not ended is in force; the oldest ever is the first."""
    rows = sorted(rows, key=lambda row: row["valid_from"])
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
        "plan_fee_of_peak": over(fee, max(fees, default=None)),
        "contract_days_left": now["contract_end"] and (now["contract_end"] - who.as_of).days,
    }


def satisfaction(who: Any, rows: list[dict]) -> dict[str, Any]:
    scores = [row["score"] for row in within(who, rows, 365)]
    return {
        "satisfaction_365d": mean(scores),
        "satisfaction_low_365d": min(scores, default=None),
        "survey_answers_365d": len(scores),
    }
