"""Raw scores to probabilities, on rows that the model did not learn from; and quantiles of money around a prediction."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
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
    """Low and high quantile of an amount, as multiples of the prediction, by the logarithm of the prediction."""

    x: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __call__(self, predicted: Matrix) -> tuple[Matrix, Matrix]:
        """The band always holds the prediction itself."""
        place = np.log(np.maximum(predicted, 1e-9))
        low = np.minimum(np.interp(place, self.x, self.low), 1.0) * predicted
        high = np.maximum(np.interp(place, self.x, self.high), 1.0) * predicted
        return low, high

    def state(self) -> dict[str, Any]:
        return {"x": list(self.x), "low": list(self.low), "high": list(self.high)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Band":
        return cls(tuple(state["x"]), tuple(state["low"]), tuple(state["high"]))


ROWS_PER_BIN = 100


def band(predicted: Any, amount: Any, coverage: float = 0.8) -> Band:
    """Split-conformal quantiles, bin by bin of the prediction, from rows that the model did not learn from."""
    guess, truth = np.maximum(np.asarray(predicted, float), 1e-9), np.asarray(amount, float)
    order = np.argsort(guess, kind="stable")
    bins = np.array_split(order, max(1, min(20, len(order) // ROWS_PER_BIN)))
    tail = (1 - coverage) / 2
    ratios = [np.sort(truth[b] / guess[b]) for b in bins]
    x = [float(np.log(guess[b]).mean()) for b in bins]
    low = [float(r[max(int(np.floor((len(r) + 1) * tail)) - 1, 0)]) for r in ratios]
    high = [float(r[min(int(np.ceil((len(r) + 1) * (1 - tail))) - 1, len(r) - 1)]) for r in ratios]
    return Band(tuple(x), tuple(low), tuple(high))
