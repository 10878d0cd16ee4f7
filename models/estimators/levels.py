"""The level of predictions, brought to what the newest outcomes show, where it is off by more than chance.

An order of customers may be right while all its probabilities, or amounts, are too high or too low: churn rises, a
season returns. The level is a shift in the logarithm of amounts, or in the log-odds of probabilities; it changes no
order.
"""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from models.evaluation import judging
from models.evaluation.judging import Outcome
from models.evaluation.metrics import Array, total_bias
from models.targets.task import Objective

FARTHEST = 20.0
"""Log-odds: no mean of probabilities is farther away than that."""
FOLDS = 2
LEAST = 0.02
"""A total that is off by less is left alone, however certain that is."""


def is_off(outcome: Outcome, scores: Array, weights: Array) -> bool:
    """Is the predicted total off by more than chance: does the 95 % interval of predicted over observed leave out 1?"""
    point = float(total_bias(outcome.y, scores))
    if not (np.isfinite(point) and point > 0) or abs(point - 1) < LEAST:
        return False
    figure = judging.estimate(point, np.asarray(total_bias(outcome.y, scores, weight=weights)))
    return not figure.low <= 1.0 <= figure.high


def shift(objective: Objective, y: Array, scores: Array) -> float:
    """What brings the mean of `scores` to that of `y`: to be added to log-odds, or to logarithms of amounts."""
    if objective == "amount":
        return float(np.log(y.sum() / scores.sum())) if y.sum() > 0 and scores.sum() > 0 else 0.0
    rate, odds = float(np.mean(y)), logit(scores)
    if not 0 < rate < 1:
        return 0.0
    return float(brentq(lambda by: float(expit(odds + by).mean()) - rate, -FARTHEST, FARTHEST))


def shifted(objective: Objective, scores: Array, by: float) -> Array:
    """The scores at their new level, in the same order; the very same where `by` is 0."""
    if by == 0:
        return scores
    return scores * np.exp(by) if objective == "amount" else expit(logit(scores) + by)


def cross_fitted(outcome: Outcome, scores: Array) -> Array:
    """Scores at the level of these outcomes, that of each half of the customers taken from the other half."""
    objective = outcome.task.objective
    codes = np.unique(outcome.customers, return_inverse=True)[1]
    made = np.array(scores, dtype=float)
    for fold in range(FOLDS):
        held = codes % FOLDS == fold
        made[held] = shifted(objective, scores[held], shift(objective, outcome.y[~held], scores[~held]))
    return made
