"""`headwater backfill`: which dates are meant, the table of all of them, and the exit code of the first that failed."""

from datetime import date
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.cli.backfills import days
from pipelines.flows import backfill
from pipelines.flows.backfill import BackfilledNight
from pipelines.workspace.lock import exclusive
from pipelines.workspace.paths import Workspace
from tests.demo_project import ROOT
from tests.pipelines.cli.calls import call, document, stderr
from tests.pipelines.notification import listeners


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace of the shipped configuration."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("HEADWATER_WORKSPACE", str(tmp_path))
    return Workspace.open(tmp_path, "operator")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The dates that were asked for; of each second the gate refuses, and the fourth finds no disk."""
    asked: list[date] = []

    def run(_, dates, __):
        asked.extend(dates)
        for place, day in enumerate(dates, start=1):
            error = {2: HeadwaterError("E502"), 4: HeadwaterError("E703", file="x")}.get(place)
            yield BackfilledNight(
                day, "failed" if error else "already" if place == 1 else "published", 2.0, 5, "a", error
            )
            if place == 4:
                return

    monkeypatch.setattr(backfill, "run", run)
    return asked


def test_dates_are_a_range_or_the_last_ones_up_to_the_date_of_the_project(made):
    document("backfill", "--from", "2026-02-27", "--to", "2026-03-01", code=5)
    assert made == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    made.clear()
    document("backfill", "--last", "1")
    assert made == [date(2026, 11, 1)], "as_of of the shipped configuration"
    assert days(date(2026, 1, 1), date(2026, 1, 1)) == [date(2026, 1, 1)]


@pytest.mark.parametrize(
    "words", [[], ["--from", "2026-01-01"], ["--to", "2026-01-01"], ["--last", "2", "--to", "2026-01-01"]]
)
def test_dates_that_are_not_clear_are_exit_2(words):
    assert "E296" in stderr("backfill", *words, code=2)


def test_the_last_before_the_first_is_exit_2():
    assert "E295" in stderr("backfill", "--from", "2026-01-02", "--to", "2026-01-01", code=2)


def test_all_dates_are_told_in_one_table_and_the_first_error_is_that_of_the_whole(made):
    told = document("backfill", "--from", "2026-10-01", "--to", "2026-10-05", code=5)
    assert [night["exit_code"] for night in told["nights"]] == [0, 5, 0, 7] and told["not_tried"] == ["2026-10-05"]
    assert told["summary"] == {"published": 1, "already": 1, "failed": 2, "left": 1}
    assert told["error"]["code"] == "E502"
    said = call("backfill", "--from", "2026-10-01", "--to", "2026-10-05", "--lang", "en", code=5)
    assert "1 published, 1 published already, 2 failed, 1 not tried; readers see —" in said and "E703" in said
    shown = document("runs", "list")["runs"][0]
    assert (shown["as_of"], shown["exit_code"], shown["outcome"]) == ("2026-10-01 … 2026-10-05", 5, "refused")
    assert shown["facts"]["nights"][3]["error"]["code"] == "E703"


def test_a_lock_that_is_held_is_told_before_any_date_is_tried(workspace, made):
    with exclusive(workspace, "test"):
        assert "E601" in stderr("backfill", "--last", "3", code=6)
    assert made == []


def test_a_backfill_tells_its_first_failure_once_and_ends_what_was_told_of_the_dates_that_it_made(
    workspace, made, monkeypatch
):
    """The night of the third date had failed by itself before; of its fourth, which no disk took, it stays told."""
    monkeypatch.setenv("HEADWATER_NOTIFY__RECEIVERS", "{ops: {url: '${HEADWATER_NOTIFY_OPS}'}}")
    with listeners.web() as posts:
        monkeypatch.setenv("HEADWATER_NOTIFY_OPS", posts.url.replace("http", "json"))
        for day in ("2026-10-03", "2026-10-04"):
            call("nightly", "--as-of", day, code=4)
        for _ in range(2):
            call("backfill", "--from", "2026-10-01", "--to", "2026-10-04", code=5)
        titles = [content["title"] for _, _, content in posts.taken]
        monkeypatch.setattr(
            backfill, "run", lambda *_: iter([BackfilledNight(date(2026, 10, 4), "published", 1.0, 5, "a")])
        )
        call("backfill", "--from", "2026-10-04", "--to", "2026-10-04")
    assert [(kind, title.split("：")[0][-10:]) for kind, title in zip(types(posts), titles, strict=False)] == [
        ("failure", "2026-10-03"),
        ("failure", "2026-10-04"),
        ("success", "2026-10-03"),
        ("failure", "2026-10-02"),
    ]
    assert types(posts)[4:] == ["success", "success"], "of the night of that date, and of the backfill"


def types(posts: listeners.Posts) -> list[str]:
    return [content["type"] for _, _, content in posts.taken]
