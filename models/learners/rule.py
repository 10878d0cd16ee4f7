"""The rule of today: what people rank by."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from features.errors import HeadwaterError
from models.learners.encoding import Matrix, signed_log
from models.learners.learner import TINY
from models.targets.task import Objective


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

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Nothing is learnt but the middle, which stands for unknown; y is not looked at."""
        if self.column not in X.columns:
            raise HeadwaterError("E511", column=self.column, sample=[self.column], missing=1)
        known = X[self.column].dropna().astype(float)
        self.middle_ = float(known.median()) if len(known) else 0.0
        self.base_ = float(self._score(pd.Series([self.middle_]))[0])
        return self

    def _score(self, values: pd.Series) -> Matrix:
        numbers = values.astype(float).fillna(self.middle_).to_numpy(dtype=float)
        if self.objective == "amount":
            return np.log(np.maximum(numbers * self.factor, TINY))
        return signed_log(numbers) * (1.0 if self.higher else -1.0)

    @property
    def used_columns(self) -> list[str]:
        """The column."""
        return [self.column]

    def raw(self, X: pd.DataFrame) -> Matrix:
        """The signed logarithm of the column, or the logarithm of column times factor. Raises E511 without it."""
        if self.column not in X.columns:
            raise HeadwaterError("E511", column=self.column, sample=[self.column], missing=1)
        return self._score(X[self.column])

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x 2: how far the raw score is from that of the middle, and that."""
        return np.column_stack([self.raw(X) - self.base_, np.full(len(X), self.base_)]), "rule"

    def state(self) -> dict[str, Any]:
        """What was fitted, as JSON."""
        return {"kind": self.kind, "params": self.get_params(), "middle": self.middle_, "base": self.base_}

    def texts(self) -> dict[str, str]:
        """None: JSON holds all of it."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote this state."""
        learner = cls(**state["params"])
        learner.middle_, learner.base_ = state["middle"], state["base"]
        return learner
