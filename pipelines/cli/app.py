"""`headwater <verb>`: parses, then calls; no logic. Heavy libraries are imported by the commands that need them."""

import atexit
import os
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipelines.cli import (
    backfills,
    campaigns,
    collecting,
    data,
    erasing,
    features,
    frozen_lists,
    init,
    list_plan,
    lists,
    migrating,
    models,
    monitoring,
    nights,
    notices,
    page,
    playbook,
    runs,
    settings,
    tiers,
    versions,
)
from pipelines.cli.run import WORDS, Run, command

CODES = """
Exit codes: 0 ok · 1 unexpected error · 2 usage or configuration · 3 data contract · 4 data missing or stale ·
5 gate refused · 6 another run holds the lock · 7 environment. Codes 2 to 6 never change what is published.
"""

FOR_US = 0o027
"""What is taken from every mode: others may do nothing, the group may not write."""


OF_LISTS = (lists, list_plan, frozen_lists)
"""The modules that register their commands under `headwater list`."""


class Verbs(TyperGroup):
    """Keeps the words as they were typed, for the record of the call."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = tuple(args)
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="headwater",
    cls=Verbs,
    help="Who will leave, what they will be worth, and who is on the way to becoming a VIP.",
    epilog=CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _show_version(show: bool) -> None:
    if show:
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
    """Make demo data, train, run one night, and name the files to open. No server, no account."""
    from pipelines.cli.demo import demo as make

    make(run, data, customers, seed)


@command(app, "doctor")
def doctor(
    run: Run,
    repair: Annotated[bool, typer.Option("--repair", help="First mend what may be mended unasked.")] = False,
) -> None:
    """Check Python, packages, fonts, disk, data, configuration and every file of the workspace; say how to fix."""
    from pipelines.cli.doctor import examine

    examine(run, repair=repair)


app.add_typer(init.init_app)
app.add_typer(nights.nights_app)
app.add_typer(backfills.backfills_app)
app.add_typer(models.models_app)
app.add_typer(data.data_app)
app.add_typer(features.features_app)
app.add_typer(lists.list_app)
app.add_typer(campaigns.campaign_app)
app.add_typer(playbook.playbook_app)
app.add_typer(tiers.tiers_app)
app.add_typer(models.registry_app)
app.add_typer(runs.runs_app)
app.add_typer(page.page_app)
app.add_typer(notices.late_app)
app.add_typer(notices.notify_app)
app.add_typer(monitoring.monitor_app)
app.add_typer(erasing.erase_app)
app.add_typer(collecting.collect_app)
app.add_typer(migrating.migrate_app)
app.add_typer(versions.delta_app)
app.add_typer(settings.config_app)


def main() -> None:
    """The console script. What libraries write for us, such as the tracking store, is not for other users either."""
    os.umask(os.umask(FOR_US) | FOR_US)
    try:
        app()
    except SystemExit as ended:
        _exit(ended.code)


def _exit(code: str | int | None) -> None:
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
