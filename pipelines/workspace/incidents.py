"""What is wrong at present and has been told, and what waits for a receiver that did not answer: `incidents.json`."""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from features.errors import HeadwaterError
from pipelines.workspace.files import FILE_MODE, write_json
from pipelines.workspace.paths import Workspace

PATIENCE = 60.0
"""Seconds to wait for another process that tells something."""
MOST_WAITING = 20
"""Messages kept for a receiver that does not answer; the newest."""


@dataclass(frozen=True)
class Incident:
    """One thing that is wrong, until it is over.

    Attributes
    ----------
    kind
        `failure`, `late`, `no_list` or `warning`.
    command
        What found it.
    as_of
        The date that it is about, as ISO text; "" where it is about none.
    what
        Tells it from others: the code and place of the error, or the codes of the warnings.
    since
        When it was first seen, with its zone.
    line
        What it is, in the project's language; for the message that says it is over.
    """

    kind: str
    command: str
    as_of: str
    what: str
    since: str = ""
    line: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The same incident has the same key, whenever it is seen."""
        return self.kind, self.command, self.as_of, self.what


@dataclass(frozen=True)
class Message:
    """What one receiver is told.

    Attributes
    ----------
    title, body
        In the project's language; plain text.
    severity
        `failure`, `warning`, `success` or `info`.
    """

    title: str
    body: str
    severity: str


@dataclass(frozen=True)
class State:
    """What is known of incidents between two commands.

    Attributes
    ----------
    open
        Incidents that are not over.
    waiting
        Receiver -> messages that it has not taken yet, oldest first.
    """

    open: tuple[Incident, ...] = ()
    waiting: Mapping[str, tuple[Message, ...]] = field(default_factory=dict)

    def knows(self, incident: Incident) -> bool:
        """Has this very incident been told, and is not over?"""
        return incident.key in {known.key for known in self.open}

    def with_incident(self, incident: Incident) -> "State":
        """It is wrong from now on."""
        return self if self.knows(incident) else replace(self, open=(*self.open, incident))

    def without(self, over: tuple[Incident, ...]) -> "State":
        """These are over."""
        gone = {incident.key for incident in over}
        return replace(self, open=tuple(incident for incident in self.open if incident.key not in gone))

    def with_waiting(self, receiver: str, messages: tuple[Message, ...]) -> "State":
        """What a receiver has not taken; nothing removes it from those who wait."""
        others = {name: kept for name, kept in self.waiting.items() if name != receiver}
        return replace(self, waiting=others | ({receiver: messages[-MOST_WAITING:]} if messages else {}))


def read(workspace: Workspace) -> State:
    """The state as it lies on disk; a file that cannot be read is as none, so that things are told again and not never."""
    try:
        content = json.loads(workspace.incidents.read_bytes())
        incidents = tuple(_made(Incident, each) for each in content["open"])
        waiting = {name: tuple(_made(Message, m) for m in each) for name, each in content["waiting"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return State()
    return State(incidents, waiting)


def _made(kind: type, values: Mapping[str, Any]) -> Any:
    return kind(**{each.name: str(values[each.name]) for each in fields(kind)})


def write(workspace: Workspace, state: State) -> None:
    """Replace the state; call with its lock held. Raises E703 to E705 (exit 7) for what the disk refuses."""
    waiting = {name: [asdict(message) for message in messages] for name, messages in state.waiting.items()}
    write_json(workspace.incidents, {"open": [asdict(incident) for incident in state.open], "waiting": waiting})


@contextmanager
def locked(workspace: Workspace, patience: float = PATIENCE) -> Iterator[None]:
    """Nobody else reads or writes the state meanwhile. Raises E601 (exit 6) after `patience` seconds of waiting."""
    handle = os.open(workspace.root / ".incidents.lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    until = time.monotonic() + patience
    try:
        while not _taken(handle):
            if time.monotonic() > until:
                raise HeadwaterError("E601", command=workspace.incidents.name)
            time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
