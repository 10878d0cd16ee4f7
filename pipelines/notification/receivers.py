"""Messages go out through Apprise; what a receiver refuses is known by its reason.

DingTalk, WeCom and Feishu answer a message that they refuse with status 200 and a number in the body, which Apprise takes
for delivered; these three are posted here, with Apprise's own addresses.
"""

import base64
import hashlib
import hmac
import logging
import re
import time
from typing import Any

import apprise
import requests
from apprise.plugins import url_to_dict
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.wecombot import NotifyWeComBot

from pipelines.config.credentials import resolved, without
from pipelines.config.notices import Receiver
from pipelines.workspace.incidents import Message

ASSET = apprise.AppriseAsset(
    app_id="Headwater",
    app_desc="Headwater",
    app_url="",
    image_url_mask="",
    image_url_logo="",
    async_mode=False,
    http_redirects=False,
)
"""No pictures from elsewhere, nothing that follows to another host."""
WECOM_BYTES = 2_000
"""WeCom takes 2,048 bytes of text."""
LONGEST_REASON = 300
SHORTEST_TOKEN = 12


class Undelivered(Exception):
    """A receiver did not take a message; its text says why, and no secret."""


class DingTalk(NotifyDingTalk):
    """DingTalk's robot; a signature goes out as it is, and not encoded twice."""

    def send(self, body: str, title: str = "", notify_type: Any = None, **kwargs: Any) -> bool:
        """True where DingTalk says that it has taken the message."""
        signed = {}
        if self.secret:
            moment = str(round(time.time() * 1000))
            signed = {"timestamp": moment, "sign": signature(self.secret.encode(), f"{moment}\n{self.secret}".encode())}
        payload = {"msgtype": "text", "text": {"content": body}, "at": {"atMobiles": self.targets, "isAtAll": False}}
        return _post(self, self.notify_url.format(token=self.token), payload, signed)


class WeCom(NotifyWeComBot):
    """WeCom's group robot."""

    def send(self, body: str, title: str = "", notify_type: Any = None, **kwargs: Any) -> bool:
        """True where WeCom says that it has taken the message, cut where it takes no more."""
        text = body.encode()[:WECOM_BYTES].decode(errors="ignore")
        return _post(self, self.api_url, {"msgtype": "text", "text": {"content": text}}, {})


class Feishu(NotifyFeishu):
    """Feishu's robot, also one that asks for a signature (`?secret=` in the address)."""

    def __init__(self, **parts: Any):
        super().__init__(**parts)
        self.secret = (parts.get("qsd") or {}).get("secret")

    def send(self, body: str, title: str = "", notify_type: Any = None, **kwargs: Any) -> bool:
        """True where Feishu says that it has taken the message."""
        payload: dict[str, Any] = {"msg_type": "text", "content": {"text": body}}
        if self.secret:
            moment = str(round(time.time()))
            payload |= {"timestamp": moment, "sign": signature(f"{moment}\n{self.secret}".encode(), b"")}
        return _post(self, self.notify_url.format(token=self.token), payload, {})


OURS: dict[type, type] = {NotifyDingTalk: DingTalk, NotifyWeComBot: WeCom, NotifyFeishu: Feishu}


def signature(key: bytes, message: bytes) -> str:
    """HMAC-SHA256 in base64, as the robots of DingTalk and Feishu ask for it."""
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _post(robot: Any, url: str, payload: dict[str, Any], params: dict[str, str]) -> bool:
    """Post to a robot that answers every message with status 200; only the number 0 in its answer is a yes."""
    options = {"timeout": robot.request_timeout, "verify": robot.verify_certificate, "allow_redirects": False}
    try:
        answer = requests.post(url, json=payload, params=params, **options)
    except requests.RequestException as error:
        robot.logger.warning("%s", type(error).__name__)
        return False
    number, why = _answered(answer)
    if not answer.ok or number != 0:
        robot.logger.warning("status %s, %s: %s", answer.status_code, number, why)
    return answer.ok and number == 0


def _answered(answer: requests.Response) -> tuple[Any, str]:
    """The number and the words of a robot's answer; None where it has no number, as a page of a proxy has none."""
    try:
        said = answer.json()
        number = next((said[name] for name in ("errcode", "code", "StatusCode") if name in said), None)
        return number, str(said.get("errmsg") or said.get("msg") or said.get("StatusMessage") or "")
    except (ValueError, AttributeError, TypeError):
        return None, answer.text[:100]


def send(receiver: Receiver, message: Message) -> str:
    """Hand one message to a receiver.

    Returns
    -------
    str
        What kind of receiver took it.

    Raises
    ------
    Undelivered
        With the reason; the secrets of its address are masked.
    HeadwaterError
        E224 where the environment lacks what the address refers to.
    """
    url, secrets = resolved(receiver.url)
    parts: dict[str, Any] = {}
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as said:
        try:
            parts = url_to_dict(url) or {}
            delivered = bool(parts) and _delivered(parts, message)
        except (TypeError, ValueError, OSError) as error:  # what a plugin raises for an address that is none
            delivered, reason = False, str(error)
        else:
            reason = said.getvalue()
    if not delivered:
        words = " ".join(reason.split()) or "?"
        raise Undelivered(without(words, (*secrets, *_tokens(url)))[:LONGEST_REASON])
    return str(parts["schema"])


def _tokens(url: str) -> list[str]:
    """The parts of an address that are as good as a password though nothing calls them so: long, and no name of a host."""
    parts = re.split(r"[:/@?&=]+", url)
    return sorted((part for part in parts if len(part) >= SHORTEST_TOKEN and "." not in part), key=len, reverse=True)


def _delivered(parts: dict[str, Any], message: Message) -> bool:
    plugin = apprise.NotificationManager()[parts["schema"]]
    service = OURS.get(plugin, plugin)(**parts, asset=ASSET)
    teller = apprise.Apprise(asset=ASSET)
    teller.add(service)
    kind = apprise.NotifyType(message.severity)
    text = apprise.NotifyFormat.TEXT
    return bool(teller.notify(message.body, message.title, notify_type=kind, body_format=text))
