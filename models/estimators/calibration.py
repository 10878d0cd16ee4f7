"""Raw scores to probabilities, on rows that the model did not learn from; and quantiles of money around a prediction."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from models.evaluation.metrics import log_loss
from models.learners.encoding import Matrix
from models.settings import Method

FOLDS = 5
ENOUGH = 200
"""Isotonic steps are only considered with that many rows of each class."""


SLANT = 1e-4
"""Steps are slanted by this much, so that customers on one step keep the order of their scores."""


@dataclass(frozen=True)
class Calibrator:
    """A rising map from raw score to probability: a logistic curve (`slope`, `shift`) or steps (`x`, `y`)."""

    method: str
    slope: float = 1.0
    shift: float = 0.0
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    def __call__(self, raw: Matrix) -> Matrix:
        if self.method == "isotonic":
            along = np.interp(raw, [self.x[0], self.x[-1] + 1e-9], [0.0, 1.0])
            return np.interp(raw, self.x, self.y) * (1 - SLANT) + SLANT * along
        return 1.0 / (1.0 + np.exp(-np.clip(self.slope * raw + self.shift, -500, 500)))

    def state(self) -> dict[str, Any]:
        return {"method": self.method, "slope": self.slope, "shift": self.shift, "x": list(self.x), "y": list(self.y)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Calibrator":
        return cls(state["method"], state["slope"], state["shift"], tuple(state["x"]), tuple(state["y"]))


def calibrate(raw: Any, outcome: Any, method: Method = "auto") -> Calibrator:
    """The map from raw score to probability.

    Parameters
    ----------
    raw
        Scores of rows that the model was not fitted on.
    outcome
        0/1 or booleans of the same rows; any index.
    method
        `auto` takes isotonic steps only where they predict held-out fifths of these rows better than Platt's curve.
    """
    scores, hits = np.asarray(raw, dtype=float), np.asarray(outcome, dtype=float)
    if method == "auto":
        method = _better(scores, hits)
    return _isotonic(scores, hits) if method == "isotonic" else _platt(scores, hits)


def _better(raw: Matrix, hits: Matrix) -> Method:
    if min(hits.sum(), len(hits) - hits.sum()) < ENOUGH:
        return "sigmoid"
    fold = np.arange(len(hits)) % FOLDS
    lost = {"sigmoid": 0.0, "isotonic": 0.0}
    for held in range(FOLDS):
        seen, tried = fold != held, fold == held
        lost["sigmoid"] += tried.sum() * log_loss(hits[tried], _platt(raw[seen], hits[seen])(raw[tried]))
        lost["isotonic"] += tried.sum() * log_loss(hits[tried], _isotonic(raw[seen], hits[seen])(raw[tried]))
    return "isotonic" if lost["isotonic"] < lost["sigmoid"] else "sigmoid"


def _platt(raw: Matrix, hits: Matrix) -> Calibrator:
    """Platt's curve. Held to rise: a score that runs the wrong way becomes the base rate, never its mirror."""
    if 0 < hits.sum() < len(hits) and np.ptp(raw) > 0:
        with warnings.catch_warnings():
            # where the score separates the classes Newton's step fails, and scikit-learn goes on with lbfgs by itself
            warnings.filterwarnings("ignore", message="The inner solver of NewtonCholeskySolver")
            fitted = LogisticRegression(C=1e6, solver="newton-cholesky").fit(raw[:, None], hits)
        slope, shift = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
        if slope > 0:
            return Calibrator("sigmoid", slope, shift)
    rate = (hits.sum() + 0.5) / (len(hits) + 1)
    return Calibrator("sigmoid", 0.0, float(np.log(rate / (1 - rate))))


def _isotonic(raw: Matrix, hits: Matrix) -> Calibrator:
    """Isotonic steps, kept off 0 and 1: no finite sample shows certainty."""
    fitted = IsotonicRegression(out_of_bounds="clip").fit(raw, hits)
    edge = 0.5 / len(hits)
    levels = np.clip(fitted.y_thresholds_, edge, 1 - edge)
    return Calibrator("isotonic", x=tuple(fitted.X_thresholds_.tolist()), y=tuple(levels.tolist()))


@dataclass(frozen=True)
class Band:
    """Low and high quantile of an amount, as multiples of the prediction, by the logarithm of the prediction.

    Below `least` they are multiples of `least`: of a customer who is expected to bring next to nothing nobody knows how
    many times that they will bring.
    """

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    least: float = 1e-9

    def __call__(self, predicted: Matrix) -> tuple[Matrix, Matrix]:
        """The band always holds the prediction itself."""
        scale = np.maximum(predicted, self.least)
        place = np.log(scale)
        low = np.minimum(np.interp(place, self.x, self.low) * scale, predicted)
        high = np.maximum(np.interp(place, self.x, self.high) * scale, predicted)
        return low, high

    def state(self) -> dict[str, Any]:
        return {"x": list(self.x), "low": list(self.low), "high": list(self.high), "least": self.least}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Band":
        """Files of before have no `least`."""
        return cls(tuple(state["x"]), tuple(state["low"]), tuple(state["high"]), state.get("least", 1e-9))


KNOTS = 41
NEAR = 0.1
"""A quantile is taken from this share of the rows on either side, the nearer ones counting more."""
FEWEST_NEAR = 100
LEAST_SHARE = 0.01
"""Of the mean prediction: what is less is no scale for what comes."""


def band(predicted: Any, amount: Any, coverage: float = 0.8) -> Band:
    """Local quantiles of amounts over predictions, from rows that the model did not learn from.

    Rows are weighed by Cleveland's tricube of their distance in the order of predictions.

    Parameters
    ----------
    predicted, amount
        Currency over the horizon, one of each per row.
    coverage
        Share of the rows between the two quantiles; each tail has half of the rest. Amounts of 0 are tied: where more of
        the rows than the lower tail are 0, the lower quantile is 0 and nobody is below it.
    """
    guess, truth = np.asarray(predicted, float), np.asarray(amount, float)
    least = max(LEAST_SHARE * float(guess.mean()), 1e-9)
    scale = np.maximum(guess, least)
    order = np.argsort(scale, kind="stable")
    x, ratio, place = np.log(scale[order]), (truth / scale)[order], rankdata(scale)[order]
    tail = (1 - coverage) / 2
    knots = np.unique(place[np.linspace(0, len(order) - 1, KNOTS).astype(int)])
    low, high = np.array([_local_quantiles(ratio, place, knot, (tail, 1 - tail)) for knot in knots]).T
    at = x[np.searchsorted(place, knots)]
    return Band(tuple(at.tolist()), tuple(low.tolist()), tuple(high.tolist()), least)


def _local_quantiles(ratio: Matrix, place: Matrix, knot: float, levels: tuple[float, float]) -> Matrix:
    """Weighted quantiles around one place in the order, equal predictions standing together at the middle of theirs.

    A row stands in the middle of its own weight.
    """
    reach = max(NEAR * len(ratio), FEWEST_NEAR)
    rows = slice(*np.searchsorted(place, (knot - reach, knot + reach)))
    near, weight = ratio[rows], (1 - (np.abs(place[rows] - knot) / (reach + 1)) ** 3) ** 3
    order = np.argsort(near, kind="stable")
    share = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
    return np.interp(levels, share, near[order])
