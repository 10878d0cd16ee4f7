"""What has run lately, on the report: the same rows in both languages, the night that writes it told as that."""

import dataclasses
from datetime import UTC, datetime

import pytest

from pipelines.delivery import report_runs
from pipelines.delivery.report import render
from pipelines.delivery.report_data import Page
from pipelines.workspace.history import Call
from tests.scores_sample import sample_calls, sample_report

DATA = sample_report(60)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_run_is_a_row_with_what_became_of_it(lang):
    rows = report_runs.rows(Page(DATA, lang))
    assert [row["id"] for row in rows] == [call.id for call in sample_calls()] and len(rows) == 14
    own, failed, killed = rows[:3]
    assert own["took"] == killed["took"] == "–" and not own["is_failed"] and killed["is_failed"]
    assert failed["error"] == "E401" and failed["is_failed"]
    assert own["outcome"] == Page(DATA, lang).say("runs_own")


def test_another_run_that_runs_is_told_as_running():
    """A training may run beside `headwater report`; only what makes this night writes this page."""
    call = Call("a", {"command": "train", "started": datetime(2026, 11, 1, tzinfo=UTC).isoformat()}, "running")
    data = dataclasses.replace(DATA, recent=[call])
    (row,) = report_runs.rows(Page(data, "en"))
    assert row["outcome"] == "running" and row["as_of"] == "–"


def test_the_section_is_there_and_left_out_where_nothing_is_on_record():
    with_runs, without = render(DATA, "en"), render(dataclasses.replace(DATA, recent=()), "en")
    assert 'href="#en-runs"' in with_runs and 'id="zh-runs"' in with_runs and "list churn" in with_runs
    assert "en-runs" not in without


def test_a_command_is_text_and_no_markup():
    call = dataclasses.replace(sample_calls()[1], head={"command": "<b>x</b>", "started": "2026-11-01T00:00:00+00:00"})
    assert "<b>x</b>" not in render(dataclasses.replace(DATA, recent=[call]), "en")
