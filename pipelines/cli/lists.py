"""`headwater list vip | churn`: what marketing takes away."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import HeadwaterError
from pipelines.cli import list_words
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text
from pipelines.workspace.paths import relative_path

list_app = typer.Typer(
    name="list", help="Lists for marketing, with reasons and a holdout; kept as they were drawn.", no_args_is_help=True
)


class Format(StrEnum):
    """File types of a list."""

    xlsx = "xlsx"
    csv = "csv"
    parquet = "parquet"


AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A published date; the newest when left out.")
]
Top = Annotated[int | None, typer.Option(min=1, help="How many customers can be worked on.")]
Holdout = Annotated[str | None, typer.Option(help="Share left untouched to measure the effect: 10% or 0.1.")]
Kind = Annotated[Format, typer.Option("--format", help="File type.")]
Preset = Annotated[str | None, typer.Option(help="Layout: excel-zh, excel-en, csv, csv-excel, ...")]
Contacts = Annotated[
    bool,
    typer.Option("--contacts", help="With telephone numbers and e-mail addresses; contact.details_for says who may."),
]
Out = Annotated[Path | None, typer.Option(help="File to write; in the workspace when left out.")]
MinValue = Annotated[float | None, typer.Option(min=0, help="Least predicted value over the horizon.")]
Region = Annotated[list[str] | None, typer.Option(help="Only this region; again for another one.")]
Tier = Annotated[list[str] | None, typer.Option(help="Only this tier of today; again for another one.")]
Type = Annotated[list[str] | None, typer.Option(help="Only this type: personal, group, family ...")]
Stage = Annotated[list[str] | None, typer.Option(help="Only this lifecycle stage: declining, 衰退期 ...")]
Reason = Annotated[list[str] | None, typer.Option(help="Only with this reason: usage_trend, 账单走势 ...")]
Action = Annotated[list[str] | None, typer.Option(help="Only with this recommended action.")]
ByUplift = Annotated[
    str | None, typer.Option(metavar="CHANNEL", help="Begin with whom campaigns by this channel help most.")
]
ValueBand = Annotated[list[str] | None, typer.Option(help="Only this value: low, medium or high.")]


@command(list_app, "vip", recorded=True)
def vip(
    run: Run,
    top: Top = None,
    holdout: Holdout = None,
    format: Kind = Format.xlsx,
    preset: Preset = None,
    as_of: AsOf = None,
    region: Region = None,
    tier: Tier = None,
    type: Type = None,
    stage: Stage = None,
    reason: Reason = None,
    action: Action = None,
    value_band: ValueBand = None,
    by_uplift: ByUplift = None,
    contacts: Contacts = False,
    out: Out = None,
) -> None:
    """Write the potential-VIP list: who is on the way up, most probable first."""
    options = {"top": top, "holdout": share(holdout)}
    wanted = {"region": region, "tier": tier, "type": type, "stage": stage, "reason": reason, "action": action}
    order = _Order(
        "vip", options, wanted | {"value_band": value_band}, format.value, preset, as_of, out, contacts, by_uplift
    )
    _write(run, order)


@command(list_app, "churn", recorded=True)
def churn(
    run: Run,
    top: Top = None,
    holdout: Holdout = None,
    format: Kind = Format.xlsx,
    preset: Preset = None,
    as_of: AsOf = None,
    min_value: MinValue = None,
    region: Region = None,
    tier: Tier = None,
    type: Type = None,
    stage: Stage = None,
    reason: Reason = None,
    action: Action = None,
    value_band: ValueBand = None,
    by_uplift: ByUplift = None,
    contacts: Contacts = False,
    out: Out = None,
) -> None:
    """Write the at-risk list: who may leave, most money at risk first."""
    options = {"top": top, "holdout": share(holdout), "min_value": min_value}
    wanted = {"region": region, "tier": tier, "type": type, "stage": stage, "reason": reason, "action": action}
    order = _Order(
        "churn", options, wanted | {"value_band": value_band}, format.value, preset, as_of, out, contacts, by_uplift
    )
    _write(run, order)


@dataclass(frozen=True)
class _Order:
    """Which list, and how; what is None comes from the project's settings."""

    kind: str
    options: Mapping[str, Any]
    wanted: Mapping[str, Sequence[str] | None]
    ending: str
    preset: str | None
    as_of: datetime | None
    out: Path | None
    contacts: bool
    by_uplift: str | None


def _write(run: Run, order: _Order) -> None:
    """Draw a list, freeze it and write it to a file of its own: never that of the night's list."""
    from pipelines.delivery import lists
    from pipelines.flows import uplift_order
    from pipelines.workspace import calls
    from pipelines.workspace.publication import read_publication

    project = run.project
    shape = shape_of(run, order.preset, order.ending)
    publication = read_publication(project.workspace, order.as_of.date() if order.as_of else None)
    uplift = uplift_order.adopted(project, order.kind, order.by_uplift) if order.by_uplift is not None else None
    result = lists.draw(project, publication, order.kind, order.options, order.wanted, uplift)
    counts = dataclasses.asdict(result.counts)
    run.tell(as_of=publication.as_of.isoformat(), counts=counts, filters=result.filters)
    if result.rows.empty:
        list_words.say_counts(run, result.counts)
    path = order.out or lists.file_of(project, result, shape, order.contacts)
    exported = lists.write(project, publication, result, shape, path, contacts=calls.user() if order.contacts else None)
    run.tell(list_id=result.list_id, outputs=[str(path)], rows=exported.rows, withdrawn=exported.withdrawn)
    run.say(text("steps.list_written", run.language, path=relative_path(path), rows=exported.rows))
    list_words.say_counts(run, result.counts)
    list_words.say_withdrawn(run, exported.withdrawn)
    list_words.say_reachable(run, exported)
    list_words.say_consent(run, project.settings.contact.consent)


def shape_of(run: Run, preset: str | None, ending: str) -> str:
    """The name of the layout that was asked for. Raises E263 for one that is not known."""
    from pipelines.delivery import presets

    name = preset or presets.preset_name(ending, run.lang or run.project.settings.language)
    presets.preset(name)
    return name


def share(option: str | None) -> float | None:
    """`10%` or `0.1`. Raises E234."""
    if option is None:
        return None
    try:
        number = float(option.removesuffix("%")) / (100 if option.endswith("%") else 1)
    except ValueError:
        raise HeadwaterError("E234", given=option) from None
    if not 0 <= number < 1:
        raise HeadwaterError("E234", given=option)
    return number
