"""What becomes of a scheduled command is told to who is named under `notify:`, whether the project could be read or not."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from features.errors import Problem
from pipelines.cli.run import Run
from pipelines.wording import errors

if TYPE_CHECKING:
    from pipelines.notification.telling import Teller


@dataclass
class Outcome:
    """What a command has come to, for those who are told.

    Attributes
    ----------
    as_of
        Its date, once it is known.
    published
        Are its scores out?
    listless
        Did a night end without anybody on a list?
    warnings
        Those that not every night has.
    silent
        Tell nobody: it looks at what is past.
    """

    as_of: date | None = None
    published: bool = False
    listless: bool = False
    warnings: Sequence[Problem] = ()
    silent: bool = False


@contextmanager
def told(run: Run, command: str, *, unless: bool = False) -> Iterator[Outcome]:
    """Tell how the work inside ends; an error goes on as it came. Who interrupts it by hand knows.

    Parameters
    ----------
    run
        The call.
    command
        Its name, as messages give it.
    unless
        Tell nobody: it only tries something.
    """
    outcome = Outcome()
    if unless:
        yield outcome
        return
    tell(run, _tell_killed)
    try:
        yield outcome
    except Exception as raised:
        if outcome.silent:
            raise
        error = errors.translate(raised)
        stage, published = run.steps.stage, outcome.published
        tell(run, lambda teller: teller.failed(command, outcome.as_of, error, stage, published=published))
        raise
    if (day := outcome.as_of) and not outcome.silent:
        tell(run, lambda teller: teller.succeeded(command, day, outcome.warnings, listless=outcome.listless))


def _tell_killed(teller: "Teller") -> None:
    """Those that were killed said nothing; the next run says it for them."""
    from pipelines.notification import kills

    kills.tell_killed(teller)


def tell(run: Run, what: Callable[["Teller"], None]) -> None:
    """Do something with who tells, where the configuration names somebody; what goes wrong with it is a warning."""

    def warn(problem: Problem) -> None:
        run.tell(warnings=[*run.facts.get("warnings", []), problem.code])
        run.steps.warn(errors.render_line(problem, run.language))

    try:
        if teller := _teller(run, warn):
            what(teller)
    except Exception as error:  # telling never changes what becomes of a night
        warn(Problem("W718", values={"detail": str(errors.translate(error))}))


def _teller(run: Run, warn: Callable[[Problem], None]) -> "Teller | None":
    """Of the project, or of as much of its configuration as can be read; None where that names nobody."""
    from pipelines.config.settings import load_notify
    from pipelines.notification.telling import Teller
    from pipelines.workspace.paths import Workspace

    project = run.__dict__.get("project")
    settings = project.settings if project else load_notify(run.config_path, run.profile)
    if settings is None or not settings.notify.receivers:
        return None
    workspace = project.workspace if project else Workspace.open(Path(settings.workspace), settings.name)
    return Teller(settings, workspace, now(settings.schedule.timezone), warn)


def now(zone: str) -> datetime:
    """By the clock, in a zone."""
    from zoneinfo import ZoneInfo

    from pipelines.workspace import calls

    return calls.now().astimezone(ZoneInfo(zone))
