"""`headwater data ...` and `headwater features ...`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.run import Engine, Run, command

data_app = typer.Typer(name="data", help="Your tables: check them, map them.", no_args_is_help=True)
features_app = typer.Typer(name="features", help="What is known about a customer at a date.", no_args_is_help=True)
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing of this day or later is seen.")]


@command(data_app, "check")
def check(run: Run, as_of: AsOf = None) -> None:
    """Read and validate every table; show rows in, used, quarantined and duplicate."""
    from pipelines.cli import inspection

    inspection.check(run, run.as_of(as_of))


@command(data_app, "map")
def map_columns(
    run: Run,
    suggest: Annotated[Path | None, typer.Option(help="Propose a mapping for this raw file.")] = None,
    table: Annotated[str | None, typer.Option(help="The canonical table that the file holds.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Try the project's mapping on the first rows.")] = False,
    encoding: Annotated[str, typer.Option(help="Of a CSV file.")] = "utf-8",
) -> None:
    """Suggest a mapping from your columns to the canonical tables, or test the one you have."""
    from pipelines.cli import inspection

    inspection.mapping(run, suggest, table, test, encoding)


@command(features_app, "build")
def build(
    run: Run,
    as_of: AsOf = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last of monthly dates.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.")] = None,
    engine: Engine = None,
) -> None:
    """Build every feature of everybody at a date, or at monthly dates until another."""
    from pipelines.cli import inspection

    run.override(engine=engine)
    inspection.build(run, run.as_of(as_of), until.date() if until else None, out)


@command(features_app, "audit")
def audit(
    run: Run,
    as_of: AsOf = None,
    customers: Annotated[int, typer.Option(min=2, help="How many are looked at.")] = 2_000,
    family: Annotated[str | None, typer.Option(help="Only this family, and what it is made from.")] = None,
) -> None:
    """Prove that no feature sees the future: recompute without later rows, and try every other law."""
    from pipelines.flows import audit as auditing

    auditing.run(run, run.as_of(as_of), customers, family)


@command(features_app, "list")
def listed(run: Run, family: Annotated[str | None, typer.Option(help="Only this family.")] = None) -> None:
    """Every feature with unit, meaning and what null means."""
    from pipelines.cli import inspection

    inspection.features(run, family)
