"""Reasons for everybody: every feature's contribution to a score, as scoring makes them and by LightGBM itself."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.asked import ROWS, trees_file
from benchmarks.measure import Work

if TYPE_CHECKING:
    import numpy as np

ONE_IN = 10
"""LightGBM's own explains each so-many-th row: its work is proportional to them, and slow."""
CHUNKS = 4
"""A night explains chunk after chunk with the same model: the same rows so often, what is read of the model once."""


def reasons_fast(folder: Path, trees: str) -> Work:
    """Contributions of every feature for every row, as scoring makes them."""
    import woodelf  # noqa: F401  # imported by the first call otherwise

    from models.learners.attribution import tree_contributions

    def explain(booster: Any, rows: "np.ndarray") -> tuple["np.ndarray", str]:
        return tree_contributions(booster, rows)

    return _explaining(explain, trees, 1, CHUNKS)


def reasons_own(folder: Path, trees: str) -> Work:
    """The same by LightGBM itself, for a part of the rows."""
    from models.learners.attribution import lightgbm_contributions

    return _explaining(lambda booster, rows: (lightgbm_contributions(booster, rows), "pred_contrib"), trees, ONE_IN, 1)


def _explaining(explain: Callable, trees: str, one_in: int, chunks: int) -> Work:
    import lightgbm as lgb
    import numpy as np

    booster = lgb.Booster(model_str=trees_file(trees).read_text(encoding="utf-8"))
    rows = np.load(ROWS)[::one_in]

    def work() -> dict[str, Any]:
        for _ in range(chunks):
            parts, method = explain(booster, rows)
        np.save(f"reasons_{trees}_{one_in}.npy", parts[:: ONE_IN // one_in])
        return {"rows": chunks * len(rows), "method": method}

    return work


def same_reasons(folder: Path, trees: str) -> Work:
    """How far the two ways are apart on the rows that both explained."""
    import numpy as np

    def work() -> dict[str, Any]:
        fast, own = (np.load(f"reasons_{trees}_{one_in}.npy") for one_in in (1, ONE_IN))
        return {"difference": float(np.abs(fast - own).max())}

    return work
