"""`headwater tiers`: the pyramid of customers, and who moved on it."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipelines.cli.run import Run, command
from pipelines.wording.formats import day, number, word
from pipelines.wording.texts import text

if TYPE_CHECKING:
    import pandas as pd

    from targeting.pyramid import Pyramid

tiers_app = typer.Typer()
OUTSIDE = ("joined", "left", "unknown")


@command(tiers_app, "tiers")
def tiers(
    run: Run,
    start: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="A published date to compare with.")
    ] = None,
    end: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="A published date; the newest when left out.")
    ] = None,
) -> None:
    """The pyramid: customers and revenue by tier, the 80/20 check, core customers to be reviewed; with --from who moved since then."""
    from pipelines.delivery import pyramids
    from pipelines.workspace.publication import read_publication

    project = run.project
    settings, workspace = project.settings.tiers, project.workspace
    after = read_publication(workspace, end.date() if end else None)
    found = pyramids.pyramid_of(after.scores, settings)
    run.tell(as_of=after.as_of.isoformat(), currency=project.mapping.currency, pyramid=as_dict(found))
    _say(run, found, project.mapping.currency)
    if start:
        before = read_publication(workspace, start.date())
        moved = pyramids.migration_between(before, after, settings)
        run.tell(
            compared_with=before.as_of.isoformat(),
            migration={row: {column: int(n) for column, n in moved.loc[row].items()} for row in moved.index},
        )
        _say_moves(run, moved, day(before.as_of, run.language), day(after.as_of, run.language))


def as_dict(found: "Pyramid") -> dict[str, Any]:
    """A pyramid for programs."""
    return {
        "tiers": found.tiers.round(6).to_dict("records"),
        "share_of_top_fifth": found.top_share,
        "share_of_customers_for_80_percent": found.for_80,
        "to_review": found.review,
    }


def _say(run: Run, found: "Pyramid", currency: str) -> None:
    from pipelines.wording import tiers as words

    lang = run.language
    table = Table(box=None, pad_edge=False)
    for name in words.COLUMNS:
        table.add_column(text(f"tiers.column.{name}", lang), justify="left" if name == "tier" else "right")
    for row in found.tiers.to_dict("records"):
        table.add_row(*words.cells(row, currency, lang))
    run.say(table)
    for sentence in words.eighty_twenty(found, lang):
        run.say(sentence)


def _say_moves(run: Run, moved: "pd.DataFrame", before: str, after: str) -> None:
    lang = run.language
    table = Table(box=None, pad_edge=False)
    table.add_column(text("tiers.from_to", lang))
    for name in moved.columns:
        table.add_column(_side(str(name), lang), justify="right")
    for name in moved.index:
        table.add_row(_side(str(name), lang), *(number(count, lang) for count in moved.loc[name]))
    run.say()
    run.say(text("tiers.moves", lang, before=before, after=after))
    run.say(table)


def _side(name: str, lang: str) -> str:
    return text(f"tiers.{name}", lang) if name in OUTSIDE else word("tier_current", name, lang)
