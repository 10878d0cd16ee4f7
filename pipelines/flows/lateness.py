"""Is what should be published by now published? Asked from outside a night, so that one that never began is noticed."""

from dataclasses import dataclass
from datetime import date, datetime, time

from features.errors import HeadwaterError
from pipelines.config import due
from pipelines.project import Project
from pipelines.workspace import runs
from pipelines.workspace.paths import Workspace


@dataclass(frozen=True)
class Lateness:
    """What was found of the date that is due.

    Attributes
    ----------
    as_of
        The date; None where no night had to be published yet.
    by
        The hour by which it had to be.
    zone
        Of the hour.
    missing
        Is there no publication of it, nor of a later date?
    unfinished
        Are the scores out, and its lists and report not made yet?
    """

    as_of: date | None
    by: str
    zone: str
    missing: bool = False
    unfinished: bool = False

    @property
    def is_late(self) -> bool:
        """Does somebody wait for something?"""
        return self.missing or self.unfinished

    def error(self) -> HeadwaterError:
        """E433 or E434 (exit 4)."""
        values = {"as_of": str(self.as_of), "by": self.by, "zone": self.zone}
        return HeadwaterError("E434", **values) if self.unfinished else HeadwaterError("E433", **values)


def examine(project: Project, by: str, now: datetime) -> Lateness:
    """Look for the publication that is due.

    Parameters
    ----------
    project
        Its schedule says when nights begin; a configuration that names its `as_of` has that one night.
    by
        The hour by which a night is to be published, as 06:00, in the zone of the schedule.
    now
        The time; in the zone of the schedule.

    Returns
    -------
    Lateness
        What is missing, if anything.
    """
    schedule = project.settings.schedule
    day = project.settings.as_of or due.due_date(schedule.cron, time.fromisoformat(by), now)
    if day is None:
        return Lateness(None, by, schedule.timezone)
    newest = _newest_intact(project.workspace, day)
    unfinished = newest is not None and _is_unfinished(project.workspace, newest)
    return Lateness(day, by, schedule.timezone, newest is None, unfinished)


def _newest_intact(workspace: Workspace, day: date) -> date | None:
    """The newest publication of a date or later that is whole."""
    later = (each for each in reversed(workspace.published_dates()) if each >= day)
    return next((each for each in later if runs.is_score_file_intact(workspace, each)), None)


def _is_unfinished(workspace: Workspace, day: date) -> bool:
    """Was its night stopped, or is it still busy, after the scores and before lists and report? Where nothing is on record it was not."""
    run_id = runs.verified_score_file(workspace, day).meta["run_id"]
    return runs.record(workspace, run_id).get("outcome") == runs.PUBLISHING
