"""The journal of a run: one line per step, a record of its outcome, and an id made of what could change it."""

import errno
import json
import os
from pathlib import Path

import pytest

from pipelines.workspace import journal
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.open(tmp_path, "operator")


def lines(workspace: Workspace, run_id: str) -> list[dict]:
    path = workspace.runs / run_id / "steps.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_run_id_follows_its_parts_and_not_their_order():
    one = journal.run_id(as_of="2026-11-01", models={"churn": "a", "vip": "b"})
    assert one == journal.run_id(models={"vip": "b", "churn": "a"}, as_of="2026-11-01")
    assert one != journal.run_id(as_of="2026-11-01", models={"churn": "a", "vip": "c"})
    assert len(one) == 12


def test_a_step_is_a_line_with_its_facts(workspace):
    facts: dict = {}
    with Journal.open(workspace, "a").step("check", facts):
        facts["rows"] = 7
    (line,) = lines(workspace, "a")
    assert (line["step"], line["rows"]) == ("check", 7) and line["seconds"] >= 0


def test_a_step_that_fails_says_why(workspace):
    with pytest.raises(ValueError), Journal.open(workspace, "a").step("check", {"rows": 7}):
        raise ValueError("no such table")
    (line,) = lines(workspace, "a")
    assert (line["failed"], line["why"], line["rows"]) == ("ValueError", "no such table", 7)


def test_a_step_whose_line_the_disk_refuses_is_done_all_the_same(workspace, monkeypatch):
    """A night that is published must not end as failed because nothing more can be written."""
    run = Journal.open(workspace, "a")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with run.step("publish", {}):
        pass


def test_lines_that_were_not_written_whole_are_no_steps(workspace):
    run = Journal.open(workspace, "a")
    with run.step("check", {}):
        pass
    with (run.folder / journal.STEPS).open("a") as file:
        file.write('{"step": "sco')
    assert [step["step"] for step in journal.read_steps(run.folder)] == ["check"]
    assert journal.read_steps(workspace.runs / "nothing") == []


def test_a_record_is_begun_and_added_to(workspace):
    run = Journal.open(workspace, "a")
    run.record(outcome="publishing", sha256="1")
    run.add(outcome="published")
    assert journal.read_record(run.folder / journal.RECORD) == {"outcome": "published", "sha256": "1"}
    run.record(outcome="publishing")
    assert journal.read_record(run.folder / journal.RECORD) == {"outcome": "publishing"}


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff\xfe"])
def test_what_is_no_record_is_none(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    assert journal.read_record(path) is None


def test_history_is_newest_first_and_names_what_cannot_be_read(workspace):
    for run_id, as_of in (("a", "2026-10-01"), ("b", "2026-11-01")):
        Journal.open(workspace, run_id).record(as_of=as_of)
    (Journal.open(workspace, "c").folder / journal.RECORD).write_text("{")
    assert [record["run_id"] for record in journal.history(workspace)] == ["c", "b", "a"]
    assert journal.history(workspace)[0] == {"run_id": "c"}
