"""The object that notebooks begin with."""

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features.errors import HeadwaterError
from pipelines import Project
from tests.demo_project import NIGHT, configure
from tests.raw import Raw


@pytest.fixture
def project(own_operator) -> Project:
    return Project.open("configs/operator.yaml")


def test_the_date_is_the_one_asked_for_or_the_projects_own(project):
    assert project.day() == NIGHT
    assert project.day("2026-09-01") == project.day(date(2026, 9, 1)) == date(2026, 9, 1)


def test_nobody_but_a_command_reads_the_clock(own_operator):
    timeless = Project.open("configs/cdnow.yaml")
    timeless.settings = timeless.settings.model_copy(update={"as_of": None})
    with pytest.raises(ValueError, match="as_of is needed"):
        timeless.day()


def test_the_usability_table_adds_up(project):
    found = project.check()
    assert (found["in"] == found["used"] + found["quarantined"] + found["duplicates"]).all()
    assert found.loc["customers", "in"] > 2_000
    assert pd.isna(found.loc["customers", "newest"])
    assert found.loc["bills", "newest"] < pd.Timestamp(NIGHT)
    assert "<table" in found._repr_html_()


def test_a_second_look_reads_no_file(project):
    shutil.rmtree(project.workspace.root / "tables")
    first, again = project.tables(NIGHT).files, project.tables(NIGHT).files
    assert first["read"] > 0
    assert again == {"read": 0, "known": first["read"] + first["known"]}


def test_an_old_extract_is_judged_as_of_its_newest_row(tmp_path, monkeypatch):
    """A year later everything in it is old, and nothing is wrong with it."""
    monkeypatch.chdir(tmp_path)
    raw = Raw(tmp_path)
    raw.mapping["tables"]["bills"]["freshness"] = {"error_after": "10d"}
    raw.write()
    Path("config.yaml").write_text("name: tiny\nmapping: mapping.yaml\n")
    project = Project.open("config.yaml")
    with pytest.raises(HeadwaterError, match="E402"):
        project.tables(date(2027, 3, 1))
    tables, as_of = project.newest_tables(date(2027, 3, 1))
    assert as_of == date(2026, 3, 7)  # bills of February were known on the 6th of March
    assert tables.counts["bills"].used == 200
    assert project.newest_tables(date(2026, 2, 8))[1] == date(2026, 2, 8)


def test_the_demo_is_made_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configure(tmp_path)
    made = Project.demo(customers=300, seed=3)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")}
    assert len(files) > 3
    assert made.settings.name == "operator"
    Project.demo(customers=300, seed=3)
    assert files == {path: path.stat().st_mtime_ns for path in (tmp_path / "data").rglob("*.parquet")}


def test_no_progress_bar_is_drawn_into_the_output(project):
    assert project.connection.raw_sql("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)


def test_opening_a_project_loads_nothing_that_learns_tracks_or_draws():
    """Each of these takes longer to load than most commands take for their work."""
    heavy = "{'sklearn', 'lightgbm', 'mlflow', 'prefect', 'matplotlib', 'pyspark'}"
    asked = f"import sys, pipelines.project; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
