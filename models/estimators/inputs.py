"""What an estimator is given: frames, or arrays as scikit-learn's own tools hand them on."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, column_or_1d, validate_data


def table(estimator: BaseEstimator, X: Any, *, reset: bool = False) -> pd.DataFrame:
    """X as a frame: a frame as it is; the columns of an array are called x0, x1 and so on.

    Parameters
    ----------
    estimator
        What is fitted or asked; it knows the columns of its fit.
    X
        Rows x columns; null is unknown.
    reset
        True when it is fitted: the columns are remembered.

    Raises
    ------
    ValueError
        An array is no table of finite numbers, or has another number of columns than that of the fit.
    """
    if isinstance(X, pd.DataFrame):
        if reset:
            estimator.n_features_in_ = X.shape[1]
            estimator.feature_names_in_ = np.asarray(X.columns, dtype=object)
        return X
    numbers = validate_data(estimator, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan")
    return pd.DataFrame(numbers, columns=[f"x{place}" for place in range(numbers.shape[1])])


def classes(y: Any) -> tuple[np.ndarray, pd.Series]:
    """The two classes of an array of labels, and the labels as 0, 1 or, where unknown, NaN.

    Raises ValueError for labels that are no classes, or more than two.
    """
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    labels = column_or_1d(y, warn=True)
    assert_all_finite(labels, allow_nan=True, input_name="y")
    known = ~pd.isna(labels)
    check_classification_targets(labels[known])
    found = np.unique(labels[known])
    if len(found) > 2:
        raise ValueError(f"Only binary classification is supported. The type of the target is multiclass: {found}")
    if set(found.tolist()) <= {0, 1}:
        found = np.array([0, 1], dtype=found.dtype)
    return found, pd.Series(np.where(known, labels == found[-1], np.nan).astype(float))
