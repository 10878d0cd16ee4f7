"""What moves a model's scores, and whether the same features did at every origin.

A share is the mean absolute contribution of a feature over the sum of all, on rows that the model had not seen. Of trees
contributions are SHAP values (Lundberg and Lee, 2017), path-dependent; of linear models, coefficient times distance from
the mean.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pandas as pd

ROWS = 2_000
"""Shares do not need more."""
AT_MOST = 2.0
"""How many times its smallest share the largest of a stable feature may be."""
COLUMNS = ("feature", "share", "least", "most", "origins", "stable")


def shares(model: Any, X: pd.DataFrame) -> pd.Series:
    """Share of each feature in what moves a model's scores.

    Parameters
    ----------
    model
        Fitted; answers to `contributions`.
    X
        Rows that it had not seen. At most 2,000 of them, evenly drawn, are looked at.

    Returns
    -------
    pandas.Series
        By feature, 0 to 1, the largest first; they sum to one, or are all zero for a model that tells nobody apart.
    """
    parts = model.contributions(X.iloc[:: max(1, len(X) // ROWS)]).drop(columns="base").abs().mean()
    return (parts / max(parts.sum(), 1e-12)).sort_values(ascending=False, kind="stable")


def by_origin(origins: Sequence[tuple[date, Any, pd.DataFrame]]) -> pd.DataFrame:
    """The shares at every origin.

    Parameters
    ----------
    origins
        Date, the model that had not seen it, and the features of its rows; oldest first.

    Returns
    -------
    pandas.DataFrame
        as_of, feature, share.
    """
    found = [
        shares(model, X).rename_axis("feature").reset_index(name="share").assign(as_of=d) for d, model, X in origins
    ]
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["as_of", "feature", "share"])
    return table[["as_of", "feature", "share"]]


def stability(table: pd.DataFrame) -> pd.DataFrame:
    """Each feature over all origins: is its share the same, whichever window is asked?

    Parameters
    ----------
    table
        As `by_origin` gives it; a date that is in it twice counts with its last share.

    Returns
    -------
    pandas.DataFrame
        feature, share (mean over origins), least, most, origins (how many), stable: null with one origin only, otherwise
        whether the largest share is at most twice the smallest. The largest share first.
    """
    if table.empty:
        return pd.DataFrame(columns=list(COLUMNS)).astype({"stable": "boolean"})
    wide = table.groupby(["feature", "as_of"], sort=False)["share"].last().unstack("as_of").fillna(0.0)
    least, most = wide.min(axis=1), wide.max(axis=1)
    stable = (most <= AT_MOST * least).astype("boolean")
    found = pd.DataFrame({"share": wide.mean(axis=1), "least": least, "most": most, "origins": wide.shape[1]})
    found["stable"] = stable if wide.shape[1] > 1 else pd.NA
    found = found.astype({"stable": "boolean"}).rename_axis("feature").reset_index()
    return found.sort_values(["share", "feature"], ascending=[False, True], ignore_index=True)[list(COLUMNS)]
