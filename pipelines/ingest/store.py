"""Canonical tables on disk: folders that are built aside, renamed whole, checked by sha256 and never changed.

`<workspace>/tables/<fingerprint>/<table>/<part>.parquet` holds the rows, `_memory/` what the next reading must know of
the inputs, `manifest.json` what was read, every part and the sha256 of every file. A part that a reading does not
touch is the same file in both folders (a hard link).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.errors import HeadwaterError, Problem
from pipelines.ingest.readers.sources import InputFile
from pipelines.ingest.tables import Memory, Part, RowCount, Tables
from pipelines.workspace.files import FOLDER_MODE, SECRET_MODE, replacing, sha256, write_json

MANIFEST = "manifest.json"
MEMORY = "_memory"
REMEMBERED = ("aside", "waiting", "sizes")


def seal(tables: Tables, folder: Path) -> dict[str, Any]:
    """Write what is to be remembered of a reading, and its manifest, beside the parts; the manifest.

    Parameters
    ----------
    tables
        What was read; its parts lie in the folder.
    folder
        Of the reading.
    """
    sums = {f"{name}/{part.path.name}": part.sha256 for name, parts in tables.parts.items() for part in parts}
    for name, memory in tables.memory.items():
        place = folder / MEMORY / name
        place.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for kind in REMEMBERED:
            path = place / f"{kind}.parquet"
            write_secret(path, getattr(memory, kind))
            sums[str(path.relative_to(folder))] = sha256(path)
    manifest = json.loads(json.dumps(summary(tables) | {"sha256": sums}, default=str, sort_keys=True))
    write_json(folder / MANIFEST, manifest | {"seal": _seal(manifest)})
    return manifest


def _seal(manifest: Mapping[str, Any]) -> str:
    """Of all that a manifest says, by which one altered figure in it is noticed."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def write_secret(path: Path, rows: pa.Table) -> None:
    """Rows that were put aside, readable by the owner alone from the first byte."""
    with replacing(path, SECRET_MODE) as temporary:
        pq.write_table(rows, temporary, compression="zstd")


def summary(tables: Tables) -> dict[str, Any]:
    """What the manifest says of a reading."""
    return {
        "fingerprint": tables.fingerprint,
        "recipes": tables.recipes,
        "measures": tables.measures,
        "attributes": tables.attributes,
        "counts": {name: asdict(count) for name, count in tables.counts.items()},
        "inputs": {name: [asdict(file) for file in files] for name, files in tables.fingerprints.items()},
        "medians": tables.medians,
        "newest": {name: moment.isoformat() for name, moment in tables.newest.items()},
        "future": tables.future,
        "ignored": tables.ignored,
        "declared": tables.declared,
        "warnings": [asdict(problem) for problem in tables.warnings],
        "parts": {name: [_entry(name, part) for part in parts] for name, parts in tables.parts.items()},
        "memory": {name: _remembered(memory) for name, memory in tables.memory.items()},
    }


def _entry(table: str, part: Part) -> dict[str, Any]:
    return {name: value for name, value in asdict(part).items() if name != "path"} | {
        "file": f"{table}/{part.path.name}",
        "newest": part.newest and part.newest.isoformat(),
    }


def _remembered(memory: Memory) -> dict[str, Any]:
    """The small half of a memory; the rows lie in files. `latest` also looks at rows that wait."""
    return {
        "types": memory.types,
        "offsets": memory.offsets,
        "latest": memory.latest and memory.latest.isoformat(),
        "settled": _settled(memory),
    }


def _settled(memory: Memory) -> str | None:
    """From which moment on a reading sees all these rows alike, whether used or waiting: the newest known_at."""
    moments = [memory.latest]
    if "known_at" in memory.waiting.column_names:
        moments.append(pc.max(memory.waiting["known_at"]).as_py())
    known = [moment for moment in moments if moment is not None]
    return max(known).isoformat() if known else None


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder; None where there is none that is as it was written, or one of before it was sealed."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    seal = content.pop("seal", None) if isinstance(content, dict) else None
    return content if seal is not None and seal == _seal(content) else None


def damaged(folder: Path, manifest: Mapping[str, Any]) -> Path | None:
    """The first file of a folder that is missing or has other bytes; every file is read once for this."""
    for name, digest in manifest["sha256"].items():
        path = folder / name
        if not path.is_file() or sha256(path) != digest:
            return path
    return None


def intact(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder, if every file is there with the bytes that it was written with."""
    manifest = read_manifest(folder)
    return None if manifest is None or damaged(folder, manifest) else manifest


def open_tables(con, folder: Path) -> Tables:
    """The tables of a folder as views, each file checked by sha256 first. Raises E331 for a missing or altered one."""
    manifest = read_manifest(folder)
    if manifest is None:
        raise HeadwaterError("E331", file=folder / MANIFEST, detail="missing or unreadable")
    spoilt = damaged(folder, manifest)
    if spoilt:
        raise HeadwaterError("E331", file=spoilt, detail="missing or altered (sha256)")
    return views(con, folder, manifest)


def views(con, folder: Path, manifest: Mapping[str, Any]) -> Tables:
    """The same of a folder that was checked or written just now.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    folder
        Of a reading.
    manifest
        Its manifest.
    """
    tables = unopened(folder, manifest)
    for name, parts in tables.parts.items():
        tables.tables[name] = tables.view(con, name, parts)
    return tables


def unopened(folder: Path, manifest: Mapping[str, Any]) -> Tables:
    """Everything that a manifest says; no table is opened."""
    return Tables(
        {},
        tuple(manifest["measures"]),
        tuple(manifest["attributes"]),
        {name: RowCount(**count) for name, count in manifest["counts"].items()},
        fingerprints={name: [InputFile(**file) for file in files] for name, files in manifest["inputs"].items()},
        medians=manifest["medians"],
        newest={name: datetime.fromisoformat(moment) for name, moment in manifest["newest"].items()},
        future=manifest["future"],
        ignored=manifest["ignored"],
        declared=tuple(manifest["declared"]),
        warnings=tuple(Problem(**problem | {"sample": tuple(problem["sample"])}) for problem in manifest["warnings"]),
        fingerprint=manifest["fingerprint"],
        recipes=manifest["recipes"],
        parts={name: [_part(folder, entry) for entry in parts] for name, parts in manifest["parts"].items()},
    )


def _part(folder: Path, entry: Mapping[str, Any]) -> Part:
    days = {name: entry[name] and date.fromisoformat(entry[name]) for name in ("first_day", "last_day")}
    newest = entry["newest"] and datetime.fromisoformat(entry["newest"])
    return Part(folder / entry["file"], entry["sha256"], entry["rows"], **days, newest=newest)


def sizes(tables: Tables, name: str) -> pd.DataFrame:
    """The values of a table's watched columns to two digits, counted for each input: the columns of `tables.SIZES`."""
    return pd.read_parquet(tables.parts[name][0].path.parents[1] / MEMORY / name / "sizes.parquet")


def base(folder: Path, manifest: Mapping[str, Any]) -> Tables:
    """What the next reading starts from: parts and memories of every table."""
    tables = unopened(folder, manifest)
    for name, entry in manifest["memory"].items():
        rows = {kind: pq.read_table(folder / MEMORY / name / f"{kind}.parquet") for kind in REMEMBERED}
        offsets = [{name: (there, none) for name, (there, none) in told.items()} for told in entry["offsets"]]
        latest = entry["latest"] and datetime.fromisoformat(entry["latest"])
        tables.memory[name] = Memory(entry["types"], offsets, latest, **rows)
    return tables
