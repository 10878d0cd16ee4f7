"""Canonical tables kept from run to run: read from raw files only as far as these, the mapping or the code changed."""

import math
import os
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.errors import HeadwaterError, Problem
from features.visible import LATER
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.config.settings import Settings
from pipelines.ingest import (
    counted,
    deliveries,
    extracts,
    ingestion,
    inputs,
    judgement,
    leaving,
    months,
    snapshots,
    store,
)
from pipelines.ingest.deliveries import Delivery
from pipelines.ingest.hashes import Hashes
from pipelines.ingest.inputs import Inputs
from pipelines.ingest.reading import Keep, Reading
from pipelines.ingest.snapshots import Night
from pipelines.ingest.tables import Part, Tables
from pipelines.wording.errors import translated
from pipelines.workspace import erasures
from pipelines.workspace.files import FOLDER_MODE, write_text

CURRENT = "CURRENT"
HASHES = "raw_hashes.json"
FEWEST_SHARED = 0.95
FEWEST_VANISHED = 10
LATE_DAYS, MOST_LATE = 31, 0.5
KEPT = 3
Previous = tuple[Path, dict[str, Any]]
"""A folder in use before a reading, and its manifest."""


def canonical(con, settings: Settings, folder: Path, as_of: date) -> Tables:
    """The tables of a project, read and judged for a date. Raises what `read` and `judged` raise.

    A snapshot of customers that was read counts from this date on, and that is kept for good.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    settings
        Of the project.
    folder
        `<workspace>/<name>`.
    as_of
        The date of the run.
    """
    tables, night = _read(con, settings, folder, as_of)
    tables = judged(con, tables, settings, as_of)
    if night is None:
        return tables
    night.save(tables.parts["customers"][0], as_of)
    return replace(tables, warnings=(*tables.warnings, *night.notes(as_of)))


def judged(con, tables: Tables, settings: Settings, as_of: date) -> Tables:
    """The same tables with a warning for what is late or thin at a date. Raises E324, and what `judgement.check` raises.

    Parameters
    ----------
    con
        The connection that they are views in.
    tables
        What was read.
    settings
        Limits, of the mapping and of `quality`.
    as_of
        Rows known then or later do not count.
    """
    why = [
        *leaving.check(tables, settings),
        *months.check(tables, settings, as_of),
        *counted.check(tables, settings, as_of),
    ]
    told = judgement.check(con, tables, settings.tables, settings.quality, as_of)
    return replace(tables, warnings=(*tables.warnings, *why, *told))


def newest_day(tables: Tables, timezone: str) -> date | None:
    """The day after the newest row was known, in the project's zone: the first as-of date that sees everything.

    None where no table has a clock.
    """
    moments = [moment.replace(tzinfo=UTC).astimezone(ZoneInfo(timezone)) for moment in tables.newest.values()]
    return max(moments).date() + timedelta(days=1) if moments else None


def read(con, settings: Settings, folder: Path, as_of: date) -> Tables:
    """The tables of a project as views in `con`; only raw files that no earlier reading has seen are opened.

    `folder` is the project's own (`<workspace>/<name>`). Quarantined rows go to its `quarantine/<fingerprint>/`, also
    when the reading stops. Raises what `ingestion.read` raises, E322, E332, E362, E407 and E411.

    A raw file that looks as it did at the last reading is not hashed again (`hashes`; `quality.rehash` forces it): nothing
    is taken from it, so what may have become of its bytes changes nothing. Every stored file is hashed once by each
    reading, for damage on the disk leaves size and times as they are, and what is stored is what is published; it is a
    small part of the raw bytes, and the night decompresses all of it anyway.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    settings
        Of the project.
    folder
        `<workspace>/<name>`.
    as_of
        The date of the run.
    """
    return _read(con, settings, folder, as_of)[0]


