"""`headwater notify test | late`: do messages arrive, and is what is due there?"""

import os
import re
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import HeadwaterError, Problem
from pipelines.cli.run import Run, command
from pipelines.cli.telling import now, tell, told
from pipelines.config.notices import HOUR
from pipelines.wording import errors
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from pipelines.flows.lateness import Lateness

notify_app = typer.Typer(name="notify", help="Who is told, and whether it arrives.", no_args_is_help=True)
late_app = typer.Typer()


def _hour(given: str) -> str:
    """06:00; any other is a wrong use, exit 2."""
    if not re.fullmatch(HOUR, given):
        raise typer.BadParameter(f"{given!r} is no hour such as 06:00.")
    return given


@command(late_app, "late")
def late(
    run: Run,
    by: Annotated[
        str | None, typer.Option(parser=_hour, metavar="HH:MM", help="In the schedule's zone; notify.by if left out.")
    ] = None,
) -> None:
    """Exit 4 and a message where nothing was published for the date that is due by an hour; silent otherwise.

    A timer of its own runs it, so that a night which never began is noticed.
    """
    with told(run, "late"):
        found = _examined(run, by)
    day = found.as_of
    run.tell(as_of=str(day or "") or None, by=found.by, late=found.is_late, unfinished=found.unfinished)
    if day is None:
        return
    if not found.is_late:
        tell(run, lambda teller: teller.in_time(day))
        return
    causes = _causes(run)
    tell(run, lambda teller: teller.late(day, found.by, unfinished=found.unfinished, causes=causes))
    raise found.error()


def _causes(run: Run) -> list[Problem]:
    """Why nothing may have begun: Prefect's server, where the environment names one, does not answer."""
    from pipelines.flows import scheduler

    problem = scheduler.trouble(os.environ.get("PREFECT_API_URL"))
    if problem:
        run.steps.warn(errors.render_line(problem, run.language))
    return [problem] if problem else []


def _examined(run: Run, by: str | None) -> "Lateness":
    """What is due by now, and whether it is there. Raises E292 where no hour is said."""
    from pipelines.flows import lateness

    settings = run.project.settings
    hour = by or settings.notify.by
    if hour is None:
        raise HeadwaterError("E292")
    return lateness.examine(run.project, hour, now(settings.schedule.timezone))


@command(notify_app, "test")
def try_out(run: Run) -> None:
    """Send every receiver of the configuration a try-out message, and say what came of it."""
    from pipelines.notification import trial

    receivers = run.project.settings.notify.receivers
    if not receivers:
        raise HeadwaterError("E291")
    results = trial.send_all(run.project.settings)
    run.tell(receivers=[vars(result) for result in results])
    for result in results:
        key = "sent" if result.taken else "refused"
        mark = "[green]✓[/]" if result.taken else "[red]✗[/]"
        run.say(
            f"{mark} " + text(f"notices.{key}", run.language, receiver=result.name, kind=result.kind, why=result.why)
        )
    if refused := [result.name for result in results if not result.taken]:
        raise HeadwaterError("E717", names=", ".join(refused))
