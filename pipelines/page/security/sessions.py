"""Who is logged in: random tokens of which the server keeps digests. Nothing stands in the cookie that could be altered,
and logging out, a removed account or a restart end a session for good."""

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pipelines.page.security.accounts import Account, Accounts

LONGEST, IDLE = 12 * 3600.0, 3600.0
"""Seconds that a session lasts at most, and without a request."""
MOST = 1_000
"""Sessions at a time; the one that was idle longest goes."""


@dataclass(frozen=True)
class Session:
    """Somebody who is logged in.

    Attributes
    ----------
    account
        As it is now.
    csrf
        What every form of this session carries.
    begun, seen
        Seconds of the monotonic clock.
    """

    account: Account
    csrf: str
    begun: float
    seen: float


class Sessions:
    """All sessions of one server."""

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic):
        self._accounts, self._clock = accounts, clock
        self._open: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, account: Account) -> str:
        """Open a session; gives its token, which nobody can guess."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._open[_key(token)] = Session(account, secrets.token_urlsafe(32), now, now)
            while len(self._open) > MOST:
                del self._open[min(self._open, key=lambda key: self._open[key].seen)]
        return token

    def find(self, token: str | None) -> Session | None:
        """The session of a token, unless it is over or its account has changed."""
        key, now = _key(token or ""), self._clock()
        with self._lock:
            session = self._open.get(key)
            if session is None:
                return None
            account = self._accounts.all().get(session.account.name)
            if now - session.begun > LONGEST or now - session.seen > IDLE or account != session.account:
                del self._open[key]
                return None
            self._open[key] = replace(session, seen=now)
            return self._open[key]

    def end(self, token: str | None) -> None:
        """Close a session; one that is none does nothing."""
        with self._lock:
            self._open.pop(_key(token or ""), None)


def _key(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
