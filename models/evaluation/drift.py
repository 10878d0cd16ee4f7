"""Has the distribution of scores moved? The population stability index against an earlier publication."""

from typing import Any

import numpy as np

from models.learners.encoding import Matrix

BINS = 10
FLOOR = 1e-4
"""A share of nothing would give an infinite index."""


def edges(before: Any, bins: int = BINS) -> Matrix:
    """Inner edges of bins that each hold about the same share of `before`; equal values never straddle an edge."""
    values = np.sort(np.asarray(before, dtype=float))
    return np.unique(np.quantile(values, np.arange(1, bins) / bins))


def shares(values: Any, inner: Matrix) -> Matrix:
    """Share of values per bin; a value on an edge belongs to the bin below it."""
    places = np.searchsorted(inner, np.asarray(values, dtype=float), side="left")
    return np.bincount(places, minlength=len(inner) + 1) / max(len(places), 1)


def index(before: Matrix, now: Matrix) -> float:
    """Sum of (now - before) ln(now / before) over the bins; 0 is equal, above 0.25 is usually called a shift."""
    old, new = np.maximum(before, FLOOR), np.maximum(now, FLOOR)
    return float(((new - old) * np.log(new / old)).sum())


def stability(before: Any, now: Any, bins: int = BINS) -> float:
    """The index of two samples, unknown values left out; NaN when either is empty."""
    old, new = (np.asarray(v, dtype=float) for v in (before, now))
    old, new = old[~np.isnan(old)], new[~np.isnan(new)]
    if len(old) == 0 or len(new) == 0:
        return float("nan")
    inner = edges(old, bins)
    return index(shares(old, inner), shares(new, inner))
