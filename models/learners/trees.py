"""Boosted trees, by LightGBM."""

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from features.errors import HeadwaterError
from models.learners.attribution import tree_contributions
from models.learners.encoding import Encoder, Matrix
from models.learners.learner import params, positive_mean
from models.settings import TreeSettings
from models.targets.task import TWEEDIE_POWER

TreeObjective = Literal["binary", "amount", "lognormal", "gamma"]
"""Yes or no; money, of which many bring none; and money above zero, by its logarithm or by its mean."""
GOALS: Mapping[str, Mapping[str, Any]] = {
    "binary": {"objective": "binary"},
    "amount": {"objective": "tweedie", "tweedie_variance_power": TWEEDIE_POWER},
    "lognormal": {"objective": "regression"},
    "gamma": {"objective": "gamma"},
}
"""What LightGBM is asked for."""
RENAMED = {**TreeSettings.renamed, "threads": "n_jobs"}
"""Parameters in files of before."""
BINS = {"verbosity": -1, "bin_construct_sample_cnt": 50_000}
"""How columns are cut into at most 255 bins: so many rows tell their quantiles as well as all do."""
THREADS = re.compile(r"^\[num_threads: \d+\]$", re.MULTILINE)
"""The one line of LightGBM's text that tells of the machine."""


class Trees(BaseEstimator):
    """LightGBM, shallow and slow on purpose; the same rows and seed give the same model text, whatever the threads.

    Parameters have the names of LightGBM's scikit-learn interface. Histograms are made by column: a tree that may use
    half of the columns then looks at half of the data, and each sum is made by one thread.
    """

    kind = "trees"

    def __init__(
        self,
        objective: TreeObjective = "binary",
        n_estimators: int = 200,
        learning_rate: float = 0.03,
        num_leaves: int = 15,
        max_depth: int = 5,
        min_child_samples: int = 100,
        colsample_bytree: float = 0.5,
        subsample: float = 0.8,
        reg_lambda: float = 10.0,
        n_jobs: int = 1,
        random_state: int = 7,
    ):
        self.objective = objective
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.max_depth = max_depth
        self.min_child_samples = min_child_samples
        self.colsample_bytree = colsample_bytree
        self.subsample = subsample
        self.reg_lambda = reg_lambda
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _parameters(self) -> dict[str, Any]:
        goal = dict(GOALS[self.objective])
        shape = {"num_leaves": self.num_leaves, "max_depth": self.max_depth, "min_data_in_leaf": self.min_child_samples}
        shares = {"feature_fraction": self.colsample_bytree, "bagging_fraction": self.subsample, "bagging_freq": 1}
        same = {"deterministic": True, "force_col_wise": True, "seed": self.random_state, "num_threads": self.n_jobs}
        pace = {"learning_rate": self.learning_rate, "lambda_l2": self.reg_lambda, "verbosity": -1}
        return goal | shape | shares | same | pace

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the rows of X; y is 0/1 or money, without nulls; money above zero for `lognormal` and `gamma`."""
        y = np.asarray(y, dtype=float)
        self.encoder_ = Encoder().fit(X, y)
        level = 1.0 if self.objective == "binary" else positive_mean(y)
        target = np.maximum(y, 0) / level
        target = np.log(target) if self.objective == "lognormal" else target
        names = [str(column) for column in self.encoder_.columns_]
        data = lgb.Dataset(self.encoder_.transform(X), target, feature_name=names, params=BINS)
        self.booster_ = lgb.train(self._parameters(), data, self.n_estimators)
        self.shift_ = float(np.log(level))
        return self

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions."""
        return list(self.encoder_.columns_)

    def raw(self, X: pd.DataFrame) -> Matrix:
        """Log-odds, or the logarithm of money."""
        numbers = self.encoder_.transform(X)
        raw = self.booster_.predict(numbers, raw_score=True, num_threads=self.n_jobs)
        return np.asarray(raw, dtype=float) + self.shift_

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1), and the method that made them (`woodelf` or `pred_contrib`)."""
        parts, method = tree_contributions(self.booster_, self.encoder_.transform(X))
        parts[:, -1] += self.shift_
        return parts, method

    def state(self) -> dict[str, Any]:
        """What was fitted but for the trees, as JSON; threads are the machine's, and a restored learner has one."""
        shape = {name: value for name, value in self.get_params().items() if name != "n_jobs"}
        return {"kind": self.kind, "params": shape, "shift": self.shift_, "encoder": self.encoder_.state()}

    def texts(self) -> dict[str, str]:
        """LightGBM's text of the trees: the same bytes, whatever the threads."""
        return {"trees": THREADS.sub("[num_threads: 1]", self.booster_.model_to_string())}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """Reads texts whose sha256 has been checked: a damaged one can crash the interpreter.

        Raises E512 when the text was made from other columns.
        """
        learner = cls(**params(state, RENAMED))
        learner.encoder_, learner.shift_ = Encoder.restore(state["encoder"]), float(state["shift"])
        learner.booster_ = lgb.Booster(model_str=texts["trees"])
        names = learner.booster_.feature_name()
        if names != learner.encoder_.columns_:
            differing = sorted(set(names) ^ set(learner.encoder_.columns_)) or names
            raise HeadwaterError("E512", column=differing[0], sample=differing[:3], names=", ".join(differing[:5]))
        return learner
