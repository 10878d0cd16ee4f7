"""How good a score is. Every metric is called as metric(y, score, value, weight) and is one plain function.

y is the outcome (0/1, or money), score the prediction, value money per row (only for what is counted in money).
Weights may carry leading axes (resamples x rows); the result then has those axes. Equal scores share their place.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]
Metric = Callable[..., Any]
BINS = 10
TAIL = 0.1
"""Share of outcomes that is meant to lie on either side of an interval."""


def _ones(y: Array, weight: Array | None) -> Array:
    return np.ones(len(y)) if weight is None else weight


def _ratio(part: Any, whole: Any) -> Any:
    """A ratio; NaN where there is nothing to divide by."""
    whole = np.asarray(whole, dtype=float)
    return np.asarray(part, dtype=float) / np.where(whole == 0, np.nan, whole)


def _ranked(score: Array, *columns: Array) -> list[Array]:
    """Sums of each column over groups of equal score, best score first."""
    found = list(columns)
    if (score[1:] > score[:-1]).any():  # sorting a thousand resamples is dear: callers may have done it once
        order = np.argsort(-score, kind="stable")
        score, found = score[order], [c[..., order] for c in columns]
    starts = np.flatnonzero(np.r_[True, score[1:] != score[:-1]])
    if len(starts) == len(score):
        return found
    return [np.add.reduceat(c, starts, axis=-1) for c in found]


def auc(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Chance that a positive stands above a negative; equal scores count half. NaN with one class only."""
    w = _ones(y, weight)
    hits, misses = _ranked(score, w * y, w * (1 - y))
    above = np.cumsum(hits, axis=-1) - hits / 2
    return _ratio((above * misses).sum(-1), hits.sum(-1) * misses.sum(-1))


