"""The twin of the surroundings: what everybody else of the same region, or with the same attribute, did."""

from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Any


def twin(who: Any, own: dict, given: Any) -> dict[str, Any]:
    """`given.everybody` holds each customer's record and their rows as seen from where the customer is looked at."""
    record, figures = own["customers"][0], {}
    for group in ("region", *given.declared.attributes):
        for n in (28, 90):
            figures[f"left_in_{group}_{n}d"] = relative(record, group, counted(given.everybody, who.as_of, "left", n))
        for table in ("complaints", "payments"):
            figures[f"{table}_in_{group}_28d"] = relative(record, group, counted(given.everybody, who.as_of, table, 28))
    return figures


@lru_cache(maxsize=8)
def counted(everybody: Any, as_of: date, what: str, n: int) -> list[tuple[dict, int]]:
    """Everybody who was there, and how often they did it."""
    if what == "left":
        return [(each, left_within(each, as_of, n)) for each, _ in everybody.rows if was_there(each, as_of, n)]
    made = paid if what == "payments" else bool
    first = as_of - timedelta(days=n)
    return [
        (each, sum(bool(made(row)) and row["happened_on"] >= first for row in rows[what]))
        for each, rows in everybody.rows
        if was_there(each, as_of, 0)
    ]


def was_there(other: dict, as_of: date, days: int) -> bool:
    """With us at the as-of date, or some time in so many days before it."""
    left = other["deactivated_on"]
    return other["activated_on"] < as_of and (left is None or left >= as_of - timedelta(days=days))


def left_within(other: dict, as_of: date, days: int) -> int:
    left = other["deactivated_on"]
    return int(left is not None and as_of - timedelta(days=days) <= left < as_of)


def paid(row: dict) -> bool:
    return row["amount"] >= 0 and not row["failed"]


def relative(record: dict, group: str, numbers: list[tuple[dict, int]]) -> Fraction | None:
    """Ten more than were seen over ten more than the rate of everybody else leads to expect."""
    others = [(each, number) for each, number in numbers if each["customer_id"] != record["customer_id"]]
    beside = [number for each, number in others if record[group] is not None and each[group] == record[group]]
    everywhere = sum(number for _, number in others)
    if not beside or not everywhere:
        return None
    return (sum(beside) + 10) / (Fraction(everywhere, len(others)) * len(beside) + 10)
