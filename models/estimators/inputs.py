"""What an estimator is given as X: a frame, or an array as scikit-learn's own tools hand it on."""

from typing import Any

import pandas as pd
from sklearn.utils.validation import check_array


def table(X: Any) -> pd.DataFrame:
    """A frame as it is; the columns of an array are called x0, x1 and so on.

    Raises ValueError for what is no table of numbers: of other shape, empty, sparse, complex or infinite.
    """
    if isinstance(X, pd.DataFrame):
        return X
    numbers = check_array(X, dtype="numeric", ensure_all_finite="allow-nan")
    return pd.DataFrame(numbers, columns=[f"x{place}" for place in range(numbers.shape[1])])
