"""The twin of components of bills."""

from fractions import Fraction
from typing import Any

from tests.features.families.naive_arpu import known_months, monthly, sold
from tests.features.figures import less, mean, ratio


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family: a bill without the component has none of it."""
    months = known_months(who, seen["bills"], given.settings)
    billed = monthly(who, seen["bills"], given.settings)
    figures: dict[str, Any] = {}
    for name in given.declared.components:
        parts = sold([row | {"amount": row[name] or 0} for row in seen["bills"]], given.settings)
        own = [sum((part for m, part in parts if m == wanted), Fraction(0)) for wanted in months]
        figures[f"{name}_billed_3m"] = mean(own[:3])
        figures[f"{name}_bill_share_3m"] = ratio(Fraction(sum(own[:3])), Fraction(sum(billed[:3])))
        figures[f"{name}_bill_change_3m"] = less(mean(own[:3]), mean(own[3:6]))
    return figures
