"""The twin of satisfaction."""

from typing import Any

from tests.features.figures import mean, within


def twin(who: Any, seen: dict, given: Any) -> dict[str, Any]:
    """Every column of the family."""
    scores = [row["score"] for row in within(who, seen["surveys"], 365)]
    return {
        "satisfaction_365d": mean(scores),
        "satisfaction_low_365d": min(scores, default=None),
        "survey_answers_365d": len(scores),
    }
