"""The twin of purchases."""

from calendar import monthrange
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.features.families.naive_arpu import newest_known
from tests.features.figures import mean, newest_closed, ratio, spread


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """A purchase is a bill above zero, seen from the day up to which bills are known."""
    who = replace(who, as_of=known_until(who, seen["bills"], given.settings))
    bills = [row for row in seen["bills"] if row["happened_on"] < who.as_of]
    bought = [(who.ago(row["happened_on"]), Fraction(row["amount"])) for row in bills if row["amount"] > 0]
    figures: dict[str, Any] = {}
    declared = tuple(given.declared.windows.get("purchases", ()))
    for n in (30, 91, 182, 365, *declared):
        inside = [(ago, paid) for ago, paid in bought if ago < n]
        figures[f"spend_{n}d"] = sum(paid for _, paid in inside)
        figures[f"orders_{n}d"] = len(inside)
        figures[f"purchase_days_{n}d"] = len({ago for ago, _ in inside})
    for n in (91, 182, *declared):
        before = sum(paid for ago, paid in bought if n <= ago < 2 * n)
        figures[f"spend_ratio_{n}d"] = ratio(Fraction(figures[f"spend_{n}d"]), before)
    amounts = [paid for _, paid in bought]
    figures |= {"spend_ever": sum(amounts), "orders_ever": len(amounts)}
    figures["order_rate"] = Fraction(len(amounts) * 30, who.age)
    figures["spend_rate"] = sum(amounts) * Fraction(30, who.age)
    figures |= {"order_value": mean(amounts), "order_value_max": max(amounts, default=None)}
    figures["order_value_spread"] = spread(amounts)
    return figures | rhythm(bought) | brought_back(who, bills, figures, declared)


def known_until(who: Any, bills: list[dict], settings: Any) -> date:
    """As many months before the as-of date as months are awaited, each of which is asked for as soon as it is over."""
    at_once = settings.model_copy(update={"closing_days": 0})
    awaited = newest_closed(who.as_of, at_once) - newest_known(who, bills, at_once)
    year, before = divmod(who.as_of.year * 12 + who.as_of.month - 1 - awaited, 12)
    return date(year, before + 1, min(who.as_of.day, monthrange(year, before + 1)[1]))


def brought_back(who: Any, bills: list[dict], spent: dict[str, Any], declared: tuple[int, ...]) -> dict[str, Any]:
    """Bills below zero."""
    given = [(who.ago(row["happened_on"]), -Fraction(row["amount"])) for row in bills if row["amount"] < 0]
    figures: dict[str, Any] = {"days_since_return": min((ago + 1 for ago, _ in given), default=None)}
    for n in (91, 365, *declared):
        inside = [money for ago, money in given if ago < n]
        figures |= {f"returns_{n}d": len(inside), f"returned_{n}d": sum(inside)}
        figures[f"return_share_{n}d"] = ratio(Fraction(sum(inside)), spent[f"spend_{n}d"])
    return figures


def rhythm(bought: list[tuple[int, Fraction]]) -> dict[str, Any]:
    days = sorted({ago for ago, _ in bought}, reverse=True)
    gaps = [older - newer for older, newer in pairwise(days)]
    newest = days[-1] + 1 if days else None
    first = days[0] + 1 if days else None
    return {
        "days_since_purchase": newest,
        "days_since_first_purchase": first,
        "order_value_last": max((paid for ago, paid in bought if ago == days[-1]), default=None),
        "purchase_gap": mean(gaps),
        "purchase_gap_max": max(gaps, default=None),
        "purchase_gap_spread": spread(gaps),
        "purchase_gap_last": gaps[-1] if gaps else None,
        "purchase_overdue": ratio(newest, mean(gaps)),
        "purchase_silence_share": ratio(newest, first and Fraction(first)),
    }
