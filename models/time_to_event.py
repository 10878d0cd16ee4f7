"""What the windows tell of the time to an event: Brier scores over all horizons, and curves beside Kaplan and Meier's.

The rows are those of the final date and of later ones, followed as far as is known by now (right-censored); models that
have not seen them tell all of them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.estimators.estimator import Estimator
from models.evaluation import judging, survival
from models.evaluation.metrics import Array, auc
from models.rehearsing import Window
from models.snapshots import Rows

OBSERVED = "kaplan_meier"
"""Stands among the models for what happened."""
COLUMNS = ["group", "model", "metric", "value", "low", "high", "n"]


def figures(
    models: Mapping[str, Estimator], winner: str, final: Window, rows: Rows, slices: Sequence[str]
) -> pd.DataFrame:
    """How well each candidate tells the time to the event; empty where there is one horizon, or nothing is known yet of it.

    Parameters
    ----------
    models
        Candidates as they are judged.
    winner
        The one that was chosen.
    final
        What they said of the final window.
    rows
        The snapshots: what is known of later dates is told too, where models are calibrated by now.
    slices
        Columns whose groups are told apart.

    Returns
    -------
    pandas.DataFrame
        group (null: everybody), model, metric, value, low, high, n. `brier_<days>` and `integrated_brier` per candidate,
        beside them those of one curve for everybody (`kaplan_meier`); `auc_<days>` of the winner, over those of whom it is
        known whether they had left by then: what early looks at a night are held against; `left_<days>` per group: the
        share that had left by then, as observed and as the winner told.
    """
    if len(rows.horizons) < 2 or not rows.split.days:
        return pd.DataFrame(columns=COLUMNS)
    later = rows.later() if rows.rehearsals else final.rows.iloc[:0]
    seen = pd.concat([final.rows, later], ignore_index=True)
    outcomes = rows.outcomes(seen)
    told = {name: _told(model, final.told[name], rows, later) for name, model in models.items()}
    told[OBSERVED] = np.tile(survival.kaplan_meier(outcomes), (len(seen), 1))
    weights = judging.resamples(seen["customer_id"].to_numpy(), rows.settings.resamples, rows.settings.seed)
    found = [line for name, curve in told.items() for line in _brier(name, outcomes, curve, rows.horizons, weights)]
    found += _ranked(winner, outcomes, told[winner], rows.horizons, weights)
    for group, places in _groups(seen, slices).items():
        part = outcomes[places], weights[:, places]
        found += _curve(group, OBSERVED, *part, rows.horizons)
        found += _curve(group, winner, *part, rows.horizons, told[winner][places])
    return pd.DataFrame(found, columns=COLUMNS)


def _told(model: Estimator, final: pd.DataFrame, rows: Rows, later: pd.DataFrame) -> Array:
    """Probability by each horizon of the rows of the final window, then of the later ones."""
    names = [f"{rows.target.score}_{days}" for days in rows.horizons]
    parts = [final[names]]
    if len(later):
        parts.append(model.outputs(later[list(rows.features)])[names])
    return pd.concat(parts).to_numpy(dtype=float)


def _groups(seen: pd.DataFrame, slices: Sequence[str]) -> dict[str | None, Array]:
    """Everybody, and the places of each group of at least `judging.SMALLEST` rows."""
    found: dict[str | None, Any] = {None: np.arange(len(seen))}
    for column in [name for name in slices if name in seen]:
        for level, places in seen.groupby(seen[column].astype(str).where(seen[column].notna())).indices.items():
            if len(places) >= judging.SMALLEST:
                found[f"{column}={level}"] = places
    return found


def _brier(name: str, outcomes: Array, told: Array, horizons: Sequence[int], weights: Array) -> list[dict[str, Any]]:
    point, repeated = survival.brier(outcomes, told), survival.brier(outcomes, told, weights)
    known = {f"brier_{days}": (point[at], repeated[:, at]) for at, days in enumerate(horizons)}
    whole = (survival.integrated_brier(horizons, found) for found in (point, repeated))
    known["integrated_brier"] = tuple(whole)  # type: ignore[assignment]
    return [_line(None, name, metric, *figure, len(outcomes)) for metric, figure in known.items()]


def _ranked(name: str, outcomes: Array, told: Array, horizons: Sequence[int], weights: Array) -> list[dict[str, Any]]:
    """How well those who had left by each horizon are told from those who had not."""
    found = []
    for at, days in enumerate(horizons):
        known = ~np.isnan(outcomes[:, at])
        y, score, drawn = outcomes[known, at], told[known, at], weights[:, known]
        found.append(_line(None, name, f"auc_{days}", auc(y, score), auc(y, score, weight=drawn), int(known.sum())))
    return found


def _curve(
    group: str | None,
    name: str,
    outcomes: Array,
    weights: Array,
    horizons: Sequence[int],
    told: Array | None = None,
) -> list[dict[str, Any]]:
    """The share that had left by each horizon: as observed, or the mean of what was told."""
    if told is None:
        point, repeated = survival.kaplan_meier(outcomes), survival.kaplan_meier(outcomes, weights)
    else:
        point, repeated = told.mean(axis=0), weights @ told / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    return [
        _line(group, name, f"left_{days}", point[at], repeated[:, at], len(outcomes))
        for at, days in enumerate(horizons)
    ]


def _line(group: str | None, model: str, metric: str, point: Any, repeated: Any, n: int) -> dict[str, Any]:
    return {"group": group, "model": model, "metric": metric, **vars(judging.estimate(point, repeated)), "n": n}
