"""Time to an event in discrete periods: boosted trees that learn from everybody for as long as they were followed.

A row is followed over the periods between successive horizons, until its event or until no more is known of it
(right-censored). Period j has a hazard of its own, and the features shift its log-odds alike in every period:

    logit P(event in period j | none before) = base_j + f(features)

(Cox's discrete-time model, J. R. Stat. Soc. B 34, 1972; on person-periods: Singer and Willett, J. Educ. Stat. 18, 1993).
Person-periods of one row have the same features and so always share a leaf: their gradients are added up on the row
itself, which is the same model without a copy of the table per period.
"""

from typing import Any, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.special import expit, logit

from models.learners.encoding import Encoder, Matrix
from models.learners.trees import BINS, Trees

EDGE = 1e-6
"""Hazards are kept off 0 and 1, so that their log-odds are finite."""


def person_periods(outcomes: Any) -> Matrix:
    """Event in each period (1), none (0), or not at risk, or not known (NaN).

    Parameters
    ----------
    outcomes
        Rows x horizons, rising: had the event happened by then, 1 or 0; NaN is not known. What follows an event, or a
        horizon of which nothing is known, is not looked at.
    """
    happened = np.asarray(outcomes, dtype=float)
    before = np.column_stack([np.zeros(len(happened)), happened[:, :-1]])
    at_risk = np.cumsum(before != 0, axis=1) == 0
    return np.where(at_risk, happened, np.nan)


def base_hazards(periods: Matrix) -> Matrix:
    """The share of those at risk to whom it happens, per period; that of all periods together where nobody was at risk."""
    known = ~np.isnan(periods)
    risk, events = known.sum(axis=0), np.nansum(periods, axis=0)
    overall = events.sum() / max(int(risk.sum()), 1)
    found = np.where(risk > 0, events / np.maximum(risk, 1), overall)
    return np.asarray(np.clip(found, EDGE, 1 - EDGE), dtype=float)


def cumulative(hazards: Matrix) -> Matrix:
    """Rows x periods of hazards -> chance of the event by the end of each: it never falls, and stays within 0 and 1."""
    return np.asarray(1.0 - np.cumprod(1.0 - hazards, axis=1), dtype=float)


class Hazard(Trees):
    """Discrete-time proportional-odds hazards by LightGBM; the shape is that of `Trees`.

    The raw score is `f` plus the log-odds of the event by the last horizon where `f` is 0: it ranks every horizon, and
    contributions add up to it as those of any trees do.
    """

    kind = "hazard"

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the rows of X; y is rows x horizons as `person_periods` reads it, the first horizon known."""
        periods = person_periods(y)
        base = logit(base_hazards(periods))
        seen = np.nanmax(periods, axis=1)
        self.encoder_ = Encoder().fit(X, seen)
        names, numbers = [str(column) for column in self.encoder_.columns_], self.encoder_.transform(X)
        data = lgb.Dataset(
            numbers, np.zeros(len(seen)), feature_name=names, params=BINS | {"feature_pre_filter": False}
        )
        # LightGBM refuses an objective of one's own where no column differs; its own leaves everybody at 0 then
        goal = likelihood(periods, base) if _tells(numbers) else "regression"
        self.booster_ = lgb.train(self._parameters() | {"objective": goal}, data, self.n_estimators)
        self.shift_ = float(logit(cumulative(expit(base[None, :]))[0, -1]))
        return self


def _tells(numbers: Matrix) -> bool:
    """Does any column differ between rows, unknown counting as a value?"""
    known = ~np.isnan(numbers)
    mixed = known.any(axis=0) & ~known.all(axis=0)
    spread = np.where(known, numbers, -np.inf).max(axis=0) > np.where(known, numbers, np.inf).min(axis=0)
    return bool((mixed | spread).any())


def likelihood(periods: Matrix, base: Matrix) -> Any:
    """LightGBM's objective: gradient and hessian of the log-loss of person-periods, added up on their rows.

    Parameters
    ----------
    periods
        Rows x periods as `person_periods` gives them.
    base
        Log-odds of the hazard of each period.
    """
    at_risk = ~np.isnan(periods)
    event = np.where(at_risk, periods, 0.0)

    def objective(score: Matrix, _: lgb.Dataset) -> tuple[Matrix, Matrix]:
        hazard = expit(score[:, None] + base) * at_risk
        return (hazard - event).sum(axis=1), (hazard * (1.0 - hazard)).sum(axis=1)

    return objective
