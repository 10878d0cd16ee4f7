"""`headwater playbook show | preview`: the rules that decide about actions, and what a change of them would do."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from pipelines.cli.run import Run, command
from pipelines.wording.formats import money, number, word
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from targeting.playbook import Action
    from targeting.playbook_changes import Changes

playbook_app = typer.Typer(
    name="playbook", help="The rules by which each customer is given one next action.", no_args_is_help=True
)
RULES = ("rule", "whom", "action", "purpose", "channel", "owner", "cost", "limits")
COUNTED = ("action", "before", "after", "benefit_before", "benefit_after")
LEFT = (*RULES, "from", "to")


@command(playbook_app, "show")
def show(
    run: Run, yaml: Annotated[bool, typer.Option("--yaml", help="As a file to change and to preview.")] = False
) -> None:
    """Every rule in the order in which it is tried: for whom, what, by whom, at what cost."""
    from pipelines.delivery import playbooks
    from targeting.playbook import in_order

    playbook = run.project.settings.actions.playbook
    run.tell(playbook=[action.model_dump(mode="json") for action in playbook])
    if yaml:
        run.out.print(playbooks.as_yaml(playbook).rstrip(), markup=False, soft_wrap=True)
        return
    table = _table(RULES, run.language)
    for number_ in in_order(playbook):
        table.add_row(*_cells(playbook[number_], run.language))
    run.say(table)
    run.say(text("playbook.order", run.language))


def _cells(action: "Action", lang: str) -> list[str]:
    from pipelines.wording import playbooks

    owner = word("owner", action.owner, lang) if action.owner else text("playbook.their_owner", lang)
    cells = [action.name, playbooks.condition(action.when, lang), word("recommended_action", action.code, lang)]
    cells += [text(f"playbook.purpose.{action.purpose}", lang), word("action_channel", action.channel, lang), owner]
    return [*cells, playbooks.amount(action.cost, lang), playbooks.limits(action, lang)]


@command(playbook_app, "preview")
def preview(
    run: Run,
    file: Annotated[Path, typer.Argument(help="The playbook as it is to be.")],
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A published date; the newest when left out.")
    ] = None,
) -> None:
    """Before a change goes live: how many customers would move from which action to which, and the expected benefit."""
    from pipelines.config.settings import load
    from pipelines.delivery import playbooks
    from pipelines.workspace.publication import read_publication

    project = run.project
    other = load(run.config_path, run.profile, {**run.overrides, "actions.playbook": str(file.absolute())})
    publication = read_publication(project.workspace, as_of.date() if as_of else None)
    found = playbooks.preview(project, publication, other.actions.playbook)
    run.tell(as_of=publication.as_of.isoformat(), currency=project.mapping.currency, **as_dict(found))
    _say(run, found, publication.as_of.isoformat())


def as_dict(found: "Changes") -> dict[str, Any]:
    """Changes for programs."""
    actions = found.actions.round({"benefit_before": 2, "benefit_after": 2})
    return {
        "customers": found.customers,
        "moved": found.moved,
        "actions": actions.to_dict("records"),
        "moves": found.moves.to_dict("records"),
    }


def _say(run: Run, found: "Changes", as_of: str) -> None:
    lang, currency = run.language, run.project.mapping.currency
    table = _table(COUNTED, lang)
    for row in found.actions.to_dict("records"):
        amounts = [money(row[name], currency, lang, 0) for name in COUNTED[3:]]
        counts = [number(row[name], lang) for name in COUNTED[1:3]]
        table.add_row(word("recommended_action", row["action"], lang), *counts, *amounts)
    run.say(table)
    if found.moved:
        run.say()
        moves = _table(("customers", "from", "to"), lang)
        for row in found.moves.to_dict("records"):
            names = [word("recommended_action", row[side], lang) for side in ("before", "after")]
            moves.add_row(number(row["customers"], lang), *names)
        run.say(moves)
    key = "moved" if found.moved else "unmoved"
    run.say(text(f"playbook.{key}", lang, n=found.customers, moved=found.moved, as_of=as_of))
    run.say(text("playbook.benefit", lang))


def _table(columns: Sequence[str], lang: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(text(f"playbook.column.{name}", lang), justify="left" if name in LEFT else "right")
    return table
