"""`headwater list vip | churn`: what marketing takes away."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.run import Run, command

list_app = typer.Typer(name="list", help="Lists for marketing, with reasons and a holdout.", no_args_is_help=True)


class Format(StrEnum):
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


def register(app: typer.Typer) -> None:
    """The lists; in a function because their options differ only in what they are for."""

    @command(list_app, "vip")
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
        from pipelines.delivery import delivery

        changes = {"top": top, "holdout": delivery.share(holdout)}
        day = as_of.date() if as_of else None
        delivery.list_command(run, delivery.Wanted("vip", changes, format.value, preset, day, out))

    @command(list_app, "churn")
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
        from pipelines.delivery import delivery

        changes = {"top": top, "holdout": delivery.share(holdout), "min_value": min_value}
        day = as_of.date() if as_of else None
        delivery.list_command(run, delivery.Wanted("churn", changes, format.value, preset, day, out))
