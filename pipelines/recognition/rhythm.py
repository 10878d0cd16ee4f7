"""How often customers come, from the data's own gaps: when silence means that they have left, and what history allows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from features.errors import HeadwaterError
from features.settings import StageSettings
from models import splits
from models.splits import Protocol

HORIZONS = (14, 30, 60, 90, 120, 180, 365)
"""Days that a horizon may have."""
SHORTEST = 30
"""Days that leave time to act; less is proposed only where there is too little history."""
RETURNED = 0.8
"""Share of those who come back that have done so within the horizon: who has not is more likely gone than late."""
QUICK, RARE, SELDOM = 10, 45, 182
"""Days between purchases of a business of weeks, of one that bills less than monthly, and of one that bills by the year."""
MONTHLY = 0.9
"""Share of returns after a month from which what is paid are bills of months."""
BARS = (7, 14, 30, 60, 90, 120, 180, 365)
USUAL_HISTORY, LEAST_HISTORY = 150, 30
"""Days of history that the first date of learning has behind it, and must have at the least."""


@dataclass(frozen=True)
class Gaps:
    """Days from one purchase of a customer to the next.

    Attributes
    ----------
    customers, returns
        Customers with any purchase, and purchases after which they came back on another day.
    shares
        Of these returns within `BARS` days.
    enough
        Days within which 80 % of those who come back do so.
    usual
        Days within which half of them do so.
    monthly
        Share of these returns after a month, of 28 to 31 days, give or take a weekend.
    """

    customers: int
    returns: int
    shares: tuple[float, ...]
    enough: float
    usual: float = 0.0
    monthly: float = 0.0

    @property
    def are_bills(self) -> bool:
        """Do customers pay by the month, and not when they buy something?"""
        return self.monthly >= MONTHLY

    @property
    def rare(self) -> bool:
        """Do customers come or pay less often than every other month?"""
        return self.usual > RARE


def gaps(con: duckdb.DuckDBPyConnection, purchases: str) -> Gaps:
    """The gaps of a query that gives `customer` and `day`, of each customer and day once.

    Only gaps that began in the first half of the data count: later ones had too little time to end.
    """
    query = f"""
        WITH days AS (SELECT DISTINCT customer, day FROM ({purchases}) WHERE day IS NOT NULL),
        span AS (SELECT min(day) AS first, max(day) AS last FROM days),
        steps AS (SELECT customer, day, lead(day) OVER (PARTITION BY customer ORDER BY day) - day AS gap FROM days),
        returns AS (SELECT gap FROM steps, span WHERE gap IS NOT NULL AND day <= first + ((last - first) // 2)::INTEGER)
        SELECT (SELECT count(DISTINCT customer) FROM days), count(*), quantile_cont(gap, {RETURNED}), median(gap),
               avg((gap BETWEEN 26 AND 33)::INT),
               {", ".join(f"avg((gap <= {days})::INT)" for days in BARS)} FROM returns"""
    customers, returns, enough, usual, monthly, *shares = con.sql(query).fetchall()[0]
    within = tuple(float(share or 0) for share in shares)
    return Gaps(customers, returns, within, float(enough or 0), float(usual or 0), float(monthly or 0))


def windows(usual: float, has: int, usage_days: int | None) -> dict[str, list[int]]:
    """Windows that suit a rhythm and that the shipped ones, 30 days to a year, do not have.

    Parameters
    ----------
    usual
        Days from one purchase to the next.
    has
        Days of history there are: a window needs itself and as much before it.
    usage_days
        Days that a row of usage is for; None without usage.

    Returns
    -------
    dict of str to list of int
        As `features.windows` takes them; empty for a rhythm of weeks or months.
    """
    if 0 < usual <= QUICK:
        usage = {"usage": [7, 14]} if usage_days in (1, 7) else {}
        return {"purchases": [7, 14], **usage}
    if usual <= RARE:
        return {}
    months = [n for n in (12, 24) if (n == 12 or usual > SELDOM) and 2 * n * 30 <= has]
    days = [n for n in (730,) if usual > SELDOM and 2 * n <= has]
    return {name: sizes for name, sizes in (("bills", months), ("purchases", days)) if sizes}


def dormant_days(enough: float) -> int | None:
    """Days of silence that are more than usual, half as long again as most stay away; None where the shipped ones do."""
    days = round(1.5 * enough)
    return days if days > StageSettings().dormant_days else None


@dataclass(frozen=True)
class Plan:
    """What is learnt from and judged on.

    Attributes
    ----------
    horizon
        Days within which leaving counts.
    wanted
        The same if there were history enough.
    lookback
        Days in which a purchase makes a customer of somebody.
    history
        Days that the oldest date of learning has behind it.
    has
        Days of history there are.
    fits
        Is there enough to learn from at all?
    """

    horizon: int
    wanted: int
    lookback: int
    history: int
    has: int
    fits: bool


def plan(first: date, as_of: date, wanted: float, delay: int = 0, every: str = "30d") -> Plan:
    """The longest horizon up to the wanted one with which training would find its dates, by training's own rule.

    Parameters
    ----------
    first
        Day of the oldest event.
    as_of
        Day after the newest.
    wanted
        Days that a horizon should have.
    delay
        Days until what happened is known.
    every
        Step between the dates that are learnt from, as `protocol.every`.

    Returns
    -------
    Plan
        With the longest history before the first date that leaves two dates to fit on before one that chooses, or else before the one that judges, if any do.
    """
    has = (as_of - first).days
    target = next((days for days in HORIZONS if days >= max(wanted, SHORTEST)), HORIZONS[-1])
    tried = sorted((days for days in HORIZONS if days <= target), reverse=True)
    for dates in (_rehearsed_dates, _learnt_dates):
        for days in tried:
            for history in (max(days, USUAL_HISTORY), USUAL_HISTORY, 90, 60, LEAST_HISTORY):
                split = _split(first, as_of, days, delay, history, every) if history >= min(days, 90) else None
                if split and dates(split) >= 2:
                    return Plan(days, target, max(min(2 * days, has // 3), 1), history, has, True)
    return Plan(min(target, HORIZONS[1]), target, 2 * HORIZONS[1], LEAST_HISTORY, has, False)


def _split(first: date, as_of: date, days: int, delay: int, history: int, every: str) -> splits.Split | None:
    """How a training would be judged forward in time; None where there is too little history."""
    protocol = Protocol(every=every, reporting_delay_days=delay, history_days=history, unjudged="wait")
    try:
        return splits.plan(as_of, protocol, days, first + timedelta(days=history))
    except HeadwaterError:
        return None


def _rehearsed_dates(split: splits.Split) -> int:
    """The most dates that are learnt from where a candidate is chosen."""
    return max((len(rehearsal.learnt) for rehearsal in split.rehearsals), default=0)


def _learnt_dates(split: splits.Split) -> int:
    """The dates that what is judged learns from."""
    return len(split.every)


def needed_days(horizon: int, delay: int = 0) -> int:
    """Days of history, about, that learning with a horizon takes: two windows and a past before them."""
    return 2 * (horizon + delay) + max(LEAST_HISTORY, min(horizon, 90)) + 60


def bars(shares: Sequence[float], chosen: int, width: int = 30) -> list[str]:
    """A line for each of `BARS`: days, a bar as long as the share that has come back, the share, and the mark of the choice."""
    blocks = " ▏▎▍▌▋▊▉█"
    lines = []
    for days, share in zip(BARS, shares, strict=True):
        eighths = round(share * width * 8)
        bar = "█" * (eighths // 8) + blocks[eighths % 8].strip()
        lines.append(f"{days:>5}  {bar:<{width}} {share:>4.0%}{'  ◀' if days == chosen else ''}")
    return lines


def day_after(day: date) -> date:
    """The as-of date that sees a day whole."""
    return day + timedelta(days=1)
