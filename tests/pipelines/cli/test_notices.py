"""`headwater late | notify test`: what is due is there or is told; messages arrive or it is said why not."""

import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from pipelines.workspace import journal
from pipelines.workspace.journal import Journal
from pipelines.workspace.paths import Workspace
from tests.demo_project import NIGHT, ROOT
from tests.pipelines.cli.calls import call, document, stderr
from tests.pipelines.notification import listeners
from tests.pipelines.notification.listeners import Posts

MORNING = datetime(2026, 11, 1, 7, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def posts():
    with listeners.web() as posts:
        yield posts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posts: Posts) -> Path:
    """A project without data that tells one webhook."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mappings").symlink_to(ROOT / "configs" / "mappings")
    (tmp_path / "configs" / "playbook.yaml").symlink_to(ROOT / "configs" / "playbook.yaml")
    text = (ROOT / "configs" / "operator.yaml").read_text(encoding="utf-8").replace("as_of: 2026-11-01", "")
    receivers = 'notify: {receivers: {ops: "${HEADWATER_NOTIFY_OPS}"}, by: "06:00"}\n'
    (tmp_path / "configs" / "operator.yaml").write_text(text + receivers, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_NOTIFY_OPS", posts.url.replace("http", "json"))
    return tmp_path


def titles(posts: Posts) -> list[str]:
    return [content["title"].partition("：")[2] for _, _, content in posts.taken]


def published(folder: Path, operator: Path, run_outcome: str | None = None) -> Workspace:
    """The scores of the small operator, as those of this project."""
    workspace = Workspace.open(folder / "workspace", "operator")
    source = Workspace.open(operator / "workspace", "operator")
    workspace.score_file(NIGHT).write_bytes(source.score_file(NIGHT).read_bytes())
    if run_outcome:
        (record,) = journal.history(source)
        Journal.open(workspace, record["run_id"]).record(outcome=run_outcome)
    return workspace


def test_what_is_late_is_exit_4_each_time_and_told_once(folder, posts):
    with time_machine.travel(MORNING, tick=False):
        found = document("late", code=4)
        assert (found["as_of"], found["late"], found["error"]["code"]) == ("2026-11-01", True, "E433")
        assert "E433" in stderr("late", "--by", "06:30", code=4)
        assert document("late", "--by", "07:30", code=4)["as_of"] == "2026-10-31"
    assert titles(posts) == ["超时，06:00 前仍未发布", "超时，07:30 前仍未发布"]


def test_what_is_there_is_silence_and_the_end_of_lateness(folder, posts, operator):
    with time_machine.travel(MORNING, tick=False):
        document("late", code=4)
        published(folder, operator)
        assert call("late") == "" and call("late") == ""
    assert titles(posts) == ["超时，06:00 前仍未发布", "late 已恢复"]


def test_scores_without_their_lists_are_late_too(folder, posts, operator):
    published(folder, operator, "publishing")
    with time_machine.travel(MORNING, tick=False):
        found = document("late", code=4)
    assert (found["error"]["code"], found["unfinished"]) == ("E434", True)
    assert "名单与报告尚未完成" in posts.taken[0][2]["message"]


def test_damaged_scores_are_none(folder, posts, operator):
    path = published(folder, operator).score_file(NIGHT)
    path.write_bytes(path.read_bytes()[:-9])
    with time_machine.travel(MORNING, tick=False):
        assert document("late", code=4)["error"]["code"] == "E433"


def test_a_later_publication_is_no_lateness(folder, posts, operator):
    published(folder, operator)
    with time_machine.travel(datetime(2026, 10, 31, 7, tzinfo=ZoneInfo("Asia/Shanghai")), tick=False):
        assert call("late") == ""


def test_an_hour_must_be_said(folder, monkeypatch):
    monkeypatch.setenv("HEADWATER_NOTIFY__BY", "null")
    assert document("late", code=2)["error"]["code"] == "E292"
    assert "no hour" in stderr("late", "--by", "6", code=2)


def test_a_night_that_fails_is_told_with_its_exit_code_as_it_was(folder, posts):
    assert document("nightly", "--as-of", "2026-11-01", code=4)["error"]["code"] == "E401"
    ((_, _, content),) = posts.taken
    assert content["type"] == "failure" and "退出码 4" in content["title"]
    assert "E401" in content["message"] and "阶段：检查" in content["message"]
    document("nightly", "--as-of", "2026-11-01", "--dry-run", code=4)
    document("nightly", "--as-of", "2026-11-01", code=4)
    assert len(posts.taken) == 1


def test_a_configuration_that_cannot_be_read_is_told_to_those_it_names(folder, posts):
    path = folder / "configs" / "operator.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "chunks: 5\n", encoding="utf-8")
    assert document("nightly", code=2)["error"]["code"] == "E203"
    assert titles(posts) == ["nightly 失败，退出码 2"]


def test_a_receiver_that_is_down_changes_no_exit_code(folder, posts, monkeypatch):
    monkeypatch.setenv("HEADWATER_NOTIFY_OPS", "json://127.0.0.1:1")
    found = document("nightly", "--as-of", "2026-11-01", code=4)
    assert found["error"]["code"] == "E401" and found["warnings"] == ["W717"]
    monkeypatch.delenv("HEADWATER_NOTIFY_OPS")
    found = document("retrain", "--as-of", "2026-11-01", code=4)
    assert found["warnings"] == ["W717"]
    monkeypatch.setenv("HEADWATER_NOTIFY_OPS", posts.url.replace("http", "json"))
    document("nightly", "--as-of", "2026-11-01", code=4)
    assert titles(posts) == ["nightly 失败，退出码 4", "retrain 失败，退出码 4"]


def test_a_workspace_that_cannot_be_written_changes_no_exit_code(folder, posts):
    workspace = Workspace.open(folder / "workspace", "operator")
    workspace.incidents.mkdir()
    found = document("nightly", "--as-of", "2026-11-01", code=4)
    assert found["error"]["code"] == "E401" and set(found["warnings"]) == {"W718"}
    assert len(posts.taken) == 1


def test_trying_out_says_what_came_of_it(folder, posts):
    found = document("notify", "test")
    assert found["receivers"] == [{"name": "ops", "kind": "json", "taken": True, "why": ""}]
    assert titles(posts) == ["测试消息"]
    posts.status = 500
    output = json.loads(call("notify", "test", "--json", code=7))
    assert output["error"]["code"] == "E717" and not output["receivers"][0]["taken"]


def test_trying_out_nobody_is_a_wrong_use(folder):
    path = folder / "configs" / "operator.yaml"
    path.write_text(path.read_text(encoding="utf-8").partition("notify:")[0], encoding="utf-8")
    assert document("notify", "test", code=2)["error"]["code"] == "E291"
