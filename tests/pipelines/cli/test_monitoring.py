"""`headwater monitor` tells whom `notify:` names: once, of the newest night, and of nothing that is past."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.flows import monitor
from pipelines.workspace.paths import Workspace
from tests.demo_project import ROOT
from tests.pipelines.cli.calls import call, document
from tests.pipelines.flows.test_monitor import found
from tests.pipelines.notification import listeners
from tests.pipelines.notification.listeners import Posts


@pytest.fixture
def posts():
    with listeners.web() as posts:
        yield posts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, posts: Posts) -> Path:
    """A project without data that tells one webhook; what the monitor finds is given."""
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "mappings").symlink_to(ROOT / "configs" / "mappings")
    (tmp_path / "configs" / "playbook.yaml").symlink_to(ROOT / "configs" / "playbook.yaml")
    text = (ROOT / "configs" / "operator.yaml").read_text(encoding="utf-8")
    receivers = 'notify: {receivers: {ops: "${HEADWATER_NOTIFY_OPS}"}}\n'
    (tmp_path / "configs" / "operator.yaml").write_text(text + receivers, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADWATER_NOTIFY_OPS", posts.url.replace("http", "json"))
    monkeypatch.setattr(monitor, "monitor", lambda *_: found())
    monkeypatch.setattr(Workspace, "serving_date", lambda _: date(2026, 11, 1))
    return tmp_path


def types(posts: Posts) -> list[str]:
    return [content["type"] for _, _, content in posts.taken]


@pytest.mark.slow
def test_what_the_monitor_finds_is_told_once_and_its_end_once(folder, posts, monkeypatch):
    for _ in range(2):
        told = document("monitor")
    assert told["warnings"] == ["W572", "W573", "W574", "W575"] and Path(told["outputs"][0]).is_file()
    assert types(posts) == ["warning"]
    message = posts.taken[0][2]["message"]
    assert all(code in message for code in told["warnings"])
    monkeypatch.setattr(monitor, "monitor", lambda *_: replace(found(), problems=[]))
    for _ in range(2):
        call("monitor")
    assert types(posts) == ["warning", "success"]


@pytest.mark.parametrize("asked", [("--since", "2026-10-01"), ("--as-of", "2026-10-31")])
def test_a_look_at_what_is_past_tells_nobody_and_ends_nothing(folder, posts, monkeypatch, asked):
    call("monitor")
    monkeypatch.setattr(monitor, "monitor", lambda *_: replace(found(), problems=[]))
    call("monitor", *asked)
    monkeypatch.setattr(monitor, "monitor", refuse)
    call("monitor", *asked, code=4)
    assert types(posts) == ["warning"]


def test_a_monitor_that_fails_is_told_with_its_stage_and_its_end(folder, posts, monkeypatch):
    monkeypatch.setattr(monitor, "monitor", refuse)
    call("monitor", code=4)
    monkeypatch.setattr(monitor, "monitor", lambda *_: replace(found(), problems=[]))
    call("monitor")
    assert types(posts) == ["failure", "success"]
    assert "E431" in posts.taken[0][2]["message"] and "监控" in posts.taken[0][2]["message"]


def refuse(*_: object) -> None:
    raise HeadwaterError("E431", as_of="2026-11-01")
