"""Which models compete for a target: linear, trees, and the rule of today; `bundle.TARGETS` names the estimators."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from models.estimators.bundle import Estimator
from models.estimators.churn import ChurnClassifier
from models.estimators.potential_vip import PotentialVipClassifier
from models.estimators.value import ValueRegressor
from models.learners.blends import Blend, ByValue, Learner
from models.learners.single import Linear, Objective, Rule, Trees
from models.settings import CandidateSettings, RuleSettings, members

SCORE = {"churn": "churn_probability", "value": "value_pred", "vip": "vip_probability"}
"""The column of `predict` that is judged."""


def _learner(name: str, target: str, settings: CandidateSettings, threads: int, seed: int) -> Learner:
    """An unfitted learner by its name."""
    objective: Objective = "amount" if target == "value" or name.startswith("value_") else "binary"
    kind = name.removeprefix("value_")
    if kind == "rule":
        rule: RuleSettings = getattr(settings.rules, target)
        return Rule(objective, rule.column, rule.factor, rule.higher)
    if kind == "linear":
        made: Learner = Linear(objective, settings.penalty if objective == "binary" else settings.amount_penalty)
    else:
        made = Trees(objective, **settings.trees.model_dump(), threads=threads, random_state=seed)
    return ByValue(made) if name.startswith("value_") else made


def candidates(
    target: str, settings: CandidateSettings, horizons: tuple[int, ...], threads: int, seed: int
) -> dict[str, Estimator]:
    """Name to unfitted estimator, `rule` last. Blends have no learner of their own: see `members`."""
    made: dict[str, Estimator] = {}
    for name in (*getattr(settings, target), "rule"):
        inner = None if members(name) else _learner(name, target, settings, threads, seed)
        if target == "value":
            made[name] = ValueRegressor(inner)
        else:
            classifier = ChurnClassifier if target == "churn" else PotentialVipClassifier
            made[name] = classifier(inner, horizons[-1], horizons, settings.calibration)
    return made


def fit_all(models: Mapping[str, Estimator], X: pd.DataFrame, y: pd.DataFrame) -> dict[str, tuple[Any, ...]]:
    """Fitted learners per candidate; a blend takes those of its members and costs nothing more."""
    learnt: dict[str, tuple[Any, ...]] = {n: m.learn(X, y) for n, m in models.items() if not members(n)}
    for name in models:
        if members(name):
            learnt[name] = tuple(Blend(pair) for pair in zip(*(learnt[n] for n in members(name)), strict=True))
    return learnt
