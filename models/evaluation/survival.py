"""How well the time to an event is told, where not everybody is followed to the last horizon.

Outcomes are rows x horizons, rising: had the event happened by then, 1 or 0; NaN is not known, and nothing after it is.
Weights may carry leading axes (resamples x rows); the result then has those axes.
"""

from collections.abc import Sequence

import numpy as np

from models.evaluation.metrics import Array
from models.learners.hazard import person_periods


def _weights(outcomes: Array, weight: Array | None) -> Array:
    return np.ones(len(outcomes)) if weight is None else weight


def _shares(part: Array, whole: Array) -> Array:
    """Ratios; 0 of nobody."""
    return np.asarray(part / np.where(whole == 0, 1.0, whole), dtype=float)


def kaplan_meier(outcomes: Array, weight: Array | None = None) -> Array:
    """The share to whom the event has happened by each horizon: 1 - Kaplan and Meier's product limit.

    Among those still at risk and followed, who had the event counts per period (J. Am. Stat. Assoc. 53, 1958).

    Parameters
    ----------
    outcomes
        Rows x horizons; NaN from the horizon on to which a row was not followed.
    weight
        Per row.

    Returns
    -------
    Array
        A share per horizon. Where nobody is at risk it stays as it was.
    """
    periods, weights = person_periods(outcomes), _weights(outcomes, weight)
    known = ~np.isnan(periods)
    hazards = _shares(weights @ np.where(known, periods, 0.0), weights @ known.astype(float))
    return np.asarray(1.0 - np.cumprod(1.0 - hazards, axis=-1), dtype=float)


def followed(outcomes: Array) -> Array:
    """The chance of being followed to each horizon, from those who had no event before it (Kaplan and Meier's product
    limit of the censoring)."""
    periods = person_periods(outcomes)
    known = ~np.isnan(periods)
    before = np.column_stack([np.ones(len(periods), dtype=bool), periods[:, :-1] == 0])
    shares = _shares(known.sum(axis=0).astype(float), before.sum(axis=0).astype(float))
    return np.asarray(np.cumprod(shares), dtype=float)


def inverse_weights(outcomes: Array) -> Array:
    """Rows x horizons: 1 over the chance of having been followed as long as the row was needed for, 0 where it was not.

    A row is needed up to its event, or up to the horizon (Graf and others, Stat. Med. 18, 1999).
    """
    happened = np.asarray(outcomes, dtype=float)
    periods, chance = person_periods(happened), followed(happened)
    had = np.cumsum(np.nan_to_num(periods) == 1, axis=1) > 0
    event_at = np.where(had.any(axis=1), had.argmax(axis=1), had.shape[1])
    needed = np.minimum(event_at[:, None], np.arange(had.shape[1]))
    known = had | (periods == 0)
    return np.where(known, 1.0 / np.maximum(chance[needed], 1e-12), 0.0)


def brier(outcomes: Array, told: Array, weight: Array | None = None) -> Array:
    """Mean squared distance between probability and outcome at each horizon, censored rows counted by inverse weights.

    Parameters
    ----------
    outcomes
        Rows x horizons.
    told
        Probability of the event by each horizon, of the same rows.
    weight
        Per row.
    """
    weights, inverse = _weights(outcomes, weight), inverse_weights(outcomes)
    happened = np.cumsum(np.nan_to_num(person_periods(outcomes)) == 1, axis=1) > 0
    lost = inverse * (told - happened) ** 2
    return np.asarray(weights @ lost / weights.sum(axis=-1, keepdims=True), dtype=float)


def integrated_brier(horizons: Sequence[int], scores: Array) -> Array:
    """Brier scores at horizons (days, at least two), the last axis, averaged over time by trapezoids."""
    days = np.asarray(horizons, dtype=float)
    return np.asarray(np.trapezoid(scores, days, axis=-1) / (days[-1] - days[0]), dtype=float)
