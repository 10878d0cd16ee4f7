"""Whom campaigns help most: the effect in each third of their lists by the score of before, and in each region, tier, type
and stage, with intervals that are all right at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from targeting.campaigns import COVARIATES, WANTED, Outcome, difference, enough
from targeting.effects import LEVEL, Effect, Pooled, pooled
from targeting.known_before import SEGMENTS, SegmentName

THIRDS = ("lowest", "middle", "highest")
SMALLEST = 0.05
"""Share of a list below which a segment is not told: chosen before anybody knows an outcome."""
Place = tuple[SegmentName, str]


@dataclass(frozen=True)
class Segment:
    """The effect in one segment of a list.

    Attributes
    ----------
    by, value
        What lists are narrowed by, and its code.
    effect
        Adjusted by the score of before.
    low, high
        Of its interval: those of all segments that are told together cover the truth in 95 of 100 cases (Bonferroni).
    status
        `open` where the interval spans zero.
    """

    by: SegmentName
    value: str
    effect: Effect
    low: float
    high: float
    status: Literal["open", "works", "harms"]


def by_score(members: pd.DataFrame, outcome: Outcome) -> dict[str, Effect]:
    """The effect of one campaign in each third of its list.

    Parameters
    ----------
    members
        As `campaigns.measure` takes them.
    outcome
        What `came` is; the list is cut by the score that was published of it, ties by rank.

    Returns
    -------
    dict
        A third of `THIRDS` -> its effect, adjusted; a third where nothing can be told is left out, and all of them where the
        scores are not known.
    """
    score = COVARIATES[outcome]
    known = members[members["came"].notna() & members[score].notna()]
    order = np.lexsort((-known["rank"].to_numpy(), known[score].to_numpy(dtype=float)))
    parts = dict(zip(THIRDS, np.array_split(order, len(THIRDS)), strict=True))
    rows = {name: known.iloc[part] for name, part in parts.items()}
    return {
        name: difference(part, "came", score) for name, part in rows.items() if enough(part, "came", outcome != "value")
    }


def pooled_by_score(campaigns: Sequence[pd.DataFrame], outcome: Outcome) -> dict[str, Pooled]:
    """The same of several campaigns together: uplift by segment, which one campaign alone is too small to tell.

    Parameters
    ----------
    campaigns
        Members of each, as `campaigns.measure` takes them.
    outcome
        Of all of them.

    Returns
    -------
    dict
        A third -> the effects of at least two campaigns, pooled; others are left out.
    """
    found = [by_score(members, outcome) for members in campaigns]
    effects = {name: [one[name] for one in found if name in one] for name in THIRDS}
    return {name: pooled(several) for name, several in effects.items() if len(several) > 1}


def by_segment(members: pd.DataFrame, outcome: Outcome) -> list[Segment]:
    """The effect of one campaign in each region, tier, type and stage that holds at least `SMALLEST` of its list.

    Parameters
    ----------
    members
        As `campaigns.measure` takes them, with the columns of `SEGMENTS`; a null is in no segment.
    outcome
        What `came` is.

    Returns
    -------
    list of Segment
        Those of which something can be told; none where a list has one segment alone, which is the list.
    """
    return _at_once(_effects(members, outcome), outcome)


def pooled_by_segment(campaigns: Sequence[pd.DataFrame], outcome: Outcome) -> list[Segment]:
    """The same of several campaigns together, by the mean of effects that may differ.

    Parameters
    ----------
    campaigns
        Members of each, as `by_segment` takes them.
    outcome
        Of all of them.

    Returns
    -------
    list of Segment
        Those that at least two campaigns tell.
    """
    found = [_effects(members, outcome) for members in campaigns]
    places = list(dict.fromkeys(place for one in found for place in one))
    several = {place: [one[place] for one in found if place in one] for place in places}
    return _at_once({place: pooled(each).random for place, each in several.items() if len(each) > 1}, outcome)


def _effects(members: pd.DataFrame, outcome: Outcome) -> dict[Place, Effect]:
    """Segment -> its effect; in the order of the filters and of the alphabet."""
    known, found = members[members["came"].notna()], dict[Place, Effect]()
    for by, column in SEGMENTS.items():
        sizes = members[column].value_counts()
        values = sorted(sizes.index[sizes >= SMALLEST * len(members)])
        for value in values if len(sizes) > 1 else ():
            rows = known[known[column] == value]
            if enough(rows, "came", outcome != "value"):
                found[by, str(value)] = difference(rows, "came", COVARIATES[outcome])
    return found


def _at_once(effects: Mapping[Place, Effect], outcome: Outcome) -> list[Segment]:
    """Intervals that are as much wider as there are segments."""
    told = []
    for (by, value), effect in effects.items():
        low, high = effect.within(1 - (1 - LEVEL) / len(effects))
        helps = np.sign(effect.estimate) == WANTED[outcome]
        status: Literal["open", "works", "harms"] = "open" if low <= 0 <= high else "works" if helps else "harms"
        told.append(Segment(by, value, effect, low, high, status))
    return told
