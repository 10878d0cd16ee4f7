"""A calibrated yes/no score over one or several horizons: what churn and potential VIP have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from features.errors import HeadwaterError
from models.estimators import calibration, levels
from models.estimators.calibration import Calibrator
from models.estimators.estimator import Labelled, Seen
from models.estimators.inputs import classes, table
from models.estimators.packing import pack, unpack
from models.learners import blends
from models.learners.blends import ByValue
from models.learners.encoding import Matrix
from models.learners.hazard import Hazard
from models.learners.trees import Trees
from models.settings import Method
from models.targets.registry import TARGETS


class CalibratedClassifier(ClassifierMixin, BaseEstimator):
    """One learner on the main horizon, one calibrator per horizon, probabilities never falling with the horizon.

    A target of its own is a subclass that names it.

    Attributes
    ----------
    learner_
        The fitted learner.
    calibrators_
        Horizon in days to calibrator.
    scale_, shift_
        Bring the score of a refitted learner to the mean and spread of the honest one.
    levels_
        Horizon in days to a shift of the calibrated log-odds; empty where the level is as calibrated.
    """

    kind = ""
    """The target."""

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

    @classmethod
    def of(cls, learner: Any, horizons: tuple[int, ...], calibration: Method) -> Self:
        """An unfitted one for these horizons, the main one last."""
        return cls(learner, horizons[-1], horizons, calibration)

    def fit(self, X: pd.DataFrame, y: Any, eval_set: Labelled | None = None) -> Self:
        """Learn from X; calibrate on `eval_set`, rows of a later time.

        Parameters
        ----------
        X
            One row per (customer, date).
        y
            Labels of the main horizon, or a frame with one column per horizon; null is left out.
        eval_set
            X and y of a later time; without it the raw score counts as log-odds.

        Raises
        ------
        HeadwaterError
            E351 when every label is the same.
        """
        X = table(self, X, reset=True)
        self.classes_ = np.array([0, 1])
        if not isinstance(y, pd.DataFrame):
            self.classes_, y = classes(y)
        check_consistent_length(X, y)
        self.start(self.learn(X, y))
        return self if eval_set is None else self.calibrate([(self.raw(eval_set[0]), eval_set[1])])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags

    def start(self, parts: Sequence[Any]) -> Self:
        """Take a fitted learner as it is: its score counts as log-odds."""
        (self.learner_,) = parts
        self.scale_, self.shift_ = 1.0, 0.0
        self.calibrators_ = {h: Calibrator("sigmoid") for h in self._horizons()}
        self.levels_: dict[int, float] = {}
        self.facts_: dict[str, Any] = {}
        return self

    def calibrate(self, windows: Sequence[Seen]) -> Self:
        """One calibrator per horizon that any labels are known for, from all windows together."""
        raw = np.concatenate([seen for seen, _ in windows])
        outcomes = {h: np.concatenate([self.outcome(y, h) for _, y in windows]) for h in self._horizons()}
        known = {h: ~np.isnan(o) for h, o in outcomes.items()}
        self.levels_ = {}
        self.calibrators_ = {
            h: calibration.calibrate(raw[known[h]], outcomes[h][known[h]], self.calibration)
            for h in self._horizons()
            if known[h].any()
        }
        return self

    def relevel(self, raw: Matrix, y: Any) -> Self:
        """Bring every horizon that `y` has labels for to the level of these rows; the order stays as it is."""
        outcomes = {h: self.outcome(y, h) for h in self.calibrators_}
        known = {h: ~np.isnan(outcome) for h, outcome in outcomes.items()}
        self.levels_ = {
            h: levels.shift("binary", outcomes[h][known[h]], self.calibrators_[h](raw[known[h]]))
            for h in outcomes
            if known[h].any()
        }
        return self

    def adopt(self, parts: Sequence[Any], anchor: Labelled, raw: Matrix) -> Self:
        """Replace the learner by one that was fitted on more rows, those of `anchor` among them.

        A learner has seen the labels of its own rows, so its score there is too wide. It is brought to the mean and
        spread of `raw`, which the honest learner said of these rows and which the calibrators come from.
        """
        (self.learner_,) = parts
        fresh = self.learner_.raw(anchor[0])
        spread = float(fresh.std())
        self.scale_ = float(raw.std()) / spread if spread > 0 else 1.0
        self.shift_ = float(raw.mean() - self.scale_ * fresh.mean())
        return self

    def learn(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        """Fitted learners; the estimator stays as it is. One that ranks by value takes `value` from y, one that learns the
        time to the event every horizon."""
        outcome = self.outcome(y, self.horizon)
        known = ~np.isnan(outcome)
        _both_classes(outcome[known], self.kind)
        learner = clone(self.learner or Trees())
        if isinstance(learner, ByValue):
            return (learner.fit(X, outcome, y["value"].to_numpy(dtype=float)),)
        if isinstance(learner, Hazard):
            return (self._follow(learner, X, y),)
        return (learner.fit(X[known], outcome[known]),)

    rehearse = learn
    """All of it is judged."""

    def _follow(self, learner: Hazard, X: pd.DataFrame, y: Any) -> Hazard:
        """Fitted on every row of which the shortest horizon is known, as far as it is."""
        outcomes = np.column_stack([self.outcome(y, h) for h in self._horizons()])
        seen = ~np.isnan(outcomes[:, 0])
        return learner.fit(X[seen], outcomes[seen])

    def _horizons(self) -> tuple[int, ...]:
        return tuple(self.horizons) or (self.horizon,)

    def outcome(self, y: Any, horizon: int) -> Matrix:
        """0, 1, or NaN where unknown."""
        if not isinstance(y, pd.DataFrame):
            return pd.Series(np.asarray(y)).to_numpy(dtype=float, na_value=np.nan)
        column = TARGETS[self.kind].label.format(horizon)
        if column not in y:
            return np.full(len(y), np.nan)
        return y[column].astype("Float64").to_numpy(dtype=float, na_value=np.nan)

    def decision_function(self, X: pd.DataFrame) -> Matrix:
        """The additive score before calibration, log-odds."""
        check_is_fitted(self, "learner_")
        return self.learner_.raw(table(self, X)) * self.scale_ + self.shift_

    def predict(self, X: pd.DataFrame) -> Any:
        """The likelier class of each row, 0 or 1, within the main horizon."""
        likelier = self.predict_proba(X)[:, 1] > 0.5
        return self.classes_[likelier.astype(int)]

    def predict_proba(self, X: pd.DataFrame) -> Matrix:
        """Two columns: will not, will, within the main horizon."""
        will = self.probabilities(self.decision_function(X))[self.horizon]
        return np.column_stack([1 - will, will])

    def raw(self, X: pd.DataFrame) -> Matrix:
        """The additive score before calibration, log-odds."""
        return self.decision_function(X)

    def outputs(self, X: pd.DataFrame) -> pd.DataFrame:
        """<target>_probability, <target>_score_raw (log-odds), and <target>_probability_<days> for each horizon."""
        return self.told(self.raw(X)).set_axis(X.index)

    def told(self, raw: Matrix) -> pd.DataFrame:
        """What raw scores mean: the columns of `outputs`."""
        by_horizon = self.probabilities(raw)
        columns = {f"{self.kind}_probability": by_horizon[self.horizon], f"{self.kind}_score_raw": raw}
        if any(self.horizons):
            columns |= {f"{self.kind}_probability_{h}": p for h, p in by_horizon.items()}
        return pd.DataFrame(columns)

    def probabilities(self, raw: Matrix) -> dict[int, Matrix]:
        """Calibrated probability per horizon, never falling as the horizon grows."""
        found: dict[int, Matrix] = {}
        highest = np.zeros(len(raw))
        for horizon in sorted(self.calibrators_):
            calibrated = self.calibrators_[horizon](raw)
            highest = np.maximum(highest, levels.shifted("binary", calibrated, self.levels_.get(horizon, 0.0)))
            found[horizon] = highest
        return found

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """One column per feature and `base`, adding up to the score; `attrs["method"]` names how they were made."""
        parts, method = self.learner_.contributions(X)
        parts = parts * self.scale_
        parts[:, -1] += self.shift_
        shares = pd.DataFrame(parts, index=X.index, columns=[*self.learner_.used_columns, "base"])
        shares.attrs["method"] = method
        return shares

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


def _both_classes(outcome: Matrix, target: str) -> None:
    """Raises E351 when every label is the same: there is nothing to learn."""
    positives = int(outcome.sum())
    if positives in (0, len(outcome)):
        raise HeadwaterError("E351", column=target, target=target, positives=positives, rows=len(outcome))
