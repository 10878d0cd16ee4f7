"""What is said of a night before, read from its journal; slow only by importing Prefect."""

import json
import logging

import pytest

from pipelines.flows import nightly
from pipelines.workspace.paths import Workspace


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    return Workspace.open(tmp_path, "town")


@pytest.mark.slow
def test_the_newest_facts_of_each_step_count_and_lines_that_are_cut_off_do_not(workspace):
    from pipelines.flows.prefect_artifacts import recorded_facts

    steps = workspace.runs / "abc" / "steps.jsonl"
    steps.parent.mkdir()
    lines = [{"step": "score", "scored": 1}, {"step": "lists", "listed": {"vip": 4}}, {"step": "score", "scored": 2}]
    steps.write_text("\n".join(map(json.dumps, lines)) + '\n[1]\n"x"\n{"step": "sco', encoding="utf-8")
    found = recorded_facts(workspace, "abc")
    assert found["score"]["scored"] == 2 and found["lists"]["listed"] == {"vip": 4}
    assert recorded_facts(workspace, "other") == recorded_facts(workspace, "") == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("now", "before", "change"),
    [(110, 100, "+10.0%"), (90, 100, "-10.0%"), (0, 100, "-100.0%"), (5, None, "—"), (5, 0, "—")],
)
def test_a_change_is_told_against_what_was(now, before, change):
    from pipelines.flows.prefect_artifacts import _change

    assert _change(now, before) == change


@pytest.mark.slow
def test_a_traceback_is_left_out_where_the_state_has_said_it(caplog, monkeypatch):
    from prefect.exceptions import FailedRun

    from pipelines.flows.prefect_tasks import log_failures_once

    log_failures_once()
    logger = logging.getLogger("prefect.flow_runs")
    monkeypatch.setattr(logger, "handlers", [caplog.handler])
    monkeypatch.setattr(logger, "propagate", False)
    for error in (FailedRun("ERROR E401"), ValueError("a bug")):
        try:
            raise error
        except Exception:
            logger.error("engine", exc_info=True)
    assert "a bug" in caplog.text and "E401" not in caplog.text


def test_stages_stand_in_the_order_in_which_they_run():
    before = ["check", "features", "score", "gates", "outcomes"]
    assert list(nightly.stages()) == [*before, "publish", "lists", "report"]
    assert list(nightly.stages(lists=False)) == [*before, "publish", "close"]
    assert list(nightly.stages(dry_run=True)) == before


@pytest.mark.slow
def test_alarms_and_promises_of_the_monitor_are_rows_and_their_end_is_one_too():
    from pipelines.flows.prefect_artifacts import alarm_rows, promise_rows
    from tests.pipelines.flows.test_monitor import found

    assert [row["code"] for row in alarm_rows(found(), "en")] == ["W572", "W573", "W574", "W575"]
    (over,) = alarm_rows(found(ages=()), "en")
    assert over["code"] == "—" and over["what"].startswith("Nothing")
    rows = promise_rows(found())
    json.dumps(rows, allow_nan=False)
    assert [row["low"] for row in rows if row["target"] == "value"] == [None]
    assert [row["broken"] for row in rows] == [True, False, False, True] and rows[0]["observed"] == 75
