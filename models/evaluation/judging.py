"""Scores judged on the final window: every metric with its interval, per slice, and the paired difference to a rival.

Intervals are percentile bootstraps over customers: a customer is drawn with all of their rows or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.evaluation.metrics import INTERVAL_METRICS, LOWER_IS_BETTER, Array, coverage, meant
from models.targets.task import Task

CHUNK = 2_000_000
"""Resampled cells held at once."""
TENTHS = 10
SMALLEST = 200
"""Rows that a group needs to be told apart."""


class FinalWindow:
    """The rows of the final date. They can be opened once; a second look raises E515."""

    def __init__(self, rows: pd.DataFrame):
        self._rows = rows
        self.opened = 0

    def open(self) -> pd.DataFrame:
        self.opened += 1
        if self.opened > 1:
            raise HeadwaterError("E515", opened=self.opened)
        return self._rows


@dataclass(frozen=True)
class Outcome:
    """What happened to the rows that are judged: y, money per row, and whose rows they are."""

    task: Task
    y: Array
    value: Array
    customers: np.ndarray[Any, Any]

    def take(self, places: Any) -> "Outcome":
        """The rows at these places."""
        return Outcome(self.task, self.y[places], self.value[places], self.customers[places])


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval; NaN where it is not defined."""

    value: float
    low: float
    high: float


def resamples(customers: Sequence[Any] | np.ndarray[Any, Any], number: int, seed: int) -> Array:
    """Weights, resamples x rows: how often each row's customer was drawn."""
    codes, names = pd.factorize(np.asarray(customers))
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=number)
    return draws[:, codes].astype(float)


