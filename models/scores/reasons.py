"""Why a customer has a score: the model's own contributions, grouped into business reasons, in plain values."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from models.learners.encoding import Matrix, numeric
from models.scores.score_column import REASON_FIELDS, REASONS

TOP = 5
LEAST = 1e-4
"""A group that moves the score by less is no reason."""


class Described(Protocol):
    """What is needed of a feature: its column, unit and business reason, and what it is told together with."""

    @property
    def column(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def group(self) -> str: ...


Places = np.ndarray[Any, np.dtype[np.intp]]


def reasons(
    model: Any, X: pd.DataFrame, features: Sequence[Described], peers: Mapping[str, str], top: int = TOP
) -> pa.ListArray:
    """The strongest reasons of every customer, strongest first.

    Parameters
    ----------
    model
        A fitted estimator with `contributions`.
    X
        Rows to explain.
    features
        The catalogue: which column stands for which business reason.
    peers
        The usual value of each column as text, by `usual`.
    top
        Most reasons of a row.

    Returns
    -------
    ListArray
        Per row up to `top` structs: code, rank (from 1), direction (+1 raises the score, -1 lowers it), contribution
        (of the whole group, in the score's own unit), feature (the group's strongest column in that direction), value
        and peer_value (text; empty when unknown).
    """
    parts = model.contributions(X).drop(columns="base")
    columns = [str(c) for c in parts.columns]
    codes, groups = _grouping(columns, features)
    numbers = parts.to_numpy()
    sums = np.stack([numbers[:, g].sum(axis=1) for g in groups], axis=1)
    leaders = np.stack([_leading(numbers[:, g], sums[:, i], g) for i, g in enumerate(groups)], axis=1)
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :top]
    sizes, leads = np.take_along_axis(sums, order, axis=1), np.take_along_axis(leaders, order, axis=1)
    kept = np.abs(sizes) >= LEAST
    rows, ranks = np.nonzero(kept)
    units = {f.column: f.unit for f in features}
    fields = {
        "code": _words_at(codes, order[kept]),
        "rank": ranks + 1,
        "direction": np.sign(sizes[kept]),
        "contribution": sizes[kept],
        "feature": _words_at(columns, leads[kept]),
        "value": _values(X, columns, units, rows, leads[kept]),
        "peer_value": _words_at([peers.get(c, "") for c in columns], leads[kept]),
    }
    arrays = [pa.array(fields[name], from_pandas=False).cast(dtype) for name, dtype in REASON_FIELDS.items()]
    told = pa.StructArray.from_arrays(arrays, fields=list(REASONS.value_type))
    ends = np.concatenate([[0], kept.sum(axis=1).cumsum()])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), told, type=REASONS)


def _grouping(columns: list[str], features: Sequence[Described]) -> tuple[list[str], list[Places]]:
    """The reason code of each group, which several may share, and the positions of its columns."""
    known = {f.column: (f.reason, f.group) for f in features}
    of_columns = [known.get(c, ("profile", "profile")) for c in columns]
    groups = sorted(set(of_columns))
    return [code for code, _ in groups], [np.flatnonzero([own == g for own in of_columns]) for g in groups]


def _leading(parts: Matrix, total: Matrix, places: Places) -> Places:
    """The column that pushes hardest in the direction of its group."""
    return places[np.argmax(parts * np.sign(total)[:, None], axis=1)]


def _words_at(words: Sequence[str], places: Places) -> pa.Array:
    return pa.array(words, pa.string()).take(pa.array(places))


def _values(X: pd.DataFrame, columns: list[str], units: Mapping[str, str], rows: Places, leads: Places) -> np.ndarray:
    """The value of column `leads[i]` in row `rows[i]`, as text; each column is looked at once."""
    found = np.empty(len(rows), dtype=object)
    for lead in np.unique(leads):
        places = np.flatnonzero(leads == lead)
        name = columns[lead]
        cells = X[name].iloc[rows[places]]
        found[places] = [plain(value, units.get(name, "")) for value in cells.tolist()]
    return found


def usual(X: pd.DataFrame, features: Sequence[Described]) -> dict[str, str]:
    """The middle of every column as text: the median of numbers, the most frequent word; empty when nothing is known."""
    units = {f.column: f.unit for f in features}
    return {str(name): _middle(X[name], units.get(str(name), "")) for name in X.columns}


def _middle(column: pd.Series, unit: str) -> str:
    known = column.dropna()
    if not len(known):
        return ""
    return plain(float(np.median(known)), unit) if numeric(column) else str(known.mode().iloc[0])


def plain(value: Any, unit: str) -> str:
    """A number as people write it: money with two decimals, counts and days whole, the rest with three figures."""
    if isinstance(value, str):
        return value
    if value is None or pd.isna(value):
        return ""
    if unit.startswith("currency"):
        return f"{value:.2f}"
    if unit in ("count", "days", "months") or float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.3g}"
