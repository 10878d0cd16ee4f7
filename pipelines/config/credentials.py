"""Connection strings without secrets: `${NAME}` stands for a variable of the environment, and messages show no value.

A mapping file, and everything that is written about it, holds the names only.
"""

import os
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote

from features.errors import HeadwaterError

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
USER = re.compile(r"^[\w+.-]+://([^:@/]*):(.*)@", re.DOTALL)
SECRET = re.compile(r"pass|pwd|secret|token|key|credential|auth", re.IGNORECASE)
HIDDEN = "***"


def resolved(template: str, environment: Mapping[str, str] | None = None) -> tuple[str, tuple[str, ...]]:
    """The URL that a connection string means, and every text in it that must not be shown.

    User, password and options are percent-encoded as a URL asks; a variable that holds the whole URL stays as it is.
    Raises E224 for a variable that is not set.
    """
    values = os.environ if environment is None else environment
    unset = next((name for name in REFERENCE.findall(template) if not values.get(name)), None)
    if unset is not None:
        raise HeadwaterError("E224", column="source.connection", name=unset)
    whole = REFERENCE.fullmatch(template)
    start, options = template.rfind("@"), template.find("?")

    def value(match: re.Match) -> str:
        secret = values[match[1]]
        encoded = not whole and (match.start() < start or 0 <= options < match.start())
        return quote(secret, safe="") if encoded else secret

    url = REFERENCE.sub(value, template)
    return url, _hidden(url, [values[name] for name in REFERENCE.findall(template)])


def _hidden(url: str, values: list[str]) -> tuple[str, ...]:
    """Longest first, so that no part of one is left when another is replaced."""
    secrets = {text for _, text in _secrets(url)} | set(values)
    spelled = secrets | {unquote(text) for text in secrets} | {quote(text, safe="") for text in secrets}
    return tuple(sorted(filter(None, spelled), key=len, reverse=True))


def _secrets(url: str) -> list[tuple[str, str]]:
    """(Name, text) of every secret written out in a URL: the password, and options that are called like one."""
    user = USER.match(url)
    secrets = [("password", user[2])] if user else []
    return secrets + [(name, text) for name, text in parse_qsl(url.partition("?")[2]) if SECRET.search(name)]


def written_out(template: str) -> str | None:
    """The name of a secret that stands in a connection string itself and not by reference; None when there is none."""
    return next((name for name, text in _secrets(template) if text and REFERENCE.sub("", text)), None)


def without(text: str, texts: tuple[str, ...]) -> str:
    """A message of a driver with every hidden text replaced."""
    for secret in texts:
        text = text.replace(secret, HIDDEN)
    return masked(text)


def masked(text: str) -> str:
    """Any text with the passwords of the URLs in it replaced."""
    text = re.sub(r"(://[^\s:@/]*):\S*@", rf"\1:{HIDDEN}@", text)
    return re.sub(rf"([?&;]\w*(?:{SECRET.pattern})\w*)=[^&\s;]*", rf"\1={HIDDEN}", text, flags=re.IGNORECASE)
