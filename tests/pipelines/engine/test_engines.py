"""Which engine a configuration asks for; and a night gives back what it made in the connection."""

import sys

import pytest

from features.errors import HeadwaterError
from pipelines.config.settings import Settings
from pipelines.engine import spark
from pipelines.engine.engines import DuckDbEngine, engine
from pipelines.flows import nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace.progress import Steps
from tests.demo_project import NIGHT


def test_duckdb_is_the_default_and_spark_is_not_imported_for_it():
    assert isinstance(engine(Settings()), DuckDbEngine)


def test_spark_is_refused_before_any_work_where_it_cannot_run(monkeypatch):
    monkeypatch.setattr(spark, "missing_requirement", lambda: "java")
    before = set(sys.modules)
    with pytest.raises(HeadwaterError, match="E713"):
        engine(Settings(engine="spark"))
    assert "pipelines.engine.spark_scoring" not in set(sys.modules) - before


def test_nothing_of_a_night_stays_in_the_connection(own_operator):
    """A process that runs night after night would fill its memory with tables of everybody."""
    project = Project.open("configs/operator.yaml")
    night = nightly.run(Night(project, NIGHT.replace(month=10), Steps(quiet=True)), dry_run=True)
    assert night.scoring.summary.facts()["customers"] > 1_000
    schemas = project.connection.raw_sql("SELECT schema_name FROM information_schema.schemata").fetchall()
    assert not [name for (name,) in schemas if name.startswith("work_")]
