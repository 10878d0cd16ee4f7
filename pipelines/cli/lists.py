"""`headwater list vip | churn`: what marketing takes away."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import HeadwaterError
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text
from targeting.ranking import ListCounts

list_app = typer.Typer(name="list", help="Lists for marketing, with reasons and a holdout.", no_args_is_help=True)


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
Out = Annotated[Path | None, typer.Option(help="File to write; in the workspace when left out.")]
MinValue = Annotated[float | None, typer.Option(min=0, help="Least predicted value over the horizon.")]


@command(list_app, "vip", recorded=True)
def vip(
    run: Run,
    top: Top = None,
    holdout: Holdout = None,
    format: Kind = Format.xlsx,
    preset: Preset = None,
    as_of: AsOf = None,
    out: Out = None,
) -> None:
    """Write the potential-VIP list: who is on the way up, most probable first."""
    options = {"top": top, "holdout": _share(holdout)}
    _write(run, _Order("vip", options, format.value, preset, as_of, out))


@command(list_app, "churn", recorded=True)
def churn(
    run: Run,
    top: Top = None,
    holdout: Holdout = None,
    format: Kind = Format.xlsx,
    preset: Preset = None,
    as_of: AsOf = None,
    min_value: MinValue = None,
    out: Out = None,
) -> None:
    """Write the at-risk list: who may leave, most money at risk first."""
    options = {"top": top, "holdout": _share(holdout), "min_value": min_value}
    _write(run, _Order("churn", options, format.value, preset, as_of, out))


@dataclass(frozen=True)
class _Order:
    """Which list, and how; what is None comes from the project's settings."""

    kind: str
    options: Mapping[str, Any]
    ending: str
    preset: str | None
    as_of: datetime | None
    out: Path | None


def _write(run: Run, order: _Order) -> None:
    """Draw a list and write it to a file of its own: never that of the night's list."""
    from pipelines.delivery import lists, presets
    from pipelines.workspace.paths import relative_path
    from pipelines.workspace.publication import read_publication

    project = run.project
    publication = read_publication(project.workspace, order.as_of.date() if order.as_of else None)
    result = lists.draw(project, publication, order.kind, order.options)
    shape = order.preset or presets.preset_name(order.ending, run.lang or project.settings.language)
    ending = presets.preset(shape).format.removesuffix("-excel")
    name = f"{order.kind}-{shape}-top{result.filters['top']}"
    path = order.out or project.workspace.list_file(name, publication.as_of, ending)
    exported = lists.write(project, publication, result, shape, path)
    counts = dataclasses.asdict(result.counts)
    run.tell(as_of=publication.as_of.isoformat(), list_id=result.list_id, outputs=[str(path)], counts=counts)
    run.say(text("steps.list_written", run.language, path=relative_path(path), rows=exported.rows))
    run.say(_counts(result.counts, run.language), style="dim")


def _counts(counts: ListCounts, lang: str) -> str:
    """eligible = listed + suppressed + held out + beyond, in words."""
    return text(
        "steps.list_counts",
        lang,
        eligible=counts.eligible,
        listed=counts.listed,
        suppressed=sum(counts.suppressed.values()),
        held_out=counts.held_out,
        beyond=counts.beyond_top,
    )


def _share(option: str | None) -> float | None:
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
