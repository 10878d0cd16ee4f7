"""What each feature adds to the score of a tree model, for every customer: exact path-dependent SHAP values."""

import contextlib
import io
import warnings
from collections.abc import Iterator

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.encoding import Matrix

TOLERANCE = 1e-5
SAMPLE = 64
FEWEST = 4_096
"""With few rows (some hundreds) the fast method counts in another precision: fewer are explained with repeats."""


def tree_contributions(booster: lgb.Booster, matrix: Matrix) -> tuple[Matrix, str]:
    """Rows x (features + 1), the last column is the base; and the method that made them.

    A row gets the same values to the last bit whatever rows it is explained with, so few rows go the same way as many.
    The fast method is compared with LightGBM's own on a sample in every call; where they differ by more than
    1e-5 (it refuses or mistakes some kinds of trees) LightGBM's own, far slower, is used for all rows.
    """
    if not len(matrix):
        return np.empty((0, matrix.shape[1] + 1)), "woodelf"
    rows = np.linspace(0, len(matrix) - 1, min(SAMPLE, len(matrix))).astype(int)
    truth = own(booster, matrix[rows])
    enough = np.arange(max(len(matrix), FEWEST)) % len(matrix)
    fast = quick(booster, matrix[enough], float(truth[0, -1]))
    fast = None if fast is None else fast[: len(matrix)]
    if fast is None or np.abs(fast[rows] - truth).max() > TOLERANCE:
        return own(booster, matrix), "pred_contrib"
    return fast, "woodelf"


def own(booster: lgb.Booster, matrix: Matrix) -> Matrix:
    return np.asarray(booster.predict(matrix, pred_contrib=True), dtype=float)


def quick(booster: lgb.Booster, matrix: Matrix, base: float) -> Matrix | None:
    """None when the package cannot read this model."""
    from woodelf import WoodelfExplainer  # slow to import, and only needed here

    table = pd.DataFrame(matrix, columns=booster.feature_name())
    try:
        with silence():
            values = np.asarray(WoodelfExplainer(booster).shap_values(table), dtype=float)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, AssertionError):
        return None
    if values.shape != matrix.shape:
        return None
    return np.column_stack([values, np.full(len(matrix), base)])


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """The package prints a progress bar and timings."""
    out, err = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with out, err, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
