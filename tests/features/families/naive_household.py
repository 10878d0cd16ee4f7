"""The twin of the household: what other customers of the account do."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

from tests.features.families.naive_arpu import newest_known, sold
from tests.features.figures import ratio

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
    here = [(mate, rows) for mate, rows in joined if not left(mate, who.as_of)]
    complaints = [row for _, rows in here for row in rows["complaints"]]
    together = [(who, own["bills"])]
    together += [(replace(who, activated_on=mate["activated_on"]), rows["bills"]) for mate, rows in here]
    newest = min(newest_known(member, bills, given.settings) for member, bills in together)
    mine = billed(newest, own["bills"], given.settings)
    everybody = sum(billed(newest, bills, given.settings) for _, bills in together)
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


def billed(newest: int, rows: list[dict], settings: Any) -> Fraction:
    """Sum of the bills of three months up to the newest that is known of everybody."""
    return sum((amount for m, amount in sold(rows, settings) if 0 <= newest - m < 3), Fraction(0))
