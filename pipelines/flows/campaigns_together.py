"""Several campaigns together: what they show of everybody, of each segment, and whether a model of uplift knows more than the risk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from models.evaluation.qini import Estimate
from pipelines.flows.campaigns import Look, interval, segments_as_dict, weak
from pipelines.project import Project
from pipelines.workspace import campaign_records
from targeting.campaigns import Outcome
from targeting.effects import Effect, Pooled, pooled
from targeting.segments import Segment, pooled_by_score, pooled_by_segment
from targeting.uplift import Ranking, Uplift, trial


@dataclass(frozen=True)
class Together:
    """How many campaigns of one outcome there are, and what they show together: of everybody, of each third of their lists by the
    score of before, and of each segment."""

    campaigns: int
    found: Pooled
    thirds: Mapping[str, Pooled]
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Trial:
    """Whether a model of uplift is of use for one action: campaigns of one outcome through one channel.

    Attributes
    ----------
    outcome, channel
        Of the campaigns.
    ids
        Of the campaigns that are measured and sound.
    found
        None where fewer than two of them can be compared.
    """

    outcome: Outcome
    channel: str
    ids: tuple[str, ...]
    found: Uplift | None


def together(looks: Sequence[Look]) -> dict[str, Together]:
    """Outcome -> the effects of all measured campaigns of it, where there are at least two.

    Parameters
    ----------
    looks
        Of different campaigns. Those whose evidence is weak are left out.
    """
    sound: dict[Outcome, list[tuple[Effect, pd.DataFrame]]] = {}
    for one, effect, members in _sound(looks):
        sound.setdefault(one.campaign.terms.outcome, []).append((effect, members))
    told = {}
    for name, found in sound.items():
        if len(found) > 1:
            effects, lists = zip(*found, strict=True)
            parts = pooled_by_score(lists, name), pooled_by_segment(lists, name)
            told[str(name)] = Together(len(found), pooled(effects), *parts)
    return told


def trials(looks: Sequence[Look]) -> list[Trial]:
    """A trial of a model of uplift for every action of which a campaign was measured; parameters are those of `together`.

    Channels are one where they are written alike but for case and spaces around them.
    """
    sound: dict[tuple[Outcome, str], list[tuple[str, pd.DataFrame]]] = {}
    for one, _, members in _sound(looks):
        terms = one.campaign.terms
        sound.setdefault((terms.outcome, terms.channel.strip().casefold()), []).append((one.campaign.id, members))
    told = []
    for (outcome, channel), found in sorted(sound.items(), key=lambda each: each[0]):
        names, lists = zip(*found, strict=True)
        told.append(Trial(outcome, channel, names, trial(lists, outcome)))
    return told


def _sound(looks: Sequence[Look]) -> list[tuple[Look, Effect, pd.DataFrame]]:
    """Campaigns with an effect whose evidence is not weak, the first to begin first."""
    found = [
        (one, one.found.effect, one.members)
        for one in looks
        if one.found and one.found.effect and one.members is not None and not weak(one)
    ]
    return sorted(found, key=lambda each: (each[0].campaign.terms.start, each[0].campaign.id))


def measured_together(project: Project, looks: Sequence[Look], as_of: date) -> dict[str, Any]:
    """What all campaigns show together, as JSON has it; kept for the page.

    Parameters
    ----------
    project
        Its workspace.
    looks
        Of every campaign.
    as_of
        What is known by then counted.

    Returns
    -------
    dict
        as_of; together, by outcome; uplift, one for every outcome and channel.
    """
    pools = {name: _pooled_as_dict(one) for name, one in together(looks).items()}
    told = {"as_of": as_of.isoformat(), "together": pools, "uplift": [_trial_as_dict(one) for one in trials(looks)]}
    campaign_records.keep_measurement(project.workspace, campaign_records.TOGETHER, told)
    return told


def _pooled_as_dict(several: Together) -> dict[str, Any]:
    found = several.found
    means = {name: interval(getattr(found, name)) for name in ("fixed", "random")}
    spread = {"between": found.between, "inconsistency": found.inconsistency, "differ": found.differ}
    thirds = {name: interval(one.random) for name, one in several.thirds.items()}
    parts = {"thirds": thirds, "segments": segments_as_dict(several.segments)}
    return {"campaigns": several.campaigns} | parts | means | spread


def _trial_as_dict(one: Trial) -> dict[str, Any]:
    action = {"outcome": one.outcome, "channel": one.channel}
    head: dict[str, Any] = action | {"campaigns": len(one.ids), "ids": list(one.ids)}
    if one.found is None:
        return head | {"adopted": None, "customers": 0, "risk": None, "learners": {}}
    learners = {each.name: _ranking_as_dict(each) for each in one.found.learners}
    risk, customers = _ranking_as_dict(one.found.risk), one.found.customers
    return head | {"adopted": one.found.adopted, "customers": customers, "risk": risk, "learners": learners}


def _ranking_as_dict(one: Ranking) -> dict[str, Any]:
    ahead = None if one.ahead is None else vars(one.ahead)
    return _figure(one.coefficient) | {"ahead": ahead, "curve": list(one.curve)}


def _figure(found: Estimate) -> dict[str, Any]:
    return dict(vars(found))
