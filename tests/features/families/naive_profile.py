"""The twin of the profile."""

from typing import Any

from tests.features.families.naive_arpu import newest_known
from tests.features.figures import month


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family: what is on record, and how long they have been with us."""
    (customer,) = seen["customers"]
    newest = newest_known(who, seen["bills"], given.settings)
    return (
        {
            "customer_type": customer["customer_type"],
            "group_size": customer["group_size"],
            "region": customer["region"],
            "tenure_days": who.age,
            "tenure_months": int(who.age / 30.4375),
            "months_known": max(newest - month(who.activated_on) + 1, 0),
        }
        | {name: customer[name] for name in (*given.declared.attributes, *given.declared.numbers)}
        | declared(who, customer, given)
    )


def declared(who: Any, customer: dict, given: Any) -> dict[str, Any]:
    """Days and flags that the mapping adds."""
    figures: dict[str, Any] = {}
    for name in given.declared.dates:
        day = customer[name]
        figures |= {f"days_since_{name}": day and (who.as_of - day).days, f"{name}_month": day and day.month}
    answers = {True: 1, False: 0, None: None}
    return figures | {name: answers[customer[name]] for name in given.declared.flags}
