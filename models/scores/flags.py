"""What is to be distrusted in a row of scores: the words of its `data_quality_flags`."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from models.scores.score_column import FLAGS

FEW_MONTHS = 3
"""Known months of bills below which levels and trends say little."""

_RULES: Mapping[str, tuple[str, Callable[[pd.Series], pd.Series]]] = {
    "bill_awaited": ("bills_awaited", lambda months: months > 0),
    "few_months": ("months_known", lambda months: months < FEW_MONTHS),
    "usage_awaited": ("usage_lag", lambda days: days > 0),
}
"""By flag, the feature or fact that raises it, and when; one that is unknown raises none."""
NAMES = tuple(_RULES)
READ = tuple(column for column, _ in _RULES.values())
"""What must be there of each row so that its flags can be raised."""


def flags(rows: pd.DataFrame) -> pa.ListArray:
    """One list of flags per row, in the order of `NAMES`; empty where nothing is to be distrusted.

    A flag whose feature or fact a project does not have is never raised.
    """
    raised = np.zeros((len(rows), len(NAMES)), dtype=bool)
    for place, (column, rule) in enumerate(_RULES.values()):
        if column in rows:
            raised[:, place] = rule(rows[column]).to_numpy(dtype=bool, na_value=False)
    ends = np.concatenate([[0], raised.sum(axis=1).cumsum()]).astype("int32")
    words = np.array(NAMES, dtype=object)[np.nonzero(raised)[1]]
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(words, pa.string()), type=FLAGS)
