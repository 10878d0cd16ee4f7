"""What every learner answers to. All give one additive raw score: log-odds for `binary`, the logarithm of money for
`amount`; contributions and base add up to it."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd

from models.learners.encoding import Matrix

TINY = 1e-6
"""The least money: amounts are learnt and told as logarithms."""


class Learner(Protocol):
    """A fitted learner. X has one row per (customer, date), with the columns that were fitted, in any order."""

    kind: ClassVar[str]
    """Its name in files."""

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions."""
        ...

    def raw(self, X: pd.DataFrame) -> Matrix:
        """One raw score per row: float64, never null. Raises E511 for a missing column."""
        ...

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1), the last column is the base; and the method that made them."""
        ...

    def state(self) -> dict[str, Any]:
        """What was fitted, as JSON."""
        ...

    def texts(self) -> dict[str, str]:
        """What JSON cannot hold, by file name."""
        ...

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote these: it gives the same raw scores to the last bit."""
        ...


def params(state: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """The parameters in a state, under the names of today where the file is older than they are."""
    return {renamed.get(name, name): value for name, value in state["params"].items()}


def positive_mean(y: Matrix | Sequence[float]) -> float:
    """The mean amount, by which amounts are divided before learning, so that the currency does not matter."""
    return max(float(np.mean(np.maximum(y, 0))), TINY)
