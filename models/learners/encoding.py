"""A wide table as numbers: words become fitted rates; for linear models everything is brought to one scale.

All that is fitted is fitted on the rows given to `fit` and nothing else, and can be written as JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from features.errors import HeadwaterError

KEYS = ("customer_id", "as_of")
PRIOR_ROWS = 50.0
"""A word's rate is pulled to the overall rate as if that many rows more had been seen."""
RARE_ROWS = 20
"""Words seen less often count as `other`."""

Matrix = np.ndarray[Any, np.dtype[np.float64]]


class Encoder:
    """Columns in a fixed order; each word replaced by its smoothed mean outcome, unknown words by that of all rows.

    Attributes
    ----------
    columns_
        Names in order.
    words_
        Word to rate, per column of words.
    other_
        The rate of unknown words.
    """

    def fit(self, X: pd.DataFrame, y: Sequence[float] | Matrix) -> "Encoder":
        """Rates of words from the outcomes of these very rows; the key columns are left out."""
        outcome = np.asarray(y, dtype=float)
        self.columns_ = [c for c in X.columns if c not in KEYS]
        self.other_ = float(outcome.mean())
        worded = [c for c in self.columns_ if not numeric(X[c])]
        self.words_ = {c: self._rates(X[c], outcome) for c in worded}
        return self

    def _rates(self, words: pd.Series, outcome: Matrix) -> dict[str, float]:
        seen = pd.DataFrame({"word": words.to_numpy(), "y": outcome}).dropna(subset="word")
        sums = seen.groupby("word").y.agg(["sum", "size"])
        sums = sums[sums["size"] >= RARE_ROWS]
        rates = (sums["sum"] + PRIOR_ROWS * self.other_) / (sums["size"] + PRIOR_ROWS)
        return {str(word): float(rate) for word, rate in rates.items()}

    def transform(self, X: pd.DataFrame) -> Matrix:
        """Rows x columns, float64, column by column in memory as everything here reads it; NaN is unknown.

        Raises E511 when a column is missing.
        """
        missing = [c for c in self.columns_ if c not in X.columns]
        if missing:
            raise HeadwaterError("E511", column=missing[0], sample=missing[:3], missing=len(missing))
        out = np.empty((len(X), len(self.columns_)), order="F")
        for place, column in enumerate(self.columns_):
            out[:, place] = self._numbers(column, X[column])
        return out

    def _numbers(self, column: str, values: pd.Series) -> Matrix:
        if column not in self.words_:
            return values.to_numpy(dtype=float, na_value=np.nan)
        rates = values.map(self.words_[column]).astype(float).fillna(self.other_)
        return rates.where(values.notna()).to_numpy(dtype=float)

    def state(self) -> dict[str, Any]:
        return {"columns": self.columns_, "words": self.words_, "other": self.other_}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Encoder":
        encoder = cls()
        encoder.columns_, encoder.words_, encoder.other_ = list(state["columns"]), state["words"], state["other"]
        return encoder


def numeric(values: pd.Series) -> bool:
    """Is it a column of numbers or of truth values? Any other is one of words."""
    return pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)


def signed_log(numbers: Matrix) -> Matrix:
    """Compresses money and counts, keeps the sign, leaves small numbers nearly as they are."""
    return np.copysign(np.log1p(np.abs(numbers)), numbers)


class Scaler:
    """Signed logarithm, tails cut at fitted quantiles, unknown replaced by the median, mean 0 and deviation 1.

    Columns with unknowns in the fitted rows get a flag beside them (`flagged_`), itself brought to mean 0.
    """

    TAILS = (0.005, 0.995)

    def fit(self, numbers: Matrix) -> "Scaler":
        """Rows x columns; a column that is unknown everywhere becomes 0."""
        width = numbers.shape[1]
        self.middle_, self.low_, self.high_ = np.zeros(width), np.zeros(width), np.zeros(width)
        flagged = []
        for column in range(width):
            logs = signed_log(numbers[:, column])
            known = logs[~np.isnan(logs)]
            if len(known) == 0:
                continue
            self.middle_[column] = np.median(known)
            self.low_[column], self.high_[column] = np.quantile(known, self.TAILS)
            if len(known) < len(logs):
                flagged.append(column)
        self.flagged_ = np.array(flagged, dtype=int)
        moments = [(column.mean(), column.std()) for column in self._columns(numbers)]
        self.mean_, spread = np.array(moments).reshape(-1, 2).T
        self.spread_ = np.where(spread > 1e-12, spread, np.inf)  # a constant column says nothing
        return self

    def _columns(self, numbers: Matrix) -> Iterator[Matrix]:
        """Every column filled and cut, then the flags; one at a time, so that a fit holds no second matrix."""
        for column in range(numbers.shape[1]):
            logs = signed_log(numbers[:, column])
            filled = np.where(np.isnan(logs), self.middle_[column], logs)
            yield np.clip(filled, self.low_[column], self.high_[column])
        for column in self.flagged_:
            yield np.isnan(numbers[:, column]).astype(float)

    def transform(self, numbers: Matrix) -> Matrix:
        """Rows x (columns + flags), without NaN."""
        wide = np.empty((len(numbers), len(self.mean_)))
        for place, column in enumerate(self._columns(numbers)):
            wide[:, place] = (column - self.mean_[place]) / self.spread_[place]
        return wide

    def fold(self, parts: Matrix) -> Matrix:
        """Adds what the flags contribute to the columns that they belong to."""
        width = len(self.middle_)
        folded = parts[:, :width].copy()
        folded[:, self.flagged_] += parts[:, width:]
        return folded

    def state(self) -> dict[str, list[float]]:
        spread = np.where(np.isinf(self.spread_), 0.0, self.spread_)  # JSON has no infinity
        parts = {"middle": self.middle_, "low": self.low_, "high": self.high_, "mean": self.mean_, "spread": spread}
        return {name: part.tolist() for name, part in parts.items()} | {"flagged": self.flagged_.tolist()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Scaler":
        scaler = cls()
        for name in ("middle", "low", "high", "mean"):
            setattr(scaler, f"{name}_", np.array(state[name], dtype=float))
        spread = np.array(state["spread"], dtype=float)
        scaler.spread_ = np.where(spread == 0.0, np.inf, spread)
        scaler.flagged_ = np.array(state["flagged"], dtype=int)
        return scaler
