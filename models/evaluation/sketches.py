"""What the inputs of a night looked like, small enough to be kept with every publication: values to two digits, counted.

Counts tell shares in any bins, distribution functions and quantiles, whatever is asked of them later; equal values stay
equal, which quantiles alone would lose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.evaluation.drift import BINS, index
from models.learners.encoding import Matrix, numeric

MOST_WORDS = 100
"""Words of a column that are counted by themselves; the rarer ones are one more."""
OTHER_WORDS = "\N{HORIZONTAL ELLIPSIS}"
COLUMNS = ("feature", "value", "word", "rows")


@dataclass(frozen=True)
class Shift:
    """How far a column has moved between two nights.

    Attributes
    ----------
    psi
        Population stability index, unknown values being a bin of their own; 0 is equal.
    distance
        Largest difference of the two distribution functions (Kolmogorov and Smirnov), of words half the sum of the
        differences of their shares; 0 to 1.
    before, now
        Median of numbers; the most frequent of words; None where nothing is known.
    unknown_before, unknown
        Share of nulls.
    rows_before, rows
        Customers looked at.
    """

    psi: float
    distance: float
    before: float | str | None
    now: float | str | None
    unknown_before: float
    unknown: float
    rows_before: int
    rows: int


def sketch(wide: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Count the values of columns.

    Parameters
    ----------
    wide
        A row per customer.
    columns
        Those that are counted, numbers or words.

    Returns
    -------
    pandas.DataFrame
        feature, value (a number to two digits; null of words and of nulls), word (null of numbers and of nulls), rows.
    """
    counted = [_numbers(wide[name]) if numeric(wide[name]) else _words(wide[name]) for name in columns]
    sizes = [len(one) for one in counted]
    table = pd.concat(counted, ignore_index=True) if counted else pd.DataFrame(columns=list(COLUMNS[1:]))
    return table.assign(feature=np.repeat(np.asarray(columns, dtype=object), sizes))[list(COLUMNS)]


def rounded(values: Matrix) -> Matrix:
    """Numbers to two significant digits; 0 stays 0."""
    sizes = np.abs(values)
    digits = np.floor(np.log10(np.where(sizes > 0, sizes, 1.0))) - 1
    return np.round(values / 10.0**digits) * 10.0**digits


def _numbers(column: pd.Series) -> pd.DataFrame:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    known = values[np.isfinite(values)]
    found, rows = np.unique(rounded(known), return_counts=True)
    table = pd.DataFrame({"value": found, "word": None, "rows": rows})
    return _with_unknown(table, len(values) - len(known))


def _words(column: pd.Series) -> pd.DataFrame:
    counts = column.dropna().astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
    kept = counts.iloc[:MOST_WORDS]
    if len(counts) > MOST_WORDS:
        kept = pd.concat([kept, pd.Series({OTHER_WORDS: counts.iloc[MOST_WORDS:].sum()})])
    table = pd.DataFrame({"value": np.nan, "word": kept.index.astype(object), "rows": kept.to_numpy()})
    return _with_unknown(table, len(column) - int(counts.sum()))


def _with_unknown(table: pd.DataFrame, unknown: int) -> pd.DataFrame:
    """One more row, without value and word, for the nulls."""
    row = pd.DataFrame({"value": [np.nan], "word": [None], "rows": [unknown]})
    return pd.concat([table.astype({"value": float, "word": object}), row.astype({"word": object})], ignore_index=True)


def shifts(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Shift]:
    """How far each column that both nights know has moved; in the order of `now`.

    Parameters
    ----------
    before, now
        As `sketch` gives them.
    """
    old = dict(list(before.groupby("feature", sort=False)))
    new = now.groupby("feature", sort=False)
    return {str(name): shift(old[name], rows) for name, rows in new if name in old}


def shift(before: pd.DataFrame, now: pd.DataFrame) -> Shift:
    """How far one column has moved.

    Parameters
    ----------
    before, now
        The rows of a column, as `sketch` gives them.
    """
    old, new = _Counts.of(before), _Counts.of(now)
    unknown = old.unknown, new.unknown
    if old.words or new.words:
        names = sorted({*old.words, *new.words})
        shares = [np.array([counts.words.get(name, 0) for name in names]) / counts.total for counts in (old, new)]
        distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    else:
        inner = old.edges(BINS)
        shares = [counts.shares(inner) for counts in (old, new)]
        distance = _distance(old, new)
    psi = index(np.append(shares[0], unknown[0]), np.append(shares[1], unknown[1]))
    distance = max(distance, abs(unknown[0] - unknown[1]))
    return Shift(psi, distance, old.middle, new.middle, *unknown, old.rows, new.rows)


@dataclass(frozen=True)
class _Counts:
    """The counts of one column: rising values with their rows, or words with theirs; nulls apart."""

    values: Matrix
    counts: Matrix
    words: Mapping[str, int]
    nulls: int

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "_Counts":
        known = rows[rows["value"].notna()].sort_values("value")
        worded = rows[rows["word"].notna()]
        nulls = rows[rows["value"].isna() & rows["word"].isna()]["rows"].sum()
        words = dict(zip(worded["word"], worded["rows"], strict=True))
        return cls(known["value"].to_numpy(float), known["rows"].to_numpy(float), words, int(nulls))

    @property
    def rows(self) -> int:
        return int(self.counts.sum()) + sum(self.words.values()) + self.nulls

    @property
    def total(self) -> int:
        return max(self.rows, 1)

    @property
    def unknown(self) -> float:
        return self.nulls / self.total

    @property
    def middle(self) -> float | str | None:
        if self.words:
            return max(self.words, key=lambda name: (self.words[name], name))
        return float(self.quantiles(np.array([0.5]))[0]) if len(self.values) else None

    def quantiles(self, shares: Matrix) -> Matrix:
        upto = np.cumsum(self.counts)
        return self.values[np.searchsorted(upto, shares * upto[-1], side="left").clip(max=len(upto) - 1)]

    def edges(self, bins: int) -> Matrix:
        """Inner edges of bins that each hold about the same share; equal values never straddle an edge."""
        return np.unique(self.quantiles(np.arange(1, bins) / bins)) if len(self.values) else np.empty(0)

    def shares(self, inner: Matrix) -> Matrix:
        """Share of all rows per bin; a value on an edge belongs to the bin below it."""
        places = np.searchsorted(inner, self.values, side="left")
        return np.bincount(places, weights=self.counts, minlength=len(inner) + 1) / self.total

    def upto(self, values: Matrix) -> Matrix:
        """The distribution function of what is known."""
        sums = np.concatenate([[0.0], np.cumsum(self.counts)])
        return sums[np.searchsorted(self.values, values, side="right")] / max(sums[-1], 1.0)


def _distance(old: _Counts, new: _Counts) -> float:
    """Of Kolmogorov and Smirnov; 0 where either knows nothing: nulls tell the rest."""
    if not (len(old.values) and len(new.values)):
        return 0.0
    both = np.union1d(old.values, new.values)
    return float(np.abs(old.upto(both) - new.upto(both)).max())
