"""What the estimator of any target answers to, beside what scikit-learn asks of an estimator."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import pandas as pd

from models.learners.encoding import Matrix
from models.settings import Method

Labelled = tuple[pd.DataFrame, Any]
"""Rows and their labels."""

Seen = tuple[Matrix, Any]
"""Raw scores of rows that the learner had not seen, and their labels."""


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

    def rehearse(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        """Learners of which only what is judged is fitted, and stands for the rest: enough to compare candidates."""
        ...

    def start(self, parts: Sequence[Any]) -> Self:
        """Take fitted learners as they are."""
        ...

    def raw(self, X: pd.DataFrame) -> Matrix:
        """What the learners say before any calibration; a row per row of X, one number or several."""
        ...

    def calibrate(self, windows: Sequence[Seen]) -> Self:
        """Scale, level and quantiles from raw scores of rows that learners had not seen, a pair per window, oldest first."""
        ...

    def told(self, raw: Matrix) -> pd.DataFrame:
        """What raw scores mean: the columns of `outputs`."""
        ...

    def adopt(self, parts: Sequence[Any], anchor: Labelled, raw: Matrix) -> Self:
        """Replace the learners by some that were fitted on more rows, those of `anchor` among them.

        `raw` is what the learners before said of `anchor` without having seen it.
        """
        ...

    def relevel(self, raw: Matrix, y: Any) -> Self:
        """Bring the level to these rows; the order stays as it is."""
        ...

    def predict(self, X: pd.DataFrame) -> Any:
        """Class labels, or amounts."""
        ...

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Self:
        """The model that `to_files` wrote; compare the sha256 of the files first."""
        ...
