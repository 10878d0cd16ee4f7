"""A reason of the score table as a sentence: 使用走低：近12周流量与前12周之比 59%（一般客户 102%）."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from features.definition import Feature
from pipelines.wording.formats import missing, money, number, percent, word
from pipelines.wording.texts import has, text

PLAIN = {"count", "measure/4 weeks", "1-5", "grade", "count per 30 days"}


@dataclass(frozen=True)
class Wording:
    """What the sentences need to know: the features by column, the language and the currency."""

    features: Mapping[str, Feature]
    lang: str
    currency: str = "CNY"


def sentence(reason: Mapping[str, Any], wording: Wording) -> str:
    """Headline of the business reason, the figure of the customer, and that of others where it is known."""
    value, peer = _shown(reason["feature"], reason["value"], wording), None
    if not missing(reason.get("peer_value")) and reason["peer_value"] != "":
        peer = _shown(reason["feature"], reason["peer_value"], wording)
    parts = {"headline": headline(reason, wording.lang), "label": _label(reason["feature"], wording), "value": value}
    if peer is None:
        return text("reasons.sentence_alone", wording.lang, **parts)
    return text("reasons.sentence", wording.lang, **parts, peer=peer)


def sentences(reasons: Iterable[Mapping[str, Any]] | None, wording: Wording, most: int = 3) -> list[str]:
    """The first `most` reasons that speak for the score, best first; nothing where there are none.

    A figure that equals that of the others tells a reader nothing and is left out.

    Parameters
    ----------
    reasons
        Those of one score, in any order; None for none.
    wording
        Language, and what features are called.
    most
        How many at most.
    """
    if reasons is None:
        return []
    pushing = [reason for reason in reasons if reason["direction"] > 0 and not _as_others(reason)]
    return [sentence(reason, wording) for reason in sorted(pushing, key=lambda r: r["rank"])[:most]]


def _as_others(reason: Mapping[str, Any]) -> bool:
    return reason["value"] not in (None, "") and reason["value"] == reason.get("peer_value")


def headline(reason: Mapping[str, Any], lang: str) -> str:
    """Words for the business reason, by the side of the others on which the customer's figure lies."""
    key = f"reasons.{reason['code']}"
    value, peer = _figure(reason["value"]), _figure(reason.get("peer_value"))
    if reason["code"] == "contract" and value is not None and value < 0:
        key += "_over"
    elif value is not None and peer is not None and value != peer:
        key += "_below" if value < peer else "_above"
    return text(key, lang) if has(key) else str(reason["code"])


def _label(column: str, wording: Wording) -> str:
    feature = wording.features.get(column)
    return feature.label(wording.lang) if feature else column


def _shown(column: str, value: Any, wording: Wording) -> str:
    """A value of a feature in its unit; words of the catalogue for codes."""
    figure, lang, feature = _figure(value), wording.lang, wording.features.get(column)
    if missing(value) or value == "":
        return (feature and feature.null_meaning(lang)) or text("reasons.unknown", lang)
    if figure is None:
        return word(column, value, lang)
    return _with_unit(figure, feature.unit if feature else "", wording)


def _with_unit(figure: float, unit: str, wording: Wording) -> str:
    lang, digits = wording.lang, 0 if figure == round(figure) or abs(figure) >= 100 else 1
    if unit.startswith("currency"):
        change = unit.startswith("currency/month per")
        return money(figure, wording.currency, lang, signed=change)
    if unit.startswith("share per"):
        return percent(figure, lang, digits=1, signed=True)
    if unit in ("ratio", "share", "probability"):
        return percent(figure, lang)
    if unit in ("days", "day", "months"):
        return text("reasons.months" if unit == "months" else "reasons.days", lang, n=number(figure, lang, digits))
    return number(figure, lang, digits)


def _figure(value: Any) -> float | None:
    try:
        figure = float(value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(figure) else figure
