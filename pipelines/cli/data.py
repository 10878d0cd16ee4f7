"""`headwater data check | map`."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import HeadwaterError
from pipelines.cli.grids import grid
from pipelines.cli.run import Run, command
from pipelines.wording.texts import text

if TYPE_CHECKING:
    from pipelines.ingest.tables import Tables

SOME = 10_000
"""Customers whose contact details are looked at."""
data_app = typer.Typer(name="data", help="Your tables: check them, map them.", no_args_is_help=True)
AsOf = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Nothing of this day or later is seen.")]


@command(data_app, "check")
def check(run: Run, as_of: AsOf = None) -> None:
    """Read and validate every table; show rows in, used, quarantined, duplicate and filtered.

    Without a date, here or in the configuration, the tables are judged as of the day after their newest row.
    """
    _check(run, as_of.date() if as_of else run.project.settings.as_of)


@command(data_app, "map")
def map_columns(
    run: Run,
    suggest: Annotated[Path | None, typer.Option(help="Propose a mapping for this raw file.")] = None,
    table: Annotated[str | None, typer.Option(help="The canonical table that the file holds.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Try the project's mapping on the first rows.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV file; found from its bytes when absent.")] = None,
) -> None:
    """Suggest a mapping from your columns to the canonical tables, or test the one you have."""
    from pipelines.recognition.suggestion import suggestion

    if suggest is not None:
        proposal = suggestion(suggest, table, encoding, run.language)
        run.tell(mapping=proposal)
        run.say(proposal)
    elif test:
        _test(run)
    else:
        raise HeadwaterError("E233")


def _check(run: Run, as_of: date | None) -> None:
    """The usability table, warnings, and where the quarantined rows lie."""
    from pipelines.delivery.pages import table_use
    from pipelines.flows import sentences
    from pipelines.flows.hindsight import hindsight
    from pipelines.wording import errors
    from pipelines.workspace.paths import relative_path

    lang = run.language
    with run.steps.step("check") as facts:
        day = as_of or run.as_of(None)
        tables, judged = (run.project.tables(day), day) if as_of else run.project.newest_tables(day)
        facts["said"] = sentences.rows_read(tables, lang)
    table = grid(lang, "table", "in", "used", "quarantined", "duplicates", "filtered", "newest")
    for use in table_use(tables, run.project.mapping.timezone):
        numbers = (use.rows_in, use.used, use.quarantined, use.duplicates, use.filtered)
        table.add_row(use.table, *(f"{number:,}" for number in numbers), str(use.newest or ""))
    quarantine = run.project.workspace.quarantine / tables.fingerprint
    run.tell(rows=sentences.row_counts(tables.counts), files=tables.files, quarantine=str(quarantine))
    run.tell(as_of=judged.isoformat(), warnings=[warning.code for warning in tables.warnings])
    run.say(table)
    if as_of is None:
        run.say(text("steps.judged_newest", lang, as_of=judged))
    if unknown := hindsight(run.project, tables, judged):
        run.tell(hindsight=vars(unknown))
        run.say(unknown.sentence(lang))
    for warning in tables.warnings:
        errors.render_block(warning, lang, run.out)
    _say_contact_details(run, tables)
    if any(count.quarantined for count in tables.counts.values()):
        run.say(text("steps.quarantine", lang, path=relative_path(quarantine)))


def _say_contact_details(run: Run, tables: "Tables") -> None:
    """Of some customers, how many can be reached by the contact details that are mapped; nothing where none are.

    So that a misspelt column is told before the first list asks for it. Counts alone are told.
    """
    from pipelines.delivery import contact_details

    if run.project.mapping.contact_details is None:
        return
    some = tables["customers"].select("customer_id").distinct().order_by("customer_id").limit(SOME).to_pyarrow()
    found = contact_details.of_customers(run.project, some["customer_id"].to_pylist())
    counts = {name: int(found[name].notna().sum()) for name in ("phone", "phone_e164", "email", "email_safe")}
    run.tell(contact_details=counts | {"customers": len(found)})
    run.say(text("lists.details_found", run.language, of=len(found), **counts))


def _test(run: Run) -> None:
    """What the mapping makes of the first rows of each table."""
    from pipelines.ingest import trial

    trials = trial.trials(run.project.mapping)
    run.tell(tables=[vars(tried) for tried in trials])
    table = grid(run.language, "table", "in", "filtered", "quarantined", "example")
    for tried in trials:
        broken = ", ".join(f"{rule} {count:,}" for rule, count in tried.broken.items())
        first = tried.example[0] if tried.example else {}
        example = ", ".join(f"{key}={value}" for key, value in first.items() if value is not None)
        table.add_row(tried.table, f"{tried.rows:,}", f"{tried.filtered:,}", broken, example)
    run.say(table)
    _say_found(run)


def _say_found(run: Run) -> None:
    """How files are written and what attributes are, as the data told, where it is kept, and how to overrule it."""
    from pipelines.ingest import pinning
    from pipelines.workspace.paths import relative_path

    path = relative_path(run.project.workspace.root / pinning.FILE)
    told = pinning.used(run.project.settings.tables, run.project.workspace.root)
    run.tell(found=told)
    for name, entry in told["sources"].items():
        values = {"table": name, "encoding": entry["encoding"], "delimiter": repr(entry["delimiter"]), "path": path}
        run.say(text("steps.source_found", run.language, **values))
    for name, entry in told["attributes"].items():
        shape = f" ({entry['parse']})" if entry["parse"] else ""
        kind = text(f"steps.type.{entry['type']}", run.language)
        values = {"table": pinning.TABLE, "column": name, "type": kind, "shape": shape, "path": path}
        run.say(text("steps.type_found", run.language, **values))
    for name, entry in told["columns"].items():
        key = "steps.shape_found" if entry["parse"] else "steps.mark_found"
        run.say(text(key, run.language, column=name, **{**entry, "path": path}))
