"""A reason of the score table as a sentence: 近12周流量比前12周少 41%，一般客户基本持平."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from features.definition import Feature
from pipelines.wording.figures import Figure, comparable
from pipelines.wording.texts import LANGUAGES, catalogue, has, text

BETWEEN_CHINESE = re.compile(r"(?<=[\u4e00-\u9fff%]) (?=[\u4e00-\u9fff])")
"""Blanks stand beside figures and never between two Chinese characters."""


@dataclass(frozen=True)
class Wording:
    """What the sentences need to know: the features by column, the language and the currency."""

    features: Mapping[str, Feature]
    lang: str
    currency: str = "CNY"


def sentence(reason: Mapping[str, Any], wording: Wording) -> str | None:
    """What a reason says of the customer, beside others; None where it says nothing that can be compared.

    That is so where the figure is unknown, where that of others is, and where both are told alike.

    Parameters
    ----------
    reason
        Of the score table: feature, value and peer_value, the numbers as text.
    wording
        Language, and what features are called.
    """
    figure, peer = (_figure(reason, part, wording) for part in ("value", "peer_value"))
    if not comparable(figure.value):
        return None
    feature = wording.features.get(reason["feature"])
    template = _template(feature, figure)
    kind = _kind(_template(feature)[wording.lang == "zh"])
    beside_others = kind.endswith("!")
    own, theirs = (each.told(kind.rstrip("!"), None) for each in (figure, peer))
    usual = text("figures.same_alone", wording.lang) if beside_others else theirs
    if own == usual or not (beside_others or comparable(peer.value)):
        return None
    said = _said(feature, template, figure, reason["feature"])
    if not beside_others:
        said = text(
            "figures.beside_most" if figure.number is None else "figures.beside", wording.lang, said=said, peer=theirs
        )
    return _tidy(said, wording.lang)


def sentences(reasons: Iterable[Mapping[str, Any]] | None, wording: Wording, most: int = 3) -> list[str]:
    """The first `most` reasons that speak for the score and can be told, best first; nothing where there are none.

    Parameters
    ----------
    reasons
        Those of one score, in any order; None for none.
    wording
        Language, and what features are called.
    most
        How many at most.
    """
    pushing = [reason for reason in (() if reasons is None else reasons) if reason["direction"] > 0]
    told = (sentence(reason, wording) for reason in sorted(pushing, key=lambda r: r["rank"]))
    return [line for line in told if line is not None][:most]


def headline(code: str, lang: str) -> str:
    """What a business reason is called; a code without words stands for itself."""
    return text(f"reasons.{code}", lang) if has(f"reasons.{code}") else code


def _figure(reason: Mapping[str, Any], part: str, wording: Wording) -> Figure:
    feature = wording.features.get(reason["feature"])
    unit, measure = (feature.unit, feature.measure) if feature else ("", None)
    return Figure(reason.get(part), reason["feature"], unit, measure, wording.lang, wording.currency)


def _template(feature: Feature | None, figure: Figure | None = None) -> tuple[str, str]:
    """The words of a feature, for its window or for a figure of zero where there are such, in English and in Chinese."""
    if feature is None:
        return _both("figures.by_label")
    name = f"{feature.family}.{feature.definition.function.__name__}"
    window = str(feature.window.length) if feature.window else ""
    keys = [f"spoken.{name}_none"] if figure and figure.number == 0 else []
    keys += [f"spoken.{name}_{window}", f"spoken.{name}"]
    return _both(next((key for key in keys if has(key)), "figures.by_label"))


def _both(key: str) -> tuple[str, str]:
    english, chinese = (catalogue()[key][lang] for lang in sorted(LANGUAGES))
    return english, chinese


def _kind(template: str) -> str:
    """How a template tells its figure: the first word after the colon; empty where it has none."""
    specs = (spec or "" for _, name, spec, _ in Formatter().parse(template) if name == "figure")
    return next(specs, "").partition(" ")[0]


def _said(feature: Feature | None, template: tuple[str, str], figure: Figure, column: str) -> str:
    if feature is None:
        return template[figure.lang == "zh"].format(label=column, figure=figure)
    return feature.worded(template, figure.lang, figure=figure, label=feature.label(figure.lang))


def _tidy(said: str, lang: str) -> str:
    return BETWEEN_CHINESE.sub("", said) if lang == "zh" else said[:1].upper() + said[1:]