def average_precision(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Precision at each distinct score, weighted by the positives found there."""
    w = _ones(y, weight)
    hits, rows = _ranked(score, w * y, w)
    seen = np.cumsum(rows, axis=-1)
    precision = np.cumsum(hits, axis=-1) / np.where(seen == 0, 1.0, seen)
    return _ratio((precision * hits).sum(-1), hits.sum(-1))


def brier(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Mean squared distance between probability and outcome."""
    w = _ones(y, weight)
    return _ratio((w * (score - y) ** 2).sum(-1), w.sum(-1))


def log_loss(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Mean surprise, natural logarithm."""
    w, p = _ones(y, weight), np.clip(score, 1e-9, 1 - 1e-9)
    return _ratio(-(w * (y * np.log(p) + (1 - y) * np.log(1 - p))).sum(-1), w.sum(-1))


def ece(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Expected calibration error: |observed - predicted| over ten bins of equally many rows."""
    w = _ones(y, weight)
    order = np.argsort(score, kind="stable")
    starts = np.unique(np.arange(BINS) * len(order) // BINS)
    gaps = np.add.reduceat((w * (y - score))[..., order], starts, axis=-1)
    return _ratio(np.abs(gaps).sum(-1), w.sum(-1))


def total_bias(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Predicted total over observed total; 1 is right."""
    w = _ones(y, weight)
    return _ratio((w * score).sum(-1), (w * y).sum(-1))


def mae(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Mean absolute error."""
    w = _ones(y, weight)
    return _ratio((w * np.abs(score - y)).sum(-1), w.sum(-1))


def _top(share: float, score: Array, found: Array, rows: Array) -> Any:
    """How much of `found` lies in the best `share` of rows; a group cut by the line counts in proportion."""
    got, size = _ranked(score, found, rows)
    reach = share * size.sum(-1, keepdims=True)
    before = np.cumsum(size, axis=-1) - size
    inside = np.clip((reach - before) / np.where(size == 0, 1.0, size), 0.0, 1.0)
    return (inside * got).sum(-1)


def precision_at(share: float) -> Metric:
    """Positives among the best `share` of rows."""

    def metric(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
        w = _ones(y, weight)
        return _ratio(_top(share, score, w * y, w), share * w.sum(-1))

    return metric


def lift_at(share: float) -> Metric:
    """Precision in the best `share` over the base rate."""
    precision = precision_at(share)

    def metric(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
        w = _ones(y, weight)
        return _ratio(precision(y, score, value, w), _ratio((w * y).sum(-1), w.sum(-1)))

    return metric


def captured_at(share: float) -> Metric:
    """Share of all `value` that the best `share` of rows holds."""

    def metric(y: Array, score: Array, value: Array, weight: Array | None = None) -> Any:
        w = _ones(y, weight)
        return _ratio(_top(share, score, w * value, w), (w * value).sum(-1))

    return metric


def _gini(y: Array, score: Array, weight: Array) -> Any:
    """Area between the curve of money captured, best score first, and the diagonal."""
    money, rows = _ranked(score, weight * y, weight)
    got = _ratio(np.cumsum(money, axis=-1), money.sum(-1, keepdims=True))
    width = _ratio(rows, rows.sum(-1, keepdims=True))
    left = np.concatenate([np.zeros_like(got[..., :1]), got[..., :-1]], axis=-1)
    return (width * (got + left) / 2).sum(-1) - 0.5


def normalised_gini(y: Array, score: Array, value: Array | None = None, weight: Array | None = None) -> Any:
    """Gini of the score over the Gini of the truth; 1 is a perfect order."""
    w = _ones(y, weight)
    return _ratio(_gini(y, score, w), _gini(y, y, w))


def coverage(y: Array, low: Array, high: Array, weight: Array | None = None) -> Any:
    """Share of outcomes between low and high, both included."""
    w = _ones(y, weight)
    return _ratio((w * ((y >= low) & (y <= high))).sum(-1), w.sum(-1))


def below(y: Array, low: Array, high: Array, weight: Array | None = None) -> Any:
    """Share of outcomes below low."""
    w = _ones(y, weight)
    return _ratio((w * (y < low)).sum(-1), w.sum(-1))


def above(y: Array, low: Array, high: Array, weight: Array | None = None) -> Any:
    """Share of outcomes above high."""
    w = _ones(y, weight)
    return _ratio((w * (y > high)).sum(-1), w.sum(-1))


def meant(y: Array, low: Array, high: Array, weight: Array | None = None) -> Any:
    """Share of outcomes that an interval from the 10th to the 90th percentile is meant to hold.

    Where the 10th percentile is 0, more than a tenth bring nothing and nobody is below it: 90 %, and not 80.
    """
    w = _ones(y, weight)
    return _ratio((w * np.where(low > 0, 1 - 2 * TAIL, 1 - TAIL)).sum(-1), w.sum(-1))


INTERVAL_METRICS: dict[str, Metric] = {"coverage": coverage, "below": below, "above": above}
"""Of an interval, called as metric(y, low, high, weight); the three add up to 1."""
SHARES = {"1pct": 0.01, "5pct": 0.05, "10pct": 0.10}
CLASSIFICATION_METRICS: dict[str, Metric] = (
    {"auc": auc, "average_precision": average_precision, "brier": brier, "log_loss": log_loss, "ece": ece}
    | {f"precision_at_{name}": precision_at(share) for name, share in SHARES.items()}
    | {f"lift_at_{name}": lift_at(share) for name, share in SHARES.items()}
    | {f"captured_value_at_{name}": captured_at(share) for name, share in SHARES.items()}
)
REGRESSION_METRICS: dict[str, Metric] = {"mae": mae, "normalised_gini": normalised_gini, "total_bias": total_bias} | {
    f"captured_value_at_{name}": captured_at(share) for name, share in SHARES.items()
}
LOWER_IS_BETTER = frozenset({"brier", "log_loss", "ece", "mae"})
"""For the others more is better; `total_bias` is best at 1 and is never used to choose."""
