"""What learns: a regularised linear score, boosted trees, and the rule of today. All give one additive raw score.

The raw score is log-odds for `binary` and the logarithm of money for `amount`; contributions and base add up to it.

Every learner answers to the same names, here and in `blends`:
`fit(X, y)`: X one row per (customer, date) with the columns of the feature set, y 0/1 or money, no nulls in y.
`raw(X)`: one raw score per row, float64, never null. `contributions(X)`: rows x (features + 1), the last column is the
base, and the method that made them. `state()`: what was fitted, as JSON; `texts()`: what JSON cannot hold, by file name;
`restore(state, texts)`: a learner that gives the same raw scores to the last bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, TweedieRegressor

from features.errors import HeadwaterError
from models.learners.attribution import tree_contributions
from models.learners.encoding import Encoder, Matrix, Scaler, signed_log

Objective = Literal["binary", "amount"]
POWER = 1.5
"""Tweedie variance power: amounts with many zeros and a long tail."""
TINY = 1e-6
MOST_ROWS = 50_000
"""A few hundred weights learn nothing from more rows than that; every k-th is taken, so that each date is there."""
FEW_ROWS = 10_000
"""Up to here Newton's steps are cheaper than many small ones."""


class Linear(BaseEstimator):
    """Ridge-penalised logistic (`binary`) or Tweedie (`amount`) regression on scaled columns.

    `strength` is the penalty per row: larger is flatter.
    """

    kind = "linear"

    def __init__(self, objective: Objective = "binary", strength: float = 0.01):
        self.objective = objective
        self.strength = strength

    def fit(self, X: pd.DataFrame, y: Any) -> "Linear":
        y = np.asarray(y, dtype=float)
        self.encoder_ = Encoder().fit(X, y)
        numbers = self.encoder_.transform(X)
        self.scaler_ = Scaler().fit(numbers)
        step = -(-len(y) // MOST_ROWS)
        inputs, y = self.scaler_.transform(numbers[::step]), y[::step]
        solver = "newton-cholesky" if len(y) < FEW_ROWS else "lbfgs"
        if self.objective == "binary":
            model = LogisticRegression(C=1 / (self.strength * len(y)), solver=solver, max_iter=500).fit(inputs, y)
            self.weights_, self.base_ = model.coef_[0], float(model.intercept_[0])
        else:
            level = _positive_mean(y)
            amounts = TweedieRegressor(power=POWER, alpha=self.strength, link="log", solver=solver, max_iter=500)
            amounts.fit(inputs, np.maximum(y, 0) / level)
            self.weights_, self.base_ = amounts.coef_, float(amounts.intercept_ + np.log(level))
        return self

    def _inputs(self, X: pd.DataFrame) -> Matrix:
        return self.scaler_.transform(self.encoder_.transform(X))

    def raw(self, X: pd.DataFrame) -> Matrix:
        return self._inputs(X) @ self.weights_ + self.base_

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1); a feature adds its weight times its distance from the mean of the fitted rows."""
        parts = self.scaler_.fold(self._inputs(X) * self.weights_)
        return np.column_stack([parts, np.full(len(X), self.base_)]), "weights"

    def state(self) -> dict[str, Any]:
        fitted = {"weights": self.weights_.tolist(), "base": self.base_}
        parts = {"encoder": self.encoder_.state(), "scaler": self.scaler_.state()}
        return {"kind": self.kind, "params": self.get_params()} | fitted | parts

    def texts(self) -> dict[str, str]:
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> "Linear":
        learner = cls(**state["params"])
        learner.encoder_, learner.scaler_ = Encoder.restore(state["encoder"]), Scaler.restore(state["scaler"])
        learner.weights_, learner.base_ = np.array(state["weights"]), float(state["base"])
        return learner


class Trees(BaseEstimator):
    """LightGBM, shallow and slow on purpose; the same rows, seed and threads give the same model text."""

    kind = "trees"

    def __init__(
        self,
        objective: Objective = "binary",
        rounds: int = 200,
        learning_rate: float = 0.03,
        leaves: int = 15,
        depth: int = 5,
        min_rows: int = 100,
        column_share: float = 0.5,
        row_share: float = 0.8,
        ridge: float = 10.0,
        threads: int = 1,
        random_state: int = 7,
    ):
        self.objective = objective
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.depth = depth
        self.min_rows = min_rows
        self.column_share = column_share
        self.row_share = row_share
        self.ridge = ridge
        self.threads = threads
        self.random_state = random_state

    def _parameters(self) -> dict[str, Any]:
        goal: dict[str, Any] = {"objective": "binary"}
        if self.objective == "amount":
            goal = {"objective": "tweedie", "tweedie_variance_power": POWER}
        shape = {"num_leaves": self.leaves, "max_depth": self.depth, "min_data_in_leaf": self.min_rows}
        shares = {"feature_fraction": self.column_share, "bagging_fraction": self.row_share, "bagging_freq": 1}
        same = {"deterministic": True, "force_row_wise": True, "seed": self.random_state, "num_threads": self.threads}
        pace = {"learning_rate": self.learning_rate, "lambda_l2": self.ridge, "verbosity": -1}
        return goal | shape | shares | same | pace

    def fit(self, X: pd.DataFrame, y: Any) -> "Trees":
        y = np.asarray(y, dtype=float)
        self.encoder_ = Encoder().fit(X, y)
        level = _positive_mean(y) if self.objective == "amount" else 1.0
        target = np.maximum(y, 0) / level
        names = self.encoder_.columns_
        data = lgb.Dataset(self.encoder_.transform(X), target, feature_name=names, params={"verbosity": -1})
        self.booster_ = lgb.train(self._parameters(), data, self.rounds)
        self.shift_ = float(np.log(level))
        return self

    def raw(self, X: pd.DataFrame) -> Matrix:
        numbers = self.encoder_.transform(X)
        raw = self.booster_.predict(numbers, raw_score=True, num_threads=self.threads)
        return np.asarray(raw, dtype=float) + self.shift_

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1), and the method that made them (`woodelf` or `pred_contrib`)."""
        parts, method = tree_contributions(self.booster_, self.encoder_.transform(X))
        parts[:, -1] += self.shift_
        return parts, method

    def state(self) -> dict[str, Any]:
        fitted = {"shift": self.shift_, "encoder": self.encoder_.state()}
        return {"kind": self.kind, "params": self.get_params()} | fitted

    def texts(self) -> dict[str, str]:
        return {"trees": self.booster_.model_to_string()}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> "Trees":
        """Reads texts whose sha256 has been checked: a damaged one can crash the interpreter.

        Raises:
            HeadwaterError: E512 when the text was made from other columns.
        """
        learner = cls(**state["params"])
        learner.encoder_, learner.shift_ = Encoder.restore(state["encoder"]), float(state["shift"])
        learner.booster_ = lgb.Booster(model_str=texts["trees"])
        names = learner.booster_.feature_name()
        if names != learner.encoder_.columns_:
            differing = sorted(set(names) ^ set(learner.encoder_.columns_)) or names
            raise HeadwaterError("E512", column=differing[0], sample=differing[:3], names=", ".join(differing[:5]))
        return learner


