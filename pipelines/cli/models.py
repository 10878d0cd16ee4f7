"""`headwater train | backtest | retrain | promote | rollback | explain | registry restore`."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.run import Run, command


class Target(StrEnum):
    churn = "churn"
    value = "value"
    vip = "vip"


AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing known on this day or later is used.")
]
Targets = Annotated[list[Target] | None, typer.Argument(help="churn, value, vip; all of them when left out")]


registry_app = typer.Typer(name="registry", help="The tracking store's own versions.", no_args_is_help=True)


@command(registry_app, "restore")
def restore(run: Run) -> None:
    """Make a tracking store that was lost or damaged know every version again, under its own number."""
    from pipelines.flows import restoring

    restoring.command(run)


def _names(targets: list[Target] | None) -> list[str]:
    return [target.value for target in targets or list(Target)]


def register(app: typer.Typer) -> None:
    """Add the commands of models to the command line."""
    app.add_typer(registry_app)

    @command(app, "train")
    def train(run: Run, targets: Targets = None, as_of: AsOf = None) -> None:
        """Train, judge on later time, log to MLflow and register as challenger. Promotes nothing."""
        from pipelines.flows import retrain

        retrain.command(run, run.as_of(as_of), _names(targets), promote=False)

    @command(app, "retrain")
    def retrained(run: Run, targets: Targets = None, as_of: AsOf = None) -> None:
        """Train, and promote every challenger that passes its gate."""
        from pipelines.flows import retrain

        retrain.command(run, run.as_of(as_of), _names(targets), promote=True)

    @command(app, "backtest")
    def backtest(
        run: Run,
        targets: Targets = None,
        as_of: AsOf = None,
        origins: Annotated[int, typer.Option(min=1, help="How many times to go forward.")] = 1,
        out: Annotated[Path | None, typer.Option(help="Markdown file to write the tables to.")] = None,
    ) -> None:
        """Rolling-origin backtest of every candidate beside the rule of today. Registers nothing."""
        from pipelines.flows import backtest as testing

        testing.command(run, run.as_of(as_of), _names(targets), origins, out)

    @command(app, "promote")
    def promote(
        run: Run,
        target: Annotated[Target, typer.Argument()],
        version: Annotated[int | None, typer.Option(min=1, help="Its number; the challenger when left out.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Although the gate refuses; needs --reason.")] = False,
        reason: Annotated[str | None, typer.Option(help="Why, kept with the version.")] = None,
    ) -> None:
        """Make the challenger, or a version, the champion if its gate passed; the champion is put in place again."""
        from pipelines.flows import promotion

        promotion.promote_command(run, target.value, version, force, reason)

    @command(app, "rollback")
    def rollback(run: Run, target: Annotated[Target, typer.Argument()]) -> None:
        """Make the champion before this one the champion again."""
        from pipelines.flows import promotion

        promotion.rollback_command(run, target.value)

    @command(app, "explain")
    def explain(
        run: Run,
        customer: Annotated[str, typer.Argument(help="customer_id")],
        as_of: AsOf = None,
    ) -> None:
        """Show why, for one customer: scores, reasons, and the features behind them."""
        from pipelines.flows import explanation

        explanation.explain(run, customer, as_of.date() if as_of else None)
