"""Two publications of the same night, by two engines."""

import math
from pathlib import Path
from typing import Any

from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT

SCORES = Path(f"workspace/operator/scores/{NIGHT}.parquet")


def withdrawn() -> ScoreFile:
    """The night that DuckDB published, out of the way of another one."""
    return ScoreFile(SCORES.rename("by_duckdb.parquet"))


def differing(found: ScoreFile, expected: ScoreFile) -> set[str]:
    """Columns of which a value differs, numbers by more than a billionth; what names the run, too.

    Nearly always the rows are the same to the last bit. Sums of squared megabytes exceed what a float64 holds exactly,
    so that the order of rows, which Spark does not keep, may show in the last digit of a variation.
    """
    assert found.schema.equals(expected.schema)
    one, other = found.table(), expected.table()
    columns = {c for c in one.column_names if not same(one[c].to_pylist(), other[c].to_pylist())}
    return columns | {key for key in ("run_id", "rows", "models", "inputs") if found.meta[key] != expected.meta[key]}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=1e-7, abs_tol=1e-9)  # probabilities are float32
    return one == other
