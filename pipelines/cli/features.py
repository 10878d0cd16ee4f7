"""`headwater features build | audit | list`."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer
from rich.table import Table

from features.definition import Feature
from features.errors import HeadwaterError
from pipelines.cli.grids import grid
from pipelines.cli.run import Engine, Run, command
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from pipelines.flows.audit import Audit

features_app = typer.Typer(name="features", help="What is known about a customer at a date.", no_args_is_help=True)
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing of this day or later is seen.")]


@command(features_app, "build", recorded=True)
def build(
    run: Run,
    as_of: AsOf = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last of monthly dates.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file to write.")] = None,
    engine: Engine = None,
) -> None:
    """Build every feature of everybody at a date, or at monthly dates until another."""
    run.override(engine=engine)
    _build(run, _monthly_dates(run.as_of(as_of), until.date() if until else None), out)


@command(features_app, "audit")
def audit(
    run: Run,
    as_of: AsOf = None,
    customers: Annotated[int, typer.Option(min=2, help="How many are looked at.")] = 2_000,
    family: Annotated[str | None, typer.Option(help="Only this family, and what it is made from.")] = None,
) -> None:
    """Prove that no feature sees the future: recompute without later rows, and try every other law."""
    _audit(run, run.as_of(as_of), customers, family)


@command(features_app, "list")
def list_features(run: Run, family: Annotated[str | None, typer.Option(help="Only this family.")] = None) -> None:
    """Every feature with unit, meaning and what null means."""
    lang = run.language
    table, rows = grid(lang, "feature", "label", "unit", "meaning", "null"), []
    for f in _members(run.project.features, family):
        words = {"label": f.label(lang), "meaning": f.meaning(lang), "null": f.null_meaning(lang)}
        rows.append({"column": f.column, "family": f.family, "unit": f.unit, **words})
        table.add_row(f.column, words["label"], f.unit, words["meaning"], words["null"])
    run.tell(features=rows)
    run.say(table)


def _members(features: Sequence[Feature], family: str | None) -> list[Feature]:
    """The features of a family, or all. Raises E235 for a family that is not there."""
    members = [f for f in features if family in (None, f.family)]
    if not members:
        raise HeadwaterError("E235", given=str(family), known=", ".join(sorted({f.family for f in features})))
    return members


def _monthly_dates(first: date, until: date | None) -> list[date]:
    from models.splits import stepped

    dates = [first]
    while until and stepped(first, "1mo", len(dates)) <= until:
        dates.append(stepped(first, "1mo", len(dates)))
    return dates


def _build(run: Run, dates: list[date], out: Path | None) -> None:
    """The wide table of some dates as Parquet."""
    from pipelines.engine.engines import engine, wide_schema
    from pipelines.flows import sentences
    from pipelines.workspace import files
    from pipelines.workspace.paths import relative_path

    project = run.project
    chosen = engine(project.settings)
    with run.steps.step("check") as facts:
        tables = project.tables(dates[-1])
        facts["said"] = sentences.rows_read(tables, run.language)
    with run.steps.step("features") as facts:
        path = out or project.workspace.root / f"features-{dates[-1].isoformat()}.parquet"
        rows = files.write_parquet(
            path, chosen.features(project, tables, dates, run.steps), wide_schema(project.features)
        )
        facts["said"] = f"{rows:,} × {len(project.features)}"
    run.tell(outputs=[str(path)], rows=rows, columns=len(project.features))
    run.say(relative_path(path))


def _audit(run: Run, as_of: date, customers: int, family: str | None) -> None:
    """The table of all features, then E561 or E562 if one breaks a law or tells the outcome."""
    from features.build import closure
    from pipelines.flows import audit, sentences
    from pipelines.flows.hindsight import hindsight

    lang, project = run.language, run.project
    features = closure(project.features, _members(project.features, family))
    with run.steps.step("check") as facts:
        tables = project.tables(as_of)
        facts["said"] = sentences.rows_read(tables, lang)
    with run.steps.step("audit") as facts:
        result = audit.audit(project, tables, as_of, customers, features)
        rows = {"features": len(result.figures), "rows": result.customers, "past": result.past}
        facts["said"] = text("steps.audited", lang, **rows)
    run.tell(past=result.past, customers=result.customers, features=_rows(result))
    run.tell(broken=[vars(b) for b in result.broken], telling=result.leaks.to_dict())
    run.say(_audit_table(result, lang))
    if unknown := hindsight(project, tables, as_of):
        run.tell(hindsight=vars(unknown))
        run.say(unknown.sentence(lang))
    if problems := audit.problems(project, result):
        raise HeadwaterError.of(problems)
    run.say(text("steps.audit_held", lang))


def _rows(audit: "Audit") -> list[dict[str, Any]]:
    rows = audit.figures.reset_index(names="feature").astype(object).to_dict("records")
    return [{key: None if pd.isna(value) else value for key, value in row.items()} for row in rows]


def _audit_table(audit: "Audit", lang: str) -> Table:
    """One line per feature; what is wrong with it stands at its end."""
    columns = ("feature", "nulls", "distinct", "min", "median", "max", "auc", "remark")
    table = grid(lang, *columns)
    for row in _rows(audit):
        laws = [text(f"terms.law.{b.law}", lang) for b in audit.broken if b.feature == row["feature"]]
        laws += [text("terms.law.constant", lang)] * (row["distinct"] <= 1)
        numbers = ("" if row[c] is None else f"{row[c]:,.4g}" for c in ("min", "median", "max", "auc"))
        table.add_row(row["feature"], f"{row['nulls']:.0%}", f"{row['distinct']:,}", *numbers, ", ".join(laws))
    return table
