"""The record of every call that writes: `calls/<id>.jsonl`, begun before its work, one line per event.

`journal` is of nights, by what went into them; this is of calls, by the clock: who asked what, when, how far it came and
how it ended. It is the one place, beside the default of `--as-of`, that reads the clock. Nothing here can fail a call:
what the disk refuses is left out and logged.
"""

import logging
import os
import pwd
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import HeadwaterError
from pipelines.config.credentials import HIDDEN, SECRET, masked
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace.files import FOLDER_MODE, HeldLog
from pipelines.workspace.paths import Workspace

_log = logging.getLogger("headwater")
FORMAT = 1
SYMBOLS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Base 32 of Crockford: sorts as its numbers do, and has no letter that reads as a digit."""
KEPT = (
    "as_of",
    "run_id",
    "published",
    "already_published",
    "outputs",
    "warnings",
    "champion",
    "list_id",
    "counts",
    "nights",
    "erased",
    "collected",
)
"""What a command tells programs that is kept of it, too."""
SHORTEST_SECRET = 6
LENGTH = 9


def now() -> datetime:
    """The clock, with the machine's time zone."""
    return datetime.now().astimezone()


def user() -> str:
    """Who calls, as the system knows them: `name@host`."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name  # and not $USER, which anybody may set
    except KeyError:  # a container may run as a number that has no name
        name = str(os.geteuid())
    return f"{name}@{socket.gethostname()}"


def call_id(moment: datetime) -> str:
    """Nine symbols for a millisecond: short, fit for a file name, and sorted as time is until the year 3084."""
    number, symbols = int(moment.timestamp() * 1000), ""
    for _ in range(LENGTH):
        number, place = divmod(number, len(SYMBOLS))
        symbols = SYMBOLS[place] + symbols
    return symbols


def is_id(text: str) -> bool:
    """Is this what `call_id` gives?"""
    return len(text) == LENGTH and set(text) <= set(SYMBOLS)


def moment(id: str) -> datetime:
    """When a call began, by its id."""
    number = 0
    for symbol in id:
        number = number * len(SYMBOLS) + SYMBOLS.index(symbol)
    return datetime.fromtimestamp(number / 1000).astimezone()


def without_secrets(words: Sequence[str], environment: Mapping[str, str] | None = None) -> list[str]:
    """A command line in which passwords of URLs and values of secret variables are replaced."""
    variables = os.environ if environment is None else environment
    secrets = [v for name, v in variables.items() if SECRET.search(name) and _may_be_secret(v)]
    shown = []
    for word in map(masked, words):
        for secret in sorted(secrets, key=len, reverse=True):
            word = word.replace(secret, HIDDEN)  # noqa: PLW2901
        shown.append(word)
    return shown


def _may_be_secret(value: str) -> bool:
    """Is this long enough to be one, and no place on this machine? `$PWD` is called like a password."""
    is_place = value.startswith("/") and os.path.exists(value)  # noqa: PTH110 the other one raises for a long name
    return len(value) >= SHORTEST_SECRET and not is_place


class CallRecord:
    """The record of one call, while it runs. Without a log it records nothing.

    Attributes
    ----------
    id
        Sorts by time; "" where nothing is recorded.
    facts
        What the call tells programs; at its end what is in `KEPT` is kept.
    """

    def __init__(self, log: HeldLog | None = None, id: str = ""):
        self.id, self.facts, self._log, self._begun = id, dict[str, Any](), log, time.perf_counter()

    @classmethod
    def begin(cls, workspace: Workspace, command: str, words: Sequence[str], **facts: Any) -> "CallRecord":
        """Begin the record of a call.

        Parameters
        ----------
        workspace
            Where it lies; its folder of calls is made when needed.
        command
            Name of the command, such as `list vip`.
        words
            The command line behind `headwater`; secrets in it are masked.
        **facts
            What else is known: `config`, `profile`, `by`.

        Returns
        -------
        CallRecord
            One that records nothing where the disk refuses.
        """
        started = now()
        head = {"format": FORMAT, "command": command, "words": without_secrets(words), "folder": str(Path.cwd())}
        head |= {"who": user(), "pid": os.getpid(), "started": started.isoformat()} | facts
        try:
            workspace.calls.mkdir(mode=FOLDER_MODE, exist_ok=True)
            log, name = _new_log(workspace.calls, started)
        except OSError as error:
            _log.warning("this run is not recorded: %s", error)
            return cls()
        record = cls(log, name)
        record._append({"id": name} | head)
        return record

    def note(self, **facts: Any) -> None:
        """Facts that are known by now, such as `as_of` and `run_id`."""
        self._append({"facts": facts})

    @contextmanager
    def step(self, name: str, facts: Mapping[str, Any], title: str = "") -> Iterator[None]:
        """A step: a line when it begins, and one when it is over, with what was said of it, or why it failed."""
        started = time.perf_counter()
        self._append({"begun": name, "title": title or f"steps.{name}", "at": round(started - self._begun, 3)})
        done: dict[str, Any] = {"failed": True}
        try:
            yield
            done = {"said": facts.get("said", "")}
        finally:
            self._append({"step": name, "seconds": round(time.perf_counter() - started, 3)} | done)

    def end(self, exit_code: int | None, error: HeadwaterError | None = None) -> None:
        """How the call ended; nothing after it is recorded.

        Parameters
        ----------
        exit_code
            None where it was interrupted.
        error
            What stopped it, told in both languages.
        """
        known = {name: value for name, value in self.facts.items() if name in KEPT}
        line = {"ended": now().isoformat(), "exit_code": exit_code, "facts": known}
        self._append(line | ({"error": _told(error)} if error else {}))
        log, self._log = self._log, None
        try:
            if log:
                log.close()
        except OSError as failed:
            _log.warning("the record of this run is not settled: %s", failed)

    def _append(self, line: dict[str, Any]) -> None:
        try:
            if self._log:
                self._log.append(line)
        except OSError as error:
            _log.warning("not recorded: %s", error)


def _new_log(folder: Path, started: datetime) -> tuple[HeldLog, str]:
    """A log under the id of its time, or of the next millisecond that is free."""
    moment = started.timestamp()
    while True:
        name = call_id(datetime.fromtimestamp(moment, started.tzinfo))
        try:
            return HeldLog(folder / f"{name}.jsonl"), name
        except FileExistsError:
            moment += 0.001


def _told(error: HeadwaterError) -> dict[str, Any]:
    """Code, message and fix of an error in both languages."""
    problem = error.problem
    words = {
        lang: {part: errors.sentence(problem, part, lang) for part in ("what", "found", "fix")} for lang in LANGUAGES
    }
    lines = {lang: errors.render_line(problem, lang) for lang in LANGUAGES}
    where = {"file": problem.file, "row": problem.row, "column": problem.column}
    return {"code": problem.code, "lines": lines, **where, **words}


@contextmanager
def recorded(workspace: Workspace, command: str, words: Sequence[str], **facts: Any) -> Iterator[CallRecord]:
    """Record what runs inside, however it ends; for those who are not a command of their own, such as a flow.

    Parameters
    ----------
    workspace
        Where the record lies.
    command
        Name of the command that does the same.
    words
        Its command line.
    **facts
        As for `CallRecord.begin`.
    """
    record = CallRecord.begin(workspace, command, words, **facts)
    try:
        yield record
    except Exception as raised:
        error = errors.translate(raised)
        record.end(error.exit_code, error)
        raise
    except BaseException:
        record.end(None)
        raise
    record.end(0)
