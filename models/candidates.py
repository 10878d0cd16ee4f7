"""Who competes for a target: its candidates as unfitted estimators, the rule of today beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from models.estimators.bundle import estimator_class
from models.estimators.estimator import Estimator
from models.learners.bg_nbd import BgNbd
from models.learners.blends import Blend, ByValue
from models.learners.hazard import Hazard
from models.learners.hurdle import Family, Hurdle
from models.learners.linear import Linear
from models.learners.rule import Rule
from models.learners.trees import Trees
from models.settings import CandidateSettings, TreeSettings
from models.targets.candidate import RULE, Candidate
from models.targets.target import RuleSettings, Target
from models.targets.task import Objective


@dataclass(frozen=True)
class Recipe:
    """What a learner is made from."""

    objective: Objective
    rule: RuleSettings
    trees: TreeSettings
    settings: CandidateSettings
    threads: int
    seed: int


def _linear(recipe: Recipe) -> Linear:
    binary = recipe.objective == "binary"
    return Linear(recipe.objective, recipe.settings.alpha if binary else recipe.settings.amount_alpha)


def _trees(recipe: Recipe, learner: type[Trees] = Trees) -> Trees:
    shape = recipe.trees.model_dump()
    return learner(recipe.objective, **shape, n_jobs=recipe.threads, random_state=recipe.seed)


def _hazard(recipe: Recipe) -> Trees:
    return _trees(recipe, Hazard)


def _hurdle(recipe: Recipe, family: Family = "lognormal") -> Hurdle:
    shape = recipe.trees.model_dump() | {"n_jobs": recipe.threads, "random_state": recipe.seed}
    return Hurdle(Trees("binary", **shape), Trees(family, **shape))


def _rule(recipe: Recipe) -> Rule:
    return Rule(recipe.objective, recipe.rule.column, recipe.rule.factor, recipe.rule.higher)


def _bg_nbd(recipe: Recipe) -> BgNbd:
    return BgNbd()


LEARNERS: Mapping[str, Callable[[Recipe], Linear | Trees | Hurdle | Rule | BgNbd]] = {
    "linear": _linear,
    "trees": _trees,
    "hazard": _hazard,
    "hurdle": _hurdle,
    "hurdle_gamma": lambda recipe: _hurdle(recipe, "gamma"),
    "rule": _rule,
    "bg_nbd": _bg_nbd,
}
"""By the name that a candidate declares; a new learner is its module and its line here."""


def _learner(candidate: Candidate, target: Target, settings: CandidateSettings, threads: int, seed: int) -> Any:
    """The unfitted learner of a candidate; a blend has none of its own."""
    if candidate.members:
        return None
    objective: Objective = "amount" if candidate.by_value else target.task.objective
    rule, trees = settings.rules.of(target.name), settings.shape(target.name)
    learner = LEARNERS[candidate.learner](Recipe(objective, rule, trees, settings, threads, seed))
    return ByValue(learner) if candidate.by_value else learner


def competing(target: Target, settings: CandidateSettings, horizons: Sequence[int]) -> list[Candidate]:
    """The candidates of a configuration in the order of preference, the rule of today last.

    With one horizon there is no time to learn, and who learns it stands aside for the others. With several those who learn
    the main one alone do, unless the configuration names them: the same trees would be learnt twice.
    """
    known = {candidate.name: candidate for candidate in target.declared}
    named = [known[name] for name in settings.of(target.name)]
    able = [candidate for candidate in named if len(horizons) > 1 or not candidate.by_period]
    if not settings.names(target.name):
        names = {candidate.name for candidate in able}
        able = [candidate for candidate in able if candidate.aside_for not in names]
    return [*(able or named), RULE]


def candidates(
    target: Target, settings: CandidateSettings, horizons: tuple[int, ...], threads: int, seed: int
) -> dict[str, Estimator]:
    """Name to unfitted estimator.

    Parameters
    ----------
    target
        What is predicted.
    settings
        Who competes, and how each learns.
    horizons
        Days of its labels, rising; the last is the main one.
    threads, seed
        For trees.
    """
    estimator = estimator_class(target.name)
    return {
        candidate.name: estimator.of(
            _learner(candidate, target, settings, threads, seed), horizons, settings.calibration
        )
        for candidate in competing(target, settings, horizons)
    }


def fit_all(
    target: Target, models: Mapping[str, Estimator], X: pd.DataFrame, y: pd.DataFrame, *, rehearsal: bool = False
) -> dict[str, tuple[Any, ...]]:
    """Fitted learners per candidate; a blend takes those of its members and costs nothing more.

    Parameters
    ----------
    target
        What is predicted.
    models
        Name to estimator, which stays as it is.
    X, y
        Features, and labels of the same rows.
    rehearsal
        Fit only what is judged.
    """
    members = {c.name: c.members for c in target.declared if c.name in models and c.members}
    alone = {name: model for name, model in models.items() if name not in members}
    learnt: dict[str, tuple[Any, ...]] = {
        name: model.rehearse(X, y) if rehearsal else model.learn(X, y) for name, model in alone.items()
    }
    for name, parts in members.items():
        learnt[name] = tuple(Blend(pair) for pair in zip(*(learnt[n] for n in parts), strict=True))
    return learnt
