"""The slow, obvious twin of the whole catalogue: plain Python, one customer, one as-of date, nothing of `features`.

Written from what names and dictionary entries say. Sums are exact fractions, so money must agree to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from tests.features import naive_events, naive_money, naive_others

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


@dataclass(frozen=True)
class Declared:
    """What a mapping and a configuration name."""

    measures: Sequence[str]
    attributes: Sequence[str] = ()
    topics: Sequence[str] = ()
    parts: Mapping[str, str] = field(default_factory=dict)


def twins(spine: Rows, tables: Mapping[str, Mapping[str, Rows]], settings: Any, declared: Declared) -> dict[Any, Rows]:
    """Every column of every row of a spine, by (customer_id, as_of); `tables` by name and customer."""
    histories = {c: {n: rows.get(c, []) for n, rows in tables.items()} for c in tables["customers"]}
    accounts: dict[str, list[str]] = {}
    for customer, history in histories.items():
        accounts.setdefault(history["customers"][0]["account_id"], []).append(customer)
    found: dict[date, dict[str, Any]] = {}
    for row in spine:
        who = Who(**{f.name: row[f.name] for f in fields(Who)})
        own = histories[who.customer_id]
        account = own["customers"][0]["account_id"]
        mates = [histories[c] for c in accounts[account] if account and c != who.customer_id]
        found.setdefault(who.as_of, {})[who.customer_id] = twin(who, own, settings, declared, mates)
    for rows in found.values():
        for row, beside in zip(rows.values(), naive_others.peers(list(rows.values()), declared.measures), strict=True):
            row.update(beside)
    return {(customer, day): row for day, rows in found.items() for customer, row in rows.items()}


def twin(
    who: Who, tables: Mapping[str, Rows], settings: Any, declared: Declared, mates: Sequence[Mapping[str, Rows]]
) -> dict[str, Any]:
    """Every column but those of peers for one customer, `tables` holding all of his rows, whenever they happened or
    became known, and `mates` those of the other customers of his account."""
    seen = {name: visible(rows, who) for name, rows in tables.items() if name != "customers"}
    customer = tables["customers"][0]
    found: dict[str, Any] = profile(who, customer, settings) | {a: customer[a] for a in declared.attributes}
    found |= naive_money.arpu(who, seen["bills"], settings)
    found |= naive_money.purchases(who, seen["bills"])
    found |= naive_money.settled(who, seen["bills"], seen["payments"])
    found |= naive_money.payments(who, seen["payments"])
    found |= naive_events.usage(who, seen["usage"], settings, declared.measures)
    found |= naive_events.shares(who, seen["usage"], settings, declared.parts)
    found |= naive_events.complaints(who, seen["complaints"], declared.topics)
    found |= naive_events.contacts(who, seen["contacts"])
    found |= naive_events.plans(who, seen["subscriptions"]) | naive_events.moves(who, seen["subscriptions"])
    found |= naive_events.satisfaction(who, seen["surveys"])
    others = [(mate["customers"][0], from_within(mate, who)) for mate in mates]
    found |= naive_others.household(who, {**seen, "customers": [customer]}, others, settings)
    found |= whole(found, settings.stages, declared.measures)
    return {column: float(v) if isinstance(v, int | Fraction) else v for column, v in found.items()}


def from_within(mate: Mapping[str, Rows], who: Who) -> dict[str, Rows]:
    """What a member of the account had done, as it was known where the customer is looked at."""
    there = replace(who, activated_on=mate["customers"][0]["activated_on"])
    return {name: visible(mate[name], there) for name in ("bills", "complaints")}


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


def whole(row: dict[str, Any], stages: Any, measures: Sequence[str]) -> dict[str, Any]:
    """What follows from the other columns: stage, direction, fluctuation, bill and fee, life after a complaint."""
    silence = row["tenure_days"] if row["days_since_usage"] is None else row["days_since_usage"]
    now = stage(row["tenure_days"], silence, row["arpu_trend_6m"], stages)
    past = history(row, stages)
    lasted = next((ago for ago, before in enumerate(past) if before != now), 6)
    if now == "dormant":
        lasted = min(int(Fraction(silence - stages.dormant_days) / MONTH), 6)
    beyond = naive_money.less(row["arpu_3m"], row["plan_fee"])
    return {
        "lifecycle_stage": now,
        "lifecycle_stage_before": past[5],
        "lifecycle_direction": direction(now, past[5]),
        "lifecycle_months": lasted,
        "lifecycle_stage_previous": past[lasted] if lasted < 6 else None,
        "fluctuation_type": fluctuation(row, stages),
        "bill_over_fee": naive_money.over(row["arpu_3m"], row["plan_fee"]),
        "bill_beyond_fee": beyond if beyond is None or beyond > 0 else 0,
        "peak_over_fee": naive_money.over(row["arpu_peak_6m"], row["plan_fee"]),
    } | aftermath(row, measures)


MONTH = Fraction(182, 6)
"""Days of a month of half a year."""


def history(row: dict[str, Any], stages: Any) -> list[str | None]:
    """The stages one to six months ago, by age and bill; None before he joined."""
    trends = [row[f"arpu_trend_then_6m_{ago}m_ago"] for ago in range(1, 6)] + [row["arpu_trend_before_6m"]]
    ages = [row["tenure_days"] - MONTH * ago for ago in range(1, 7)]
    return [stage(age, 0, trend, stages) if age > 0 else None for age, trend in zip(ages, trends, strict=True)]


def aftermath(row: dict[str, Any], measures: Sequence[str]) -> dict[str, Any]:
    """Short windows meet about a complaint of last month, long ones about one of the months before."""
    days = row["days_since_complaint"] or 0

    def after(short: str, long: str, most: tuple[int, int]) -> Any:
        if 15 <= days <= most[0]:
            return row[short]
        return row[long] if most[0] < days <= most[1] else None

    found = {"bill_after_complaint": after("arpu_ratio_1m", "arpu_ratio_3m", (45, 135))}
    for m in measures:
        found[f"{m}_after_complaint"] = after(f"{m}_ratio_4w", f"{m}_ratio_12w", (42, 126))
    return found


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
