"""24 months of one customer on one axis: strips of bills and use, and marks of complaints, plans and contacts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from features.definition import WORDS
from pipelines.page.histories import DAYS
from pipelines.page.unregistered import evidence
from pipelines.page.visit import Visit
from pipelines.wording.figures import Figure
from pipelines.wording.formats import NOTHING
from pipelines.wording.texts import has

PERIOD = 28
"""Days that use is summed over: months are of different lengths, and hold four Sundays or five."""
HEIGHT = 100
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Bar:
    """From `x` days after the beginning of the axis, `width` days wide, `height` out of 100."""

    x: float
    width: float
    height: float


@dataclass(frozen=True)
class Strip:
    """One row of the picture.

    Attributes
    ----------
    name
        What it shows.
    note
        The newest figure, or how many marks there are.
    bars
        Of amounts; empty for marks.
    marks
        Days after the beginning of the axis.
    """

    name: str
    note: str
    bars: Sequence[Bar] = ()
    marks: Sequence[int] = ()


def strips(visit: Visit, history: Mapping[str, Rows], as_of: date) -> list[Strip]:
    """Those of the tables that the project has, in the order in which one thing leads to another."""
    first = as_of - timedelta(days=DAYS)
    made = [_bills(visit, history["bills"], first)] if history.get("bills") else []
    for measure in visit.project.mapping.measures:
        made += _use(visit, history.get("usage", ()), measure, first)
    for name in ("complaints", "subscriptions", "contacts"):
        if name in history:
            days = [(row["happened_on"] - first).days for row in history[name] if row["happened_on"] >= first]
            made.append(
                Strip(visit.text(f"customer.strip_{name}"), visit.text("customer.times", n=len(days)), marks=days)
            )
    return made


def events(visit: Visit, history: Mapping[str, Rows], as_of: date) -> list[tuple[str, str]]:
    """Complaints, plans and contacts in words, the newest first: day and sentence."""
    first = as_of - timedelta(days=DAYS)
    told = {"complaints": _complaint, "subscriptions": _plan, "contacts": _contact}
    found = [
        (row["happened_on"], words(visit, row))
        for name, words in told.items()
        for row in history.get(name, ())
        if row["happened_on"] >= first or name == "subscriptions"
    ]
    return [(visit.day(day), sentence) for day, sentence in sorted(found, key=lambda event: event[0], reverse=True)]


def months(as_of: date) -> list[str]:
    """What stands below the axis: its quarters."""
    first = as_of - timedelta(days=DAYS)
    return [f"{first + timedelta(days=DAYS * quarter // 4):%Y-%m}" for quarter in range(5)]


def named(visit: Visit, kind: str, code: Any) -> str:
    """A code of the business: by words of its mapping, of ours, or by itself."""
    words = visit.project.mapping.words.get(code) or WORDS.get(code)
    if words:
        return words[visit.lang == "zh"]
    key = f"customer.{kind}_{code}"
    return visit.text(key) if has(key) else str(code).replace("_", " ")


def _bills(visit: Visit, rows: Rows, first: date) -> Strip:
    """A bar per bill, over the month that it closes."""
    by_day: dict[date, float] = {}
    for row in rows:
        by_day[row["happened_on"]] = by_day.get(row["happened_on"], 0.0) + float(row["amount"])
    most = max(by_day.values(), default=0.0)
    bars = [Bar((day - first).days - 28, 24, _height(amount, most)) for day, amount in by_day.items()]
    newest = by_day[max(by_day)]
    return Strip(visit.text("customer.strip_bills"), visit.text("customer.newest", figure=visit.money(newest, 2)), bars)


def _use(visit: Visit, rows: Rows, measure: str, first: date) -> list[Strip]:
    """Sums of four weeks, counted back from the date of the night; weeks that nobody knows of are gaps. Nothing without any figure."""
    sums: dict[int, float] = {}
    for row in rows:
        if row.get(measure) is not None:
            period = (DAYS - 1 - (row["happened_on"] - first).days) // PERIOD
            sums[period] = sums.get(period, 0.0) + float(row[measure])
    most = max(sums.values(), default=0.0)
    if most <= 0:
        return []
    bars = [Bar(DAYS - PERIOD * (period + 1), PERIOD - 4, _height(amount, most)) for period, amount in sums.items()]
    told = Figure(sums.get(0), measure, "measure", measure, visit.lang, visit.currency)
    newest = visit.text("customer.four_weeks", figure=told if 0 in sums else NOTHING)
    return [Strip(named(visit, "measure", measure), newest, [bar for bar in bars if bar.x >= -PERIOD])]


def _height(amount: float, most: float) -> float:
    """Out of 100; what is there shows, and a credit is no bar."""
    return round(max(HEIGHT * amount / most, 1.5 if amount > 0 else 0.0), 1) if most > 0 and amount > 0 else 0.0


def _complaint(visit: Visit, row: Mapping[str, Any]) -> str:
    topic = named(visit, "topic", row["topic"]) if row.get("topic") else visit.text("customer.no_topic")
    solved = row.get("resolved_at")
    end = visit.text("customer.solved", day=visit.day(solved.date())) if solved else visit.text("customer.unsolved")
    return visit.text("customer.complained", topic=topic, end=end)


def _plan(visit: Visit, row: Mapping[str, Any]) -> str:
    fee = visit.money(row.get("monthly_fee"), 2)
    return visit.text("customer.plan", plan=named(visit, "plan", row["plan"]), fee=fee)


def _contact(visit: Visit, row: Mapping[str, Any]) -> str:
    channel = named(visit, "channel", row["channel"]) if row.get("channel") else visit.text("customer.no_channel")
    if row.get("arm") == "control":
        return visit.text("customer.held_out_of", campaign=row.get("campaign_id") or "—") + _evidence(visit, row)
    key = "customer.called_us" if row.get("direction") == "inbound" else "customer.contacted"
    campaign = visit.text("customer.of_campaign", campaign=row["campaign_id"]) if row.get("campaign_id") else ""
    return visit.text(key, channel=channel) + campaign + _evidence(visit, row)


def _evidence(visit: Visit, row: Mapping[str, Any]) -> str:
    """What the campaign of a contact is worth, where that has to be said."""
    return evidence(visit, row["campaign_id"]) if row.get("campaign_id") else ""
