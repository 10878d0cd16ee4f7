"""What the estimator of any target answers to, beside what scikit-learn asks of an estimator."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import pandas as pd

from models.settings import Method

Labelled = tuple[pd.DataFrame, Any]
"""Rows and their labels."""


class Model(Protocol):
    """What is stored, read back and asked: it tells of rows what it says of them, and why.

    X has one row per (customer, date) with the columns of the feature set, and may have the key beside them.
    """

    facts_: dict[str, Any]
    """What travels with the model: dates, features, definitions."""

    def outputs(self, X: pd.DataFrame) -> pd.DataFrame:
        """Everything that the model says, one column each, with the index of X."""
        ...

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """One column per feature and `base`, adding up to the raw score; `attrs["method"]` names how they were made."""
        ...

    def to_files(self) -> dict[str, str]:
        """File name to text."""
        ...


class Estimator(Model, Protocol):
    """A model of one target: learners, and what brings their raw scores to the scale that is published.

    X has one row per (customer, date) with the columns of the feature set; y is an array of labels, or a frame with the
    label columns of the target and of what it learns beside.
    """

    kind: ClassVar[str]
    """The target."""

    @classmethod
    def of(cls, learner: Any, horizons: tuple[int, ...], calibration: Method) -> Self:
        """An unfitted one for these horizons, in days, the main one last."""
        ...

    def learn(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        """Fitted learners; the estimator stays as it is."""
        ...

    def start(self, parts: Sequence[Any], eval_set: Labelled | None = None) -> Self:
        """Take fitted learners as they are; scale and level come from `eval_set`, rows of a later time."""
        ...

    def adopt(self, parts: Sequence[Any], anchor: Labelled) -> Self:
        """Replace the learners by some that were fitted on more rows, those of `anchor` among them."""
        ...

    def relevel(self, X: pd.DataFrame, y: Any) -> Self:
        """Bring the level to these rows; the order stays as it is."""
        ...

    def predict(self, X: pd.DataFrame) -> Any:
        """Class labels, or amounts."""
        ...

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Self:
        """The model that `to_files` wrote; compare the sha256 of the files first."""
        ...
