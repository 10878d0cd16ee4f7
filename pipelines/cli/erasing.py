"""`headwater erase`: one person, or some, out of everything that is kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import HeadwaterError
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text
from pipelines.workspace import calls, paths

if TYPE_CHECKING:
    from pipelines.flows.erasure import Receipt

erase_app = typer.Typer()
SHOWN = 5
"""Files that are named one by one."""


@command(erase_app, "erase", recorded=True, private=True)
def erase(
    run: Run,
    customers: Annotated[list[str] | None, typer.Argument(help="Ids of customers, as score files have them.")] = None,
    file: Annotated[Path | None, typer.Option(help="A text file with an id on each line.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say where they stand, and change nothing.")] = False,
) -> None:
    """Erase people from everything that is kept, for good, and see that no reading brings them back.

    Tables, scores, archive, lists, reports, quarantine and records; at the end every file is searched. Raw files are
    yours: those that still hold them are named. A run that was cut off is finished by running it again.
    """
    ids = _ids(customers or [], file)
    with run.locked():
        from pipelines.flows import erasure

        if dry_run:
            receipt = erasure.look(run.project, ids, run.steps)
        else:
            day = max(run.as_of(None), calls.now().date())
            receipt = erasure.erase(run.project, ids, day, run.steps)
        _tell(run, receipt, dry_run=dry_run)


def _ids(given: list[str], file: Path | None) -> list[str]:
    """Each id once, in order. Raises E297 (exit 2) where there is none, or the file cannot be read."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines() if file else []
    except (OSError, UnicodeDecodeError) as error:
        raise HeadwaterError("E297", file=file) from error
    ids = [word.strip() for word in (*given, *lines)]
    if not any(ids):
        raise HeadwaterError("E297", file=file)
    return list(dict.fromkeys(filter(None, ids)))


def _tell(run: Run, receipt: "Receipt", *, dry_run: bool) -> None:
    lang, workspace = run.language, run.project.workspace
    places = receipt.places(workspace)
    run.tell(
        erased={"people": receipt.people, "dry_run": dry_run, "files": places},
        raw=receipt.raw,
        not_searched=receipt.unread,
        reports=receipt.pages,
        reports_gone=receipt.gone,
        exported=receipt.exported,
    )
    key = "would" if dry_run else "done"
    run.say(text(f"erasure.{key}", lang, people=receipt.people, files=len(receipt.found)))
    for place, files in places.items():
        run.say(f"  {place:<18} {files:,}")
    if dry_run:
        for trace in receipt.found[:SHOWN]:
            run.say(f"    {paths.relative_path(trace.path)}", style="dim")
    for name in ("raw", "unread", "pages", "gone"):
        if found := getattr(receipt, name):
            shown = ", ".join(found[:SHOWN]) + (" …" if len(found) > SHOWN else "")
            run.say(text(f"erasure.{name}", lang, n=len(found), names=shown))
    if receipt.exported:
        run.say(text("erasure.exported", lang, n=receipt.exported))
    run.say(text("erasure.backups", lang))
