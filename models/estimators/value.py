"""The value estimator: expected money over the horizon, its p10 to p90, and what it would be if the customer stays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import assert_all_finite, check_consistent_length, check_is_fitted, column_or_1d

from models.estimators.calibration import Band, band
from models.estimators.estimator import Labelled, Seen
from models.estimators.inputs import table
from models.estimators.packing import pack, unpack
from models.learners import blends
from models.learners.encoding import Matrix
from models.learners.learner import TINY
from models.learners.rule import Rule
from models.learners.trees import Trees
from models.settings import Method

SURE = 1.96
"""Standard errors beyond which a level is off by more than chance."""


class ValueRegressor(RegressorMixin, BaseEstimator):
    """Two learners of one kind: everybody (the churned count with what they paid), and those who stayed.

    Attributes
    ----------
    level_, retained_level_
        Factors that bring totals to the level of the newest rows; 1 for the rule of today, and after a refit where they are
        off by no more than chance.
    band_
        Quantiles around the prediction.
    """

    kind = "value"

    def __init__(self, learner: Any = None, coverage: float = 0.8):
        self.learner = learner
        self.coverage = coverage

    @classmethod
    def of(cls, learner: Any, horizons: tuple[int, ...], calibration: Method) -> Self:
        """An unfitted one; amounts have one horizon, and nothing to calibrate."""
        return cls(learner)

    def fit(self, X: pd.DataFrame, y: Any, eval_set: Labelled | None = None) -> Self:
        """Learn from X; level and quantiles come from `eval_set`, rows of a later time.

        Parameters
        ----------
        X
            One row per (customer, date).
        y
            Amounts, or a frame with `value` and, to learn who stayed, `churned`.
        eval_set
            X and y of a later time; without it the level is that of the rows learnt from, and the band is wide.
        """
        X = table(self, X, reset=True)
        check_consistent_length(X, y)
        self.start(self.learn(X, y))
        return self if eval_set is None else self.calibrate([(self.raw(eval_set[0]), eval_set[1])])

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.target_tags.positive_only = True
        return tags

    def start(self, parts: Sequence[Any]) -> Self:
        """Take fitted learners as they are."""
        self.learner_, self.retained_ = parts
        self.level_ = self.retained_level_ = 1.0
        self.band_ = Band((0.0,), (0.0,), (2.0,))
        self.facts_: dict[str, Any] = {}
        return self

    def learn(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        """Fitted learners; the estimator stays as it is."""
        value, stayed = amounts(y)
        everybody = clone(self.learner or Trees("amount")).fit(X, value)
        return everybody, clone(self.learner or Trees("amount")).fit(X[stayed], value[stayed])

    def rehearse(self, X: pd.DataFrame, y: Any) -> tuple[Any, ...]:
        """The learner of everybody, twice: what those who stay are worth is not judged."""
        everybody = clone(self.learner or Trees("amount")).fit(X, amounts(y)[0])
        return everybody, everybody

    def calibrate(self, windows: Sequence[Seen]) -> Self:
        """Level from the newest window; quantiles from all of them, each at its own level."""
        sums = [(np.exp(raw[:, 0]), amounts(y)[0]) for raw, y in windows]
        rule = isinstance(self.learner, Rule)
        told = [guess * (1.0 if rule else _ratio(value, guess)) for guess, value in sums]
        self.band_ = band(np.concatenate(told), np.concatenate([value for _, value in sums]), self.coverage)
        return self if rule else self.relevel(*windows[-1])  # people use the rule as it stands

    def adopt(self, parts: Sequence[Any], anchor: Labelled, raw: Matrix) -> Self:
        """Replace the learners by some that were fitted on more rows, those of `anchor` among them.

        They have learnt the level of `anchor` with that of all dates: it is mended where it is off by more than chance.
        """
        (self.learner_, self.retained_), (X, y) = parts, anchor
        return self if isinstance(self.learner, Rule) else self._levelled(self.raw(X), y, _sure_ratio)

    def relevel(self, raw: Matrix, y: Any) -> Self:
        """Bring both totals, everybody's and that of those who stayed, to these rows; the rule's too."""
        return self._levelled(raw, y, _ratio)

    def _levelled(self, raw: Matrix, y: Any, ratio: Callable[[Matrix, Matrix], float]) -> Self:
        value, stayed = amounts(y)
        self.level_ = ratio(value, np.exp(raw[:, 0]))
        self.retained_level_ = ratio(value[stayed], np.exp(raw[stayed, 1]))
        return self

    def raw(self, X: pd.DataFrame) -> Matrix:
        """Logarithms of money before any level: of everybody, and if they stay."""
        check_is_fitted(self, "learner_")
        rows = table(self, X)
        return np.column_stack([self.learner_.raw(rows), self.retained_.raw(rows)])

    def predict(self, X: pd.DataFrame) -> Matrix:
        """Expected money of each row over the horizon, in the currency of y."""
        return np.exp(self.raw(X)[:, 0]) * self.level_

    def outputs(self, X: pd.DataFrame) -> pd.DataFrame:
        """value_pred, value_p10, value_p90, value_if_retained: currency over the horizon."""
        return self.told(self.raw(X)).set_axis(X.index)

    def told(self, raw: Matrix) -> pd.DataFrame:
        """What raw scores mean: the columns of `outputs`."""
        expected = np.exp(raw[:, 0]) * self.level_
        low, high = self.band_(expected)
        retained = np.maximum(np.exp(raw[:, 1]) * self.retained_level_, expected)
        columns = {"value_pred": expected, "value_p10": low, "value_p90": high, "value_if_retained": retained}
        return pd.DataFrame(columns)

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """One column per feature and `base`, adding up to the logarithm of `value_pred`."""
        parts, method = self.learner_.contributions(X)
        parts[:, -1] += np.log(self.level_)
        shares = pd.DataFrame(parts, index=X.index, columns=[*self.learner_.used_columns, "base"])
        shares.attrs["method"] = method
        return shares

    def to_files(self) -> dict[str, str]:
        """File name to text: `bundle.json` and, for trees, `trees.txt` and `retained_trees.txt`."""
        pair = {"learner": self.learner_.state(), "retained": self.retained_.state()}
        levels = {"level": self.level_, "retained_level": self.retained_level_}
        state = {"coverage": self.coverage, "band": self.band_.state()} | pair | levels
        texts = self.learner_.texts() | {f"retained_{name}": text for name, text in self.retained_.texts().items()}
        return pack(self.kind, state, texts, self.facts_)

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Self:
        """The model that `to_files` wrote; check the sha256 of the files first."""
        state, texts, facts = unpack(cls.kind, files)
        model = cls(coverage=state["coverage"])
        mine = {name: text for name, text in texts.items() if not name.startswith("retained_")}
        theirs = {name.removeprefix("retained_"): t for name, t in texts.items() if name.startswith("retained_")}
        model.learner_ = blends.restore(state["learner"], mine)
        model.retained_ = blends.restore(state["retained"], theirs)
        model.level_, model.retained_level_ = state["level"], state["retained_level"]
        model.band_, model.facts_ = Band.restore(state["band"]), facts
        return model


def amounts(y: Any) -> tuple[Matrix, Any]:
    """Amounts, and who stayed: all, where it is not known."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    if not isinstance(y, pd.DataFrame):
        value = column_or_1d(y, warn=True, dtype=float)
        assert_all_finite(value, input_name="y")
        return value, np.ones(len(value), dtype=bool)
    value = y["value"].to_numpy(dtype=float)
    if "churned" not in y:
        return value, np.ones(len(y), dtype=bool)
    left = y["churned"].astype("boolean").fillna(True).to_numpy(dtype=bool)
    return value, ~left if (~left).any() else np.ones(len(y), dtype=bool)


def _ratio(actual: Matrix, predicted: Matrix) -> float:
    """Observed over predicted total; 1 where one of them is nothing."""
    totals = float(actual.sum()), float(predicted.sum())
    return totals[0] / totals[1] if min(totals) > 0 else 1.0


def _sure_ratio(actual: Matrix, predicted: Matrix) -> float:
    """The same where its 95 % interval (of a ratio of sums, one row per customer) leaves out 1; else 1."""
    ratio = _ratio(actual, predicted)
    error = np.sqrt(((actual - ratio * predicted) ** 2).sum()) / max(float(predicted.sum()), TINY)
    return ratio if abs(ratio - 1) > SURE * error else 1.0
