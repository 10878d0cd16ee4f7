"""Figures of several windows together: a mean by their rows, a customer drawn with all of their rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation import judging
from models.evaluation.judging import Estimate, Outcome
from models.evaluation.metrics import Array

CHOSEN = "chosen"
"""What was chosen for each window, whichever candidate that was: how the procedure does, and not any one model."""


def pooled(
    outcomes: Sequence[Outcome], scores: Mapping[str, Sequence[Array]], resamples: int, seed: int
) -> pd.DataFrame:
    """Every metric over all windows.

    Parameters
    ----------
    outcomes
        What happened in each window.
    scores
        Model to its predictions for each window.
    resamples, seed
        Of the intervals: a customer is drawn with their rows of all windows.

    Returns
    -------
    pandas.DataFrame
        model, metric, value, low, high, n. A window in which a figure is not defined does not count.
    """
    weights = judging.resamples(np.concatenate([o.customers for o in outcomes]), resamples, seed)
    drawn = np.split(weights, np.cumsum([len(o.y) for o in outcomes])[:-1], axis=1)
    rows = []
    for model, told in scores.items():
        windows = [_ordered(*window) for window in zip(outcomes, told, drawn, strict=True)]
        rows += [{"model": model, "metric": metric} | _figure(windows, metric) for metric in outcomes[0].task.metrics]
    return pd.DataFrame(rows)


def _ordered(outcome: Outcome, score: Array, weights: Array) -> tuple[Outcome, Array, Array]:
    """Best first, once for all metrics."""
    best_first = np.argsort(-score, kind="stable")
    return outcome.take(best_first), score[best_first], weights[:, best_first]


def _figure(windows: Sequence[tuple[Outcome, Array, Array]], metric: str) -> dict[str, Any]:
    points = np.array([float(o.task.metrics[metric](o.y, score, o.value)) for o, score, _ in windows])
    sizes = np.array([len(o.y) for o, _, _ in windows], dtype=float)
    repeated = np.array([judging.replicates(o, score, metric, weights) for o, score, weights in windows])
    found = judging.estimate(_mean(points[:, None], sizes)[0], _mean(repeated, sizes))
    return vars(found) | {"n": int(sizes.sum())}


def _mean(figures: Array, sizes: Array) -> Array:
    """By rows, over the windows in which a figure is defined; NaN where it is in none."""
    weights = np.isfinite(figures) * sizes[:, None]
    whole = weights.sum(axis=0)
    return np.where(whole > 0, (np.nan_to_num(figures) * weights).sum(axis=0) / np.where(whole > 0, whole, 1.0), np.nan)


def lead(windows: Sequence[tuple[Outcome, Array, Array]], metric: str, resamples: int, seed: int) -> Estimate:
    """How much better the first score is than the second over all windows; above 0 is better."""
    found = judging.lead(windows, metric, resamples, seed)
    return Estimate(found.value, found.low, found.high)
