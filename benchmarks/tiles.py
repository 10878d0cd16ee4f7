"""A few simulated customers side by side many times: tables of any size without simulating and reading that many.

Each tile has ids of its own (a prefix of four digits), so a tiled table is sorted by customer as its base is. A row
group never holds two tiles: repeated values would compress better than real ones do.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.ingest import store
from pipelines.ingest.tables import Part, RowCount, Tables
from pipelines.project import Project
from pipelines.workspace.files import sha256

IDS = ("customer_id", "account_id", "bill_id", "payment_id", "complaint_id", "contact_id", "response_id")
MOST = 10_000
"""Tiles that four digits can number."""


def tile(tables: Tables, folder: Path, count: int, threads: int) -> Tables:
    """A canonical store of `count` times the customers of `tables` in a folder, with its manifest; `stored` opens it.

    As many parts as threads are held at a time, each once, with one tile of it. Raises ValueError above 10,000 tiles.
    """
    if not 0 < count <= MOST:
        raise ValueError(f"{count} tiles")
    for name in tables.parts:
        (folder / name).mkdir(parents=True)

    def repeat(place: tuple[str, Part]) -> Part:
        name, part = place
        return _repeated_part(part, folder / name / part.path.name, count)

    with ThreadPoolExecutor(threads) as pool:
        places = [(name, part) for name, parts in tables.parts.items() for part in parts]
        made = list(_told(pool.map(repeat, places), len(places), count))
    parts = {name: [p for (owner, _), p in zip(places, made, strict=True) if owner == name] for name in tables.parts}
    counts = {name: RowCount(*(n * count for n in asdict(rows).values())) for name, rows in tables.counts.items()}
    fingerprint = f"{tables.fingerprint}-{count}"
    found = replace(tables, tables={}, parts=parts, counts=counts, memory={}, fingerprint=fingerprint)
    store.seal(found, folder)
    return found


def _told(parts: Iterator[Part], total: int, count: int) -> Iterator[Part]:
    """The parts as they come, counted on stderr where there are many rows."""
    for number, part in enumerate(parts, start=1):
        if count >= 10:
            print(f"\r  {number} of {total} files, {count} tiles each", end="", file=sys.stderr, flush=True)
        yield part
    if count >= 10:
        print(file=sys.stderr)


def _repeated_part(part: Part, target: Path, count: int) -> Part:
    repeated(part.path, target, count, IDS)
    return replace(part, path=target, sha256=sha256(target), rows=part.rows * count)


def repeated(source: Path, target: Path, count: int, ids: tuple[str, ...]) -> None:
    """The rows of a Parquet file `count` times, the ids of each tile prefixed by its number."""
    rows = pq.read_table(source)
    words = [field.name for field in rows.schema if pa.types.is_string(field.type)]
    with pq.ParquetWriter(target, rows.schema, compression="zstd", use_dictionary=words) as out:
        for number in range(count):
            out.write_table(_prefixed(rows, number, ids))


def _prefixed(rows: pa.Table, number: int, ids: tuple[str, ...]) -> pa.Table:
    for place, field in enumerate(rows.schema):
        if field.name in ids:
            texts = pc.binary_join_element_wise(f"{number:04d}", rows[field.name], "")
            rows = rows.set_column(place, field, texts)
    return rows


def placed(project: Project, tables: Tables) -> None:
    """From now on these are the tables of the project's night, in place of what its raw files give."""
    project._tables[project.day()] = tables


def stored(project: Project, folder: Path) -> Tables:
    """The tables of a folder as views, no file checked."""
    manifest = store.read_manifest(folder)
    assert manifest is not None, folder
    return store.views(project.connection, folder, manifest)


def tile_csv(source: Path, target: Path, count: int, place: int) -> None:
    """A text file without quotes, its id in column `place`, whatever its encoding."""
    head, *lines = source.read_bytes().splitlines()
    cells = [line.split(b",") for line in lines]
    with target.open("wb") as out:
        out.write(head + b"\n")
        for number in range(count):
            prefix = b"%04d" % number
            out.writelines(b",".join([*c[:place], prefix + c[place], *c[place + 1 :]]) + b"\n" for c in cells)
