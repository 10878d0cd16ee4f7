"""A regularised linear score on scaled columns."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, TweedieRegressor
from threadpoolctl import threadpool_limits

from models.learners.encoding import Encoder, Matrix, Scaler
from models.learners.learner import params, positive_mean
from models.targets.task import TWEEDIE_POWER, Objective

MOST_ROWS = 50_000
"""A few hundred weights learn nothing from more rows than that; every k-th is taken, so that each date is there."""
FEW_ROWS = 10_000
"""Up to here Newton's steps are cheaper than many small ones."""
ONE_THREAD = threadpool_limits.wrap(limits=1, user_api="blas")
"""How BLAS adds up depends on its threads: with one, the same rows give the same bytes on any machine."""
RENAMED = {"strength": "alpha"}
"""Parameters in files of before."""


class Linear(BaseEstimator):
    """Ridge-penalised logistic (`binary`) or Tweedie (`amount`) regression on scaled columns.

    `alpha` is the penalty per row: larger is flatter.
    """

    kind = "linear"

    def __init__(self, objective: Objective = "binary", alpha: float = 0.01):
        self.objective = objective
        self.alpha = alpha

    @ONE_THREAD
    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the rows of X; y is 0/1 or money, without nulls."""
        y = np.asarray(y, dtype=float)
        self.encoder_ = Encoder().fit(X, y)
        numbers = self.encoder_.transform(X)
        self.scaler_ = Scaler().fit(numbers)
        step = -(-len(y) // MOST_ROWS)
        inputs, y = self.scaler_.transform(numbers[::step]), y[::step]
        solver = "newton-cholesky" if len(y) < FEW_ROWS else "lbfgs"
        if self.objective == "binary":
            model = LogisticRegression(C=1 / (self.alpha * len(y)), solver=solver, max_iter=500).fit(inputs, y)
            self.weights_, self.base_ = model.coef_[0], float(model.intercept_[0])
        else:
            level = positive_mean(y)
            amounts = TweedieRegressor(power=TWEEDIE_POWER, alpha=self.alpha, link="log", solver=solver, max_iter=500)
            amounts.fit(inputs, np.maximum(y, 0) / level)
            self.weights_, self.base_ = amounts.coef_, float(amounts.intercept_ + np.log(level))
        return self

    def _inputs(self, X: pd.DataFrame) -> Matrix:
        return self.scaler_.transform(self.encoder_.transform(X))

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions."""
        return list(self.encoder_.columns_)

    @ONE_THREAD
    def raw(self, X: pd.DataFrame) -> Matrix:
        """Log-odds, or the logarithm of money."""
        return self._inputs(X) @ self.weights_ + self.base_

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1); a feature adds its weight times its distance from the mean of the fitted rows."""
        parts = self.scaler_.fold(self._inputs(X) * self.weights_)
        return np.column_stack([parts, np.full(len(X), self.base_)]), "weights"

    def state(self) -> dict[str, Any]:
        """What was fitted, as JSON."""
        fitted = {"weights": self.weights_.tolist(), "base": self.base_}
        parts = {"encoder": self.encoder_.state(), "scaler": self.scaler_.state()}
        return {"kind": self.kind, "params": self.get_params()} | fitted | parts

    def texts(self) -> dict[str, str]:
        """None: JSON holds all of it."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote this state."""
        learner = cls(**params(state, RENAMED))
        learner.encoder_, learner.scaler_ = Encoder.restore(state["encoder"]), Scaler.restore(state["scaler"])
        learner.weights_, learner.base_ = np.array(state["weights"]), float(state["base"])
        return learner
