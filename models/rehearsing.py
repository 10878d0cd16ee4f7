"""Rehearsals: every candidate tells dates that it has not seen, one after the other, and one of them is chosen.

Each rehearsal fits the candidates on the dates whose labels were in by its day, and has them tell that day. What they
said of all days together, before any calibration, calibrates them; the figures of each day choose.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from models.candidates import candidates, fit_all
from models.estimators import levels
from models.estimators.estimator import Estimator
from models.evaluation import judging
from models.evaluation.judging import Outcome
from models.evaluation.metrics import LOWER_IS_BETTER, Array
from models.settings import TrainingSettings
from models.snapshots import Rows


@dataclass(frozen=True)
class Window:
    """The judged rows of one date, and what models said of them that had not seen them.

    Attributes
    ----------
    rows
        Of the frame.
    outcome
        What happened.
    labels
        The same for the estimators, every horizon of it.
    raw
        Candidate to raw scores.
    told
        Candidate to everything it says.
    models
        Candidate to the model whose raw scores these are; not calibrated where dates after it calibrate.
    untreated
        Booleans: the rows that compare candidates, nobody whom a campaign treated; None for all.
    """

    rows: pd.DataFrame
    outcome: Outcome
    labels: pd.DataFrame
    raw: dict[str, Array]
    told: dict[str, pd.DataFrame] = field(default_factory=dict)
    score: str = ""
    models: Mapping[str, Estimator] = field(default_factory=dict)
    untreated: Any = None

    def compared(self, *names: str) -> tuple[Any, ...]:
        """The outcome and the scores of some candidates, on the rows that compare them."""
        places = slice(None) if self.untreated is None else np.flatnonzero(self.untreated)
        return (self.outcome.take(places), *(self.scores[name][places] for name in names))

    @property
    def scores(self) -> dict[str, Array]:
        """Candidate to the output that is judged."""
        return {name: told[self.score].to_numpy(dtype=float) for name, told in self.told.items()}

    def tell(self, models: Mapping[str, Estimator]) -> None:
        """Let calibrated candidates say what their raw scores mean."""
        self.told.update({name: model.told(self.raw[name]) for name, model in models.items()})

    def tell_by_halves(self, models: Mapping[str, Estimator]) -> None:
        """The same without any window before: each half of the customers gets its calibration from the other half."""
        half = np.unique(self.outcome.customers, return_inverse=True)[1] % 2 == 0
        for name, model in models.items():
            parts = [self._half(model, name, held) for held in (half, ~half)]
            places = np.concatenate([np.flatnonzero(half), np.flatnonzero(~half)])
            self.told[name] = pd.concat(parts, ignore_index=True).iloc[np.argsort(places)].reset_index(drop=True)

    def _half(self, model: Estimator, name: str, held: Any) -> pd.DataFrame:
        known = (self.raw[name][~held], self.labels[~held])
        return copy.copy(model).calibrate([known]).told(self.raw[name][held])

    def known(self, name: str) -> tuple[Array, pd.DataFrame]:
        """What a candidate is calibrated by: raw scores and labels."""
        return self.raw[name], self.labels


def window(models: Mapping[str, Estimator], rows: Rows, seen: pd.DataFrame) -> Window:
    """Raw scores of judged rows that none of the models has seen."""
    X, labels = rows.parts(seen)
    raw = {name: model.raw(X) for name, model in models.items()}
    kept = {name: copy.copy(model) for name, model in models.items()}  # learners are replaced from date to date
    outcome, untreated = rows.outcome(seen), rows.untreated(seen)
    return Window(seen, outcome, labels, raw, score=rows.target.score, models=kept, untreated=untreated)


def rehearsed(rows: Rows) -> tuple[dict[str, Estimator], list[Window]]:
    """Every candidate by name, calibrated on all windows, oldest first; without any window they are unfitted."""
    target, settings = rows.target, rows.settings
    models = candidates(target, settings.candidates, rows.horizons, settings.threads, settings.seed)
    windows = []
    for rehearsal in rows.rehearsals:
        known = rows.of(rehearsal.learnt, settings.rehearsal_rows, told=rehearsal.day)
        learnt = fit_all(target, models, *known, rehearsal=True)
        for name, model in models.items():
            model.start(learnt[name])
        windows.append(window(models, rows, rows.on(rehearsal.day)))
    if windows:
        calibrated(models, windows, rows)
        for seen in windows:
            seen.tell(models)
    return models, windows


def calibrated(models: Mapping[str, Estimator], windows: Sequence[Window], rows: Rows) -> None:
    """Calibrate on all windows; where the level of the newest is off by more than chance then, it is brought there.

    People use the rule of today as it stands: it is left at its level.
    """
    newest = windows[-1]
    weights = judging.resamples(newest.outcome.customers, rows.settings.resamples, rows.settings.seed)
    for name, model in models.items():
        model.calibrate([seen.known(name) for seen in windows])
        scores = model.told(newest.raw[name])[newest.score].to_numpy(dtype=float)
        if name != "rule" and levels.is_off(newest.outcome, scores, weights):
            model.relevel(*newest.known(name))


def choose(windows: Sequence[Window], models: Sequence[str], rows: Rows) -> pd.DataFrame:
    """Candidates by their figure, a mean over windows by their rows; the chosen one first, then best first.

    Among those whose distance to the best is within one standard error, or `margin`, the first in the configured order is
    chosen: it is listed first because it is the steadier one (a blend of probabilities) or the simpler one (of amounts). The
    rule is no model and is held against the chosen one later. Without any window the first in order is chosen, and there are no figures.
    """
    settings, name = rows.settings, rows.settings.chooses(rows.target.name)
    figures = [_mean([_figure(seen, model, name) for seen in windows], windows) for model in models]
    count = sum(len(seen.compared()[0].y) for seen in windows)
    found = pd.DataFrame({"model": list(models), "metric": name, "value": figures, "n": count})
    rivals = found[found["model"] != "rule"] if len(found) > 1 else found
    chosen = _chosen(windows, rivals, name, settings)
    sign = 1.0 if name in LOWER_IS_BETTER else -1.0
    found = found.assign(chosen=found["model"] == chosen, order=found["value"] * sign)
    found = found.sort_values(["chosen", "order"], ascending=[False, True], ignore_index=True)
    return found.drop(columns="order")


def _figure(seen: Window, model: str, metric: str) -> float:
    outcome, scores = seen.compared(model)
    return float(outcome.task.metrics[metric](outcome.y, scores, outcome.value))


def _mean(figures: Sequence[float], windows: Sequence[Window]) -> float:
    """By rows; a window in which the figure is not defined does not count."""
    weights = [len(seen.compared()[0].y) if np.isfinite(f) else 0 for f, seen in zip(figures, windows, strict=True)]
    return float(np.average(np.nan_to_num(figures), weights=weights)) if sum(weights) else float("nan")


def _chosen(windows: Sequence[Window], rivals: pd.DataFrame, metric: str, settings: TrainingSettings) -> str:
    names, values = list(rivals["model"]), rivals["value"].to_numpy()
    if np.isnan(values).all():
        return str(names[0])
    at = int(np.nanargmin(values) if metric in LOWER_IS_BETTER else np.nanargmax(values))
    best, most = names[at], settings.margin * abs(values[at])
    return next(name for name in names if name == best or _near(windows, best, name, metric, most, settings))


def _near(
    windows: Sequence[Window], best: str, name: str, metric: str, most: float, settings: TrainingSettings
) -> bool:
    """Is a candidate as good as the best one, by the margin or within one standard error of their distance?"""
    pairs = [seen.compared(best, name) for seen in windows]
    gap = judging.lead(pairs, metric, settings.resamples, settings.seed)
    return gap.value <= max(most, gap.error)
