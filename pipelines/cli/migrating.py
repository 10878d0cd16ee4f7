"""`headwater migrate`: a workspace of an earlier version."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.run import Run, command
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import paths

if TYPE_CHECKING:
    from pipelines.flows.migration import Change

migrate_app = typer.Typer()


@command(migrate_app, "migrate", recorded=True)
def migrate(
    run: Run,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed, and change nothing.")] = False,
) -> None:
    """Make a workspace of an earlier version one of this one; say what only a person may start, such as a retraining.

    No score file is changed, and nothing that was published is computed anew.
    """
    with run.locked():
        from pipelines.flows import migration

        found = migration.changes(run.project)
        if not dry_run:
            migration.migrate(found)
    _tell(run, found, dry_run=dry_run)


def _tell(run: Run, found: list["Change"], *, dry_run: bool) -> None:
    lang, made = run.language, [change for change in found if change.make]
    left = [change.problem for change in found if change.problem]
    run.tell(
        dry_run=dry_run,
        changed=[{"kind": change.kind, "path": str(change.path)} for change in made],
        left=[errors.render_line(problem, lang) for problem in left],
    )
    for kind, number in Counter(change.kind for change in made).items():
        first = next(paths.relative_path(change.path) for change in made if change.kind == kind)
        run.say(text(f"migration.{kind}", lang, n=number, path=first))
    for problem in left:
        run.say(errors.render_line(problem, lang))
    key = "nothing" if not found else "would" if dry_run else "done"
    run.say(text(f"migration.{key}", lang))