def _read(con, settings: Settings, folder: Path, as_of: date) -> tuple[Tables, Night | None]:
    """The tables, and the snapshot of customers among them; None where customers are no snapshots."""
    mapping, quality = settings.tables, settings.quality
    with translated(folder):
        extracts.extract(mapping, folder / "extracts")
        hashes = Hashes.open(folder / HASHES, forget=quality.rehash)
        located = replace(inputs.located(mapping, hashes), erasures=erasures.erasures(folder))
        hashes.save(folder / HASHES)
        inputs.raise_first(list(located.failures))
        found = _deliveries(located, folder / "tables")
        delivered = located.delivered(max(as_of, settings.as_of or as_of), quality)
        night = _night(located, folder, quality, as_of)
        located = replace(located, history=night.after.identity if night else "")
        target = folder / "tables" / located.fingerprint(quality)
        manifest, opened = store.intact(target), dict[str, int]()
        if manifest is None or not _is_lasting(manifest, delivered):
            manifest, opened = _build(con, settings, located, target, delivered, night)
        _point(target)
    tables = store.views(con, target, manifest)
    _check_rows(located, tables)
    return replace(tables, read=opened, deliveries=found, warnings=(*tables.warnings, *_mutable(mapping))), night


def _deliveries(located: Inputs, tables: Path) -> dict[str, list[Delivery]]:
    """Table -> what markers and manifests say of its sources. Raises E411 for files that were read and are arriving again:
    their rows would be nothing meanwhile."""
    found = {name: [raw.delivery for raw in raws.members] for name, raws in located.raws.items()}
    before = _current(tables)
    known = {file["path"] for files in before[1]["inputs"].values() for file in files} if before else set()
    again = [
        (name, file) for name, each in found.items() for one in each for file in one.arriving if file.path in known
    ]
    if again:
        raise HeadwaterError.of(
            [Problem("E411", file.path, values={"table": name} | file.told) for name, file in again]
        )
    return found


def _check_rows(located: Inputs, tables: Tables) -> None:
    """The rows that are stored against manifests, which may have come anew. Raises E407."""
    for name, raws in located.raws.items():
        rows = {(file.source, file.path): file.rows for file in tables.fingerprints[name]}
        for number, raw in enumerate(raws.members):
            own = {path: count for (source, path), count in rows.items() if source == number}
            deliveries.check_rows(raw.delivery.listed, own)


def _night(located: Inputs, folder: Path, quality: Quality, as_of: date) -> Night | None:
    """The snapshot of customers on top of those before; None where customers are no snapshots."""
    if located.mapping.tables["customers"].kept != "snapshots":
        return None
    return Night.of(folder / snapshots.FOLDER, located.mapping, located.contents(quality, "customers"), as_of)


def _mutable(mapping: Mapping) -> list[Problem]:
    """A warning where the past of customers is what they are today."""
    if mapping.tables["customers"].kept != "mutable":
        return []
    return [Problem("W363", mapping.origin, column="tables.customers.history")]


def _is_lasting(manifest: dict[str, Any], delivered: datetime) -> bool:
    """Would a new reading of the same inputs put the same rows aside as "from the future"?"""
    settled = [memory["settled"] for memory in manifest["memory"].values() if memory["settled"]]
    return not manifest["future"] and all(datetime.fromisoformat(moment) < delivered for moment in settled)


def _build(
    con, settings: Settings, located: Inputs, target: Path, delivered: datetime, night: Night | None
) -> tuple[dict[str, Any], dict[str, int]]:
    """Read what is new and put the tables in place, whole or not at all; the manifest, and inputs read per table."""
    quality, folder = settings.quality, target.parent.parent
    before = _previous(target)
    recipes = located.recipes(quality)
    same = {name for name in recipes if before and before[1]["recipes"].get(name) == recipes[name]}
    aside = folder / "quarantine" / target.name
    shutil.rmtree(aside, ignore_errors=True)
    staging = target.with_name(f".staging-{target.name}-{os.getpid()}")
    base = _base(target, before, recipes)
    reading = Reading(con, located, quality, staging, delivered, night, base, _keep_in(aside))
    try:
        staging.mkdir(mode=FOLDER_MODE, parents=True)
        tables = ingestion.read(reading, _comparable_medians(before, same))
        if before and "customers" in same:
            monthly = located.mapping.tables["customers"].monthly
            told = _check_customers(con, tables, store.unopened(*before), quality, leavers_go=monthly)
            told = [] if monthly else told  # months say it themselves
            told += _rewritten(con, tables, store.unopened(*before), located.mapping)
            tables = replace(tables, warnings=(*tables.warnings, *told))
        tables = replace(tables, warnings=(*tables.warnings, *_late_records(tables, located.mapping)))
        manifest = store.seal(tables, staging)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
        return manifest, tables.read
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for view in [*(f"{name}_read" for name in reading.result.tables), "customers_base", "part_written"]:
            con.drop_view(view, force=True)


