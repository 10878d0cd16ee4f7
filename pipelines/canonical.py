"""Canonical tables kept on disk: built once per mapping and input, opened again by every later command.

`<workspace>/tables/<fingerprint>/` holds one Parquet file per table, sorted by customer and time, and `manifest.json`,
which says what was read and carries the sha256 of every file. A folder is built under a dot name and renamed; it is
never changed afterwards.
"""

import hashlib
import json
import os
import shutil
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq

from features.contracts import CONTRACTS
from features.errors import HeadwaterError, Problem
from pipelines import magnitudes, tables
from pipelines.errors import translated
from pipelines.mapping import Mapping
from pipelines.quality import RowCount
from pipelines.settings import Settings
from pipelines.sources import InputFile
from pipelines.tables import Tables

MANIFEST = "manifest.json"
CURRENT = "CURRENT"
FEWEST_SHARED = 0.95
KEPT = 3
FOLDER_MODE, FILE_MODE, SECRET_MODE = 0o750, 0o640, 0o600


def canonical(con, settings: Settings, folder: Path, as_of: date) -> Tables:
    """The tables of a project as views in `con`, read from raw files only when these or the mapping changed.

    `folder` is the project's own (`<workspace>/<name>`). Quarantined rows go to its `quarantine/<fingerprint>/`, also
    when the reading stops. Freshness at `as_of` is judged each time. Raises what `read_tables` raises, and E322, E402.
    """
    mapping, quality = settings.tables, settings.quality
    with translated(folder):
        delivered = max(as_of, settings.as_of or as_of)
        fingerprint = tables.fingerprint(mapping, quality)
        target = folder / "tables" / fingerprint
        if not reusable(target, mapping, quality, delivered):
            build(con, settings, folder, target, delivered)
        point(target)
        found = open_tables(con, target)
        late = magnitudes.freshness(found, mapping, as_of)
    found.warnings = (*found.warnings, *late)
    return found


def build(con, settings: Settings, folder: Path, target: Path, delivered: date) -> None:
    """Read the raw files and put their tables in place, whole or not at all."""
    mapping, before = settings.tables, previous(target)
    aside = folder / "quarantine" / target.name
    shutil.rmtree(aside, ignore_errors=True)
    medians = before["medians"] if before and before["mapping"] == mapping_sha256(mapping) else {}
    found = tables.read_tables(
        con, mapping, settings.quality, delivered, before=medians, keep=lambda name, rows: put_aside(rows, aside, name)
    )
    if before and before["mapping"] == mapping_sha256(mapping):
        same_customers(con, found, target.parent / before["fingerprint"] / "customers.parquet")
    staging = target.with_name(f".staging-{target.name}-{os.getpid()}")
    try:
        write(con, found, staging, mapping)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for name in found.tables:
            con.drop_table(name, force=True)


def write(con, found: Tables, folder: Path, mapping: Mapping) -> None:
    """Every table as one zstd Parquet file sorted by customer and time, and the manifest that describes them."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    sums = {}
    for name, table in found.tables.items():
        path = folder / f"{name}.parquet"
        first = [c for c in ("customer_id", "happened_at", "valid_from", "as_of") if c in table.columns]
        rest = [c for c in table.columns if c not in first]
        con.to_parquet(table.order_by([*first, *rest]), path, compression="zstd")
        sums[name] = sealed(path)
    manifest = described(found) | {"sha256": sums, "mapping": mapping_sha256(mapping)}
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True, default=str), encoding="utf-8")
    sealed(path)


def sealed(path: Path) -> str:
    """Set the mode, sync to disk, and give the sha256 of a finished file."""
    with path.open("rb") as file:
        os.fchmod(file.fileno(), FILE_MODE)
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()


def described(found: Tables) -> dict[str, Any]:
    """What the manifest says of a reading."""
    return {
        "fingerprint": found.fingerprint,
        "measures": found.measures,
        "attributes": found.attributes,
        "counts": {name: asdict(count) for name, count in found.counts.items()},
        "inputs": {name: [asdict(file) for file in files] for name, files in found.fingerprints.items()},
        "medians": found.medians,
        "newest": {name: moment.isoformat() for name, moment in found.newest.items()},
        "future": found.future,
        "ignored": found.ignored,
        "declared": found.declared,
        "warnings": [asdict(problem) for problem in found.warnings],
    }


def open_tables(con, folder: Path) -> Tables:
    """The tables of a folder as views, each file checked by sha256 first. Raises E331 for a missing or altered one."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise HeadwaterError("E331", file=folder / MANIFEST, detail="missing or unreadable")
    views = {}
    for name, digest in manifest["sha256"].items():
        path = folder / f"{name}.parquet"
        if not intact(path, digest):
            raise HeadwaterError("E331", file=path, detail="missing or altered (sha256)")
        views[name] = con.read_parquet(path, table_name=name)
    return Tables(
        views,
        tuple(manifest["measures"]),
        tuple(manifest["attributes"]),
        {name: RowCount(**count) for name, count in manifest["counts"].items()},
        fingerprints={name: [InputFile(**file) for file in files] for name, files in manifest["inputs"].items()},
        medians=manifest["medians"],
        newest={name: datetime.fromisoformat(moment) for name, moment in manifest["newest"].items()},
        future=manifest["future"],
        ignored=manifest["ignored"],
        declared=tuple(manifest["declared"]),
        warnings=tuple(Problem(**problem) for problem in manifest["warnings"]),
        fingerprint=manifest["fingerprint"],
    )


