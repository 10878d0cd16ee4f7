"""Whom a list is narrowed to: a region, a tier, a stage … by the codes of the score table."""

from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from features.strict import Strict

FilterName = Literal["region", "tier", "type", "stage", "reason", "action", "value_band"]
FILTERS: tuple[FilterName, ...] = get_args(FilterName)
COLUMNS: dict[str, str] = {
    "region": "region",
    "tier": "tier_current",
    "type": "customer_type",
    "stage": "lifecycle_stage",
    "action": "recommended_action",
    "value_band": "value_band",
}
"""The column of the score table that a filter looks at; reasons lie in that of the list's kind."""


class ListFilters(Strict):
    """Only customers with one of these values; several filters hold together, and null is none of any values."""

    region: tuple[str, ...] = Field((), description="any of these regions; empty: all, also those without one")
    tier: tuple[str, ...] = Field((), description="tier of today")
    type: tuple[str, ...] = Field((), description="customer_type: personal, group, family …")
    stage: tuple[str, ...] = Field((), description="lifecycle stage")
    reason: tuple[str, ...] = Field((), description="code of any reason of the list's own kind")
    action: tuple[str, ...] = Field((), description="recommended action")
    value_band: tuple[str, ...] = Field((), description="low, medium or high")

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """The filters that are set."""
        return {name: values for name, values in self if values}


def columns(filters: ListFilters, kind: str) -> list[str]:
    """The columns of the score table that the filters look at."""
    return [column(name, kind) for name in filters.asked]


def column(name: str, kind: str) -> str:
    """The column of the score table that one filter looks at."""
    return COLUMNS.get(name, f"{kind}_reasons")


def passes(table: pa.Table | pd.DataFrame, filters: ListFilters, kind: str) -> np.ndarray:
    """True for the rows that every filter lets through.

    Parameters
    ----------
    table
        Rows of the score table with at least `columns(filters, kind)`.
    filters
        The values that are wanted.
    kind
        Of the list.

    Returns
    -------
    numpy.ndarray
        A flag per row.
    """
    mask = np.ones(len(table), dtype=bool)
    for name, values in filters.asked.items():
        cells = table[column(name, kind)]
        mask &= _has_reason(cells, values) if name == "reason" else _is_any(cells, values)
    return mask


def known(table: pa.Table | pd.DataFrame, name: str, kind: str) -> list[str]:
    """The values of a filter that somebody has, in the order of the alphabet."""
    cells = table[column(name, kind)]
    if isinstance(cells, pd.Series):
        values = {code for row in cells for code in _codes(row)} if name == "reason" else set(cells.dropna())
    else:
        values = set((_reason_codes(cells) if name == "reason" else cells.cast(pa.string())).unique().to_pylist())
    return sorted(str(value) for value in values - {None})


def _is_any(cells: pa.ChunkedArray | pd.Series, values: tuple[str, ...]) -> np.ndarray:
    if isinstance(cells, pd.Series):
        return cells.astype(object).isin(values).to_numpy(dtype=bool)
    return pc.is_in(cells.cast(pa.string()), pa.array(values)).to_numpy().astype(bool)


def _has_reason(cells: pa.ChunkedArray | pd.Series, values: tuple[str, ...]) -> np.ndarray:
    """Is any reason of a row among the wanted? Large tables stay in Arrow: a Python list per customer takes minutes."""
    if isinstance(cells, pd.Series):
        return np.array([not set(values).isdisjoint(_codes(row)) for row in cells], dtype=bool)
    wanted = pc.is_in(_reason_codes(cells), pa.array(values))
    mask = np.zeros(len(cells), dtype=bool)
    mask[pc.list_parent_indices(cells.combine_chunks()).filter(wanted).to_numpy()] = True
    return mask


def _reason_codes(cells: pa.ChunkedArray) -> pa.Array:
    """Codes of all reasons of all customers, one behind the other."""
    return pc.struct_field(pc.list_flatten(cells.combine_chunks()), "code")


def _codes(row: Any) -> list[str]:
    """Codes of the reasons of one customer; none where nothing scored them."""
    return [reason["code"] for reason in row] if isinstance(row, list | np.ndarray) else []