def _comparable_medians(before: Previous | None, tables: set[str]) -> dict[str, float]:
    """The medians of the reading before, of some tables."""
    medians = before[1]["medians"] if before else {}
    return {column: median for column, median in medians.items() if column.split(".")[0] in tables}


def _base(target: Path, before: Previous | None, recipes: dict[str, str]) -> Tables | None:
    """An earlier reading without damage that holds some table as it would be read today."""
    folders = [target, *([before[0]] if before else [])]
    for folder in dict.fromkeys(folders):
        manifest = store.read_manifest(folder)
        if manifest and manifest["recipes"].items() & recipes.items() and store.damaged(folder, manifest) is None:
            return store.base(folder, manifest)
    return None


def _point(target: Path) -> None:
    """Name the folder in use; the next reading starts from it. Older folders beyond the last few are removed."""
    current = target.parent / CURRENT
    if not current.is_file() or current.read_bytes() != target.name.encode():  # who only looks writes nothing
        write_text(current, target.name)
    folders = [path for path in target.parent.iterdir() if (path / store.MANIFEST).is_file() and path != target]
    for old in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def newest_parts(folder: Path, table: str) -> list[Part]:
    """The files of a table as the newest reading of a project left them; none where it was not read.

    Parameters
    ----------
    folder
        `<workspace>/<name>`.
    table
        Its name.

    Raises
    ------
    HeadwaterError
        E331 (exit 3) where there was a reading and its manifest is missing, altered or of before it was sealed.
    """
    pointer, current = folder / "tables" / CURRENT, _current(folder / "tables")
    if current is None and pointer.is_file():
        raise HeadwaterError("E331", file=pointer, detail="what it names is missing or altered")
    return store.unopened(*current).parts.get(table, []) if current else []


def damage(tables: Path) -> Path | None:
    """What is damaged in the folder of all readings: the pointer, a manifest or a file; None where nothing is.

    A reading finds out by itself and makes it again; this is for whoever asks beforehand.
    """
    pointer = tables / CURRENT
    folders = sorted(path for path in tables.glob("*") if path.is_dir() and not path.name.startswith("."))
    if folders and (
        not pointer.is_file() or pointer.read_bytes().decode(errors="replace").strip() not in _names(folders)
    ):
        return pointer
    for folder in folders:
        manifest = store.read_manifest(folder)
        if manifest is None:
            return folder / store.MANIFEST
        if spoilt := store.damaged(folder, manifest):
            return spoilt
    return None


def _names(folders: list[Path]) -> set[str]:
    return {folder.name for folder in folders}


def _previous(target: Path) -> Previous | None:
    """The folder in use before this reading, and its manifest."""
    return _current(target.parent)


def _current(tables: Path) -> Previous | None:
    """The folder in use of those of all readings, and its manifest."""
    pointer = tables / CURRENT
    if not pointer.is_file():
        return None
    folder = tables / pointer.read_bytes().decode(errors="replace").strip()
    manifest = store.read_manifest(folder)
    return None if manifest is None else (folder, manifest)


def _check_customers(
    con, tables: Tables, before: Tables, quality: Quality, *, leavers_go: bool = False
) -> list[Problem]:
    """Those of a reading against those of the one before: ids that changed their spelling (00123 -> 123) meet few of
    them, and few of those with us may be missing; a warning for those that are. Raises E322, E362.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    before
        The reading before, by the same recipe.
    quality
        How many may be missing.
    leavers_go
        Those who have left are in no later file: they are not looked for.
    """
    parts = [part for part in before.parts["customers"] if part.path.is_file()]
    if not parts or parts[0].sha256 == tables.parts["customers"][0].sha256:
        return []
    old, new = _on_record(before.view(con, "customers", parts, "_base")), _on_record(tables["customers"])
    file = tables.fingerprints["customers"][0].path
    _check_spelling(old.filter(old.with_us) if leavers_go else old, new, file)
    here = old.filter(old.with_us).select("customer_id")
    missing, of = here.anti_join(new, "customer_id"), here.count().execute()
    rows = missing.count().execute()
    if not rows:
        return []
    sample = missing.order_by("customer_id").limit(1).to_pyarrow()["customer_id"][0].as_py()
    values = {"rows": rows, "total": of, "share": rows / of, "limit": quality.max_vanished, "value": sample}
    values["enough"] = math.ceil(100 * rows / of) / 100
    if rows >= FEWEST_VANISHED and rows > quality.max_vanished * of:
        raise HeadwaterError("E362", file=file, column="customer_id", **values)
    return [Problem("W361", file, column="customer_id", values=values)]


