"""How much a treatment changes an outcome for each customer: meta-learners on our own trees (Künzel et al., PNAS 116, 2019).

An arm of a campaign has hundreds of customers and not tens of thousands, so that trees are few, small and slow to split.
"""

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from models.learners.encoding import Matrix
from models.learners.trees import TreeObjective, Trees

TREATMENT = "treatment"
"""The column in which the S-learner finds who was treated."""
SHAPE: dict[str, Any] = {
    "n_estimators": 60,
    "learning_rate": 0.05,
    "num_leaves": 6,
    "max_depth": 3,
    "min_child_samples": 40,
}


class _MetaLearner(BaseEstimator):
    """What both have in common: the objective of the trees and their seed; always one thread."""

    def __init__(self, objective: TreeObjective = "binary", random_state: int = 7):
        self.objective = objective
        self.random_state = random_state

    def _trees(self, **more: Any) -> Trees:
        return Trees(self.objective, **SHAPE | more, n_jobs=1, random_state=self.random_state)

    def _mean(self, trees: Trees, X: pd.DataFrame) -> Matrix:
        """The expected outcome: a probability, or money."""
        raw = trees.raw(X)
        return 1 / (1 + np.exp(-raw)) if self.objective == "binary" else np.exp(raw)


class TLearner(_MetaLearner):
    """Two models: the outcome of those who were treated, and that of the others."""

    kind: ClassVar[str] = "t_learner"

    def fit(self, X: pd.DataFrame, y: Matrix, treated: np.ndarray) -> Self:
        """Learn from both arms.

        Parameters
        ----------
        X
            A row per customer of what was known before.
        y
            The outcome, none missing: 0 or 1, or money.
        treated
            True for who was treated.
        """
        self.treated_ = self._trees().fit(X[treated], y[treated])
        self.control_ = self._trees().fit(X[~treated], y[~treated])
        return self

    def outcomes(self, X: pd.DataFrame) -> tuple[Matrix, Matrix]:
        """Expected outcome of each row if treated, and if left alone."""
        return self._mean(self.treated_, X), self._mean(self.control_, X)


class SLearner(_MetaLearner):
    """One model, in which the treatment is a column that every tree may use."""

    kind: ClassVar[str] = "s_learner"

    def fit(self, X: pd.DataFrame, y: Matrix, treated: np.ndarray) -> Self:
        """Learn from both arms. Parameters are those of `TLearner.fit`."""
        self.both_ = self._trees(colsample_bytree=1.0).fit(X.assign(**{TREATMENT: treated.astype(float)}), y)
        return self

    def outcomes(self, X: pd.DataFrame) -> tuple[Matrix, Matrix]:
        """Expected outcome of each row if treated, and if left alone."""
        treated, control = (self._mean(self.both_, X.assign(**{TREATMENT: arm})) for arm in (1.0, 0.0))
        return treated, control


LEARNERS: tuple[type[TLearner] | type[SLearner], ...] = (TLearner, SLearner)
