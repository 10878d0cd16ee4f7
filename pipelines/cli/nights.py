"""`headwater score | nightly | report | deploy | serve`."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from features.errors import Problem
from pipelines.cli.run import Engine, Run, command
from pipelines.cli.telling import Outcome, told
from pipelines.wording import errors
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from pipelines.flows.night import Night

AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing of this day or later is seen.")]
DryRun = Annotated[bool, typer.Option(help="Publish nothing.")]
nights_app = typer.Typer()
NOTHING: dict[str, Any] = {
    "run_id": "",
    "published": False,
    "already_published": False,
    "outputs": [],
    "warnings": [],
    "rows": {},
    "files": {},
}
"""What a night has to tell before it begins."""


@command(nights_app, "score", recorded=True)
def score(run: Run, as_of: AsOf = None, dry_run: DryRun = False, engine: Engine = None) -> None:
    """Score everybody with the champions and publish atomically; no lists, no report."""
    run.override(engine=engine)
    with told(run, "score", unless=dry_run) as outcome:
        _night(run, outcome, as_of, dry_run=dry_run, lists=False)


@command(nights_app, "nightly", recorded=True)
def nightly(run: Run, as_of: AsOf = None, dry_run: DryRun = False, engine: Engine = None) -> None:
    """check -> features -> score -> gates -> publish -> lists -> report. A past date is its backfill."""
    run.override(engine=engine)
    with told(run, "nightly", unless=dry_run) as outcome:
        _night(run, outcome, as_of, dry_run=dry_run, lists=True)


@command(nights_app, "report", recorded=True)
def report(
    run: Run,
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="File to write.")] = None,
    card: Annotated[bool, typer.Option("--card", help="The model card of the champions instead.")] = False,
) -> None:
    """Write the report of a published date, or the model card: one HTML page, in Chinese and English."""
    (_card if card else _report)(run, as_of.date() if as_of else None, out)


@command(nights_app, "deploy", recorded=True)
def deploy(run: Run) -> None:
    """Register nightly, retraining, monitor and watch with a running Prefect server, on the project's schedule."""
    from pipelines.flows import prefect_deployments

    names = prefect_deployments.deploy(run.project)
    run.tell(deployments=names)
    settings = run.project.settings
    run.say(text("steps.deployed", run.language, name=", ".join(names), cron=settings.schedule.cron))


@command(nights_app, "serve")
def serve(
    run: Run, every: Annotated[int | None, typer.Option(help="Seconds between nights instead of the cron.")] = None
) -> None:
    """Run nightly, retraining and monitor on their schedule from this process, until it is stopped; nothing of it is left then."""
    from pipelines.flows import prefect_deployments

    prefect_deployments.check_server()
    settings = run.project.settings
    if prefect_deployments.is_deployed(run.project):
        run.steps.warn(errors.render_line(Problem("W716", values={"name": settings.name}), run.language))
    when = f"{every} s" if every else settings.schedule.cron
    run.say(text("steps.serving", run.language, name=settings.name, when=when))
    prefect_deployments.serve(run.project, every)


def _night(run: Run, outcome: Outcome, as_of: datetime | None, *, dry_run: bool, lists: bool) -> None:
    """What came of a night is told whether it succeeds or not."""
    day = outcome.as_of = run.as_of(as_of)
    serving = str(run.project.workspace.serving_date() or "") or None
    run.tell(**NOTHING, as_of=day.isoformat(), serving_as_of=serving)
    with run.locked():
        from pipelines.flows import nightly
        from pipelines.flows.night import Night
        from pipelines.workspace.paths import relative_path

        night = Night(run.project, day, run.steps)
        try:
            nightly.run(night, dry_run=dry_run, lists=lists)
        finally:
            run.tell(**night.result())
            outcome.published, outcome.warnings = night.published, night.telling
            outcome.listless = lists and night.listless
    if night.already_published:
        run.say(_already_published(night, run.language))
    for path in night.outputs:
        run.say(relative_path(path))
    if outcome.listless:
        problem = Problem("W262", values={"as_of": night.as_of.isoformat()})
        run.steps.say(errors.render_line(problem, run.language), style="bold red")


def _already_published(night: "Night", lang: str) -> str:
    """This run is published; whether anything of it had to be made again."""
    facts = {"as_of": night.as_of.isoformat(), "run_id": night.run_id}
    names = [text(f"steps.{name}", lang) for name in night.remade]
    if not names:
        return text("steps.already", lang, **facts)
    return text("steps.completed", lang, names=text("steps.and", lang).join(names), **facts)


def _report(run: Run, as_of: date | None, out: Path | None) -> None:
    from pipelines.delivery import pages
    from pipelines.workspace.paths import relative_path
    from pipelines.workspace.publication import read_publication

    publication = read_publication(run.project.workspace, as_of)
    path = pages.write_page(run.project, pages.report_data(run.project, publication), out, run.lang)
    run.tell(as_of=publication.as_of.isoformat(), outputs=[str(path)])
    run.say(relative_path(path))


def _card(run: Run, as_of: date | None, out: Path | None) -> None:
    from pipelines.delivery import card
    from pipelines.workspace.paths import relative_path

    path = card.write_card(run.project, as_of, out, run.lang)
    run.tell(outputs=[str(path)])
    run.say(relative_path(path))
