"""What each feature adds to the score of a tree model, for every customer: exact path-dependent SHAP values."""

import contextlib
import functools
import io
import warnings
from collections.abc import Iterator
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.learners.encoding import Matrix

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
    truth = lightgbm_contributions(booster, matrix[rows])
    enough = matrix if len(matrix) >= FEWEST else matrix[np.arange(FEWEST) % len(matrix)]
    fast = woodelf_contributions(booster, enough, float(truth[0, -1]))
    if fast is None or np.abs(fast[rows] - truth).max() > TOLERANCE:
        return lightgbm_contributions(booster, matrix), "pred_contrib"
    return fast[: len(matrix)], "woodelf"


def lightgbm_contributions(booster: lgb.Booster, matrix: Matrix) -> Matrix:
    """LightGBM's own: the truth that the fast method is held to."""
    return np.asarray(booster.predict(matrix, pred_contrib=True), dtype=float)


def woodelf_contributions(booster: lgb.Booster, matrix: Matrix, base: float) -> Matrix | None:
    """None when the package cannot read this model."""
    names = pd.Index(booster.feature_name(), dtype=object)  # looked up for every split: strings of Arrow are slow
    table = pd.DataFrame(matrix, columns=names)
    try:
        with _silence():
            explainer, paths = _explainer(booster)
            values = explainer.shap_values(table, path_to_matrices_calculator=paths)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError, AssertionError):
        return None
    if values.shape != matrix.shape:
        return None
    parts = np.empty((len(matrix), matrix.shape[1] + 1))
    parts[:, :-1], parts[:, -1] = values, base
    return parts


@functools.lru_cache(maxsize=8)
def _explainer(booster: lgb.Booster) -> tuple[Any, Any]:
    """The package's reading of a model, and what it remembers of the paths; made once for all chunks of customers."""
    from woodelf import WoodelfExplainer  # slow to import, and only needed here
    from woodelf.core.cube_metric import ShapleyValues
    from woodelf.core.path_to_s_vectors.woodelf_p2s import HighDepthWoodelfPathToSVectors
    from woodelf.core.trees.parse_models import load_decision_tree_ensemble_model

    class Remembered(HighDepthWoodelfPathToSVectors):
        """What a path adds follows from the model alone; without this it is worked out again for every chunk."""

        def __init__(self, depth: int):
            super().__init__(metric=ShapleyValues(), max_depth=depth)
            self.seen: dict[tuple, dict] = {}

        def get_path_dependent_s_matrix(
            self, features_in_path: list, patterns: Any, covers: Any, w: float, w_neighbor: float | None = None
        ) -> dict:
            key = (*features_in_path, covers.tobytes(), w, w_neighbor)
            if key not in self.seen:
                self.seen[key] = super().get_path_dependent_s_matrix(features_in_path, patterns, covers, w, w_neighbor)
            return self.seen[key]

    model = load_decision_tree_ensemble_model(booster, booster.feature_name())
    return WoodelfExplainer(model), Remembered(min(model.max_depth, booster.num_feature()))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The package prints a progress bar and timings."""
    out, err = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with out, err, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
