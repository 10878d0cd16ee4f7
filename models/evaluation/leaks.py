"""Features that know too much: one column alone that tells the outcome nearly always has seen it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation.metrics import auc
from models.learners.encoding import PRIOR_ROWS, numeric

LIMIT = 0.95
ROWS = 50_000
PARTS = 5
CHANCE = 1e-6
"""How probable it may be that a column is filled for one kind of customer by chance."""


def single_feature_auc(X: pd.DataFrame, y: Any, features: Sequence[str]) -> pd.Series:
    """AUC of each column alone, in its better direction; unknown is a value of its own.

    Words count by their rate among other customers, so that one that stands for a single customer tells nothing.

    Parameters
    ----------
    X
        A row per customer and date; without `customer_id` every row is a customer.
    y
        The outcomes, 0 or 1.
    features
        The columns to look at.
    """
    outcome = np.asarray(y, dtype=float)
    step = max(1, len(outcome) // ROWS)
    outcome, rows = outcome[::step], X.iloc[::step]
    part = pd.factorize(rows.get("customer_id", rows.index))[0] % PARTS
    found = {}
    for column in features:
        values = rows[column]
        if not numeric(values):
            values = _rates_among_others(values, outcome, part)
        score = values.to_numpy(dtype=float, na_value=np.nan)
        edges = (np.where(np.isnan(score), edge, score) for edge in (-np.inf, np.inf))
        found[column] = max(max(area, 1 - area) for area in (float(auc(outcome, s)) for s in edges))
    return pd.Series(found, dtype=float).sort_values(ascending=False)


def _rates_among_others(words: pd.Series, outcome: Any, part: Any) -> pd.Series:
    """The smoothed mean outcome of each row's word among customers of the other parts; of all where it is new there."""
    seen = pd.DataFrame({"word": words.fillna("").to_numpy(), "part": part, "y": outcome})
    whole, own = (seen.groupby(keys).y.agg(["sum", "size"]) for keys in ("word", ["word", "part"]))
    others = whole.loc[seen.word].to_numpy() - own.loc[pd.MultiIndex.from_frame(seen[["word", "part"]])].to_numpy()
    return pd.Series((others[:, 0] + PRIOR_ROWS * seen.y.mean()) / (others[:, 1] + PRIOR_ROWS))


def leaking(X: pd.DataFrame, y: Any, features: Sequence[str], limit: float = LIMIT) -> dict[str, float]:
    """The columns above the limit, with their AUC."""
    alone = single_feature_auc(X, y, features)
    return {str(column): float(area) for column, area in alone[alone > limit].items()}


def telling(X: pd.DataFrame, y: Any, features: Sequence[str], limit: float = LIMIT) -> dict[str, float]:
    """The columns that tell the answer of a table without dates, with their AUC.

    Beside those above the limit they are those that are filled for nobody but one kind of customer, more often than
    chance would have it: a reason for leaving, a last invoice, the date of a final call.

    Parameters
    ----------
    X
        A row per customer.
    y
        Their answers, 0 or 1.
    features
        The columns to look at.
    limit
        Of the AUC.
    """
    outcome = np.asarray(y, dtype=float)
    alone = single_feature_auc(X, y, features)
    return {
        str(column): float(area)
        for column, area in alone.items()
        if area > limit or _filled_for_one_kind(X[column].notna().to_numpy(), outcome)
    }


def _filled_for_one_kind(filled: Any, outcome: Any) -> bool:
    """Are all customers with a value of one kind, and could that be chance once in a million columns at most?"""
    shares = outcome[filled].mean() if filled.any() and not filled.all() else 0.5
    if shares not in (0.0, 1.0):
        return False
    usual = float(outcome.mean()) if shares == 1.0 else 1.0 - float(outcome.mean())
    return bool(filled.sum() * np.log(usual) < np.log(CHANCE))
