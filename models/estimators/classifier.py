"""A calibrated yes/no score over one or several horizons: what churn and potential VIP have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from features.errors import HeadwaterError
from models.estimators import levels
from models.estimators.calibration import Calibrator, calibrate
from models.estimators.packing import pack, unpack
from models.learners import blends
from models.learners.encoding import Matrix
from models.learners.single import Trees
from models.settings import Method


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """One learner on the main horizon, one calibrator per horizon, probabilities never falling with the horizon.

    Attributes:
        learner_: the fitted learner. calibrators_: horizon in days to calibrator.
        scale_, shift_: bring the score of a refitted learner to the mean and spread of the honest one.
        levels_: horizon in days to a shift of the calibrated log-odds; empty where the level is as calibrated.
    """

    kind = ""
    label = ""

    def __init__(
        self,
        learner: Any = None,
        horizon: int = 90,
        horizons: tuple[int, ...] = (),
        calibration: Method = "auto",
    ):
        self.learner = learner
        self.horizon = horizon
        self.horizons = horizons
        self.calibration = calibration

    def fit(self, X: pd.DataFrame, y: Any, eval_set: tuple[pd.DataFrame, Any] | None = None) -> Self:
        """Learn from X; calibrate on `eval_set`, rows of a later time.

        Args:
            y: labels of the main horizon, or a frame with one column per horizon (see `columns`). Null is left out.
        """
        return self.start(self.learn(X, y), eval_set)

    def start(self, parts: Sequence[Any], eval_set: tuple[pd.DataFrame, Any] | None = None) -> Self:
        """Take a fitted learner as it is."""
        (self.learner_,) = parts
        self.scale_, self.shift_ = 1.0, 0.0
        self.classes_ = np.array([0, 1])
        self.calibrators_ = {h: Calibrator("sigmoid") for h in self._horizons()}
        self.levels_: dict[int, float] = {}
        self.facts_: dict[str, Any] = {}
        return self if eval_set is None else self.calibrate_on(*eval_set)

    def calibrate_on(self, X: pd.DataFrame, y: Any) -> Self:
        """One calibrator per horizon that `y` has labels for, from rows that the learner did not see."""
        raw = self.decision_function(X)
        outcomes = {h: self.outcome(y, h) for h in self._horizons()}
        known = {h: ~np.isnan(o) for h, o in outcomes.items()}
        self.calibrators_ = {
            h: calibrate(raw[known[h]], outcomes[h][known[h]], self.calibration)
            for h in self._horizons()
            if known[h].any()
        }
        return self

    def relevel(self, X: pd.DataFrame, y: Any) -> Self:
        """Bring every horizon that `y` has labels for to the level of these rows; the order stays as it is."""
        raw = self.decision_function(X)
        for horizon, calibrator in self.calibrators_.items():
            outcome = self.outcome(y, horizon)
            known = ~np.isnan(outcome)
            if known.any():
                self.levels_[horizon] = levels.shift(self.kind, outcome[known], calibrator(raw[known]))
        return self

    def refit(self, X: pd.DataFrame, y: Any, anchor: tuple[pd.DataFrame, Any]) -> Self:
        """Learn again from more rows, and keep the calibrators."""
        return self.adopt(self.learn(X, y), anchor)

    def adopt(self, parts: Sequence[Any], anchor: tuple[pd.DataFrame, Any]) -> Self:
        """Replace the learner by one that was fitted on more rows, those of `anchor` among them.

        A learner has seen the labels of its own rows, so its score there is too wide. It is brought to the mean and
        spread that the honest learner had on `anchor`, the rows that the calibrators come from.
        """
        X, y = anchor
        X = X[~np.isnan(self.outcome(y, self.horizon))]
        honest = self.decision_function(X)
        (self.learner_,) = parts
        fresh = self.learner_.raw(X)
        spread = float(fresh.std())
        self.scale_ = float(honest.std()) / spread if spread > 0 else 1.0
        self.shift_ = float(honest.mean() - self.scale_ * fresh.mean())
        return self

    @property
    def parts_(self) -> tuple[Any, ...]:
        """The fitted learners."""
        return (self.learner_,)

    def learn(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        """Fitted learners; the estimator stays as it is."""
        outcome = self.outcome(y, self.horizon)
        known = ~np.isnan(outcome)
        both_classes(outcome[known], self.kind)
        return (clone(self.learner or Trees()).fit(X[known], outcome[known]),)

    def _horizons(self) -> tuple[int, ...]:
        return tuple(self.horizons) or (self.horizon,)

    def columns(self, horizon: int) -> str:
        """The label column of a horizon."""
        return self.label.format(horizon)

    def outcome(self, y: Any, horizon: int) -> Matrix:
        """0, 1, or NaN where unknown."""
        if not isinstance(y, pd.DataFrame):
            return pd.Series(np.asarray(y)).to_numpy(dtype=float, na_value=np.nan)
        column = self.columns(horizon)
        if column not in y:
            return np.full(len(y), np.nan)
        return y[column].astype("Float64").to_numpy(dtype=float, na_value=np.nan)

    def decision_function(self, X: pd.DataFrame) -> Matrix:
        """The additive score before calibration, log-odds."""
        check_is_fitted(self, "learner_")
        return self.learner_.raw(X) * self.scale_ + self.shift_

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Two columns: will not, will, within the main horizon."""
        will = self.probabilities(self.decision_function(X))[self.horizon]
        return np.column_stack([1 - will, will])

    def probabilities(self, raw: Matrix) -> dict[int, Matrix]:
        """Calibrated probability per horizon, never falling as the horizon grows."""
        found: dict[int, Matrix] = {}
        highest = np.zeros(len(raw))
        for horizon in sorted(self.calibrators_):
            calibrated = self.calibrators_[horizon](raw)
            highest = np.maximum(highest, levels.shifted(self.kind, calibrated, self.levels_.get(horizon, 0.0)))
            found[horizon] = highest
        return found

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """One column per feature and `base`, adding up to the score; `attrs["method"]` names how they were made."""
        parts, method = self.learner_.contributions(X)
        parts = parts * self.scale_
        parts[:, -1] += self.shift_
        table = pd.DataFrame(parts, index=X.index, columns=[*blends.used_columns(self.learner_), "base"])
        table.attrs["method"] = method
        return table

    def to_files(self) -> dict[str, str]:
        """File name to text: `bundle.json` and, for trees, `trees.txt`."""
        settings = {"horizon": self.horizon, "horizons": list(self.horizons), "calibration": self.calibration}
        calibrators = {str(h): c.state() for h, c in self.calibrators_.items()}
        shifts = {str(h): shift for h, shift in self.levels_.items()}
        fitted = {"learner": self.learner_.state(), "scale": self.scale_, "shift": self.shift_}
        state = settings | fitted | {"calibrators": calibrators, "levels": shifts}
        return pack(self.kind, state, self.learner_.texts(), self.facts_)

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Self:
        """The model that `to_files` wrote; check the sha256 of the files first."""
        state, texts, facts = unpack(cls.kind, files)
        model = cls(horizon=state["horizon"], horizons=tuple(state["horizons"]), calibration=state["calibration"])
        model.learner_ = blends.restore(state["learner"], texts)
        model.calibrators_ = {int(h): Calibrator.restore(c) for h, c in state["calibrators"].items()}
        model.levels_ = {int(h): shift for h, shift in state.get("levels", {}).items()}
        model.scale_, model.shift_ = state["scale"], state["shift"]
        model.classes_, model.facts_ = np.array([0, 1]), facts
        return model


def both_classes(outcome: Matrix, target: str) -> None:
    """Raises E351 when every label is the same: there is nothing to learn."""
    positives = int(outcome.sum())
    if positives in (0, len(outcome)):
        raise HeadwaterError("E351", column=target, target=target, positives=positives, rows=len(outcome))
