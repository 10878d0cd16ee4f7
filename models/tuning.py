"""A search for the shape of boosted trees, forward in time: each trial tells the rehearsals, the final window stays shut.

What is found replaces what is configured only if it is better by more than one standard error on all rehearsals together.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.errors import HeadwaterError
from models.candidates import competing
from models.evaluation import judging
from models.evaluation.metrics import LOWER_IS_BETTER
from models.rehearsing import Window, choose, rehearsed
from models.settings import TrainingSettings, TreeSettings
from models.snapshots import Rows
from models.splits import Split
from models.targets.registry import TARGETS

if TYPE_CHECKING:
    import optuna


BOOSTED = ("trees", "hazard")
"""Learners that take the shape; the first that competes is tried."""


@dataclass(frozen=True)
class Budget:
    """When a search ends: after so many trials, or with the first one that ends after so many seconds.

    Only the number of trials gives the same result each time.
    """

    trials: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Trial:
    """A shape and its figure, a mean over the rehearsals."""

    trees: TreeSettings
    value: float


@dataclass(frozen=True)
class Search:
    """What was tried for a target.

    Attributes
    ----------
    target, candidate
        Whose trees they are.
    metric
        Chooses among candidates, and among trials.
    configured
        The shape of the configuration, and its figure.
    trials
        In their order.
    best
        The best of all; the configured one where no trial was better.
    gap, error
        How much better than the configured one it is, and the standard error of that.
    """

    target: str
    candidate: str
    metric: str
    configured: Trial
    trials: tuple[Trial, ...]
    best: Trial
    gap: float
    error: float

    @property
    def better(self) -> bool:
        """Is the best trial better by more than one standard error?"""
        return self.gap > self.error

    @property
    def trees(self) -> TreeSettings:
        """The shape to train with."""
        return self.best.trees if self.better else self.configured.trees


def require_optuna() -> None:
    """Raises E716 where the extra `tune` is not installed."""
    if find_spec("optuna") is None:
        raise HeadwaterError("E716")


def search(
    target: str,
    frame: pd.DataFrame,
    split: Split,
    settings: TrainingSettings,
    features: Sequence[str],
    budget: Budget,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Search | None:
    """Look for better trees than the configured ones; None where there is no date before the final one to tell.

    Parameters
    ----------
    target
        Its name.
    frame
        Labelled snapshots, a row per customer and date.
    split
        Which dates are told beforehand; the final one is not looked at.
    settings
        How models are made and judged.
    features
        The columns to learn from.
    budget
        How long to search.
    progress
        Told of each trial: how many are done, and of how many; 0 where the time decides.

    Raises
    ------
    HeadwaterError
        E716 without the extra `tune`; what any training raises of its labels.
    """
    require_optuna()
    rows = Rows(TARGETS[target], frame, split, tuple(features), settings)
    able = [c for c in TARGETS[target].declared if c.learner in BOOSTED and c.name in _names(rows)]
    name = able[0].name if able else None
    if split.folds or not rows.rehearsals or name is None:
        return None
    return _Trials(rows, name).run(budget, progress)


def _names(rows: Rows) -> set[str]:
    return {candidate.name for candidate in competing(rows.target, rows.settings.candidates, rows.horizons)}


class _Trials:
    """Everything that was tried so far, beginning with what is configured."""

    def __init__(self, rows: Rows, candidate: str):
        self._rows, self._candidate = rows, candidate
        self._metric = rows.settings.chooses(rows.target.name)
        self._found: list[Trial] = []
        self._configured = self._tell(rows.settings.candidates.shape(rows.target.name))
        self._best = self._configured

    def run(self, budget: Budget, progress: Callable[[int, int], None]) -> Search:
        """Try shapes until the budget is spent, each proposed by what the ones before brought."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        lower = self._metric in LOWER_IS_BETTER
        sampler = optuna.samplers.TPESampler(seed=self._rows.settings.seed)
        study = optuna.create_study(direction="minimize" if lower else "maximize", sampler=sampler)

        def objective(trial: "optuna.Trial") -> float:
            told = self._tell(_shape(trial))
            self._found.append(told[0])
            better = told[0].value < self._best[0].value if lower else told[0].value > self._best[0].value
            self._best = told if better else self._best
            progress(len(self._found), budget.trials or 0)
            return told[0].value

        study.optimize(objective, n_trials=budget.trials, timeout=budget.seconds)
        return self._search()

    def _tell(self, trees: TreeSettings) -> tuple[Trial, list[Window]]:
        """What trees of this shape say of the rehearsals, all other candidates aside."""
        rows, target = copy.copy(self._rows), self._rows.target.name
        alone = {target: (self._candidate,), "trees": trees, "trees_for": {}}
        candidates = rows.settings.candidates.model_copy(update=alone)
        rows.settings = rows.settings.model_copy(update={"candidates": candidates})
        _, windows = rehearsed(rows)
        return Trial(trees, float(choose(windows, [self._candidate], rows)["value"].iloc[0])), windows

    def _search(self) -> Search:
        settings = self._rows.settings
        (configured, before), (best, after) = self._configured, self._best
        pairs = [
            (then.outcome, now.scores[self._candidate], then.scores[self._candidate])
            for now, then in zip(after, before, strict=True)
        ]
        lead = judging.lead(pairs, self._metric, settings.resamples, settings.seed)
        found = tuple(self._found)
        name = self._rows.target.name
        return Search(name, self._candidate, self._metric, configured, found, best, lead.value, lead.error)


def _shape(trial: "optuna.Trial") -> TreeSettings:
    """Shapes within which every reason stays exact and no leaf stands for a handful of customers."""
    found: dict[str, Any] = {
        "n_estimators": trial.suggest_int("n_estimators", 50, 600, log=True),
        "learning_rate": round(trial.suggest_float("learning_rate", 0.01, 0.1, log=True), 4),
        "num_leaves": trial.suggest_int("num_leaves", 4, 31),
        "max_depth": trial.suggest_int("max_depth", 2, 6),
        "min_child_samples": trial.suggest_int("min_child_samples", 20, 400, log=True),
        "colsample_bytree": round(trial.suggest_float("colsample_bytree", 0.2, 1.0), 2),
        "subsample": round(trial.suggest_float("subsample", 0.5, 1.0), 2),
        "reg_lambda": round(trial.suggest_float("reg_lambda", 0.1, 100.0, log=True), 2),
    }
    return TreeSettings(**found)
