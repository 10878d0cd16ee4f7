"""The twin of seasons."""

from typing import Any

from tests.features.families.naive_arpu import monthly
from tests.features.figures import less, mean, ratio


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family: the newest months beside those of a year before."""
    billed = monthly(who, seen["bills"], given.settings)
    figures: dict[str, Any] = {}
    for n in (1, 3):
        year = billed[12 : 12 + n] if len(billed) >= 12 + n else []
        figures[f"arpu_year_change_{n}m"] = less(mean(billed[:n]), mean(year))
        figures[f"arpu_year_ratio_{n}m"] = ratio(mean(billed[:n]), mean(year))
    return figures
