"""Features that know too much: one column alone that tells the outcome nearly always has seen it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation.metrics import auc
from models.learners.encoding import numeric

LIMIT = 0.95
ROWS = 50_000


def single_feature_auc(X: pd.DataFrame, y: Any, features: Sequence[str]) -> pd.Series:
    """AUC of each column alone, in its better direction; unknown is a value of its own. Words count by their rate."""
    outcome = np.asarray(y, dtype=float)
    step = max(1, len(outcome) // ROWS)
    outcome, rows = outcome[::step], X.iloc[::step]
    found = {}
    for column in features:
        values = rows[column]
        if not numeric(values):
            values = pd.Series(outcome, index=rows.index).groupby(values.fillna("")).transform("mean")
        score = values.to_numpy(dtype=float, na_value=np.nan)
        edges = (np.where(np.isnan(score), edge, score) for edge in (-np.inf, np.inf))
        found[column] = max(max(area, 1 - area) for area in (float(auc(outcome, s)) for s in edges))
    return pd.Series(found, dtype=float).sort_values(ascending=False)


def leaking(X: pd.DataFrame, y: Any, features: Sequence[str], limit: float = LIMIT) -> dict[str, float]:
    """The columns above the limit, with their AUC."""
    alone = single_feature_auc(X, y, features)
    return {str(column): float(area) for column, area in alone[alone > limit].items()}
