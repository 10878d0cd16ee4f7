"""`headwater collect`: what is older than it is to be kept."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pipelines.cli.run import Run, command
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import calls

if TYPE_CHECKING:
    from pipelines.flows.collection import Collected

collect_app = typer.Typer()
MIB = 1024 * 1024


@command(collect_app, "collect", recorded=True)
def collect(
    run: Run,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove what is older than `retention:` of the configuration says; nothing where it does not say so.

    Never the newest scores, models, the record of a score file that stays, or a file that somebody has open.
    """
    with run.locked():
        from pipelines.flows import collection

        found = collection.collect(run.project, calls.now(), dry_run=dry_run)
    run.tell(collected=found.as_dict(), dry_run=dry_run, warnings=[problem.code for problem in found.warnings])
    for problem in found.warnings:
        run.steps.warn(errors.render_line(problem, run.language))
    if found.old:
        run.say(_table(run, found))
    key = "nothing" if not found.old else "would" if dry_run else "done"
    run.say(text(f"collection.{key}", run.language, files=len(found.old), size=found.bytes / MIB))


def _table(run: Run, found: "Collected") -> Table:
    """One line per kind."""
    kept = run.project.settings.retention.days()
    table = Table(box=None, pad_edge=False)
    for name in ("kind", "kept", "files", "size", "first", "last"):
        table.add_column(text(f"collection.column.{name}", run.language))
    for kind, told in found.as_dict().items():
        size = f"{sum(old.bytes for old in found.of(kind)) / MIB:,.1f} MiB"
        table.add_row(kind, str(kept[kind]), f"{told['files']:,}", size, str(told["first"]), str(told["last"]))
    return table
