"""`headwater list show | diff | draw`: lists as they were drawn."""

import dataclasses
from typing import Annotated

import typer

from pipelines.cli.lists import Contacts, Format, Kind, Out, Preset, list_app, shape_of
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text
from pipelines.workspace.paths import relative_path

ListId = Annotated[str, typer.Argument(metavar="ID", help="As `list show` prints it, or its beginning.")]


@command(list_app, "show")
def show(
    run: Run,
    list_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One list; all of them when left out.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, the last frozen first.")] = 30,
) -> None:
    """What was frozen: by which scores, filters and buckets a list was drawn, who did it and when."""
    from pipelines.cli import list_words
    from pipelines.workspace import frozen_lists

    workspace = run.project.workspace
    if list_id is None:
        newest = sorted(frozen_lists.heads(workspace), key=lambda head: head["when"], reverse=True)
        heads = [head | head.pop("basis") for head in newest[:limit]]
        run.tell(lists=heads)
        list_words.say_heads(run, heads)
        return
    frozen = frozen_lists.read(workspace, list_id)
    run.tell(list=frozen.as_dict())
    list_words.say_record(run, frozen.as_dict())
    list_words.say_counts(run, frozen.result.counts)


@command(list_app, "diff")
def diff(run: Run, before: ListId, after: ListId) -> None:
    """Who came, went and stayed between two lists, and whether anybody changed between contact and control."""
    from pipelines.cli import list_words
    from pipelines.workspace import frozen_lists
    from targeting.list_changes import list_changes

    first, second = (frozen_lists.read(run.project.workspace, name).result for name in (before, after))
    changes = list_changes(first, second)
    counted = {"stayed": changes.stayed, "came": len(changes.came), "went": len(changes.went)}
    moved = {"into_control": changes.into_control, "out_of_control": changes.out_of_control}
    run.tell(before=first.list_id, after=second.list_id, **counted, **moved, settings=dict(changes.settings))
    list_words.say_changes(run, changes, second.kind)


@command(list_app, "draw", recorded=True)
def draw(
    run: Run,
    list_id: ListId,
    format: Kind = Format.xlsx,
    preset: Preset = None,
    contacts: Contacts = False,
    out: Out = None,
) -> None:
    """Write a frozen list once more: the same customers, without those who have refused by now."""
    from pipelines.cli import list_words
    from pipelines.delivery import lists

    shape = shape_of(run, preset, format.value)
    frozen, exported = lists.draw_again(run.project, list_id, shape, out, contacts)
    counts = dataclasses.asdict(frozen.result.counts)
    run.tell(list_id=frozen.result.list_id, outputs=[str(exported.path)], counts=counts)
    run.tell(rows=exported.rows, withdrawn=exported.withdrawn)
    run.say(text("steps.list_written", run.language, path=relative_path(exported.path), rows=exported.rows))
    list_words.say_withdrawn(run, exported.withdrawn)
    list_words.say_reachable(run, exported)
    list_words.say_consent(run, frozen.basis.get("consent"))
