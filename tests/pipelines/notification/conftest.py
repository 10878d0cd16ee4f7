"""Receivers of every kind that listen on this machine."""

from collections.abc import Iterator

import pytest
from apprise.plugins.slack import NotifySlack

from pipelines.notification import receivers
from tests.pipelines.notification import listeners
from tests.pipelines.notification.listeners import Mails, Posts

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Posts]:
    """A web server that stands for DingTalk, WeCom, Feishu and Slack, and is a webhook itself."""
    with listeners.web() as posts:
        monkeypatch.setattr(receivers.DingTalk, "notify_url", posts.url + "/robot/send?access_token={token}")
        monkeypatch.setattr(receivers.WeCom, "notify_url", posts.url + "/cgi-bin/webhook/send?key={key}")
        monkeypatch.setattr(receivers.Feishu, "notify_url", posts.url + "/open-apis/bot/v2/hook/{token}/")
        monkeypatch.setattr(NotifySlack, "webhook_url", posts.url + "/services")
        yield posts


@pytest.fixture
def mails() -> Iterator[Mails]:
    """A mail server."""
    with listeners.mail() as mails:
        yield mails


@pytest.fixture
def urls(posts: Posts, mails: Mails) -> dict[str, str]:
    """Kind of receiver -> an address of Apprise that leads to this machine."""
    return {
        "dingtalk": "dingtalk://" + "d" * 64,
        "wecombot": "wecombot://693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa",
        "feishu": "feishu://abcdefgh-1234",
        "slack": SLACK,
        "json": posts.url.replace("http", "json") + "/hook",
        "mailto": f"mailto://127.0.0.1:{mails.port}?from=night@example.com&to=ops@example.com",
    }
