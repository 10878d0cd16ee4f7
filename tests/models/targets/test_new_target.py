"""A new target is its module, its estimator, its line in the registry, its texts and its test: nothing else changes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.demo_project import NIGHT, ROOT
from tests.models.targets.new_target import FILES

AFTER = NIGHT + timedelta(days=1)
"""The first night with the new target: the one before it was published without."""
PACKAGES = ("features", "models", "targeting", "pipelines")


@pytest.fixture
def headwater(own_operator: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """The command line of a copy of the code that has the fourth target, on a project that was made without it."""
    code = tmp_path / "code"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changed in FILES.items():
        path = code / name
        path.write_text(changed(path.read_text(encoding="utf-8") if path.exists() else ""), encoding="utf-8")

    def run(*arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-c", "from pipelines.cli.app import main; main()", *arguments, "--json"]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(code)}
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_a_target_is_five_files():
    assert len(FILES) + 1 <= 5


@pytest.mark.slow
def test_a_fourth_target_is_trained_scored_explained_and_reported(own_operator, headwater):
    before, as_of = ("--as-of", NIGHT.isoformat()), ("--as-of", AFTER.isoformat())
    (trained,) = headwater("retrain", "upgrade", *before)["models"]
    assert trained["target"] == "upgrade" and trained["promoted"] and trained["metric"] == "average_precision"
    (tried,) = headwater("backtest", "upgrade", *before)["results"]
    assert {row["model"] for row in tried["metrics"]} == {"blend", "linear", "trees", "rule"}
    night = headwater("nightly", *as_of)
    path = own_operator / "workspace" / "operator" / "scores" / f"{AFTER}.parquet"
    scores = pq.read_table(path)
    known = scores.to_pandas()
    assert (known["upgrade_probability"].between(0, 1) == (known["score_status"] == "ok")).all()
    assert set(known["upgrade_model_version"]) == {"upgrade/1"} and set(known["upgrade_horizon_days"].dropna()) == {90}
    assert scores.column_names[-4:] == [c for c in scores.column_names if c.startswith("upgrade_")]
    assert {c["name"] for c in json.loads(pq.read_metadata(path).metadata[b"headwater.gates"])} >= {
        "range_upgrade_probability"
    }
    customer = known.loc[known["upgrade_probability"].idxmax(), "customer_id"]
    assert headwater("explain", customer, *as_of)["reasons"]["upgrade"]
    assert "upgrade" not in headwater("explain", customer, *before)["reasons"]  # that night knew nothing of it
    (report,) = [Path(path) for path in night["outputs"] if path.endswith(".html")]
    page = report.read_text(encoding="utf-8")
    assert "Dearer plan" in page and "升档" in page