def _rewritten(con, tables: Tables, before: Tables, mapping: Mapping) -> list[Problem]:
    """A warning where a mutable table of customers says other things of them than in the reading before.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    tables
        What was read.
    before
        The reading before, by the same recipe.
    mapping
        Says how customers are delivered, and which of their columns are mapped.
    """
    parts = [part for part in before.parts["customers"] if part.path.is_file()]
    if mapping.tables["customers"].kept != "mutable" or not parts:
        return []
    old, new = before.view(con, "customers", parts, "_base"), tables["customers"]
    mapped = {name for part in mapping.tables["customers"].parts for name in part.columns}
    columns = sorted(mapped & set(new.columns) - {*snapshots.KEY, *LATER})
    both = new.join(old, [new[c].identical_to(old[c]) for c in snapshots.KEY], rname="{name}_before")
    others = {c: ~both[c].identical_to(both[f"{c}_before"]) for c in columns}
    if not others:
        return []
    each = {f"of_{c}": other.sum() for c, other in others.items()}
    counts = both.aggregate(holders=both.count(), rewritten=ibis.or_(*others.values()).sum(), **each)
    found = counts.to_pyarrow().to_pylist()[0]
    named = [c for c in columns if found[f"of_{c}"]]
    values = {"rows": found["rewritten"], "total": found["holders"], "columns": ", ".join(named)}
    file = tables.fingerprints["customers"][0].path
    return [Problem("W366", file, column=named[0], values=values)] if named else []


def _late_records(tables: Tables, mapping: Mapping) -> list[Problem]:
    """A warning where most are on record only since long after they joined: a time of change instead of changes."""
    if mapping.tables["customers"].kept != "changes":
        return []
    people = tables["customers"]
    holders = people.group_by("customer_id", "activated_on").aggregate(
        first=people.known_at.min().cast("date"), rows=people.count()
    )
    late = (holders.rows == 1) & (holders["first"] > holders.activated_on + ibis.interval(days=LATE_DAYS))
    share = holders.aggregate(share=late.mean()).to_pyarrow()["share"][0].as_py() or 0.0
    file = tables.fingerprints["customers"][0].path
    values = {"share": share, "days": LATE_DAYS}
    return [Problem("W364", file, column="known_at", values=values)] if share > MOST_LATE else []


def _on_record(customers: ir.Table) -> ir.Table:
    """The ids that are on record now, each once, and whether one of their holders is with us."""
    now = customers.filter(customers.superseded_at.isnull())
    return now.group_by("customer_id").aggregate(with_us=now.deactivated_on.isnull().any())


def _check_spelling(old: ir.Table, new: ir.Table, file: str) -> None:
    """Raises E322 where few of the fewer ids are shared."""
    shared = old.semi_join(new, "customer_id").count().execute()
    fewer = min(old.count().execute(), new.count().execute())
    if shared < FEWEST_SHARED * fewer:
        samples = new.anti_join(old, "customer_id").select("customer_id").order_by("customer_id").limit(1)
        sample = samples.to_pyarrow()["customer_id"].to_pylist()
        raise HeadwaterError(
            "E322", file=file, column="customer_id", share=shared / fewer, value=sample[0] if sample else "—"
        )


def _keep_in(folder: Path) -> Keep:
    """Quarantined rows of each table go to a folder, readable by the owner alone."""

    def keep(name: str, rows: pa.Table) -> None:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        store.write_secret(folder / f"{name}.parquet", rows)

    return keep
