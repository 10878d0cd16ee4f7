"""Which inputs moved the scores: how far each has moved, and how much the model goes by it.

Of one and the same model the change of the mean contribution of a feature is what it did to the mean score, exactly:
contributions and base add up to the raw score of every customer (Lundberg and Lee, 2017). Of two models, or of figures
that no model makes, the stability index weighed by the use of the feature takes its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from models.evaluation.sketches import Shift

ROWS = 2_000
"""Customers whose contributions are taken: means need no more."""
USES = ("target", "feature", "mean", "size")
LEAST_PSI = 0.01
"""A feature that moved less moved nothing."""


@dataclass(frozen=True)
class Mover:
    """A feature that moved scores.

    Attributes
    ----------
    feature
        Its column.
    shift
        How far it has moved.
    share
        Its part in all that moved, 0 to 1.
    effect
        Change of the mean raw score that it made; None where it cannot be told.
    """

    feature: str
    shift: Shift
    share: float
    effect: float | None


def uses(models: Mapping[str, Any], wide: pd.DataFrame) -> pd.DataFrame:
    """How much each model goes by each feature.

    Parameters
    ----------
    models
        Target -> fitted model with `contributions`.
    wide
        A row per customer, with the features. At most 2,000, evenly drawn, are looked at.

    Returns
    -------
    pandas.DataFrame
        target, feature, mean (of the contributions, in the unit of the raw score) and size (mean of their absolute values).
    """
    rows = wide.iloc[:: max(1, len(wide) // ROWS)]
    found = []
    for target, model in models.items():
        parts = model.contributions(rows).drop(columns="base")
        table = pd.DataFrame({"mean": parts.mean(), "size": parts.abs().mean()})
        found.append(table.rename_axis("feature").reset_index().assign(target=target))
    return pd.concat(found, ignore_index=True)[list(USES)] if found else pd.DataFrame(columns=list(USES))


def weights(used: pd.DataFrame, target: str) -> pd.Series:
    """Share of each feature in what moves the scores of a target, 0 to 1; the index is the feature."""
    own = used[used["target"] == target].set_index("feature")["size"].astype(float)
    return own / max(float(own.sum()), 1e-12)


def movers(moved: Mapping[str, Shift], now: pd.DataFrame, before: pd.DataFrame | None, target: str) -> list[Mover]:
    """The features that moved the scores of a target, the strongest first.

    Parameters
    ----------
    moved
        How far each feature has moved.
    now
        `uses` of this night.
    before
        Those of the night before where the very same model scored both; None otherwise.
    target
        Whose scores.
    """
    share = weights(now, target)
    effects = _effects(now, before, target) if before is not None else {}
    sizes = {
        name: abs(effects[name]) if effects else float(share.get(name, 0.0)) * shift.psi
        for name, shift in moved.items()
        if shift.psi >= LEAST_PSI and (name in effects or not effects)
    }
    total = sum(sizes.values())
    ranked = sorted((name for name in sizes if sizes[name] > 0), key=lambda name: (-sizes[name], name))
    return [Mover(name, moved[name], sizes[name] / total, effects.get(name)) for name in ranked]


def _effects(now: pd.DataFrame, before: pd.DataFrame, target: str) -> dict[str, float]:
    """Change of the mean contribution of each feature."""
    new, old = (used[used["target"] == target].set_index("feature")["mean"] for used in (now, before))
    both = new.index.intersection(old.index)
    return {str(name): float(new[name] - old[name]) for name in both}
