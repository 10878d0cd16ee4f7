"""What the inputs of a night looked like, small enough to be kept with every publication: values to two digits, counted.

Counts tell shares in any bins, distribution functions and quantiles, whatever is asked of them later; equal values stay
equal, which quantiles alone would lose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

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
    parts = [_numbers(wide[name]) if numeric(wide[name]) else _words(wide[name]) for name in columns]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    values, words, rows = (np.concatenate(each) for each in zip(*parts, strict=True))
    names = np.repeat(np.asarray(columns, dtype=object), [len(part[0]) for part in parts])
    return pd.DataFrame({"feature": names, "value": values, "word": words, "rows": rows})


def rounded(values: Matrix) -> Matrix:
    """Numbers to two significant digits; 0 stays 0."""
    sizes = np.abs(values)
    digits = np.floor(np.log10(np.where(sizes > 0, sizes, 1.0))) - 1
    return np.round(values / 10.0**digits) * 10.0**digits


Part = tuple[Matrix, Matrix, Matrix]
"""Values, words and rows of one column; the last row, without value and word, counts the nulls."""


def _numbers(column: pd.Series) -> Part:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    known = values[np.isfinite(values)]
    found, rows = np.unique(rounded(known), return_counts=True)
    words = np.full(len(found) + 1, None, dtype=object)
    return np.append(found, np.nan), words, np.append(rows, len(values) - len(known))


def _words(column: pd.Series) -> Part:
    counts = column.dropna().astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
    kept = dict(counts.iloc[:MOST_WORDS])
    if len(counts) > MOST_WORDS:
        kept[OTHER_WORDS] = counts.iloc[MOST_WORDS:].sum()
    words = np.array([*kept, None], dtype=object)
    return np.full(len(words), np.nan), words, np.array([*kept.values(), len(column) - counts.sum()], dtype=np.int64)


def shifts(before: pd.DataFrame, now: pd.DataFrame) -> dict[str, Shift]:
    """How far each column that both nights know has moved; in the order of `now`.

    Parameters
    ----------
    before, now
        As `sketch` gives them.
    """
    old, new = counted(before), counted(now)
    return {name: shift(old[name], counts) for name, counts in new.items() if name in old}


def shift(old: "Counts", new: "Counts") -> Shift:
    """How far one column has moved.

    Parameters
    ----------
    old, new
        Its counts on both nights.
    """
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


def counted(sketch: pd.DataFrame) -> dict[str, "Counts"]:
    """The counts of each column of a sketch, in its order; what several nights are compared with is counted once."""
    codes, names = pd.factorize(sketch["feature"])
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    values, rows = (sketch[name].to_numpy(dtype=float)[order] for name in ("value", "rows"))
    words = sketch["word"].to_numpy(dtype=object)[order]
    pieces = [slice(first, end) for first, end in pairwise(bounds)]
    return {str(n): Counts.of(values[p], words[p], rows[p]) for n, p in zip(names, pieces, strict=True)}


@dataclass(frozen=True)
class Counts:
    """The counts of one column.

    Attributes
    ----------
    values, counts
        Numbers, rising, and how many rows have each.
    words
        Words with their rows.
    nulls
        Rows without either.
    """

    values: Matrix
    counts: Matrix
    words: Mapping[str, int]
    nulls: int

    @classmethod
    def of(cls, values: Matrix, words: Matrix, rows: Matrix) -> Self:
        """From the rows of a column in a sketch."""
        is_number, is_word = ~np.isnan(values), pd.notna(words)
        order = np.argsort(values[is_number], kind="stable")
        named = {str(word): int(n) for word, n in zip(words[is_word], rows[is_word], strict=True)}
        nulls = int(rows[~is_number & ~is_word].sum())
        return cls(values[is_number][order], rows[is_number][order], named, nulls)

    @property
    def mean(self) -> tuple[float, float]:
        """Mean of the numbers and its standard error; NaN where nothing is known."""
        n = self.counts.sum()
        if not n:
            return float("nan"), float("nan")
        mean = float((self.values * self.counts).sum() / n)
        variance = float((self.counts * (self.values - mean) ** 2).sum() / n)
        return mean, float(np.sqrt(variance / n))

    @property
    def rows(self) -> int:
        """Customers looked at."""
        return int(self.counts.sum()) + sum(self.words.values()) + self.nulls

    @property
    def total(self) -> int:
        """The same, 1 at least."""
        return max(self.rows, 1)

    @property
    def unknown(self) -> float:
        """Share of nulls."""
        return self.nulls / self.total

    @property
    def middle(self) -> float | str | None:
        """Median of numbers, the most frequent of words; None where nothing is known."""
        if self.words:
            return max(self.words, key=lambda name: (self.words[name], name))
        return float(self.quantiles(np.array([0.5]))[0]) if len(self.values) else None

    def quantiles(self, shares: Matrix) -> Matrix:
        """The smallest number that so many have, or less."""
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


def _distance(old: Counts, new: Counts) -> float:
    """Of Kolmogorov and Smirnov; 0 where either knows nothing: nulls tell the rest."""
    if not (len(old.values) and len(new.values)):
        return 0.0
    both = np.union1d(old.values, new.values)
    return float(np.abs(old.upto(both) - new.upto(both)).max())
