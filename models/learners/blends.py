"""Learners made of learners: ranking by value, and the mean of two scores; and how any learner is read back."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression

from models.learners.bg_nbd import BgNbd
from models.learners.encoding import Matrix
from models.learners.hazard import Hazard
from models.learners.hurdle import Hurdle
from models.learners.learner import Learner
from models.learners.linear import Linear
from models.learners.rule import Rule
from models.learners.trees import Trees


class ByValue(BaseEstimator):
    """Ranks a yes/no target by expected value: where VIP is a matter of totals, value is the better ranker.

    The value learner sees everybody; its score is brought to log-odds on the rows that the target is defined for.
    """

    kind = "by_value"

    def __init__(self, learner: Any = None):
        self.learner = learner

    def fit(self, X: pd.DataFrame, y: Any, value: Any) -> Self:
        """Learn `value` from all rows; `y` is 0/1, NaN where the target is not defined."""
        outcome = np.asarray(y, dtype=float)
        self.learner_ = clone(self.learner).fit(X, value)
        defined = ~np.isnan(outcome)
        slope = LogisticRegression(C=1e6, solver="newton-cholesky").fit(
            self.learner_.raw(X)[defined, None], outcome[defined]
        )
        self.slope_, self.shift_ = float(slope.coef_[0, 0]), float(slope.intercept_[0])
        return self

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions."""
        return self.learner_.used_columns

    def raw(self, X: pd.DataFrame) -> Matrix:
        """Log-odds."""
        return self.learner_.raw(X) * self.slope_ + self.shift_

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1), in log-odds; and the method of the value learner."""
        parts, method = self.learner_.contributions(X)
        parts = parts * self.slope_
        parts[:, -1] += self.shift_
        return parts, method

    def state(self) -> dict[str, Any]:
        """What was fitted, as JSON."""
        fitted = {"slope": self.slope_, "shift": self.shift_, "learner": self.learner_.state()}
        return {"kind": self.kind} | fitted

    def texts(self) -> dict[str, str]:
        """The texts of the value learner."""
        return self.learner_.texts()

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote this state."""
        learner = cls()
        learner.learner_ = restore(state["learner"], texts)
        learner.slope_, learner.shift_ = float(state["slope"]), float(state["shift"])
        return learner


class Blend(BaseEstimator):
    """The mean of fitted additive scores over the same columns: what a line and trees see together."""

    kind = "blend"

    def __init__(self, members: Sequence[Learner] = ()):
        self.members = members

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions, the same for every member."""
        return self.members[0].used_columns

    def raw(self, X: pd.DataFrame) -> Matrix:
        """The mean of the members' scores."""
        return np.mean([m.raw(X) for m in self.members], axis=0)

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1); and the members' methods."""
        found = [m.contributions(X) for m in self.members]
        return np.mean([parts for parts, _ in found], axis=0), "+".join(method for _, method in found)

    def state(self) -> dict[str, Any]:
        """What was fitted, as JSON."""
        return {"kind": self.kind, "members": [m.state() for m in self.members]}

    def texts(self) -> dict[str, str]:
        """Each member's have names of their own: trees are in one member at most, a hurdle names its own otherwise."""
        return {name: text for m in self.members for name, text in m.texts().items()}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote this state."""
        return cls([restore(member, texts) for member in state["members"]])


KINDS: dict[str, type[Learner]] = {
    cls.kind: cls for cls in (Linear, Trees, Hazard, Hurdle, Rule, BgNbd, ByValue, Blend)
}


def restore(state: Mapping[str, Any], texts: Mapping[str, str]) -> Learner:
    """The learner that wrote this state."""
    return KINDS[state["kind"]].restore(state, texts)
