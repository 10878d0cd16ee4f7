"""A night by a few figures: what people pay, who is of high value, who may be contacted, and what models say in the mean.

Kept with every publication, they are what the next nights are held against: the median of several, so that one odd
night neither lets the next one pass nor stops it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd

from models.evaluation.metrics import Array
from models.targets.registry import TARGETS

PROBABILITIES = tuple(t.published for t in TARGETS.values() if t.task.objective == "binary")
PAID = "arpu_3m"
HIGH_VALUE, ALLOWED, SUPPRESSED = "is_high_value_now", "contact_allowed", "suppress_reason"
RESTING = "recent_contact"
"""Why somebody is not contacted who may be otherwise: a campaign makes many of them, and is no fault."""


@dataclass(frozen=True)
class Figure:
    """A figure of a night.

    Attributes
    ----------
    value
        Mean, total, share or number.
    events
        Customers who make it, of shares and numbers: what chance does to it follows from them. None of money and levels.
    target
        Whose model makes it; None: no model does.
    """

    value: float
    events: float | None = None
    target: str | None = None


@dataclass(frozen=True)
class Published:
    """The figures of one night, and the version that scored each target."""

    figures: Mapping[str, Figure] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, scores: pd.DataFrame, sizes: Mapping[str, float] | None = None) -> Self:
        """Those of rows of the score table, and of what tables hold; what a table does not have, or nobody has, is left out.

        Parameters
        ----------
        scores
            Rows of the score table, or some of its columns.
        sizes
            table.column -> the usual size of what it holds.
        """
        asked = scores[scores["score_status"] == "ok"] if "score_status" in scores else scores
        versions = {name: v for name, t in TARGETS.items() if (v := _version(scores, t.version_column))}
        held = {f"size_{column}": Figure(size) for column, size in (sizes or {}).items()}
        figures = {**held, **_paid(asked), **_levels(asked), **_shares(asked), **_of_models(asked, versions)}
        return cls(figures, versions)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        figures = {name: [f.value, f.events, f.target] for name, f in self.figures.items()}
        return {"figures": figures, "versions": dict(self.versions)}

    @classmethod
    def from_dict(cls, known: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        return cls({name: Figure(*figure) for name, figure in known["figures"].items()}, dict(known["versions"]))


def expected(name: str, now: Published, earlier: Sequence[Published]) -> Figure | None:
    """The middle of what earlier nights had of a figure of this one, those of the same model where a model makes it.

    Parameters
    ----------
    name
        Of the figure.
    now
        The night that has it.
    earlier
        Other nights, in any order.

    Returns
    -------
    Figure or None
        Medians; None where no night is comparable.
    """
    target = now.figures[name].target
    same = [e for e in earlier if target is None or e.versions.get(target) == now.versions.get(target)]
    known = [e.figures[name] for e in same if name in e.figures]
    if not known:
        return None
    events = [figure.events for figure in known if figure.events is not None]
    return Figure(float(np.median([f.value for f in known])), float(np.median(events)) if events else None, target)


def numbers(scores: pd.DataFrame, column: str) -> Array:
    """The known values of a column; none where it is absent."""
    if column not in scores:
        return np.empty(0)
    values = pd.to_numeric(scores[column]).to_numpy(dtype=float, na_value=np.nan)
    return values[~np.isnan(values)]


def _version(scores: pd.DataFrame, column: str) -> str | None:
    """The one version of everybody; none where some have another, or none."""
    if column not in scores or not len(scores) or scores[column].isna().any():
        return None
    found = scores[column].unique()
    return str(found[0]) if len(found) == 1 else None


def _paid(asked: pd.DataFrame) -> dict[str, Figure]:
    """Mean and total of what is paid a month."""
    paid = numbers(asked, PAID)
    if not len(paid) or paid.sum() <= 0:
        return {}
    return {f"money_{PAID}": Figure(float(paid.mean())), f"total_{PAID}": Figure(float(paid.sum()))}


def _levels(asked: pd.DataFrame) -> dict[str, Figure]:
    """Mean of each probability, whichever model says it."""
    means = {column: numbers(asked, column) for column in PROBABILITIES}
    return {f"level_{column}": Figure(float(known.mean())) for column, known in means.items() if len(known)}


def _shares(asked: pd.DataFrame) -> dict[str, Figure]:
    """Of high value; and who may be on a list at all, or could be but for a contact of late."""
    known = {HIGH_VALUE: numbers(asked, HIGH_VALUE), ALLOWED: numbers(asked, ALLOWED)}
    if SUPPRESSED in asked and len(known[ALLOWED]) == len(asked):
        known[ALLOWED] = np.maximum(known[ALLOWED], asked[SUPPRESSED].eq(RESTING).to_numpy(dtype=float))
    return {f"share_{c}": Figure(float(v.mean()), float(v.sum())) for c, v in known.items() if len(v)}


def _of_models(asked: pd.DataFrame, versions: Mapping[str, str]) -> dict[str, Figure]:
    """Mean money that a model expects, and how many it picks."""
    found: dict[str, Figure] = {}
    for name in versions:
        for column in (TARGETS[name].published, *TARGETS[name].money) if TARGETS[name].money else ():
            if len(known := numbers(asked, column)):
                found[f"money_{column}"] = Figure(float(known.mean()), target=name)
        for column in TARGETS[name].counts:
            if len(known := numbers(asked, column)):
                found[f"count_{column}"] = Figure(float(known.sum()), float(known.sum()), name)
    return found
