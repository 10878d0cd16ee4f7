"""Money in two steps: will anything be paid at all, and if so, how much.

    E(money) = P(above 0) x E(money | above 0)

(Cragg's hurdle model, Econometrica 39, 1971.) Both steps are boosted trees: the first by log-loss, the second by the
logarithm of what was paid, or by a Gamma likelihood. What a mean of logarithms lacks of the logarithm of a mean is made
up for by one factor for everybody (Duan's smearing, JASA 78, 1983).
"""

from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from scipy.special import expit, log_expit
from sklearn.base import BaseEstimator, clone

from models.learners.encoding import Matrix
from models.learners.learner import TINY
from models.learners.trees import Trees

Family = Literal["lognormal", "gamma"]
PAID, AMOUNT = "paid_", "amount_"
"""Before the names of the texts of both steps."""


class Hurdle(BaseEstimator):
    """Whether by `paid`, how much by `amount`; the raw score is the logarithm of money.

    Attributes
    ----------
    paid_
        Log-odds of paying anything; None where everybody did.
    amount_
        Logarithm of what is paid, learnt from those who paid.
    level_
        Added to the logarithm, so that the total of the fitted rows is what they brought.
    """

    kind = "hurdle"

    def __init__(self, paid: Trees | None = None, amount: Trees | None = None):
        self.paid = paid
        self.amount = amount

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the rows of X; y is money without nulls, what is below zero counts as none."""
        money = np.maximum(np.asarray(y, dtype=float), 0)
        paid = money > 0
        self.paid_ = None if paid.all() or not paid.any() else clone(self.paid or Trees()).fit(X, paid)
        if not paid.any():
            paid, money = ~paid, np.full(len(money), TINY)
        self.amount_ = clone(self.amount or Trees("lognormal")).fit(X[paid], money[paid])
        self.level_ = 0.0
        self.level_ = float(np.log(money.sum() / np.exp(self.raw(X)).sum()))
        return self

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions, the same in both steps."""
        return self.amount_.used_columns

    def raw(self, X: pd.DataFrame) -> Matrix:
        """Logarithm of money."""
        whether = 0.0 if self.paid_ is None else log_expit(self.paid_.raw(X))
        return self.amount_.raw(X) + whether + self.level_

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1), adding up to the raw score; and the method of the trees.

        What moves the log-odds of paying moves the logarithm of its probability, by the slope of the line between the
        base and the customer's own place.
        """
        parts, method = self.amount_.contributions(X)
        parts[:, -1] += self.level_
        if self.paid_ is not None:
            odds, _ = self.paid_.contributions(X)
            base, moved = odds[:, -1], odds[:, :-1].sum(axis=1)
            parts[:, :-1] += odds[:, :-1] * _slope(base, moved)[:, None]
            parts[:, -1] += log_expit(base)
        return parts, method

    def state(self) -> dict[str, Any]:
        """What was fitted but for the trees, as JSON."""
        steps = {"paid": self.paid_.state() if self.paid_ else None, "amount": self.amount_.state()}
        return {"kind": self.kind, "level": self.level_} | steps

    def texts(self) -> dict[str, str]:
        """LightGBM's texts of both steps."""
        steps = {AMOUNT: self.amount_} | ({PAID: self.paid_} if self.paid_ else {})
        return {f"{step}{name}": text for step, trees in steps.items() for name, text in trees.texts().items()}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote this state."""
        learner = cls()
        learner.level_ = float(state["level"])
        learner.amount_ = Trees.restore(state["amount"], _own(texts, AMOUNT))
        learner.paid_ = Trees.restore(state["paid"], _own(texts, PAID)) if state["paid"] else None
        return learner


def _own(texts: Mapping[str, str], step: str) -> dict[str, str]:
    return {name.removeprefix(step): text for name, text in texts.items() if name.startswith(step)}


def _slope(base: Matrix, moved: Matrix) -> Matrix:
    """Of the logarithm of a probability over its log-odds, between `base` and `base + moved`."""
    still = np.abs(moved) < 1e-9
    step = np.where(still, 1.0, moved)
    return np.where(still, expit(-base), (log_expit(base + step) - log_expit(base)) / step)
