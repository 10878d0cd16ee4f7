"""`headwater <verb>`: parses, then calls; no logic. Heavy libraries are imported by the commands that need them."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli import data, lists, models
from pipelines.cli.run import Engine, Run, command

CODES = """
Exit codes: 0 ok · 1 unexpected error · 2 usage or configuration · 3 data contract · 4 data missing or stale ·
5 gate refused · 6 another run holds the lock · 7 environment. Codes 2 to 6 never change what is published.
"""

app = typer.Typer(
    name="headwater",
    help="Who will leave, what they will be worth, and who is on the way to becoming a VIP.",
    epilog=CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing of this day or later is seen.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headwater {version('headwater')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it and stop.")
    ] = False,
) -> None:
    """Options that stand before the verb."""


@command(app, "demo")
def demo(
    run: Run,
    data: Annotated[str, typer.Argument(help="operator, complete-journey or cdnow")] = "operator",
    customers: Annotated[int | None, typer.Option(min=200, help="Customers of the simulated operator.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another operator.")] = None,
) -> None:
    """Make demo data, train, run one night, and name three files to open. No server, no account."""
    from pipelines.cli.demo import demo as make

    make(run, data, customers, seed)


@command(app, "doctor")
def doctor(run: Run) -> None:
    """Check Python, packages, fonts, disk, tracking store, data and configuration; say how to fix."""
    from pipelines.cli.doctor import examine

    examine(run)


@command(app, "score")
def score(
    run: Run,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option(help="Publish nothing.")] = False,
    engine: Engine = None,
) -> None:
    """Score everybody with the champions and publish atomically; no lists, no report."""
    from pipelines.flows import nightly

    run.override(engine=engine)
    nightly.command(run, run.as_of(as_of), dry_run=dry_run, deliver=False)


@command(app, "nightly")
def night(
    run: Run,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option(help="Publish nothing.")] = False,
    engine: Engine = None,
) -> None:
    """check -> features -> score -> gates -> publish -> lists -> report. A past date is its backfill."""
    from pipelines.flows import nightly

    run.override(engine=engine)
    nightly.command(run, run.as_of(as_of), dry_run=dry_run, deliver=True)


@command(app, "report")
def report(
    run: Run, as_of: AsOf = None, out: Annotated[Path | None, typer.Option(help="File to write.")] = None
) -> None:
    """Write the report of a published date: one HTML page, in Chinese and English."""
    from pipelines.delivery import delivery

    delivery.report_command(run, as_of.date() if as_of else None, out)


@command(app, "deploy")
def deploy(run: Run) -> None:
    """Register the nightly with a running Prefect server, scheduled by the project's cron."""
    from pipelines.flows import prefect_flows

    prefect_flows.deploy(run)


@command(app, "serve")
def serve(
    run: Run, every: Annotated[int | None, typer.Option(help="Seconds between runs instead of the cron.")] = None
) -> None:
    """Run the nightly on its schedule from this process, until it is stopped."""
    from pipelines.flows import prefect_flows

    prefect_flows.serve(run, every)


runs_app = typer.Typer(name="runs", help="What has run.", no_args_is_help=True)
config_app = typer.Typer(name="config", help="Settings, and where each comes from.", no_args_is_help=True)


@command(runs_app, "list")
def runs_list(run: Run) -> None:
    """Every run of the workspace, newest first."""
    from pipelines.cli import inspection

    inspection.runs(run)


@command(runs_app, "show")
def runs_show(run: Run, run_id: Annotated[str, typer.Argument(help="As printed by `runs list`.")]) -> None:
    """The steps of one run."""
    from pipelines.cli import inspection

    inspection.show(run, run_id)


@command(config_app, "show")
def config_show(
    run: Run, origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False
) -> None:
    """Every setting in force; secrets masked."""
    from pipelines.cli import inspection

    inspection.settings(run, origin)


@command(config_app, "validate")
def config_validate(run: Run) -> None:
    """Check the configuration and its mapping without reading data."""
    from pipelines.cli import inspection

    inspection.validate(run)


@command(config_app, "schema")
def config_schema(
    run: Run, mapping: Annotated[bool, typer.Option("--mapping", help="Of the mapping file.")] = False
) -> None:
    """The JSON Schema of the YAML files, for editors."""
    from pipelines.cli import inspection

    inspection.schema(run, mapping)


app.add_typer(data.data_app)
app.add_typer(data.features_app)
app.add_typer(lists.list_app)
app.add_typer(runs_app)
app.add_typer(config_app)
models.register(app)
lists.register(app)


def main() -> None:
    """The console script."""
    try:
        app()
    except SystemExit as ended:
        _leave(ended.code)


def _leave(code: str | int | None) -> None:
    """End the process as Python does, except that the interpreter is not taken apart.

    Now and then a thread of a library wakes up meanwhile, and C++ aborts: "terminate called without an active exception",
    and exit code -6 instead of ours, after all work was done.
    """
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # nobody reads any more, as after `| head`
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(1 if isinstance(code, str) else code or 0)
