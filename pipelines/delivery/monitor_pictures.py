"""Actual against predicted over time, a picture per target: which look it shows, and what it says to those who do not see."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import pandas as pd
from markupsafe import Markup

from models.targets.registry import TARGETS
from pipelines.delivery import charts, charts_over_nights
from pipelines.delivery.speech import ModelSpeech
from pipelines.wording.texts import text

ENOUGH = 3
"""Nights from which on a look goes before a shorter one."""


def pictures(page: ModelSpeech, kept: Iterable[Any]) -> list[dict[str, Any]]:
    """Title and SVG of each target of which any outcome is known, in the order of the targets.

    Parameters
    ----------
    page
        Its language.
    kept
        What came of earlier nights.
    """
    by_target = {name: nights(kept, name) for name in TARGETS}
    return [_picture(page, name, looks) for name, looks in by_target.items() if looks]


def nights(kept: Iterable[Any], target: str) -> dict[int, pd.DataFrame]:
    """Days -> what was promised and happened per customer, a row per night, the oldest first.

    Parameters
    ----------
    kept
        What came of earlier nights.
    target
        Its name.

    Returns
    -------
    dict of int to pandas.DataFrame
        as_of, promised, low, high, observed, broken; low and high null for money.
    """
    own = sorted((one for one in kept if one.target == target), key=lambda one: (one.days, one.as_of))
    return {days: pd.DataFrame(map(_per_customer, found)) for days, found in groupby(own, lambda one: one.days)}


def shown(looks: Mapping[int, pd.DataFrame]) -> int:
    """The longest look of which enough nights are known; without one, that of most nights, the longest of equals."""
    known = [days for days, found in looks.items() if len(found) >= ENOUGH]
    return max(known) if known else max(looks, key=lambda days: (len(looks[days]), days))


def _per_customer(one: Any) -> dict[str, Any]:
    totals = {name: getattr(one.result, name) for name in ("promised", "low", "high", "observed")}
    per_customer = {name: total / one.result.n for name, total in totals.items()}
    return {"as_of": one.as_of, **per_customer, "broken": one.result.level_broken}


def _picture(page: ModelSpeech, target: str, looks: Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    days = shown(looks)
    found, money = looks[days], TARGETS[target].task.objective != "binary"
    title = page.tell("kept.picture", target=text(f"targets.{target}.name", page.lang), days=days)
    drawn = charts_over_nights.promised_and_happened(found, page.money(0)[:-1] if money else None, page.lang)
    newest, say = found.iloc[-1], page.money if money else page.share
    values = {"promised": say(newest["promised"]), "observed": say(newest["observed"])}
    alt = page.tell("kept.pictured", picture=title, n=len(found), day=page.day(newest["as_of"]), **values)
    return {"title": title, "svg": Markup(charts.svg(drawn, f"{page.lang}-kept-{target}", alt))}
