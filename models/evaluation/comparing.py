"""Two scores of the same rows held against each other: on everybody, in money at a list's length, and on whom."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation import judging
from models.evaluation.judging import Outcome
from models.evaluation.metrics import Array, Metric, captured_at, precision_at
from models.targets.target import Target

LIST = "at_list"
"""What the names of figures at the length of a list end with."""
MONEY = f"captured_value_{LIST}"
LEVEL = "total_bias"


@dataclass(frozen=True)
class Pair:
    """The judged rows of one date, and what two models said of them that had not seen them.

    Attributes
    ----------
    outcome
        What happened.
    ours, theirs
        A score per row.
    slices
        The slicing columns of the same rows.
    """

    outcome: Outcome
    ours: Array
    theirs: Array
    slices: pd.DataFrame

    def take(self, places: Any) -> "Pair":
        """The rows at these places."""
        rows = self.slices.iloc[places]
        return Pair(self.outcome.take(places), self.ours[places], self.theirs[places], rows)

    def with_list(self, length: int) -> "Pair":
        """The same rows, with the figures of a list of so many customers among their metrics."""
        share = min(1.0, length / len(self.outcome.y))
        task = self.outcome.task
        added: dict[str, Metric] = {MONEY: captured_at(share)}
        if task.objective == "binary":
            added[f"precision_{LIST}"] = precision_at(share)
        return replace(self, outcome=replace(self.outcome, task=replace(task, metrics={**task.metrics, **added})))


def metrics_of(target: Target, judged_by: str) -> list[str]:
    """What two models of a target are compared by: what judges them first, what is sold next, the level last."""
    sold = [MONEY, *([f"precision_{LIST}"] if target.task.objective == "binary" else [])]
    known = [name for name in target.figures if name in target.task.metrics and name != LEVEL]
    level = [] if target.task.level_metric == LEVEL else [target.task.level_metric]
    return list(dict.fromkeys((judged_by, *sold, *known, *level)))


def figures(pairs: Sequence[Pair], metrics: Sequence[str], number: int, seed: int) -> pd.DataFrame:
    """metric, ours, theirs, value, low, high, sure: the advantage of ours, over all dates together; more is better.

    The last row is the level, predicted over observed total, which has no better direction. Money that nobody paid has
    no figure.

    Parameters
    ----------
    pairs
        One per date.
    metrics
        Names, of the task or at the length of a list.
    number, seed
        Of resamples of customers.
    """
    sides = {name: _sides(pairs, name) for name in metrics}
    known = [name for name, both in sides.items() if np.isfinite(both["ours"])]
    rows = [{"metric": name, **sides[name], **_advantage(pairs, name, number, seed)} for name in known]
    level = {"metric": "level", "ours": _level(pairs, "ours"), "theirs": _level(pairs, "theirs")}
    found = pd.DataFrame([*rows, level])
    return found.reindex(columns=["metric", "ours", "theirs", "value", "low", "high", "sure"])


def by_slice(pairs: Sequence[Pair], metric: str, least: int, positives: int, number: int, seed: int) -> pd.DataFrame:
    """slice, level, n, positives, ours, theirs, value, low, high, sure of each group that is large enough.

    Parameters
    ----------
    pairs
        One per date, of which all have the same slicing columns.
    metric
        Its name.
    least, positives
        Rows and positives over all dates that a group needs; smaller ones are left out.
    number, seed
        Of resamples of customers.
    """
    found = []
    for column in pairs[0].slices:
        for level in sorted({str(name) for pair in pairs for name in pair.slices[column].dropna().unique()}):
            inside = [pair.take(np.flatnonzero(pair.slices[column].astype(str) == level)) for pair in pairs]
            inside = [pair for pair in inside if len(pair.outcome.y)]
            rows, hits = (sum(sizes) for sizes in zip(*map(_size, inside), strict=True))
            if rows >= least and positives <= hits:
                about = {"slice": column, "level": level, "n": rows, "positives": hits}
                found.append(about | _sides(inside, metric) | _advantage(inside, metric, number, seed))
    columns = ["slice", "level", "n", "positives", "ours", "theirs", "value", "low", "high", "sure"]
    return pd.DataFrame(found, columns=columns)


def _size(pair: Pair) -> tuple[int, int]:
    return len(pair.outcome.y), int((pair.outcome.y > 0).sum())


def _sides(pairs: Sequence[Pair], metric: str) -> dict[str, float]:
    return {side: _mean(pairs, side, metric) for side in ("ours", "theirs")}


def _mean(pairs: Sequence[Pair], side: str, metric: str) -> float:
    """A figure averaged over dates by their rows; a date on which it is not defined does not count."""
    values, weights = [], []
    for pair in pairs:
        y, value = pair.outcome.y, pair.outcome.value
        values.append(float(pair.outcome.task.metrics[metric](y, getattr(pair, side), value)))
        weights.append(len(y) if np.isfinite(values[-1]) else 0)
    return float(np.average(np.nan_to_num(values), weights=weights)) if sum(weights) else float("nan")


def _advantage(pairs: Sequence[Pair], metric: str, number: int, seed: int) -> dict[str, float]:
    windows = [(pair.outcome, pair.ours, pair.theirs) for pair in pairs]
    lead = judging.lead(windows, metric, number, seed)
    return {"value": lead.value, "low": lead.low, "high": lead.high, "sure": lead.sure}


def _level(pairs: Sequence[Pair], side: str) -> float:
    """Predicted over observed total."""
    observed = sum(float(pair.outcome.y.sum()) for pair in pairs)
    return sum(float(getattr(pair, side).sum()) for pair in pairs) / observed if observed else float("nan")
