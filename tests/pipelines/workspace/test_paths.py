"""The folder of a project: a plain name, the published dates, and paths as people type them."""

from datetime import date
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.workspace.paths import Workspace, relative_path


@pytest.mark.parametrize("name", ["", "..", "../out", "a/b", "-x", "x" * 65, "名"])
def test_a_project_name_is_a_plain_file_name(tmp_path, name):
    with pytest.raises(HeadwaterError) as error:
        Workspace.open(tmp_path, name)
    assert error.value.exit_code == 2


def test_published_dates_are_those_with_a_file_oldest_first(tmp_path):
    workspace = Workspace.open(tmp_path, "operator")
    for name in ("2026-11-01.parquet", "2026-10-01.parquet", ".2026-12-01.parquet.tmp", "notes.txt"):
        (workspace.scores / name).touch()
    assert workspace.published_dates() == [date(2026, 10, 1), date(2026, 11, 1)]


def test_readers_see_the_date_that_latest_names(tmp_path):
    workspace = Workspace.open(tmp_path, "operator")
    assert workspace.serving_date() is None
    workspace.score_file(date(2026, 11, 1)).touch()
    workspace.latest.symlink_to(workspace.score_file(date(2026, 11, 1)))
    assert workspace.serving_date() == date(2026, 11, 1)


def test_a_path_is_relative_where_it_lies_below(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert relative_path(tmp_path / "lists" / "a.csv") == str(Path("lists", "a.csv"))
    assert relative_path(Path("/nowhere/a.csv")) == "/nowhere/a.csv"