def intact(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return found if isinstance(found, dict) and "sha256" in found else None


def reusable(target: Path, mapping: Mapping, quality, delivered: date) -> bool:
    """Is the folder whole, and would a new reading put the same rows aside as "from the future"?"""
    manifest = read_manifest(target)
    if manifest is None:
        return False
    if not all(intact(target / f"{name}.parquet", digest) for name, digest in manifest["sha256"].items()):
        return False
    limit = tables.delivery_limit(delivered, mapping, quality)
    newest = [datetime.fromisoformat(moment) for moment in manifest["newest"].values()]
    return not manifest["future"] and all(moment < limit for moment in newest)


def point(target: Path) -> None:
    """Name the folder in use; the next reading compares itself with it. Older folders beyond the last few are removed."""
    temporary = target.parent / f".{CURRENT}-{os.getpid()}"
    temporary.write_text(target.name, encoding="utf-8")
    temporary.replace(target.parent / CURRENT)
    folders = [path for path in target.parent.iterdir() if (path / MANIFEST).is_file() and path != target]
    for old in sorted(folders, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT - 1 :]:
        shutil.rmtree(old, ignore_errors=True)


def previous(target: Path) -> dict[str, Any] | None:
    """The manifest of the folder in use before this reading."""
    pointer = target.parent / CURRENT
    if not pointer.is_file():
        return None
    return read_manifest(target.parent / pointer.read_text(encoding="utf-8").strip())


def mapping_sha256(mapping: Mapping) -> str:
    return hashlib.sha256(mapping.model_dump_json().encode()).hexdigest()


def same_customers(con, found: Tables, before: Path) -> None:
    """Ids that changed their spelling (00123 -> 123) meet few of the ids of the reading before. Raises E322."""
    if not before.is_file():
        return
    old = con.read_parquet(before, table_name="customers_before")
    new = found["customers"]
    shared = old.semi_join(new, "customer_id").count().execute()
    fewer = min(old.count().execute(), new.count().execute())
    if shared < FEWEST_SHARED * fewer:
        samples = new.anti_join(old, "customer_id").select("customer_id").order_by("customer_id").limit(1)
        sample = samples.to_pyarrow()["customer_id"].to_pylist()
        file = found.fingerprints["customers"][0].path
        raise HeadwaterError(
            "E322", file=file, column="customer_id", share=shared / fewer, value=sample[0] if sample else "—"
        )


def put_aside(rows: pa.Table, folder: Path, name: str) -> None:
    """Quarantined rows of one table, readable by the owner alone."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    path = folder / f"{name}.parquet"
    path.unlink(missing_ok=True)
    path.touch(SECRET_MODE)
    with path.open("wb") as file:
        pq.write_table(rows, file, compression="zstd")


def expected_schema(name: str, found: Tables) -> ibis.Schema:
    """The contract's columns in the contract's types, with what the mapping declares beyond it."""
    contract = CONTRACTS[name].with_measures(found.measures) if name == "usage" else CONTRACTS[name]
    extra = {"superseded_at": "timestamp(6)"} if contract.event else {}
    own = dict.fromkeys(found.attributes, "string") if name == "customers" else {}
    return ibis.schema(contract.schema() | own | extra)
