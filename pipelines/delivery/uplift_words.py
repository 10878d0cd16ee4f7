"""Whom campaigns help: effects by segment, and what came of the trial of an uplift model; on the terminal and on the page alike."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.delivery.campaign_words import difference
from pipelines.delivery.list_filters import option_word
from pipelines.wording.formats import money, number
from pipelines.wording.texts import text
from targeting.known_before import FEWEST_CAMPAIGNS

Told = Mapping[str, Any]
LISTED = ("churn", "vip")
"""What lists are about."""
HALF = 5
"""Place of one half in a curve of ten steps."""
THOUSAND = 1_000


def segment_titles(lang: str) -> list[str]:
    """What stands above the columns of `segments`."""
    return [text(f"uplift.column.{name}", lang) for name in ("segment", "effect", "result")]


def segments(found: Sequence[Told], outcome: str, currency: str, lang: str) -> list[list[str]]:
    """A row per segment: its name, the difference with the interval that holds for all at once, and what that says.

    Parameters
    ----------
    found
        As `flows.campaigns.segments_as_dict` gives them.
    outcome
        Of the campaign.
    currency
        ISO 4217.
    lang
        `zh` or `en`.
    """
    rows = []
    for one in found:
        names = {"by": text(f"terms.filter.{one['by']}", lang), "value": option_word(one["by"], one["value"], "", lang)}
        effect = difference(one["effect"], outcome, currency, lang)
        rows.append([text("uplift.segment", lang, **names), effect, text(f"campaigns.status.{one['status']}", lang)])
    return rows


def verdict(told: Told, lang: str) -> str:
    """Is a model of uplift used for this action, and why not?

    Parameters
    ----------
    told
        As `flows.campaigns_together` gives it.
    lang
        `zh` or `en`.
    """
    names = _names(told, lang)
    if told["risk"] is None:
        key = "too_early" if told["campaigns"] < FEWEST_CAMPAIGNS else "too_few"
        return text(f"uplift.{key}", lang, **names)
    if told["adopted"] is None:
        return text("uplift.not_used", lang, **names)
    learner = text(f"uplift.order.{told['adopted']}", lang)
    return text("uplift.used", lang, learner=learner, next=_next(told, lang), **names)


def _next(told: Told, lang: str) -> str:
    """The command that orders a list by the model; there is none for money, which no list is about."""
    if told["outcome"] not in LISTED:
        return ""
    return text("uplift.next", lang, kind=told["outcome"], channel=shlex.quote(told["channel"]))


def _names(told: Told, lang: str) -> dict[str, Any]:
    counts = {"campaigns": told["campaigns"], "customers": told["customers"]}
    outcome, score = (text(f"campaigns.{name}.{told['outcome']}", lang) for name in ("outcome", "score"))
    return counts | {"channel": told["channel"], "outcome": outcome, "score": score}


def order_titles(lang: str) -> list[str]:
    """What stands above the columns of `orders`."""
    return [text(f"uplift.column.{name}", lang) for name in ("order", "half", "coefficient", "ahead")]


def orders(told: Told, currency: str, lang: str) -> Iterator[list[str]]:
    """A row per order of the lists: its name, what contacting the first half brings, its Qini coefficient, and how far that is
    ahead of ranking by the score; nothing where nothing could be tried. Parameters are those of `verdict`."""
    if told["risk"] is None:
        return
    for name, one in [("risk", told["risk"]), *told["learners"].items()]:
        label = (
            text(f"campaigns.score.{told['outcome']}", lang) if name == "risk" else text(f"uplift.order.{name}", lang)
        )
        half = _gain(one["curve"][HALF], told["outcome"], currency, lang)
        yield [label, half, _interval(one, told, currency, lang), _interval(one["ahead"], told, currency, lang)]


def _interval(found: Told | None, told: Told, currency: str, lang: str) -> str:
    if found is None:
        return text("uplift.same", lang)
    shown = {key: _gain(found[key], told["outcome"], currency, lang) for key in ("value", "low", "high")}
    return text("campaigns.interval", lang, **shown)


def _gain(value: float, outcome: str, currency: str, lang: str) -> str:
    """Customers, or money, per thousand on the list."""
    many = THOUSAND * value
    return money(many, currency, lang, 0, signed=True) if outcome == "value" else number(many, lang, 1, signed=True)
