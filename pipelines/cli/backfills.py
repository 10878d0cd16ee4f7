"""`headwater backfill`: the nights of past dates, one after the other."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from features.errors import HeadwaterError
from pipelines.cli.run import Engine, Run, command
from pipelines.cli.telling import Outcome, tell, told
from pipelines.wording import formats
from pipelines.wording.texts import text
from pipelines.workspace.history import ALREADY

if TYPE_CHECKING:
    from pipelines.flows.backfill import BackfilledNight

backfills_app = typer.Typer()


@command(backfills_app, "backfill", recorded=True)
def backfill(
    run: Run,
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="The first date.")] = None,
    to: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="The last date, included.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="So many dates up to the project's own, or today.")] = None,
    engine: Engine = None,
) -> None:
    """The nights of past dates, the earliest first. Run it again after a stop: what is published already is left as it is.

    A date that its own data, their absence or a gate stops (exit 3, 4, 5) is told, and the next one is made; anything else
    ends it. The exit code is that of the first date that failed. `latest.parquet` never moves back.
    """
    run.override(engine=engine)
    asked = _dates(run, first, to, last)
    with run.locked():
        pass  # whoever finds it taken is told so at once; each night takes it for itself, so that another may come between
    with told(run, "backfill") as outcome:
        outcome.as_of = asked[-1]
        _backfill(run, asked, outcome)


def _dates(run: Run, first: datetime | None, to: datetime | None, last: int | None) -> list[date]:
    """The dates that are asked for. Raises E296 where that is not clear."""
    if last is not None and first is None and to is None:
        end = run.as_of(None)
        return days(end - timedelta(days=last - 1), end)
    if last is not None or first is None or to is None:
        raise HeadwaterError("E296")
    return days(first.date(), to.date())


def days(first: date, last: date) -> list[date]:
    """Every date from the first to the last, both included. Raises E295 (exit 2) where the last is before the first."""
    if last < first:
        raise HeadwaterError("E295", first=first, last=last)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _backfill(run: Run, asked: list[date], outcome: Outcome) -> None:
    """Make the nights, and tell all of them in one table; the first error is the error of the whole.

    Whoever is named is told of that one, and that a date is there which they had missed.
    """
    from pipelines.flows import backfill
    from pipelines.notification.telling import Teller

    run.call.note(dates=f"{asked[0]} … {asked[-1]}" if len(asked) > 1 else str(asked[0]))
    made: list[BackfilledNight] = []
    try:
        for night in backfill.run(run.project, asked, run.steps):
            made.append(night)
            if night.error is None:
                tell(run, partial(Teller.made_up, as_of=night.as_of))
    finally:
        left = [str(day) for day in asked[len(made) :]]
        run.tell(nights=[night.as_dict(run.language) for night in made], not_tried=left)
    _tell(run, made, len(left))
    failed = [night for night in made if night.error]
    if failed and failed[0].error:
        outcome.as_of = failed[0].as_of
        raise failed[0].error


def _tell(run: Run, made: list["BackfilledNight"], left: int) -> None:
    lang, serving = run.language, run.project.workspace.serving_date()
    failed = sum(night.error is not None for night in made)
    already = sum(night.outcome == ALREADY for night in made)
    counts = {"published": len(made) - failed - already, "already": already, "failed": failed, "left": left}
    run.tell(serving_as_of=serving.isoformat() if serving else None, summary=counts)
    run.say(_table(made, lang))
    run.say(text("calls.backfill.sum", lang, serving=serving or "—", **counts))


def _table(made: list["BackfilledNight"], lang: str) -> Table:
    """One line per date."""
    table = Table(box=None, pad_edge=False)
    for key in (
        "column.as_of",
        "column.outcome",
        "backfill.customers",
        "column.duration",
        "column.exit",
        "backfill.error",
    ):
        table.add_column(text(f"calls.{key}", lang))
    for night in made:
        outcome, took = text(f"calls.outcome.{night.outcome}", lang), formats.duration(night.seconds, lang)
        code = night.error.problem.code if night.error else ""
        table.add_row(
            str(night.as_of), outcome, formats.number(night.customers, lang), took, str(night.exit_code), code
        )
    return table
