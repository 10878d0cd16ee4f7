"""`headwater delta`: the published scores as a Delta table."""

import typer

from pipelines.cli.run import Run, command
from pipelines.wording.texts import text

delta_app = typer.Typer(
    name="delta", help="The published scores as a Delta table, with versions.", no_args_is_help=True
)


@command(delta_app, "rebuild", recorded=True)
def rebuild(run: Run) -> None:
    """Make the Delta table anew from what is published; versions of before are gone."""
    with run.locked():
        from pipelines.delivery import delta

        version, workspace = delta.rebuild(run.project.workspace), run.project.workspace
    dates = len(workspace.published_dates())
    run.tell(version=version, dates=dates)
    run.say(text("steps.delta", run.language, path=workspace.root / delta.FOLDER, n=dates))
