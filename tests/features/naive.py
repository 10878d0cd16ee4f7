"""The slow, obvious twin of the whole catalogue: plain Python, one customer, one as-of date, nothing of `features`.

Written from what names and dictionary entries say. Sums are exact fractions, so money must agree to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.features import naive_events, naive_money

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Who:
    """One row of the spine."""

    customer_id: str
    as_of: date
    cutoff: datetime
    activated_on: date

    @property
    def age(self) -> int:
        return (self.as_of - self.activated_on).days

    def ago(self, day: date) -> int:
        """Whole days back from the as-of date; the day before it is 0."""
        return (self.as_of - day).days - 1


def twin(who: Who, tables: Mapping[str, Rows], settings: Any, measures: Sequence[str]) -> dict[str, Any]:
    """Every column for one customer, `tables` holding all of his rows, whenever they happened or became known."""
    seen = {name: visible(rows, who) for name, rows in tables.items() if name != "customers"}
    found: dict[str, Any] = profile(who, tables["customers"][0], settings)
    found |= naive_money.arpu(who, seen["bills"], settings)
    found |= naive_money.purchases(who, seen["bills"])
    found |= naive_money.settled(who, seen["bills"], seen["payments"])
    found |= naive_money.payments(who, seen["payments"])
    found |= naive_events.usage(who, seen["usage"], settings, measures)
    found |= naive_events.complaints(who, seen["complaints"])
    found |= naive_events.contacts(who, seen["contacts"])
    found |= naive_events.plans(who, seen["subscriptions"])
    found |= naive_events.satisfaction(who, seen["surveys"])
    found |= whole(found, settings.stages)
    return {column: float(v) if isinstance(v, int | Fraction) else v for column, v in found.items()}


def visible(rows: Rows, who: Who) -> Rows:
    """Happened before the cutoff, known before it, not before he joined, and the newest version known by then."""
    return [told(row, who) for row in rows if is_seen(row, who)]


def is_seen(row: dict[str, Any], who: Who) -> bool:
    if "happened_at" in row and row["happened_at"] >= who.cutoff:
        return False
    if row["happened_on"] >= who.as_of or row["known_at"] >= who.cutoff:
        return False
    superseded = row.get("superseded_at")
    return row["happened_on"] >= who.activated_on and (superseded is None or superseded >= who.cutoff)


def told(row: dict[str, Any], who: Who) -> dict[str, Any]:
    """The row without what came true at the cutoff or later."""
    row = dict(row)
    if row.get("resolved_at") and row["resolved_at"] >= who.cutoff:
        row["resolved_at"] = None
    if row.get("valid_to") and row["valid_to"] >= who.as_of:
        row["valid_to"] = None
    return row


def profile(who: Who, customer: dict[str, Any], settings: Any) -> dict[str, Any]:
    newest = naive_money.newest_closed(who.as_of, settings)
    return {
        "customer_type": customer["customer_type"],
        "group_size": customer["group_size"],
        "region": customer["region"],
        "tenure_days": who.age,
        "tenure_months": int(who.age / 30.4375),
        "months_known": max(newest - naive_money.month(who.activated_on) + 1, 0),
    }


def whole(row: dict[str, Any], stages: Any) -> dict[str, Any]:
    """What follows from the other columns: stage, direction, fluctuation, bill over fee."""
    silence = row["tenure_days"] if row["days_since_usage"] is None else row["days_since_usage"]
    now = stage(row["tenure_days"], silence, row["arpu_trend_6m"], stages)
    then = row["tenure_days"] - 182
    before = stage(then, 0, row["arpu_trend_before_6m"], stages) if then > 0 else None
    return {
        "lifecycle_stage": now,
        "lifecycle_stage_before": before,
        "lifecycle_direction": direction(now, before),
        "fluctuation_type": fluctuation(row, stages),
        "bill_over_fee": naive_money.over(row["arpu_3m"], row["plan_fee"]),
    }


def stage(age: int, silence: int, trend: Fraction | None, stages: Any) -> str:
    if age < stages.onboarding_days:
        return "onboarding"
    if silence >= stages.dormant_days:
        return "dormant"
    if trend is not None and trend <= -stages.trend:
        return "declining"
    if trend is not None and trend >= stages.trend:
        return "growing"
    return "steady"


def direction(now: str, before: str | None) -> str | None:
    if before is None:
        return None
    order = ["dormant", "declining", "steady", "growing"]
    health = {name: order.index(name) for name in order} | {"onboarding": order.index("steady")}
    change = health[now] - health[before]
    if change == 0:
        return "steady"
    return "improving" if change > 0 else "worsening"


def fluctuation(row: dict[str, Any], stages: Any) -> str | None:
    variation, trend, spike = row["arpu_variation_6m"], row["arpu_trend_6m"], row["arpu_spike_6m"]
    if variation is None:
        return None
    volatile = variation >= stages.volatile
    if volatile and (spike is None or spike >= stages.spike):
        return "spike"
    if trend is not None and abs(trend) >= stages.trend:
        return "rising" if trend > 0 else "falling"
    return "volatile" if volatile else "steady"
