"""What a person sees while a command works: a line per step, when it begins and what came of it."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from time import perf_counter
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from pipelines.wording.texts import text
from pipelines.workspace.calls import CallRecord
from pipelines.workspace.journal import Journal

log = logging.getLogger("headwater")
EVERY = 60.0
"""Seconds between two lines of progress in a log."""


class Steps:
    """Shows steps on stderr and writes them to the record of the call and, once a night has one, to its journal.

    On a terminal a spinner turns beside the step's name; elsewhere each finished step is one plain line.
    """

    def __init__(self, lang: str = "en", *, quiet: bool = False):
        self.lang = lang
        self.console = Console(stderr=True, quiet=quiet, highlight=False)
        self.journal: Journal | None = None
        self.stage = ""  # the step that runs, or the last one that ran; for messages
        self.call = CallRecord()
        self._spinner: Status | None = None
        self._title, self._begun, self._last, self._told = "", 0.0, 0.0, 0.0

    @contextmanager
    def step(self, name: str, title: str = "") -> Iterator[dict]:
        """Run a step; put the sentence for people under `said` in the yielded facts, and numbers beside it.

        `title` is the key of its words, `steps.<name>` when left out.
        """
        self.stage = name
        key, facts = title or f"steps.{name}", dict[str, Any]()
        title, started = text(key, self.lang), perf_counter()
        written = self.journal.step(name, facts) if self.journal else nullcontext()
        with ExitStack() as stack:
            self._title, self._begun, self._last, self._told = title, started, started, started
            self._spinner = stack.enter_context(self.console.status(title)) if self.console.is_terminal else None
            stack.enter_context(self.call.step(name, facts, key))
            stack.enter_context(written)
            yield facts
        sentence = facts.get("said", "")
        self.console.print(f"[green]✓[/] {title}  {sentence}  [dim]{perf_counter() - started:.1f} s[/]", soft_wrap=True)

    def progress(self, done: int, of: int) -> None:
        """How far the present step is; with a spinner at once, in a log at most every minute.

        A step may count more than once; each count begins where the one before ended.
        """
        if of < 2:
            return
        now = perf_counter()
        self._begun, self._last = self._last if done == 1 else self._begun, now
        left = (now - self._begun) / done * (of - done)
        sentence = text("steps.progress", self.lang, title=self._title, done=done, of=of, minutes=left / 60)
        if self._spinner:
            self._spinner.update(sentence)
        elif now - self._told >= EVERY and done < of:
            self.console.print(sentence, soft_wrap=True)
            self._told = now

    def warn(self, message: str) -> None:
        """What went wrong without ending the command; a plain line in a log."""
        mark = "[yellow]![/] " if self.console.is_terminal else ""
        self.console.print(mark + escape(message), soft_wrap=True)

    def say(self, message: str, style: str = "") -> None:
        self.console.print(message, style=style, soft_wrap=True)
