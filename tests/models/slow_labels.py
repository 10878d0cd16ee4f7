"""Labels once more, from the definitions, one customer at a time in plain Python. Shares no code with `models`."""

from collections import defaultdict
from datetime import date, datetime, timedelta


def day(start: date, n: int) -> date:
    return start + timedelta(days=n)


def seen(rows: list[dict], until: datetime, joined: date) -> list[dict]:
    """Happened and known before `until`, of this holder of the number, not replaced by then."""
    return [
        r
        for r in rows
        if r["happened_at"] < until
        and r["known_at"] < until
        and r["happened_on"] >= joined
        and (r.get("superseded_at") is None or r["superseded_at"] >= until)
    ]


def within(rows: list[dict], start: date, end: date) -> list[dict]:
    return [r for r in rows if start <= r["happened_on"] < end]


def deactivated(as_of: date, left: date | None, gap: int, horizon: int, counts: bool = True) -> bool | None:
    """None for those who left during the gap, or in the window for a reason that does not count."""
    if left is not None and left < day(as_of, gap):
        return None
    if left is None or left >= day(as_of, gap + horizon):
        return False
    return True if counts else None


def no_bill(as_of: date, bills: list[dict], gap: int, horizon: int) -> bool:
    window = within(bills, day(as_of, gap), day(as_of, gap + horizon))
    return not any(b["amount"] > 0 for b in window)


def value(as_of: date, bills: list[dict], gap: int, horizon: int) -> float:
    return float(sum(b["amount"] for b in within(bills, day(as_of, gap), day(as_of, gap + horizon))))


def by_month(bills: list[dict]) -> dict[int, float]:
    """Sums by the month that bills are for: one of the first is that of the month before."""
    sums: dict[int, float] = defaultdict(float)
    for bill in bills:
        for_day = day(bill["happened_on"], -1)
        sums[for_day.year * 12 + for_day.month] += float(bill["amount"])
    return sums


def worth_now(past: list[dict], anybody: set[int], newest: int) -> float:
    """Mean over the months with a bill of theirs, and those with anybody's that are known of them: up to `newest`."""
    own = by_month(past)
    return sum(own.values()) / max(len(own.keys() | {month for month in anybody if month <= newest}), 1)


def sustained(window: list[dict], months: int, amount: float, share: float) -> bool:
    sums = by_month(window)
    if months == 0:
        return False
    enough = round(sum(v >= amount for v in sums.values()) / months, 2) >= share
    return enough and sum(sums.values()) / months >= amount


def percentile(values: list[float], p: float) -> float:
    """Linear between the two nearest."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * p / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
