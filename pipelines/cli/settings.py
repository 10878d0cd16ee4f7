"""`headwater config show | validate | schema`."""

from typing import Annotated, Any

import typer

from pipelines.cli.grids import grid
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text

config_app = typer.Typer(name="config", help="Settings, and where each comes from.", no_args_is_help=True)


@command(config_app, "show")
def show(
    run: Run, origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False
) -> None:
    """Every setting in force; secrets masked."""
    from pipelines.config import settings

    rows = settings.origins(run.project.settings)
    run.tell(settings=[{"key": key, "value": value, "origin": place} for key, value, place in rows])
    columns = 3 if origin else 2
    table = grid(run.language, *("key", "value", "origin")[:columns])
    for row in rows:
        table.add_row(*row[:columns])
    run.say(table)


@command(config_app, "validate")
def validate(run: Run) -> None:
    """Check the configuration and its mapping without reading data."""
    project = run.project
    run.tell(config=str(project.config), mapping=str(project.settings.mapping), tables=sorted(project.mapping.tables))
    run.say(text("steps.valid", run.language, config=project.config, tables=", ".join(project.mapping.tables)))


@command(config_app, "schema")
def schema(run: Run, mapping: Annotated[bool, typer.Option("--mapping", help="Of the mapping file.")] = False) -> None:
    """The JSON Schema of the YAML files, for editors."""
    from pipelines.config import settings

    document: Any = settings.schema("mapping" if mapping else "settings")
    run.tell(schema=document)
    run.out.print_json(data=document)
