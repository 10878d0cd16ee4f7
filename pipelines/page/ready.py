"""A night is made ready before it is shown: every page is made once in both languages, so that nobody waits for its figures."""

import logging
import threading
from collections.abc import Callable, Iterator

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from features.errors import HeadwaterError
from pipelines.page import short_names
from pipelines.page.night import Night
from pipelines.page.served import Served
from pipelines.page.visit import Refused, Visit
from pipelines.wording.texts import LANGUAGES

_log = logging.getLogger("headwater")
EVERY = 2.0
"""Seconds between two looks for another publication."""


class Follower:
    """Looks for another publication every two seconds, in a thread of its own, and makes it ready before it is shown.

    Used in a `with` statement: from then on no request opens a night, but for the very first one.
    """

    def __init__(self, served: Served, every: float = EVERY):
        self._served, self._every, self._over = served, every, threading.Event()
        self._thread = threading.Thread(target=self._follow, name="nights", daemon=True)

    def __enter__(self) -> "Follower":
        self._served.nights.following = True
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._served.nights.following = False
        self._over.set()

    def _follow(self) -> None:
        is_first = True
        while not self._over.is_set():
            try:
                self._served.nights.renew(lambda night: prepare(self._served, night, self._over))
                night = self._served.nights.current()
                if is_first:  # and on show already
                    prepare(self._served, night, self._over)
                    is_first = False
            except HeadwaterError as error:
                _log.debug("no night is shown yet: %s", error)  # whoever asks for a page is told
            except Exception:
                _log.exception("another night could not be made ready")
            self._over.wait(self._every)


def prepare(served: Served, night: Night, over: threading.Event | None = None) -> None:
    """Make every page of a night once, for nobody; what cannot be made is left to whoever asks for it, and told then.

    Parameters
    ----------
    served
        Its pages.
    night
        Not necessarily the one that is shown.
    over
        Set where nobody will look any more.
    """
    for lang in LANGUAGES:
        for page in _pages(served, night):
            if over and over.is_set():
                return
            try:
                page(_visit(served, night, lang))
                pa.default_memory_pool().release_unused()
            except (HeadwaterError, Refused) as error:
                _log.info("not made ready: %s", error)


def _pages(served: Served, night: Night) -> Iterator[Callable[[Visit], Response]]:
    """Every page of the navigation, and the card of somebody."""
    yield from (page.endpoint() for page in served.pages)
    card = next((page.endpoint("/customers/{name}") for page in served.pages if page.path == "/customers"), None)
    first = night.query("SELECT digest, length FROM beside ORDER BY row LIMIT 1")
    if card and first:
        name = short_names.name(first[0]["digest"], first[0]["length"])
        yield lambda visit: card(visit, name)


def _visit(served: Served, night: Night, lang: str) -> Visit:
    """One of nobody who could be told from anybody: without a session nothing is allowed, and nothing is on the record."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "state": {}}
    visit = Visit(Request(scope), served, lang, None)
    visit.__dict__["night"] = night  # what `Visit.night` would keep for the whole request
    return visit
