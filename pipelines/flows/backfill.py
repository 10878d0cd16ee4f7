"""Backfill: nights of past dates, one after the other, each as `nightly --as-of` makes it and whole before the next begins.

A date that is published by the same run already is left as it is, so that a backfill which was stopped goes on when it is
run again. `latest.parquet` names the newest date that is published, whatever is made after it.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from features.errors import HeadwaterError
from pipelines.flows import nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import history
from pipelines.workspace.progress import Steps
from pipelines.workspace.score_files import ScoreFile

OF_THE_DATE = (3, 4, 5)
"""Exit codes that say something of one date and nothing of the next: its data, what is missing of it, its gates. After
any other (a wrong configuration, another run, the machine, a bug) every date would fail or do harm: nothing goes on."""


@dataclass(frozen=True)
class BackfilledNight:
    """What became of one date.

    Attributes
    ----------
    as_of
        The date.
    outcome
        A key below `calls.outcome`.
    seconds
        How long it took.
    customers
        How many are scored; None where that was not found out.
    run_id
        Of the night; "" where it stopped before it was known.
    error
        What stopped it.
    """

    as_of: date
    outcome: str
    seconds: float
    customers: int | None
    run_id: str
    error: HeadwaterError | None = None

    @property
    def exit_code(self) -> int:
        return self.error.exit_code if self.error else 0

    def as_dict(self, lang: str) -> dict[str, Any]:
        """For `--json`."""
        return {
            "as_of": self.as_of.isoformat(),
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "run_id": self.run_id,
            "customers": self.customers,
            "seconds": round(self.seconds, 3),
            "error": errors.as_dict(self.error, lang) if self.error else None,
        }


def run(project: Project, asked: Sequence[date], steps: Steps) -> Iterator[BackfilledNight]:
    """Make the nights of the dates in their order; ends early after what would stop the next date too.

    Parameters
    ----------
    project
        Opened once; each night reads with a connection of its own, so that memory does not grow with the dates.
    asked
        The dates.
    steps
        Tells each step, and each date that failed when it does.

    Yields
    ------
    BackfilledNight
        One for each date that was tried.
    """
    for place, day in enumerate(asked, start=1):
        steps.say(text("calls.backfill.night", steps.lang, as_of=day, n=place, of=len(asked)), style="bold")
        made = _night(project, day, steps)
        yield made
        if made.error and made.error.exit_code not in OF_THE_DATE:
            return


def _night(project: Project, day: date, steps: Steps) -> BackfilledNight:
    """One night, its error caught: it is kept for the end, when every date that can be made is made."""
    started, error, said = time.perf_counter(), None, dict[str, Any]()
    steps.journal = None  # which is of the night before
    with _own_tables(project) as own, steps.call.step(day.isoformat(), said):
        night = Night(own, day, steps)
        try:
            nightly.run(night)
        except Exception as raised:
            error = errors.translate(raised)
            error.__cause__ = raised if error is not raised else raised.__cause__
            steps.warn("\n".join(errors.lines(error, steps.lang, project.workspace.serving_date())))
        outcome = history.outcome_of(error.exit_code if error else 0, night.result())
        said["said"] = error.problem.code if error else outcome
    return BackfilledNight(day, outcome, time.perf_counter() - started, _customers(night), night.run_id, error)


@contextmanager
def _own_tables(project: Project) -> Iterator[Project]:
    """The same project with a connection and tables of its own, which go afterwards."""
    own = replace(project, _tables={})
    try:
        yield own
    finally:
        if "connection" in vars(own):
            own.connection.disconnect()


def _customers(night: Night) -> int | None:
    """How many the scores of a night have; None where it published none."""
    return ScoreFile(night.workspace.score_file(night.as_of)).num_rows if night.published else None
