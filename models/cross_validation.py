"""Training on one date: some customers are learnt from, others calibrated on, others judged, in turns.

Of a table without dates, or where one label window is over and no second one yet. There is no later time, so nothing here says how well the future is told: it says how well customers are told whom the
models have not seen. Every part is judged once, by models that learnt and were calibrated on the other parts; what is
shipped are those very models, each for its part (`estimators.cross_fitted`). Parts are stratified: the salt that they
are drawn by is the one, of some, that spreads the positives most evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from models.estimators.cross_fitted import CrossFitted, parts
from models.estimators.estimator import Estimator
from models.evaluation import judging
from models.evaluation.judging import Outcome
from models.rehearsing import Window, choose, rehearsed
from models.settings import TrainingSettings
from models.snapshots import Rows, ordered
from models.splits import Rehearsal, Split
from models.targets.registry import TARGETS
from models.training import SLICES, Trained, differences, final_window, judged_apart, refitted

SALTS = 20
"""How many ways to draw the parts are tried."""


def train(
    target: str,
    frame: pd.DataFrame,
    split: Split,
    settings: TrainingSettings,
    features: Sequence[str],
    *,
    ship: bool = True,
) -> Trained:
    """Train one target on one date; the result reads as that of `training.train`.

    Parameters
    ----------
    target
        Its name in the registry of targets.
    frame
        One row per customer: features and the labels of every target; without a label they are not learnt from.
    split
        Its date, and how many parts there are.
    settings
        How models are made and judged.
    features
        The columns to learn from, in order.
    ship
        Nothing is fitted again either way: no model that had seen everybody could be judged.

    Raises
    ------
    HeadwaterError
        E351 labels of one class, E453 too few rows or positives.
    """
    del ship
    asked = TARGETS[target]
    label = asked.labels_among(frame.columns)[-1]
    known = ordered(frame[frame[label].notna() & (pd.to_datetime(frame["as_of"]).dt.date == split.final)])
    salt = balanced_salt(known["customer_id"], known[label].astype(float).to_numpy(), split.folds, settings.seed)
    numbers = parts(known["customer_id"], split.folds, salt)
    rows = [
        Rows(asked, _dated(known, numbers, split), _fold(split, k), tuple(features), settings)
        for k in range(split.folds)
    ]
    turns = [_turn(part) for part in rows]
    return _judged(rows, turns, salt, split)


def balanced_salt(customers: pd.Series, y: Any, count: int, seed: int) -> int:
    """The salt, of some that follow from the seed, whose parts differ least in size and in positives.

    Parameters
    ----------
    customers
        Ids.
    y
        Their labels, 0 or 1.
    count
        How many parts there are.
    seed
        Of the project.
    """
    salts = [seed * SALTS + number for number in range(SALTS)]
    return min(salts, key=lambda salt: _unevenness(parts(customers, count, salt), y, count))


def _unevenness(numbers: Any, y: Any, count: int) -> float:
    """The largest relative distance of a part from the mean part, in rows or in positives."""
    sizes = [np.bincount(numbers, weights=weights, minlength=count) for weights in (np.ones(len(y)), y)]
    return float(max(np.abs(size / max(size.mean(), 1e-9) - 1).max() for size in sizes))


def _dated(known: pd.DataFrame, numbers: Any, split: Split) -> pd.DataFrame:
    """Parts stand where dates stand elsewhere: each has a day of its own."""
    return known.assign(as_of=[split.final + timedelta(days=int(number)) for number in numbers])


def _fold(split: Split, number: int) -> Split:
    """One part is judged, the next one calibrated on, and the others are learnt from."""
    days = [split.final + timedelta(days=k) for k in range(split.folds)]
    final, calibrate = days[number], days[(number + 1) % split.folds]
    every = tuple(day for day in days if day != final)
    rehearsal = Rehearsal(calibrate, tuple(day for day in every if day != calibrate))
    return Split((rehearsal,), final, every, 0)


@dataclass(frozen=True)
class Turn:
    """Fitted candidates, and what they said of the part calibrated on, if it can be, and of the one judged."""

    models: dict[str, Estimator]
    windows: list[Window]
    final: Window


def _turn(rows: Rows) -> Turn:
    models, windows = rehearsed(rows)
    refitted(models, windows, rows)
    return Turn(models, windows, final_window(models, windows, rows, rows.final.open()))


def _pooled(found: Sequence[Window]) -> Window:
    """All parts as one window."""
    outcomes, first = [part.outcome for part in found], found[0]
    y, value, customers = (np.concatenate([getattr(o, name) for o in outcomes]) for name in ("y", "value", "customers"))
    told = {name: pd.concat([part.told[name] for part in found], ignore_index=True) for name in first.told}
    rows, labels = (
        pd.concat([getattr(part, name) for part in found], ignore_index=True) for name in ("rows", "labels")
    )
    return Window(rows, Outcome(outcomes[0].task, y, value, customers), labels, {}, told, first.score)


def _judged(rows: Sequence[Rows], turns: Sequence[Turn], salt: int, split: Split) -> Trained:
    """Everything that the parts tell together."""
    first, settings = rows[0], rows[0].settings
    tried, told = [window for turn in turns for window in turn.windows], _pooled([turn.final for turn in turns])
    choice = choose([_pooled(tried)] if tried else [], list(turns[0].models), first)
    winner = str(choice.iloc[0]["model"])
    candidates = {name: CrossFitted([turn.models[name] for turn in turns], salt) for name in turns[0].models}
    outcome, scores, judged_by = told.outcome, told.scores, settings.judges(first.target.name)
    weights = judging.resamples(outcome.customers, settings.resamples, settings.seed)
    against = differences(outcome, scores[winner], scores["rule"], weights)
    sliced = told.rows[[c for c in SLICES if c in told.rows]]
    model = candidates[winner]
    model.facts_ = {
        **{name: [split.final.isoformat()] for name in ("calibrate", "every", "learnt")},
        "target": first.target.name,
        "learner": winner,
        "final": split.final.isoformat(),
        "folds": split.folds,
        "features": list(first.features),
    }
    return Trained(
        target=first.target.name,
        candidates=candidates,
        shipped={name: candidates[name] for name in dict.fromkeys((winner, "rule"))},
        winner=winner,
        beats_rule=bool(winner != "rule" and against.set_index("metric").loc[judged_by, "low"] > 0),
        lead=judging.lead([(outcome, scores[winner], scores["rule"])], judged_by, settings.resamples, settings.seed),
        levels={},
        windows=1,
        positives=int((outcome.y > 0).sum()),
        metrics=judging.table(outcome, scores, weights),
        differences=against,
        choice=choice,
        slices=judging.by_slice(outcome, scores[winner], sliced),
        sliced=sliced,
        apart=judged_apart(told, winner, first.target, weights),
        final=told.rows[["customer_id"]].assign(as_of=split.final, y=outcome.y, value=outcome.value, **scores),
        split=split,
        features=first.features,
        rows=first.counts | {"final": len(told.rows)},
        judged_by=judged_by,
        opened=1,
        leaks={},
    )
