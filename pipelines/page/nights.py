"""Which night is shown: the newest that is whole, and the one before for as long as another is being made ready."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from features.definition import Feature
from features.errors import HeadwaterError
from pipelines.page.night import Night
from pipelines.project import Project
from pipelines.workspace import runs
from pipelines.workspace.publication import Publication, read_publication

AGAIN = 60.0
"""Seconds until a publication that could not be read is tried again, though nobody has replaced it."""
UNREADABLE = ("E340", "E431")
"""Damaged or gone: what is shown then is the newest publication that is whole."""
Mark = tuple[int, int, int] | None
"""What tells one published file from another; None where there is none."""


@dataclass(frozen=True)
class Shown:
    """A night, and why it is not the newest one.

    Attributes
    ----------
    mark
        Of the published file that was looked at.
    night
        That is shown.
    trouble
        What is wrong with that file; None where it is the one that is shown.
    since
        Seconds of the clock of the process when it was looked at.
    """

    mark: Mark
    night: Night
    trouble: HeadwaterError | None
    since: float


class Nights:
    """The published night, opened again when another one is published.

    A request that finds another publication opens it and waits for that. Where somebody follows the publications
    (`following`), no request does: `renew` makes the new night ready aside, and until then the one before is shown.
    """

    def __init__(self, project: Project, key: Callable[[], bytes], clock: Callable[[], float] = time.monotonic):
        self._project, self._key, self._clock = project, key, clock
        self._opening = threading.Lock()
        self._shown: Shown | None = None
        self.following = False

    def current(self) -> Night:
        """The night that readers see now. Raises E431 (exit 4) where nothing is published, E340 where nothing is whole."""
        shown = self._shown
        if shown is None or not (self.following or self._is_newest(shown)):
            self.renew(lambda night: None)
            shown = self._shown
        assert shown
        return shown.night

    @property
    def trouble(self) -> HeadwaterError | None:
        """Why a newer publication is not shown; None where the newest is."""
        return self._shown.trouble if self._shown else None

    def renew(self, prepare: Callable[[Night], None]) -> bool:
        """Show another publication than before, if there is one that is whole; says if there is.

        Parameters
        ----------
        prepare
            Gets the new night before anybody else does; not the very first one, instead of which there is nothing to look at.

        Raises
        ------
        HeadwaterError
            What `current` raises, while no night is shown.
        """
        with self._opening:
            before = self._shown
            if before and self._is_newest(before):
                return False
            found = self._found(before)
            is_other = before is None or found.night is not before.night
            if before and is_other:
                prepare(found.night)
            self._shown = found
            return is_other

    def _found(self, before: Shown | None) -> Shown:
        """The newest publication; where it cannot be read, what is shown already, or else the newest that is whole."""
        mark = self._mark()
        try:
            return Shown(mark, self._opened(read_publication(self._project.workspace, None)), None, self._clock())
        except HeadwaterError as error:
            night = before.night if before else self._older() if error.problem.code in UNREADABLE else None
            if night is None:
                raise
            return Shown(mark, night, error, self._clock())

    def _older(self) -> Night | None:
        """The newest publication that is whole; None where none is."""
        scores = runs.previous_scores(self._project.workspace, date.max)
        day = date.fromisoformat(scores.meta["as_of"]) if scores else None
        return self._opened(Publication(day, scores.meta, scores)) if scores and day else None

    def _opened(self, publication: Publication) -> Night:
        return Night.of(self._project, publication, self._key())

    def _is_newest(self, shown: Shown) -> bool:
        """Is it what is published, or what could not be read a moment ago?"""
        return shown.mark == self._mark() and (shown.trouble is None or self._clock() - shown.since < AGAIN)

    def _mark(self) -> Mark:
        path: Path = self._project.workspace.latest
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    @cached_property
    def features(self) -> dict[str, Feature]:
        """Column -> feature, for the words of reasons."""
        return {feature.column: feature for feature in self._project.features}
