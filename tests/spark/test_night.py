"""Commands with `--engine spark`: the same features and the same night as DuckDB's."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from features.catalogue import catalogue
from pipelines import Project
from pipelines.cli.app import app
from pipelines.engine import spark
from pipelines.workspace.score_files import ScoreFile
from tests.demo_project import NIGHT
from tests.spark.published import SCORES, differing, withdrawn
from tests.spark.test_same import unequal


def called(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def _steps(name: str) -> list[dict]:
    """What the journals of all runs say of a step, the older run first."""
    journals = sorted(Path("workspace/operator/runs").glob("*/steps.jsonl"), key=lambda path: path.stat().st_mtime)
    lines = [json.loads(line) for journal in journals for line in journal.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line.get("step") == name]


@pytest.mark.slow
def test_features_are_those_of_duckdb(con, own_operator: Path):
    for engine in ("spark", "duckdb"):
        asked = called("features", "build", "--as-of", NIGHT, "--out", f"{engine}.parquet", "--engine", engine)
        assert asked.exit_code == 0, asked.output
    found, expected = (pq.read_table(f"{engine}.parquet") for engine in ("spark", "duckdb"))
    expected = expected.cast(found.schema)
    assert unequal(found, expected, set()) == set()
    assert found.num_columns > len(catalogue(()))


@pytest.mark.slow
def test_a_night_publishes_what_duckdbs_does(con, own_operator: Path):
    expected = withdrawn()
    night = called("score", "--as-of", NIGHT, "--engine", "spark")
    assert night.exit_code == 0, night.output
    assert differing(ScoreFile(SCORES), expected) == set()
    built = [step["features"] for step in _steps("features")]
    assert len(built) == 2, "DuckDB's night and Spark's"
    assert built[0] == built[1] < len(Project.open("configs/operator.yaml").features)
    assert not list(Path("workspace/operator").glob(".spark-*"))


def test_without_spark_it_says_what_is_needed(own_operator: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(spark, "missing_requirement", lambda: "pyspark")
    night = called("score", "--as-of", "2026-11-02", "--engine", "spark", "--lang", "en")
    assert night.exit_code == 7
    assert "E713" in night.stderr and "headwater[spark]" in night.stderr


def test_there_are_two_engines():
    assert called("score", "--engine", "polars").exit_code == 2
