"""Commands that look and change nothing: tables, mappings, features, settings, runs."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from rich.table import Table

from features.build import NUMBER, TEXT, kind
from features.definition import Feature
from features.errors import HeadwaterError
from pipelines.config import settings as configuration
from pipelines.delivery import delivery
from pipelines.engine import spark
from pipelines.engine.assembly import Assembly
from pipelines.ingest import suggest
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import journal, storage
from pipelines.workspace import runs as past

if TYPE_CHECKING:
    from pipelines.cli.run import Run
    from pipelines.ingest.tables import Tables
    from pipelines.project import Project
    from pipelines.workspace.progress import Steps


def grid(*columns: str) -> Table:
    shown = Table(box=None, pad_edge=False)
    for column in columns:
        shown.add_column(column)
    return shown


def check(run: "Run", as_of: date) -> None:
    """`headwater data check`: the usability table, warnings, and where the quarantined rows lie."""
    lang = run.language
    with run.steps.step("check") as facts:
        tables = run.project.tables(as_of)
        facts["said"] = delivery.rows_said(tables, lang)
    shown = grid(
        *(text(f"steps.column.{c}", lang) for c in ("table", "in", "used", "quarantined", "duplicates", "newest"))
    )
    for use in delivery.table_use(tables):
        numbers = (use.rows_in, use.used, use.quarantined, use.duplicates)
        shown.add_row(use.table, *(f"{number:,}" for number in numbers), str(use.newest or ""))
    quarantine = run.project.workspace.quarantine / tables.fingerprint
    said = {"rows": delivery.rows(tables.counts), "files": tables.files}
    run.tell(**said, quarantine=str(quarantine), warnings=[warning.code for warning in tables.warnings])
    run.say(shown)
    for warning in tables.warnings:
        errors.render_block(warning, lang, run.out)
    if any(count.quarantined for count in tables.counts.values()):
        run.say(text("steps.quarantine", lang, path=delivery.shown(quarantine)))


def mapping(run: "Run", proposed: Path | None, table: str | None, test: bool, encoding: str) -> None:
    """`headwater data map`: a proposal for a raw file, or the mapping tried on the first rows."""
    if proposed is not None:
        found = suggest.suggest(proposed, table, encoding)
        run.tell(mapping=found)
        run.say(found)
    elif test:
        _tried(run, suggest.test(run.project.mapping))
    else:
        raise HeadwaterError("E233")


def _tried(run: "Run", trials: list[suggest.Trial]) -> None:
    """What the mapping makes of the first rows of each table."""
    run.tell(tables=[vars(trial) for trial in trials])
    shown = grid(*(text(f"steps.column.{c}", run.language) for c in ("table", "in", "quarantined", "example")))
    for trial in trials:
        broken = ", ".join(f"{rule} {count:,}" for rule, count in trial.broken.items())
        first = trial.example[0] if trial.example else {}
        example = ", ".join(f"{key}={value}" for key, value in first.items() if value is not None)
        shown.add_row(trial.table, f"{trial.rows:,}", broken, example)
    run.say(shown)


def build(run: "Run", as_of: date, until: date | None, out: Path | None) -> None:
    """`headwater features build`: the wide table of one date, or of monthly dates, as Parquet."""
    from models.splits import stepped

    dates = [as_of]
    while until and stepped(as_of, "1mo", len(dates)) <= until:
        dates.append(stepped(as_of, "1mo", len(dates)))
    project = run.project
    with run.steps.step("check") as facts:
        tables = project.tables(dates[-1])
        facts["said"] = delivery.rows_said(tables, run.language)
    with run.steps.step("features") as facts:
        path = out or project.workspace.root / f"features-{dates[-1].isoformat()}.parquet"
        rows = written(project, tables, dates, path, run.steps)
        facts["said"] = f"{rows:,} × {len(project.features)}"
    run.tell(outputs=[str(path)], rows=rows, columns=len(project.features))
    run.say(delivery.shown(path))


def written(project: "Project", tables: "Tables", dates: list[date], path: Path, steps: "Steps") -> int:
    """Features of everybody as one Parquet file, by the engine of the project; the number of rows."""
    schema = _wide_schema(project.features)
    if project.settings.engine == "spark":
        spark.present()
        from pipelines.engine import spark_features

        return storage.write_rows(spark_features.ordered(project, tables, dates), schema, path)
    with Assembly(project, tables, dates, steps) as made:
        rows = (pa.Table.from_pandas(wide, schema, preserve_index=False) for wide in made.snapshots())
        return storage.write_rows(rows, schema, path)


def _wide_schema(features: Sequence[Feature]) -> pa.Schema:
    """The types of a table of features, whether or not some of its rows have a value in every column."""
    types = {NUMBER: pa.float64(), TEXT: pa.string()}
    columns = [pa.field(f.column, types[kind(f)]) for f in features]
    return pa.schema([pa.field("customer_id", pa.string()), pa.field("as_of", pa.date32()), *columns])


def members(features: Sequence[Feature], family: str | None) -> list[Feature]:
    """The features of a family, or all. Raises E235 for a family that is not there."""
    found = [f for f in features if family in (None, f.family)]
    if not found:
        raise HeadwaterError("E235", given=str(family), known=", ".join(sorted({f.family for f in features})))
    return found


def features(run: "Run", family: str | None) -> None:
    """`headwater features list`: the dictionary, or one family of it."""
    lang = run.language
    found = members(run.project.features, family)
    shown = grid(*(text(f"steps.column.{c}", lang) for c in ("feature", "label", "unit", "meaning", "null")))
    for f in found:
        shown.add_row(f.column, f.label(lang), f.unit, f.meaning(lang), f.null_meaning(lang))
    words = [
        {
            "column": f.column,
            "family": f.family,
            "unit": f.unit,
            "label": f.label(lang),
            "meaning": f.meaning(lang),
            "null": f.null_meaning(lang),
        }
        for f in found
    ]
    run.tell(features=words)
    run.say(shown)


def settings(run: "Run", origin: bool) -> None:
    """`headwater config show`: every value in force, with its origin when asked for."""
    found = configuration.origins(run.project.settings)
    run.tell(settings=[{"key": key, "value": value, "origin": place} for key, value, place in found])
    shown = grid(*(text(f"steps.column.{c}", run.language) for c in ("key", "value", "origin")[: 3 if origin else 2]))
    for row in found:
        shown.add_row(*row[: 3 if origin else 2])
    run.say(shown)


def validate(run: "Run") -> None:
    """`headwater config validate`."""
    project = run.project
    run.tell(config=str(project.config), mapping=str(project.settings.mapping), tables=sorted(project.mapping.tables))
    run.say(text("steps.valid", run.language, config=project.config, tables=", ".join(project.mapping.tables)))


def schema(run: "Run", of_mapping: bool) -> None:
    """`headwater config schema`: for editors that check YAML."""
    found: Any = configuration.schema("mapping" if of_mapping else "settings")
    run.tell(schema=found)
    run.out.print_json(data=found)


def runs(run: "Run") -> None:
    """`headwater runs list`."""
    workspace = run.project.workspace
    found = [record | {"outcome": past.outcome(workspace, record)} for record in journal.history(workspace)]
    run.tell(runs=found)
    shown = grid(*(text(f"steps.column.{c}", run.language) for c in ("run", "as_of", "outcome")))
    for record in found:
        told = text(f"steps.outcome.{record['outcome']}", run.language)
        shown.add_row(record["run_id"], str(record.get("as_of") or "—"), told)
    run.say(shown)


def show(run: "Run", run_id: str) -> None:
    """`headwater runs show`: the steps of a run with their times."""
    import json

    path = run.project.workspace.runs / Path(run_id).name / "steps.jsonl"
    if not path.exists():
        raise HeadwaterError("E236", run_id=run_id)
    steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    run.tell(run_id=run_id, steps=steps)
    shown = grid(*(text(f"steps.column.{c}", run.language) for c in ("step", "seconds", "said")))
    for step in steps:
        shown.add_row(step["step"], f"{step['seconds']:.1f}", str(step.get("said", step.get("why", ""))))
    run.say(shown)