class Rule(BaseEstimator):
    """The rule of today: one column, as people rank by it. `higher` says that more of it means more of the target.

    For amounts the prediction is the column times `factor`, as it stands; for yes/no targets only the order counts.
    """

    kind = "rule"

    def __init__(self, objective: Objective = "binary", column: str = "", factor: float = 1.0, higher: bool = True):
        self.objective = objective
        self.column = column
        self.factor = factor
        self.higher = higher

    def fit(self, X: pd.DataFrame, y: Any) -> "Rule":
        if self.column not in X.columns:
            raise HeadwaterError("E511", column=self.column, sample=[self.column], missing=1)
        known = X[self.column].dropna().astype(float)
        self.middle_ = float(known.median()) if len(known) else 0.0
        self.base_ = float(self._score(pd.Series([self.middle_]))[0])
        self.columns_ = [self.column]
        return self

    def _score(self, values: pd.Series) -> Matrix:
        numbers = values.astype(float).fillna(self.middle_).to_numpy(dtype=float)
        if self.objective == "amount":
            return np.log(np.maximum(numbers * self.factor, TINY))
        return signed_log(numbers) * (1.0 if self.higher else -1.0)

    def raw(self, X: pd.DataFrame) -> Matrix:
        if self.column not in X.columns:
            raise HeadwaterError("E511", column=self.column, sample=[self.column], missing=1)
        return self._score(X[self.column])

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        return np.column_stack([self.raw(X) - self.base_, np.full(len(X), self.base_)]), "rule"

    def state(self) -> dict[str, Any]:
        return {"kind": self.kind, "params": self.get_params(), "middle": self.middle_, "base": self.base_}

    def texts(self) -> dict[str, str]:
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> "Rule":
        learner = cls(**state["params"])
        learner.middle_, learner.base_, learner.columns_ = state["middle"], state["base"], [state["params"]["column"]]
        return learner


def _positive_mean(y: Matrix | Sequence[float]) -> float:
    """The mean amount, by which amounts are divided before learning, so that the currency does not matter."""
    return max(float(np.mean(np.maximum(y, 0))), TINY)
