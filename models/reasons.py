"""Why a customer has a score: the model's own contributions, grouped into business reasons, in plain values."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from models.encoding import Matrix, numeric

TOP = 5
LEAST = 1e-4
"""A group that moves the score by less is no reason."""


class Described(Protocol):
    """What is needed of a feature: its column, unit and business reason."""

    @property
    def column(self) -> str: ...

    @property
    def reason(self) -> str: ...

    @property
    def unit(self) -> str: ...


Reason = dict[str, Any]
Places = np.ndarray[Any, np.dtype[np.intp]]


def reasons(model: Any, X: pd.DataFrame, features: Sequence[Described], top: int = TOP) -> list[list[Reason]]:
    """The strongest reasons of every customer, strongest first.

    Args:
        model: a fitted estimator with `contributions`.
        X: rows to explain; together they are the population that `peer_value` is the middle of.
        features: the catalogue: which column stands for which business reason.

    Returns:
        Per row up to `top` dictionaries: code, rank (from 1), direction (+1 raises the score, -1 lowers it),
        contribution (of the whole group, in the score's own unit), feature (the group's strongest column in that
        direction), value and peer_value (text; empty when unknown).
    """
    parts = model.contributions(X).drop(columns="base")
    codes, groups = grouping(list(parts.columns), features)
    numbers = parts.to_numpy()
    sums = np.stack([numbers[:, g].sum(axis=1) for g in groups], axis=1)
    order = np.argsort(-np.abs(sums), axis=1, kind="stable")[:, :top]
    leaders = np.stack([leading(numbers[:, g], sums[:, i], g) for i, g in enumerate(groups)], axis=1)
    shown = Shown(X, [str(c) for c in parts.columns], {f.column: f.unit for f in features})
    ranked = np.take_along_axis(sums, order, axis=1), np.take_along_axis(leaders, order, axis=1)
    named = np.array(codes)[order]
    return [row(named[i], ranked[0][i], ranked[1][i], shown.of(i)) for i in range(len(X))]


def grouping(columns: list[str], features: Sequence[Described]) -> tuple[list[str], list[Places]]:
    """Reason codes, and the positions of each one's columns."""
    reason = {f.column: f.reason for f in features}
    codes = sorted({reason.get(c, "profile") for c in columns})
    return codes, [np.flatnonzero([reason.get(c, "profile") == code for c in columns]) for code in codes]


def leading(parts: Matrix, total: Matrix, places: Places) -> Places:
    """The column that pushes hardest in the direction of its group."""
    return places[np.argmax(parts * np.sign(total)[:, None], axis=1)]


def row(codes: Any, sums: Matrix, leaders: Places, told: Callable[[int], dict[str, str]]) -> list[Reason]:
    """The reasons of one customer; `codes`, `sums` and `leaders` are strongest first."""
    return [
        {"code": str(code), "rank": rank, "direction": 1 if total > 0 else -1, "contribution": float(total)}
        | told(int(leader))
        for rank, (code, total, leader) in enumerate(zip(codes, sums, leaders, strict=True), start=1)
        if abs(total) >= LEAST
    ]


class Shown:
    """A feature's own and usual value as text; each column is prepared once."""

    def __init__(self, X: pd.DataFrame, columns: list[str], units: dict[str, str]):
        self._X, self._columns, self._units = X, columns, units
        self._values: dict[int, Any] = {}
        self._peers: dict[int, str] = {}

    def of(self, place: int) -> Callable[[int], dict[str, str]]:
        """What is told of one row, by column."""
        return lambda column: self.told(place, column)

    def told(self, place: int, column: int) -> dict[str, str]:
        if column not in self._values:
            self._prepare(column)
        value = self._values[column][place]
        name = self._columns[column]
        return {"feature": name, "value": plain(value, self._units.get(name, "")), "peer_value": self._peers[column]}

    def _prepare(self, column: int) -> None:
        name = self._columns[column]
        values = self._X[name]
        unit = self._units.get(name, "")
        if numeric(values):
            self._values[column] = values.to_numpy(dtype=float, na_value=np.nan)
            known = self._values[column][~np.isnan(self._values[column])]
            self._peers[column] = plain(float(np.median(known)), unit) if len(known) else ""
        else:
            self._values[column] = values.astype(object).where(values.notna(), None).to_numpy()
            usual = values.mode()
            self._peers[column] = str(usual.iloc[0]) if len(usual) else ""


def plain(value: Any, unit: str) -> str:
    """A number as people write it: money with two decimals, counts and days whole, the rest with three figures."""
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    if unit.startswith("currency"):
        return f"{value:.2f}"
    if unit in ("count", "days", "months") or float(value).is_integer():
        return f"{value:.0f}"
    return f"{value:.3g}"
