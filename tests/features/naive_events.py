"""The twins of usage, complaints, contacts, plans and satisfaction."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.features.naive_money import less, mean, over, slope, spread, usual_gap

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
        found |= single(who, measure, aged, whole, settings)
    found |= habits(used, measures, whole, settings)
    found["days_since_usage"] = since(who, within(who, [row for _, row in used], 365))
    for weeks in (4, 12, 52):
        found[f"usage_days_{weeks}w"] = len({row["happened_on"] for ago, row in used if 0 <= ago < weeks * 7})
    for weeks in (4, 12):
        inside = [row for ago, row in used if 0 <= ago < weeks * 7]
        found[f"usage_breadth_{weeks}w"] = sum(any((row[m] or 0) > 0 for row in inside) for m in measures)
    return found


def single(who: Any, measure: str, aged: list, whole: int, settings: Any) -> dict[str, Any]:
    """When a measure was used, and how much of it at weekends."""
    some = [(ago, row) for ago, row in aged if (row[measure] or 0) > 0]
    first = [ago // PERIOD for ago, _ in some if 0 <= ago < 364]
    empty = [int(total(aged, measure, k) == 0) for k in range(min(whole, 13))]
    recent = [(row, Fraction(str(row[measure]))) for ago, row in some if 0 <= ago < min(whole, 3) * PERIOD]
    ends = sum((value for row, value in recent if row["happened_on"].weekday() > 4), Fraction(0))
    daily = settings.usage_grain == "day"
    return {
        f"days_since_{measure}": since(who, within(who, [row for _, row in some], 365)),
        f"{measure}_days_12w": len({row["happened_on"] for ago, row in some if 0 <= ago < 84}),
        f"weeks_since_first_{measure}": max(first) * 4 if first else None,
        f"{measure}_idle_52w": mean(empty),
        f"{measure}_weekend_12w": over(ends, sum(value for _, value in recent)) if daily else None,
    }


def habits(used: list, measures: Sequence[str], whole: int, settings: Any) -> dict[str, Any]:
    """Days of use, the gaps between them, and what was taken up or given up."""
    found: dict[str, Any] = {}
    for weeks in (4, 12):
        n = min(whole, weeks // 4)
        days = {row["happened_on"] for ago, row in used if 0 <= ago < n * PERIOD}
        possible = n * {"day": 28, "week": 4, "month": 1}[settings.usage_grain]
        found[f"usage_days_share_{weeks}w"] = Fraction(len(days), possible) if n else None
    found["usage_gap_max_52w"] = idle({ago // PERIOD for ago, _ in used}, min(whole, 13))
    now = {m for ago, row in used if 0 <= ago < min(whole, 3) * PERIOD for m in measures if (row[m] or 0) > 0}
    before = {m for ago, row in used if 84 <= ago < min(whole, 13) * PERIOD for m in measures if (row[m] or 0) > 0}
    found["usage_adopted_12w"] = len(now - before) if whole > 3 else None
    found["usage_dropped_12w"] = len(before - now) if whole > 3 else None
    return found


def idle(used: set[int], whole: int) -> int | None:
    """Weeks of the longest run of periods without use."""
    text = "".join("u" if period in used else "-" for period in range(whole))
    return max(len(run) for run in text.split("u")) * 4 if whole else None


def shares(who: Any, rows: list[dict], settings: Any, parts: Mapping[str, str]) -> dict[str, Any]:
    """A measure over the one that contains it."""
    found: dict[str, Any] = {}
    closing = settings.usage_closing_days
    whole = max((who.age - closing) // PERIOD, 0)
    for part, larger in parts.items():
        for weeks in (4, 12):
            inside = [
                row for row in rows if 0 <= who.ago(row["happened_on"]) - closing < min(whole * PERIOD, weeks * 7)
            ]
            both = [sum(Fraction(str(row[m] or 0)) for row in inside) for m in (part, larger)]
            found[f"{part}_share_{weeks}w"] = over(Fraction(both[0]), both[1])
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


def complaints(who: Any, rows: list[dict], apart: Sequence[str]) -> dict[str, Any]:
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
    found["complaint_solving_max_365d"] = max([Fraction(t // MICROSECOND, 86_400_000_000) for t in took], default=None)
    open_still = sum(not row["resolved_at"] for row in within(who, rows, 365))
    found["complaints_unsolved_share_365d"] = Fraction(open_still, year) if year else None
    found["complaint_gap_365d"] = usual_gap([who.ago(row["happened_on"]) for row in within(who, rows, 365)])
    return found | {f"complaints_{topic}_180d": sum(row["topic"] == topic for row in half) for topic in apart}


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
    begun = {d: [row for row in rows if row["direction"] == d] for d in ("inbound", "outbound")}
    ours, his = (len(within(who, begun[d], 365)) for d in ("outbound", "inbound"))
    return found | {
        "days_since_contact": since(who, rows),
        "days_since_inbound": since(who, begun["inbound"]),
        "days_since_outbound": since(who, begun["outbound"]),
        "inbound_change_90d": 2 * len(within(who, begun["inbound"], 90)) - len(within(who, begun["inbound"], 180)),
        "inbound_share_365d": Fraction(his, his + ours) if his + ours else None,
    }


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


def moves(who: Any, rows: list[dict]) -> dict[str, Any]:
    """Plans that cost more, or less, than the one before."""
    rows = sorted(rows, key=lambda row: row["valid_from"])
    both = [(a["monthly_fee"], b["monthly_fee"], b) for a, b in pairwise(rows)]
    known = [(before, after, row) for before, after, row in both if before is not None and after is not None]
    ways = {"upgrade": [r for b, a, r in known if a > b], "downgrade": [r for b, a, r in known if a < b]}
    found: dict[str, Any] = {f"plan_{way}s_365d": len(within(who, made, 365)) for way, made in ways.items()}
    return found | {f"days_since_{way}": since(who, made) for way, made in ways.items()}


def satisfaction(who: Any, rows: list[dict]) -> dict[str, Any]:
    scores = [row["score"] for row in within(who, rows, 365)]
    return {
        "satisfaction_365d": mean(scores),
        "satisfaction_low_365d": min(scores, default=None),
        "survey_answers_365d": len(scores),
    }
