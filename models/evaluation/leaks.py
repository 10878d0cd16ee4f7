"""Columns that know too much: of their own they tell an outcome that was not known yet.

What is cut by time cannot see the outcome, however well it tells it. What customers are recorded with has no such
proof: where a delivery says only what holds today, every past date sees what was written after it. Such columns are held
against who has left *by today*, and not only within one window: a status that was written when somebody left stands
beside all of their earlier dates too, where it tells one window badly and the leaving as such nearly always.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.stats import binom

from models.evaluation.metrics import Array, auc
from models.learners.encoding import KEYS, PRIOR_ROWS, numeric
from models.snapshots import drawn

LIMIT = 0.95
"""AUC of one column alone, above which it has seen the outcome."""
RECORDED_LIMIT = 0.9
"""The same of what is recorded as it is today: nothing that holds for years sorts leavers from stayers so well."""
ROWS = 50_000
PARTS = 5
FEWEST = 20
"""Outcomes of either kind below which nothing is told of a column."""
CHANCE = 1e-6
"""How probable it may be that a column stands out by chance."""
GROUP = 30
"""Customers with a value below which nothing is told of it: households leave together."""
SHARE, ODDS = 0.85, 10.0
"""Share of a value's customers that leave, and odds ratio to all, from which on it is not honest: what holds customers
(a contract, working for us) may hold all of them, and nothing that is known beforehand makes nearly all of them leave."""
BINS = 50
FADED_FROM, FADED_TO = 0.7, 0.25
"""AUC of a column that told the older windows, and the share of what is above .5 that is left on the newest one."""
DEVIATIONS = 4.0
DATES = 4
"""Fewest dates on which a relation can fade."""

Why = Literal["alone", "value", "faded"]


@dataclass(frozen=True)
class Leak:
    """Why a column knows too much.

    Attributes
    ----------
    auc
        Of the column alone, against the outcome that it was held against.
    why
        `alone`: it tells the outcome by itself. `value`: nearly all customers with one of its values, or with any
        or none, have left. `faded`: it told windows long over and does not tell the newest one, for which nothing was written yet.
    """

    auc: float
    why: Why


def single_feature_auc(X: pd.DataFrame, y: Any, features: Sequence[str]) -> pd.Series:
    """AUC of each column alone, in its better direction; unknown is a value of its own.

    Words count by their rate among other customers, so that one that stands for a single customer tells nothing.

    Parameters
    ----------
    X
        A row per customer and date; without `customer_id` every row is a customer.
    y
        The outcomes, 0 or 1.
    features
        The columns to look at.
    """
    outcome = np.asarray(y, dtype=float)
    step = max(1, len(outcome) // ROWS)
    outcome, rows = outcome[::step], X.iloc[::step]
    part = _parts(rows)
    found = {column: _in_order(rows[column], outcome, part) for column in features}
    return pd.Series(found, dtype=float).sort_values(ascending=False)


def leaking(X: pd.DataFrame, y: Any, features: Sequence[str], limit: float = LIMIT) -> dict[str, float]:
    """The columns above the limit, with their AUC."""
    alone = single_feature_auc(X, y, features)
    return {str(column): float(area) for column, area in alone[alone > limit].items()}


def found(
    frame: pd.DataFrame,
    labels: Sequence[str],
    recorded: Collection[str] = (),
    timed: Collection[str] = (),
    limit: float = LIMIT,
) -> dict[str, Leak]:
    """The columns that know too much of any outcome, each with the first reason that was found.

    Parameters
    ----------
    frame
        A row per customer and date: customer_id, as_of, the columns and the labels.
    labels
        Columns of yes/no outcomes; null where one is not known.
    recorded
        Columns of which every date sees what holds today.
    timed
        Columns that are cut by time, by a clock or by code that we did not write.
    limit
        Of the AUC of a column alone; at most `RECORDED_LIMIT` for those that are recorded.
    """
    leaks: dict[str, Leak] = {}
    columns = [*KEYS, *recorded, *timed]
    for label in labels if recorded or timed else ():
        known = drawn(frame.loc[frame[label].notna(), [*columns, label]], ROWS).reset_index(drop=True)
        y = known[label].to_numpy(dtype=float)
        if not _enough(y):
            continue
        part = _parts(known)
        for column in (c for c in timed if c not in leaks):
            area = _alone(known[column], y, part)
            if area > limit:
                leaks[column] = Leak(area, "alone")
        record = _Record(known, y, part)
        looked = ((c, record.leak(c, min(limit, RECORDED_LIMIT))) for c in recorded if c not in leaks)
        leaks |= {column: leak for column, leak in looked if leak is not None}
    return leaks


class _Record:
    """What is known of the outcomes of some rows, for columns that say of every date what holds today."""

    def __init__(self, rows: pd.DataFrame, y: Array, part: Any):
        self._rows, self._y, self._part = rows, y, part
        self._days = pd.factorize(pd.to_datetime(rows["as_of"]), sort=True)[0]
        customers = pd.factorize(rows["customer_id"])[0]
        counts = np.stack([np.bincount(self._days, weights=y), np.bincount(self._days, weights=1 - y)])
        self._cohort = self._days == self._widest(customers)
        last = np.zeros(customers.max() + 1)
        later = self._days >= self._days[self._cohort][0]
        np.maximum.at(last, customers[later], y[later])
        self._eventual = last[customers[self._cohort]]
        self._newest = self._days == (np.flatnonzero(counts.min(axis=0) >= FEWEST).max(initial=0))

    def _widest(self, customers: Any) -> int:
        """The date whose customers show most of both kinds by today."""
        ever = np.zeros(customers.max() + 1)
        np.maximum.at(ever, customers, self._y)
        kinds = [np.bincount(self._days, weights=kind) for kind in (ever[customers], 1 - ever[customers])]
        return int(np.minimum(*kinds).argmax())

    def leak(self, column: str, limit: float) -> Leak | None:
        """The first reason, if there is one."""
        values = self._rows[column]
        cohort, part = values[self._cohort], self._part[self._cohort]
        if _enough(self._eventual):
            area = _alone(cohort, self._eventual, part)
            if area > limit:
                return Leak(area, "alone")
            if any(_foregone(codes, self._eventual) for codes in (_filled(cohort), _codes(cohort))):
                return Leak(area, "value")
        faded = self._faded(values)
        return None if faded is None else Leak(faded, "faded")

    def _faded(self, values: pd.Series) -> float | None:
        """AUC on the older half of the windows if the newest one knows nothing of the relation.

        Days since a date pass, so that its bins stand for other dates on another day: of what changes with time it is
        only looked at whether there is a value.
        """
        older = self._days <= self._days.max() // 2
        if len(np.unique(self._days)) < DATES or not (_enough(self._y[older]) and _enough(self._y[self._newest])):
            return None
        codes = _filled(values) if self._passes(values) else _codes(values)
        told = _rates(codes, self._y, self._part, learnt=older)
        before, now = (float(auc(self._y[rows], told[rows])) for rows in (older, self._newest))
        gap = DEVIATIONS * np.hypot(_error(self._y[older]), _error(self._y[self._newest]))
        gone = now - 0.5 < FADED_TO * (before - 0.5) and before - now > gap
        return before if before > FADED_FROM and gone else None

    def _passes(self, values: pd.Series) -> bool:
        """Does a number differ between dates of one customer?"""
        if not numeric(values):
            return False
        numbers = pd.Series(values.to_numpy(dtype=float, na_value=np.nan))
        spread = numbers.groupby(self._rows["customer_id"].to_numpy()).agg(["min", "max", "count"])
        spread = spread[spread["count"] > 1]
        return bool(len(spread) and (spread["min"] < spread["max"]).mean() > 0.5)


def _enough(y: Array) -> bool:
    return bool(min(y.sum(), len(y) - y.sum()) >= FEWEST)


def _error(y: Array) -> float:
    """Standard error of the AUC of a score that knows nothing."""
    hits = y.sum()
    return float(np.sqrt((len(y) + 1) / (12 * hits * (len(y) - hits))))


def _parts(rows: pd.DataFrame) -> Any:
    """The part of each row; a customer is in one of them."""
    return pd.factorize(rows.get("customer_id", rows.index))[0] % PARTS


def _in_order(values: pd.Series, outcome: Array, part: Any) -> float:
    """AUC in the better direction: of numbers, and of the rates of words among other customers."""
    if numeric(values):
        score = values.to_numpy(dtype=float, na_value=np.nan)
        scores = [np.where(np.isnan(score), edge, score) for edge in (-np.inf, np.inf)]
    else:
        scores = [_rates(_codes(values), outcome, part)]
    return max(max(area, 1 - area) for area in (float(auc(outcome, s)) for s in scores))


def _alone(values: pd.Series, outcome: Array, part: Any) -> float:
    """The same, but numbers count by the rates of their ranges too: ids may have been given by the outcome."""
    area = _in_order(values, outcome, part)
    return max(area, float(auc(outcome, _rates(_codes(values), outcome, part)))) if numeric(values) else area


def _filled(values: pd.Series) -> Any:
    return values.notna().to_numpy(dtype=int)


def _codes(values: pd.Series) -> Any:
    """A number per word, or per range and per frequent value of numbers; unknown is 0."""
    if not numeric(values):
        return pd.factorize(values)[0] + 1
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return np.zeros(len(numbers), dtype=int)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, min(BINS, len(known) // GROUP + 1) + 1)))
    places = np.searchsorted(edges, numbers, side="left") + np.searchsorted(edges, numbers, side="right")
    return np.where(np.isnan(numbers), 0, places + 1)


def _rates(codes: Any, outcome: Array, part: Any, learnt: Any = True) -> Array:
    """The smoothed mean outcome of each row's code among customers of the other parts; of all where it is new there.

    Parameters
    ----------
    codes, outcome, part
        A value per row.
    learnt
        Which rows the rates are made from.
    """
    cells, learnt = codes * PARTS + part, np.broadcast_to(learnt, codes.shape)
    size = (codes.max() + 1) * PARTS
    rows, hits = (
        np.bincount(cells[learnt], weights=weights, minlength=size).reshape(-1, PARTS)
        for weights in (None, outcome[learnt])
    )
    others = [(table.sum(axis=1, keepdims=True) - table).ravel()[cells] for table in (hits, rows)]
    usual = float(outcome[learnt].mean())
    return np.asarray((others[0] + PRIOR_ROWS * usual) / (others[1] + PRIOR_ROWS))


def _foregone(codes: Any, outcome: Array) -> bool:
    """Is there a value nearly all of whose customers leave, far beyond the others and beyond chance?"""
    rows, hits, usual = np.bincount(codes), np.bincount(codes, weights=outcome), float(outcome.mean())
    several = rows >= GROUP
    odds = (hits + 0.5) / (rows - hits + 0.5) / (usual / (1 - usual))
    chance = binom.sf(hits - 1, rows, usual) * max(int(several.sum()), 1)
    return bool((several & (hits >= SHARE * rows) & (odds >= ODDS) & (chance < CHANCE)).any())
