"""Judged rows into parts: what new rows do to those that are stored; every part they do not belong to is linked.

A stored row has no file and number any more. As long as new rows only repeat or correct it, none are needed. When one
contradicts it, both must be put aside by file and row, and the table is read whole instead (`Contradicted`).
"""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import TIME, Contract
from pipelines.ingest.readers.sources import FILE, ROW
from pipelines.ingest.reading import Reading
from pipelines.ingest.staging import WHOLE, Staged
from pipelines.ingest.tables import CONTRADICTIONS, RULE, Memory, Part, rows_with_places
from pipelines.ingest.temporary import temporary
from pipelines.ingest.versions import pooled, versions
from pipelines.workspace.files import FOLDER_MODE, replacing, sha256

STORED = -1
"""File and number of a stored row: before those of every other copy of it."""

ROWS_OF_A_GROUP = 40_960
"""Who looks a single customer up decodes one group of rows per part: a third of the usual size, for a twentieth more bytes."""

FIRST = ("customer_id", "happened_at", "valid_from", "as_of")


class Contradicted(Exception):
    """A new row is in conflict with a stored one, whose place in the raw files is not known."""


@dataclass
class Merged:
    """The parts of a table after a reading, the rows whose keys are in conflict, and repeats among the new ones."""

    parts: list[Part] = field(default_factory=list)
    conflicts: list[pa.Table] = field(default_factory=list)
    duplicates: int = 0


def merge(reading: Reading, contract: Contract, staged: Staged, before: list[Part], memory: Memory) -> Merged:
    """Write the parts that new rows belong to and link the others.

    Parameters
    ----------
    reading
        Says where parts are written.
    contract
        Of the canonical table.
    staged
        The new rows.
    before
        The parts that are stored.
    memory
        Of the stored rows; holds those in conflict.

    Raises
    ------
    Contradicted
        A new row is in conflict with a stored one.
    """
    merged, stored = Merged(), {part.name: part for part in before if part.rows}
    folder = reading.folder / contract.name
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    rivals = memory.waiting.filter(pc.is_in(memory.waiting[RULE], pa.array(CONTRADICTIONS)))
    for name in sorted({*stored, *staged.pieces}):
        path = folder / f"{name}.parquet"
        if name in staged.pieces:
            with Pool(reading.con, contract, staged.pieces[name], stored.get(name), rivals) as pool:
                _write(pool, path, merged)
        else:
            os.link(stored[name].path, path)
            merged.parts.append(replace(stored[name], path=path))
    merged.conflicts.append(_untouched(reading.con, contract, rivals, staged))
    if not merged.parts:
        merged.parts.append(_empty_part(reading.con, contract, folder / f"{WHOLE}.parquet"))
    return merged


@dataclass
class Pool:
    """The rows of one part that must be looked at together: the new ones, and all that share a key with them."""

    con: ibis.BaseBackend
    contract: Contract
    pieces: list[Path]
    old: Part | None
    rivals: pa.Table

    def __enter__(self) -> "Pool":
        name, keys = self.contract.name, pooled(self.contract)
        self.stored: ir.Table | None = None
        self.rows = self.con.read_parquet([str(path) for path in self.pieces], table_name=f"pieces_{name}")
        if self.old is None and not self.rivals.num_rows:
            return self
        new = self.rows
        rivals = self.con.create_table(f"rivals_{name}", self.rivals.drop_columns(RULE), temp=True, overwrite=True)
        pool = new.union(rivals.semi_join(new, keys).select(*new.columns))
        if self.old is not None:
            self.stored = self.con.read_parquet(self.old.path, table_name=f"stored_{name}")
            place = {FILE: ibis.literal(STORED, "int32"), ROW: ibis.literal(STORED, "int64")}
            pool = pool.union(self.stored.semi_join(new, keys).mutate(**place).select(*new.columns))
        self.rows = temporary(self.con, f"pool_{name}", pool)
        return self

    def __exit__(self, *_) -> None:
        for table in ("pool", "rivals", "repeated", "several"):
            self.con.drop_table(f"{table}_{self.contract.name}", force=True)
        for table in ("several_holders", "rival_sources"):
            self.con.drop_table(table, force=True)
        for view in ("pieces", "stored"):
            self.con.drop_view(f"{view}_{self.contract.name}", force=True)


def _write(pool: Pool, path: Path, merged: Merged) -> None:
    """One part: its stored rows as they are unless a new row has their key, the others in their versions."""
    split = versions(pool.con, pool.rows, pool.contract)
    if split.conflicts is not None:
        conflicts = split.conflicts.to_pyarrow()
        if pc.any(pc.equal(conflicts[FILE], STORED)).as_py():
            raise Contradicted(pool.contract.name)
        merged.conflicts.append(conflicts.cast(rows_with_places(pool.contract)))
    used = split.used
    if pool.stored is not None:
        used = pool.stored.anti_join(pool.rows, pooled(pool.contract)).select(*used.columns).union(used)
    merged.duplicates += split.duplicates
    part = written_part(pool.con, used, path)
    if part.rows:
        merged.parts.append(part)
    else:
        path.unlink()


def written_part(con, rows: ir.Table, path: Path) -> Part:
    """Rows written as a part, sorted; the part.

    Parameters
    ----------
    con
        An Ibis DuckDB connection.
    rows
        The contract's columns, and `superseded_at` where the table is versioned.
    path
        Of the part; a file that is there is replaced.
    """
    first = [c for c in FIRST if c in rows.columns]
    rest = [c for c in rows.columns if c not in first]
    with replacing(path) as partial:
        con.to_parquet(rows.order_by([*first, *rest]), partial, compression="zstd", row_group_size=ROWS_OF_A_GROUP)
    written = con.read_parquet(path, table_name="part_written")
    told = {"rows": written.count()}
    if "known_at" in written.columns:
        told["newest"] = written.known_at.max()
    if "happened_on" in written.columns:
        told |= {"first_day": written.happened_on.min(), "last_day": written.happened_on.max()}
    return Part(path, sha256(path), **written.aggregate(**told).to_pyarrow().to_pylist()[0])


def _untouched(con, contract: Contract, rivals: pa.Table, staged: Staged) -> pa.Table:
    """Rows in conflict whose keys no new row has: they stay where they are."""
    pieces = [str(path) for paths in staged.pieces.values() for path in paths]
    if not pieces or not rivals.num_rows:
        return rivals
    new = con.read_parquet(pieces, table_name="pieces_all")
    old = con.create_table("rivals_all", rivals, temp=True, overwrite=True)
    rows = old.anti_join(new, pooled(contract)).to_pyarrow()
    con.drop_table("rivals_all")
    con.drop_view("pieces_all")
    return rows.cast(rivals.schema)


def _empty_part(con, contract: Contract, path: Path) -> Part:
    """A part without rows, so that a table of which nothing is used still has its columns."""
    schema = contract.schema() | ({"superseded_at": TIME} if contract.versioned else {})
    return written_part(con, ibis.memtable([], schema=ibis.schema(schema)), path)
