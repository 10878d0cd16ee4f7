"""The twin of the household: what other customers of the account do."""

from datetime import date
from fractions import Fraction
from typing import Any

from tests.features.families.naive_arpu import sold
from tests.features.figures import newest_closed, ratio

HOUSEHOLD = [
    "household_members",
    "household_left_90d",
    "household_left_180d",
    "household_bill_3m",
    "household_bill_share_3m",
    "household_complaints_180d",
]


def twin(who: Any, own: dict, given: Any) -> dict[str, Any]:
    """`own` and each mate's visible rows; a mate is a customer of the same account, with us, to come, or gone."""
    if not own["customers"][0]["account_id"]:
        return dict.fromkeys(HOUSEHOLD)
    joined = [(mate, rows) for mate, rows in given.mates if mate["activated_on"] < who.as_of]
    gone = [who.ago(mate["deactivated_on"]) for mate, _ in joined if left(mate, who.as_of)]
    here = [rows for mate, rows in joined if not left(mate, who.as_of)]
    complaints = [row for rows in here for row in rows["complaints"]]
    mine = billed(who, own["bills"], given.settings)
    everybody = mine + sum(billed(who, rows["bills"], given.settings) for rows in here)
    return {
        "household_members": len(here),
        "household_left_90d": sum(ago < 90 for ago in gone),
        "household_left_180d": sum(ago < 180 for ago in gone),
        "household_bill_3m": everybody / 3 if here else None,
        "household_bill_share_3m": ratio(mine, everybody) if here else None,
        "household_complaints_180d": sum(who.ago(row["happened_on"]) < 180 for row in complaints),
    }


def left(customer: dict, as_of: date) -> bool:
    return customer["deactivated_on"] is not None and customer["deactivated_on"] < as_of


def billed(who: Any, rows: list[dict], settings: Any) -> Fraction:
    """Sum of the bills of the three newest closed months."""
    newest = newest_closed(who.as_of, settings)
    return sum((amount for m, amount in sold(rows, settings) if 0 <= newest - m < 3), Fraction(0))