def replicates(outcome: Outcome, score: Array, metric: str, weights: Array) -> Array:
    """The metric on every resample."""
    function = outcome.task.metrics[metric]
    step = max(1, CHUNK // max(len(score), 1))
    parts = [weights[i : i + step] for i in range(0, len(weights), step)]
    return np.concatenate([np.atleast_1d(function(outcome.y, score, outcome.value, part)) for part in parts])


def estimate(point: float, repeated: Array) -> Estimate:
    """A figure with the 95 % interval of its resamples; those where it is not defined are left out."""
    defined = repeated[np.isfinite(repeated)]
    if len(defined) == 0:
        return Estimate(float(point), float("nan"), float("nan"))
    low, high = np.quantile(defined, [0.025, 0.975])
    return Estimate(float(point), float(low), float(high))


def measure(outcome: Outcome, score: Array, metric: str, weights: Array) -> Estimate:
    """One metric with its interval."""
    point = outcome.task.metrics[metric](outcome.y, score, outcome.value)
    return estimate(point, replicates(outcome, score, metric, weights))


def advantage(outcome: Outcome, ours: Array, theirs: Array, metric: str, weights: Array) -> Estimate:
    """How much better our score is than theirs on the same resamples; above 0 is better, whatever the metric."""
    return estimate(*_gap(outcome, ours, theirs, metric, weights))


def _gap(outcome: Outcome, ours: Array, theirs: Array, metric: str, weights: Array) -> tuple[float, Array]:
    """The same difference on the rows as they are, and on every resample."""
    sign = -1.0 if metric in LOWER_IS_BETTER else 1.0
    function = outcome.task.metrics[metric]
    point = function(outcome.y, ours, outcome.value) - function(outcome.y, theirs, outcome.value)
    repeated = replicates(outcome, ours, metric, weights) - replicates(outcome, theirs, metric, weights)
    return float(sign * point), sign * repeated


@dataclass(frozen=True)
class Lead:
    """How much better one score is than another, over several windows: expectation, 95 % interval, in which share of
    the resamples it is better, and the standard error."""

    value: float
    low: float
    high: float
    sure: float
    error: float = float("nan")


def lead(windows: Sequence[tuple[Outcome, Array, Array]], metric: str, number: int, seed: int) -> Lead:
    """The advantage of the first score over the second, averaged over windows by their rows; above 0 is better.

    A customer is drawn with their rows of all windows. A window in which the figure is not defined does not count.
    """
    weights = resamples(np.concatenate([outcome.customers for outcome, _, _ in windows]), number, seed)
    ends = np.cumsum([len(outcome.y) for outcome, _, _ in windows])
    parts = np.split(weights, ends[:-1], axis=1)
    gaps = [_gap(*window, metric, part) for window, part in zip(windows, parts, strict=True)]
    rows = np.array(
        [len(outcome.y) if np.isfinite(point) else 0 for (outcome, _, _), (point, _) in zip(windows, gaps, strict=True)]
    )
    if not rows.any():
        return Lead(float("nan"), float("nan"), float("nan"), float("nan"))
    points, repeated = (np.nan_to_num(np.array([g[i] for g in gaps])) for i in (0, 1))
    drawn = np.average(repeated, axis=0, weights=rows)
    found = estimate(float(np.average(points, weights=rows)), drawn)
    sure = float(np.mean(drawn > 0) + np.mean(drawn == 0) / 2)
    return Lead(found.value, found.low, found.high, sure, float(np.std(drawn)))


def table(outcome: Outcome, scores: Mapping[str, Array], weights: Array) -> pd.DataFrame:
    """One row per model and metric: model, metric, value, low, high, n."""
    rows = []
    for model, score in scores.items():
        best_first = np.argsort(-score, kind="stable")
        ordered, drawn = outcome.take(best_first), weights[:, best_first]
        for metric in outcome.task.metrics:
            figure = measure(ordered, score[best_first], metric, drawn)
            rows.append({"model": model, "metric": metric, **vars(figure), "n": len(score)})
    return pd.DataFrame(rows)


def coverage_estimate(outcome: Outcome, low: Array, high: Array, weights: Array) -> Estimate:
    """Share of outcomes inside the predicted interval."""
    return estimate(coverage(outcome.y, low, high), coverage(outcome.y, low, high, weights))


def by_tenth(outcome: Outcome, score: Array, low: Array, high: Array, weights: Array) -> pd.DataFrame:
    """How often an interval holds, and on which side it misses, in each tenth of the score.

    Parameters
    ----------
    outcome
        What happened.
    score
        The prediction; equal ones are told apart by their place.
    low, high
        The interval of each row.
    weights
        Resamples x rows.

    Returns
    -------
    pandas.DataFrame
        tenth (1 has the smallest predictions), metric (`coverage`, `below`, `above`, and `meant`: the coverage that is right),
        value, low, high, n. A tenth without a row is left out.
    """
    tenths = np.array_split(np.argsort(score, kind="stable"), TENTHS)
    wanted, found = INTERVAL_METRICS | {"meant": meant}, []
    for tenth, places in enumerate(tenths, start=1):
        if len(places):
            cut, drawn = (outcome.y[places], low[places], high[places]), weights[:, places]
            figures = {name: estimate(m(*cut), m(*cut, drawn)) for name, m in wanted.items()}
            found += [{"tenth": tenth, "metric": m, **vars(f), "n": len(places)} for m, f in figures.items()]
    return pd.DataFrame(found, columns=["tenth", "metric", "value", "low", "high", "n"])


def by_slice(
    outcome: Outcome, score: Array, slices: pd.DataFrame, least: int = SMALLEST, weights: Array | None = None
) -> pd.DataFrame:
    """Every metric for each value of each slicing column that has at least `least` rows.

    Parameters
    ----------
    outcome
        What happened.
    score
        The prediction.
    slices
        The slicing columns, row for row.
    least
        Fewest rows of a group.
    weights
        Resamples x rows, for intervals; without them figures have none.

    Returns
    -------
    pandas.DataFrame
        slice, level, metric, value, n, positives, and with weights low and high.
    """
    found = []
    for column in slices:
        for name, places in slices.groupby(column, observed=True).indices.items():
            if len(places) < least:
                continue
            group, drawn = outcome.take(places), None if weights is None else weights[:, places]
            for metric in outcome.task.metrics:
                known = {"slice": column, "level": str(name), "metric": metric, "n": len(places)}
                found.append(known | {"positives": float(group.y.sum())} | _group(group, score[places], metric, drawn))
    columns = ["slice", "level", "metric", "value", "n", "positives", *(() if weights is None else ("low", "high"))]
    return pd.DataFrame(found, columns=columns)


def _group(outcome: Outcome, score: Array, metric: str, weights: Array | None) -> dict[str, float]:
    if weights is None:
        return {"value": float(outcome.task.metrics[metric](outcome.y, score, outcome.value))}
    return vars(measure(outcome, score, metric, weights))


APART = ("average_precision", "auc", "precision_at_5pct")
FOUND = "found_at_5pct"


def apart(outcome: Outcome, scores: Mapping[str, Array], among: Any, weights: Array) -> pd.DataFrame:
    """Figures of some customers by themselves, and how many of their positives stand at the top of everybody.

    Parameters
    ----------
    outcome
        What happened to everybody, yes or no.
    scores
        Model to prediction.
    among
        Booleans: whose figures.
    weights
        Resamples x rows.

    Returns
    -------
    pandas.DataFrame
        model, metric, value, low, high, n (their rows), positives (theirs); the metrics of `APART` rank them alone,
        `found_at_5pct` is the share of their positives within the first 5 % of everybody. Empty where there is nobody.
    """
    places = np.flatnonzero(among)
    part = outcome.take(places)
    theirs = replace(outcome, value=outcome.y * np.asarray(among, dtype=float))
    found = []
    for model, score in scores.items() if len(places) else ():
        figures = {m: measure(part, score[places], m, weights[:, places]) for m in APART}
        figures[FOUND] = measure(theirs, score, "captured_value_at_5pct", weights)
        found += [{"model": model, "metric": metric, **vars(figure)} for metric, figure in figures.items()]
    known = pd.DataFrame(found, columns=["model", "metric", "value", "low", "high"])
    return known.assign(n=len(places), positives=int(part.y.sum()))
