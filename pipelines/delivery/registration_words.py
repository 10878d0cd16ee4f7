"""What is said of a campaign that was just registered: on the terminal and on the page alike."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.delivery.campaign_words import mean
from pipelines.wording.formats import number
from pipelines.wording.texts import text


def registered(told: Mapping[str, Any], currency: str, lang: str) -> Iterator[tuple[str, str]]:
    """What was registered, what can be expected of it, what speaks against it, and how its contacts are to be named.

    Parameters
    ----------
    told
        As `flows.campaign_registration.Registered.as_dict` gives it.
    currency
        ISO 4217.
    lang
        `zh` or `en`.

    Yields
    ------
    tuple
        `fact`, `warning` or `next`, and a sentence.
    """
    outcome = text(f"campaigns.outcome.{told['outcome']}", lang)
    counts = {"treated": told["treated"], "held_out": told["control"], "days": told["window_days"]}
    days = {"start": told["start"], "matures": told["matures_on"]}
    yield "fact", text("campaigns.registered", lang, id=told["campaign"], outcome=outcome, **counts, **days)
    if told["expected"] is not None:
        expected = mean(told["expected"], told["outcome"], currency, lang)
        yield "fact", text(f"campaigns.expected_{told['outcome']}", lang, expected=expected)
    if not told["control"]:
        yield "warning", text("campaigns.no_control", lang)
    elif told["outcome"] == "churn" and told["expected"] is not None:
        yield "fact", _detectable(told["detectable"], lang)
    if told["late"]:
        yield "warning", text("campaigns.late", lang)
    if told["running"]:
        yield "warning", text("campaigns.elsewhere", lang, n=told["running"])
    yield "next", text("campaigns.name_it", lang, name=told["name"], id=told["campaign"])


def _detectable(drop: float | None, lang: str) -> str:
    """Which drop of the share that leaves the holdout shows."""
    if drop is None:
        return text("campaigns.undetectable", lang)
    return text("campaigns.detectable", lang, points=number(100 * drop, lang, 1))
