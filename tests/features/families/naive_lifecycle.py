"""The twin of the lifecycle."""

from fractions import Fraction
from typing import Any

MONTH = Fraction(182, 6)
"""Days of a month of half a year."""


def whole(row: dict[str, Any], given: Any) -> dict[str, Any]:
    """Every column of the family, from other columns."""
    stages = given.settings.stages
    seen = "days_since_purchase" if row["usage_days_52w"] is None else "days_since_usage"
    silence = row["tenure_days"] if row[seen] is None else row[seen]
    now = stage(row["tenure_days"], silence, row["arpu_trend_6m"], stages)
    past = history(row, stages)
    lasted = next((ago for ago, before in enumerate(past) if before != now), 6)
    if now == "dormant":
        lasted = min(int(Fraction(silence - stages.dormant_days) / MONTH), 6)
    return {
        "lifecycle_stage": now,
        "lifecycle_stage_before": past[5],
        "lifecycle_direction": direction(now, past[5]),
        "lifecycle_months": lasted,
        "lifecycle_stage_previous": past[lasted] if lasted < 6 else None,
        "fluctuation_type": fluctuation(row, stages),
    }


def history(row: dict[str, Any], stages: Any) -> list[str | None]:
    """The stages one to six months ago, by age and bill; None before they joined."""
    trends = [row[f"arpu_trend_then_6m_{ago}m_ago"] for ago in range(1, 6)] + [row["arpu_trend_before_6m"]]
    ages = [row["tenure_days"] - MONTH * ago for ago in range(1, 7)]
    return [stage(age, 0, trend, stages) if age > 0 else None for age, trend in zip(ages, trends, strict=True)]


def stage(age: int | Fraction, silence: int, trend: Fraction | None, stages: Any) -> str:
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
