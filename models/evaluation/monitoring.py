"""Have inputs moved, do promises come true, and how good are scores whose outcomes nobody knows yet?

What matters is told by how far a feature has moved and how much the champion goes by it; that it is no chance is asked
for, too, but of ten million rows everything is significant. A night is compared with the nearest of several earlier
ones: what comes back every month, such as days since the last payment, is nothing new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import kolmogi
from scipy.stats import binom

from models.evaluation import judging, promises, sketches
from models.evaluation.judging import Estimate, Outcome
from models.evaluation.metrics import Array
from models.evaluation.sketches import Counts, Shift
from models.settings import MonitorSettings

ALPHA = 0.01
"""Chance that any feature at all is named although none has moved, over all of them together (Bonferroni)."""
ERRORS = 4.0
"""Standard errors by which a mean of money must have moved, as if all customers were others;"""
FEWEST_NIGHTS, TIMES = 3, 3.0
"""or times as much as so many earlier nights differ among themselves, for most customers are the same."""
RESAMPLES = 200
TOP = 0.05
OFF, CHANCE = 0.15, 0.0005
"""A level is broken where the observed total lies so far from the promised one, and chance takes it there so rarely."""


@dataclass(frozen=True)
class Drift:
    """How far one feature has moved from the nearest earlier night.

    Attributes
    ----------
    feature
        Its column.
    shift
        How far.
    weight
        Largest share that it has in what moves the scores of any target, 0 to 1.
    change
        Relative change of the mean, of numbers whose mean was above 0; else None.
    alarm
        Is it more than chance, far, and something that scores go by?
    """

    feature: str
    shift: Shift
    weight: float
    change: float | None
    alarm: bool

    @property
    def importance(self) -> float:
        """What drifts are ordered by: how far, times how much scores go by it."""
        return self.weight * self.shift.psi


def drifts(
    earlier: Sequence[pd.DataFrame],
    now: pd.DataFrame,
    weights: Mapping[str, float],
    money: frozenset[str],
    settings: MonitorSettings,
) -> list[Drift]:
    """The features of a night against the nearest of some earlier nights, the most important first.

    Parameters
    ----------
    earlier
        Sketches of nights before; without any nothing is told.
    now
        The sketch of the night.
    weights
        Feature -> share in what moves scores, 0 to 1; others are not judged.
    money
        The features that are amounts of money: a mean that moves is told where the distribution hardly does.
    settings
        How far is far.
    """
    watched = {name for name, weight in weights.items() if weight > 0}
    if not earlier:
        return []
    past = [sketches.counted(night[night["feature"].isin(watched)]) for night in earlier]
    found = []
    for name, counts in sketches.counted(now[now["feature"].isin(watched)]).items():
        before = [night[name] for night in past if name in night]
        if before:
            moved = [sketches.shift(old, counts) for old in before]
            nearest = min(moved, key=lambda one: one.psi)
            nearest = replace(nearest, distance=min(one.distance for one in moved))
            change = _change(before, counts) if not counts.words else None
            far = _is_far(nearest, change if name in money else None, len(watched), settings)
            alarm = far and weights[name] >= settings.weight
            relative = None if change is None else change.relative
            found.append(Drift(name, nearest, weights[name], relative, alarm))
    return sorted(found, key=lambda drift: (-drift.importance, drift.feature))


@dataclass(frozen=True)
class _Change:
    """Of a mean against the nearest of earlier nights: relative, in standard errors, and against what those differ by."""

    relative: float
    errors: float
    usual: float | None


def _change(before: Sequence[Counts], now: Counts) -> _Change | None:
    """None where a mean was not above 0."""
    mean, error = now.mean
    known = [one.mean for one in before if one.mean[0] > 0]
    if not known or np.isnan(mean):
        return None
    old, old_error = min(known, key=lambda one: abs(mean / one[0] - 1))
    both = float(np.hypot(error, old_error))
    means = [one[0] for one in known]
    usual = (max(means) - min(means)) / min(means) if len(means) >= FEWEST_NIGHTS else None
    return _Change(mean / old - 1, abs(mean - old) / both if both > 0 else 0.0, usual)


def _is_far(shift: Shift, change: _Change | None, tests: int, settings: MonitorSettings) -> bool:
    """By its distribution, or the mean of money: more than chance, of other customers or of what earlier nights differ by."""
    rows = shift.rows_before * shift.rows / max(shift.rows_before + shift.rows, 1)
    sure = shift.distance > float(kolmogi(ALPHA / tests)) / np.sqrt(max(rows, 1.0))
    if sure and shift.psi >= settings.psi:
        return True
    if change is None or abs(change.relative) < settings.money:
        return False
    return change.errors >= ERRORS or (change.usual is not None and abs(change.relative) >= TIMES * change.usual)


def estimated(probabilities: Array) -> dict[str, float]:
    """How good calibrated probabilities would be if every one were right: an estimate before outcomes are known.

    Confidence-based: each customer counts with p as one to whom it happens and with 1 - p as one to whom it does not. It
    holds where customers have changed but not what follows from what they are (covariate shift), and not otherwise.

    Parameters
    ----------
    probabilities
        Of everybody, 0 to 1.

    Returns
    -------
    dict
        rate (mean), auc, brier and precision_at_5pct; NaN where nobody has one.
    """
    p = np.sort(np.asarray(probabilities, dtype=float))
    if not len(p):
        return dict.fromkeys(("rate", "auc", "brier", "precision_at_5pct"), float("nan"))
    values, counts = np.unique(p, return_counts=True)
    hits, misses = values * counts, (1 - values) * counts
    below = np.cumsum(misses) - misses
    pairs = float(hits.sum() * misses.sum())
    auc = float((hits * (below + misses / 2)).sum()) / pairs if pairs > 0 else float("nan")
    top = p[-max(1, round(len(p) * TOP)) :]
    return {
        "rate": float(p.mean()),
        "auc": auc,
        "brier": float((p * (1 - p)).mean()),
        "precision_at_5pct": float(top.mean()),
    }


def early(probability: Array, days: int, of: int) -> Array:
    """A probability of some days from that of more, at the same pace all the time: 1 - (1 - p) ** (days / of)."""
    return 1 - (1 - np.asarray(probability, dtype=float)) ** (days / of)


@dataclass(frozen=True)
class Realised:
    """What was promised of the customers of a night, and what came of it.

    Attributes
    ----------
    n
        Customers whose outcome is known.
    promised, observed
        Totals: customers, or money.
    low, high
        Between which 95 of 100 observed totals lie where every promise is right; NaN of money.
    level_broken
        Is the level off, by 15 % or more and by more than chance?
    figure
        What the model is judged by, with its interval.
    """

    n: int
    promised: float
    observed: float
    low: float
    high: float
    level_broken: bool
    figure: Estimate


def realised(outcome: Outcome, told: Array, metric: str, seed: int = 7) -> Realised:
    """Promises beside what happened.

    Parameters
    ----------
    outcome
        What happened.
    told
        What was promised, row for row: probabilities, or money.
    metric
        What the model is judged by.
    seed
        Of the resamples of customers.
    """
    weights = judging.resamples(outcome.customers, RESAMPLES, seed=seed)
    figure = judging.measure(outcome, told, metric, weights)
    promised, observed = float(told.sum()), float(outcome.y.sum())
    off = abs(observed / promised - 1) >= OFF if promised > 0 else observed > 0
    if outcome.task.objective == "binary":
        spread = float(np.sqrt((told * (1 - told)).sum()))
        sure = by_chance(told, observed) < CHANCE
        bounds = promised - 1.96 * spread, promised + 1.96 * spread
    else:
        ratio = judging.measure(outcome, told, "total_bias", weights)
        sure, bounds = not ratio.low <= 1.0 <= ratio.high, (float("nan"), float("nan"))
    return Realised(len(told), promised, observed, *bounds, bool(off and sure), figure)


def by_chance(told: Array, observed: float) -> float:
    """How probable as many as were observed, or more (or as few, or fewer), are where every probability is right.

    The sum of unequal coins is taken for a binomial of the same mean and variance (Ehm, Stat. Probab. Lett. 11, 1991):
    of few events, as after a week, more come by chance than a normal distribution has them.

    Parameters
    ----------
    told
        Probabilities.
    observed
        To how many it happened.

    Returns
    -------
    float
        One-sided, 0 to 1; 1 where nobody has a probability above 0 and nothing happened.
    """
    mean = float(told.sum())
    if mean <= 0:
        return float(observed <= 0)
    p = float((told**2).sum()) / mean
    coins = max(round(mean / p), 1)
    tail = binom.sf(observed - 1, coins, p) if observed > mean else binom.cdf(observed, coins, p)
    return float(tail)


def calibration(told: Array, y: Array) -> pd.DataFrame:
    """Promised against observed shares by tenth and at the top.

    Parameters
    ----------
    told
        Probabilities.
    y
        Did it happen?

    Returns
    -------
    pandas.DataFrame
        part, n, promised, observed, low, high (95 % of the observed share, Wilson), off: does the promise lie outside?
    """
    rows = []
    for part, places in promises.parts(told).items():
        hits, n = y[places].sum(), len(places)
        low, high = promises.wilson(np.array([hits]), np.array([n]))
        promised = float(told[places].mean())
        rows.append((part, n, promised, hits / n, low[0], high[0], not low[0] <= promised <= high[0]))
    return pd.DataFrame(rows, columns=["part", "n", "promised", "observed", "low", "high", "off"])
