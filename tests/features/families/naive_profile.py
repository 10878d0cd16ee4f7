"""The twin of the profile."""

from typing import Any

from tests.features.figures import month, newest_closed


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family: what is on record, and how long they have been with us."""
    (customer,) = seen["customers"]
    newest = newest_closed(who.as_of, given.settings)
    return {
        "customer_type": customer["customer_type"],
        "group_size": customer["group_size"],
        "region": customer["region"],
        "tenure_days": who.age,
        "tenure_months": int(who.age / 30.4375),
        "months_known": max(newest - month(who.activated_on) + 1, 0),
    } | {name: customer[name] for name in (*given.declared.attributes, *given.declared.numbers)}
