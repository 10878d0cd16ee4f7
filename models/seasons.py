"""The level of last year's season, where it tells the level of a date better than the newest outcomes do.

The newest outcomes are a horizon old. Where the level of every date is off in the same way as that of the same season a
year before, that season tells more. Whether it does is asked of dates whose outcomes are known: how far was a date off
when its level was that of its newest known outcomes, and how far when it was that of a year before? The window that is
told has no part in the answer.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from models.estimators import levels
from models.estimators.estimator import Estimator
from models.evaluation import judging
from models.snapshots import Rows

LEAST_GAIN = 0.5**0.5
"""Last year's season is taken where its error is at most this share of that of the newest outcomes, which is half of the
mean square: at more, chance and a trend of the business would decide."""
ALONE = 0.25
"""Where one date speaks for the season, the newest outcomes must have been off by so much, log-odds or logarithms: one
year does not tell a small season from chance."""


@dataclass(frozen=True)
class Season:
    """The season of a year before the date that is told, and what speaks for its level.

    Attributes
    ----------
    told
        The date that is told.
    day
        The snapshot of a year before.
    observed
        The mean outcome of that snapshot: a rate, or money per customer.
    ratio
        Mean prediction for that snapshot's customers at the new level over that at the old one.
    by_season, by_newest
        Root of the mean squared error of the level of earlier dates, told from a year before, and told from the newest
        outcomes that were known on them; on the scale of log-odds, or of logarithms of money.
    pairs
        Dates that could be told from a year before.
    adopted
        Is the level that of the season?
    """

    told: date
    day: date
    observed: float
    ratio: float
    by_season: float
    by_newest: float
    pairs: int
    adopted: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self) | {"told": self.told.isoformat(), "day": self.day.isoformat()}


def found(model: Estimator, rows: Rows, told: date, final: pd.DataFrame | None = None) -> Season | None:
    """What last year's season says of the level of a date; None where no earlier date has a year before to ask.

    Parameters
    ----------
    model
        Fitted and calibrated.
    rows
        The snapshots.
    told
        The date whose level is wanted.
    final
        The rows of the final date, where they are open and `told` is later; without them it has no part in the answer.
    """
    split = rows.split
    day = split.year_before(told)
    known = {each: rows.on(each) for each in _days(rows)} | ({} if final is None else {split.final: final})
    pairs = [pair for pair in split.seasons if pair.told in known and pair.day in known]
    if day is None or day not in known or not pairs:
        return None
    shifts = {each: _shift(model, rows, seen) for each, seen in known.items()}
    by_season = _rms([shifts[pair.told] - shifts[pair.day] for pair in pairs])
    by_newest = _rms(_errors_of_newest(shifts, timedelta(days=split.days)))
    seen = known[day]
    scores, outcome = _scores(model, rows, seen), rows.outcome(seen)
    moved = levels.shifted(rows.target.task.objective, scores, shifts[day])
    weights = judging.resamples(outcome.customers, rows.settings.resamples, rows.settings.seed)
    told_apart = by_season <= LEAST_GAIN * by_newest and (len(pairs) > 1 or by_newest >= ALONE)
    adopted = bool(told_apart and levels.is_off(outcome, scores, weights))
    ratio = float(moved.mean() / scores.mean())
    return Season(told, day, float(outcome.y.mean()), ratio, by_season, by_newest, len(pairs), adopted)


def adopt(models: Mapping[str, Estimator], rows: Rows, day: date) -> None:
    """Bring models to the level of a date; the rule of today is used as it stands, and left at its own."""
    X, labels = rows.parts(rows.on(day))
    for name, model in models.items():
        if name != "rule":
            model.relevel(model.raw(X), labels)


def _days(rows: Rows) -> list[date]:
    """The dates before the final one of which all outcomes are known, oldest first; a few without a row are left out."""
    split = rows.split
    days = {*split.every, *(pair.day for pair in split.seasons)} - {split.final}
    return [day for day in sorted(days) if len(rows.on(day))]


def _scores(model: Estimator, rows: Rows, seen: pd.DataFrame) -> np.ndarray[Any, Any]:
    told = model.told(model.raw(rows.parts(seen)[0]))
    return told[rows.target.score].to_numpy(dtype=float)


def _shift(model: Estimator, rows: Rows, seen: pd.DataFrame) -> float:
    """What would bring the model to the level of these rows."""
    return levels.shift(rows.target.task.objective, rows.outcome(seen).y, _scores(model, rows, seen))


def _errors_of_newest(shifts: Mapping[date, float], window: timedelta) -> list[float]:
    """How far each date is off at the level of the newest date whose outcomes were known on it."""
    before = {day: [each for each in shifts if each + window <= day] for day in shifts}
    return [shifts[day] - shifts[max(earlier)] for day, earlier in before.items() if earlier]


def _rms(errors: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else float("nan")
