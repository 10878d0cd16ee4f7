"""Messages arrive at every kind of receiver, word for word; what is refused is known, and no secret is told."""

import hashlib
import hmac
import socket
from base64 import b64encode
from typing import Any

import pytest

from features.errors import HeadwaterError
from pipelines.config.notices import Receiver
from pipelines.notification import receivers
from pipelines.notification.receivers import Undelivered
from pipelines.workspace.incidents import Message
from tests.pipelines.notification.listeners import Mails, Posts

MESSAGE = Message("Headwater 甲 · 2026-11-01: nightly failed", "cause: 没有文件 & <b>\nfix: deliver it", "failure")
SEVERAL = ("dingtalk", "wecombot", "feishu", "slack", "json", "mailto")


def send(monkeypatch: pytest.MonkeyPatch, url: str, message: Message = MESSAGE) -> str:
    monkeypatch.setenv("HEADWATER_NOTIFY_OPS", url)
    return receivers.send(Receiver(url="${HEADWATER_NOTIFY_OPS}"), message)


def said(kind: str, content: Any) -> str:
    """What people read of a post, by the receiver's own documentation."""
    if kind in ("dingtalk", "wecombot"):
        assert content["msgtype"] == "text"
        return content["text"]["content"]
    if kind == "feishu":
        assert content["msg_type"] == "text"
        return content["content"]["text"]
    if kind == "json":
        assert content["type"] == "failure"
        return content["title"] + content["message"]
    return str(content)


@pytest.mark.parametrize("kind", ["dingtalk", "wecombot", "feishu", "json"])
def test_a_message_arrives_word_for_word(kind, urls, posts: Posts, monkeypatch):
    posts.answer = b'{"code": 0, "msg": "success"}' if kind == "feishu" else posts.answer
    assert send(monkeypatch, urls[kind]) == kind
    ((_, _, content),) = posts.taken
    assert MESSAGE.title in said(kind, content) and MESSAGE.body in said(kind, content)


def test_slack_gets_the_words_as_it_wants_them(urls, posts: Posts, monkeypatch):
    posts.answer = b"ok"
    assert send(monkeypatch, urls["slack"]) == "slack"
    ((path, _, content),) = posts.taken
    assert path == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    (part,) = content["attachments"]
    assert part["title"] == MESSAGE.title
    assert part["text"] == MESSAGE.body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert "github" not in str(content), "nothing of another house in it"


def test_a_mail_arrives_word_for_word(urls, mails: Mails, monkeypatch):
    send(monkeypatch, urls["mailto"])
    (mail,) = mails.taken
    assert mail["subject"] == MESSAGE.title and mail["to"] == "ops@example.com"
    body = mail.get_body(("plain", "html")).get_content()
    assert "没有文件" in body and "<b>" not in mail.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    ("kind", "answer", "why"),
    [
        ("dingtalk", b'{"errcode": 310000, "errmsg": "keywords not in content"}', "310000"),
        ("wecombot", b'{"errcode": 93000, "errmsg": "invalid webhook url"}', "invalid webhook url"),
        ("feishu", b'{"code": 19021, "msg": "sign match fail or timestamp is not within one hour"}', "sign match fail"),
        ("dingtalk", b"<html>a page of a proxy</html>", "page of a proxy"),
        ("slack", b"invalid_token", "?"),
    ],
)
def test_a_refusal_with_status_200_is_no_delivery(kind, answer, why, urls, posts: Posts, monkeypatch):
    posts.answer, posts.status = answer, 403 if kind == "slack" else 200
    with pytest.raises(Undelivered) as refused:
        send(monkeypatch, urls[kind])
    assert why in str(refused.value) or kind == "slack"
    assert posts.taken


@pytest.mark.parametrize("kind", SEVERAL)
def test_who_does_not_answer_has_taken_nothing_and_no_secret_is_told(kind, urls, posts: Posts, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nobody = f"http://127.0.0.1:{port}"
    monkeypatch.setattr(receivers.DingTalk, "notify_url", nobody + "/send?access_token={token}")
    monkeypatch.setattr(receivers.WeCom, "notify_url", nobody + "/send?key={key}")
    monkeypatch.setattr(receivers.Feishu, "notify_url", nobody + "/{token}/")
    monkeypatch.setattr("apprise.plugins.slack.NotifySlack.webhook_url", nobody)
    url = urls[kind].replace(posts.url.partition("://")[2], f"127.0.0.1:{port}")
    url = f"mailto://me:geheim@127.0.0.1:{port}?from=a@example.com&to=b@example.com" if kind == "mailto" else url
    with pytest.raises(Undelivered) as refused:
        send(monkeypatch, url)
    assert str(refused.value) not in ("", "?")
    assert not any(secret in str(refused.value) for secret in (url, "geheim", "d" * 64, "693axxx6", "TIiajk"))


@pytest.mark.parametrize("kind", ["dingtalk", "wecombot", "feishu"])
def test_a_robot_that_repeats_its_key_tells_nobody_of_it(kind, posts: Posts, monkeypatch):
    key = "0f" * 32
    posts.answer = f'{{"errcode": 1, "code": 1, "errmsg": "no robot {key}", "msg": "no robot {key}"}}'.encode()
    with pytest.raises(Undelivered) as refused:
        send(monkeypatch, f"{kind}://{key}")
    assert "no robot ***" in str(refused.value) and key not in str(refused.value)


def test_a_signature_of_dingtalk_goes_out_once_encoded(posts: Posts, monkeypatch):
    send(monkeypatch, "dingtalk://SECabc@" + "d" * 64)
    ((_, query, _),) = posts.taken
    (moment,), (sign,) = query["timestamp"], query["sign"]
    expected = hmac.new(b"SECabc", f"{moment}\nSECabc".encode(), hashlib.sha256).digest()
    assert sign == b64encode(expected).decode()


def test_a_signature_of_feishu(posts: Posts, monkeypatch):
    posts.answer = b'{"code": 0}'
    send(monkeypatch, "feishu://abcdefgh-1234?secret=geheim")
    ((_, _, content),) = posts.taken
    expected = hmac.new(f"{content['timestamp']}\ngeheim".encode(), b"", hashlib.sha256).digest()
    assert content["sign"] == b64encode(expected).decode()


def test_wecom_takes_no_more_than_2048_bytes(urls, posts: Posts, monkeypatch):
    send(monkeypatch, urls["wecombot"], Message("标题", "字" * 3000, "failure"))
    ((_, _, content),) = posts.taken
    assert 1_900 < len(content["text"]["content"].encode()) <= 2_048


@pytest.mark.parametrize("url", ["nothing", "nobody://here", "dingtalk://", "mailto://"])
def test_an_address_that_is_none_is_told(url, monkeypatch):
    with pytest.raises(Undelivered):
        send(monkeypatch, url)


def test_a_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("HEADWATER_NOTIFY_OPS", raising=False)
    with pytest.raises(HeadwaterError) as error:
        receivers.send(Receiver(url="${HEADWATER_NOTIFY_OPS}"), MESSAGE)
    assert (error.value.problem.code, error.value.problem.values["name"]) == ("E224", "HEADWATER_NOTIFY_OPS")
