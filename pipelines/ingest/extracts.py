"""Database tables as files: what a reading fetched is kept as Parquet and read like a delivery.

`<workspace>/extracts/<table>-<identity>/` holds the rows of one table. Without a watermark it is one file that every
reading replaces. With one, each reading adds a file of the rows that are new since the last: those from the newest
watermark on (less the declared overlap, for rows that were committed late) that no earlier file holds. A changed row
is such a row, so both versions stand, and the later `known_at` wins from its day on.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from glob import escape
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import HeadwaterError
from pipelines.config import credentials
from pipelines.config.mapping import Mapping, SourceMapping
from pipelines.ingest import columns, inputs
from pipelines.ingest.readers import databases, parquet_files
from pipelines.ingest.readers.databases import Database
from pipelines.workspace.files import FILE_MODE, FOLDER_MODE, fill_parquet, replacing, sha256, sync

SNAPSHOT = "snapshot.parquet"
LAYOUT = 1
"""Another number makes every table be fetched anew; for changes of what an extract holds."""
DAY = timedelta(days=1)
MEMORY = "500MB"


def extract(mapping: Mapping, folder: Path, first: int | None = None) -> None:
    """Fetch every database table of a mapping into files below `folder`, once for each loaded mapping.

    All tables are tried before the first problem is raised, the others with it: what `databases` raises, and E7xx.

    Parameters
    ----------
    mapping
        Its database sources are told where their files lie.
    folder
        Of all extracts of the project.
    first
        Rows of each to fetch at most, for a trial; None for all.
    """
    parts = [(name, part) for name in inputs.ordered(mapping) for part in mapping.tables[name].parts]
    waiting = [(name, part) for name, part in parts if _is_waiting(part)]
    if not waiting:
        return
    failures: list[HeadwaterError] = []
    with _locked(folder):
        for connection in dict.fromkeys(part.source.connection or "" for _, part in waiting):
            members = [(name, part) for name, part in waiting if part.source.connection == connection]
            failures += [
                inputs.of_table(error, mapping, name) for name, error in _failures(connection, members, folder, first)
            ]
    inputs.raise_first(failures)


def _is_waiting(part: SourceMapping) -> bool:
    return part.source.connection is not None and part.source.files is None


def _failures(
    connection: str, members: list[tuple[str, SourceMapping]], folder: Path, first: int | None
) -> Iterator[tuple[str, HeadwaterError]]:
    """Fetch the tables of one connection; gives those that failed."""
    try:
        with databases.opened(connection) as database:
            for name, part in members:
                try:
                    Extract.of(name, part, folder).fetch(database, first)
                except HeadwaterError as error:
                    yield name, error
    except HeadwaterError as error:
        yield members[0][0], error


@dataclass(frozen=True)
class Extract:
    """The files of one database table, and the columns that they hold."""

    table: SourceMapping
    needed: list[str]
    folder: Path

    @classmethod
    def of(cls, name: str, table: SourceMapping, folder: Path) -> "Extract":
        """The extract of one source of a canonical table.

        Parameters
        ----------
        name
            Of the table.
        table
            The mapping of the source, a connection.
        folder
            Of all extracts of the project.
        """
        mark = {table.source.watermark} if table.source.watermark else set()
        needed = sorted(columns.needed(table) | mark)
        return cls(table, needed, folder / f"{name}-{identity(table, needed)}")

    @property
    def files(self) -> list[Path]:
        """What was fetched so far, in order."""
        return sorted(self.folder.glob("*.parquet"))

    def fetch(self, database: Database, first: int | None) -> None:
        """Bring the files up to date and let the source name them."""
        self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        for leftover in self.folder.glob(".*.tmp"):
            leftover.unlink()
        source, files = self.table.source, self.files
        least = self._least(files) if source.watermark else None
        rows = databases.selection(databases.relation(database, source), source, self.needed, least).limit(first)
        if source.watermark and files:
            self._add(database, rows, files, least)
        else:
            self._begin(database, rows)
        source.read_from(f"{escape(self.folder.as_posix())}/*.parquet")

    def _begin(self, database: Database, rows: ir.Table) -> None:
        """The whole table: the first of many files, or the only one."""
        kinds = databases.types(rows)
        name = _numbered(1) if self.table.source.watermark else SNAPSHOT
        _write(self.folder / name, databases.batches(database, rows, kinds), kinds)

    def _add(self, database: Database, rows: ir.Table, files: list[Path], least: date | datetime | None) -> None:
        """One more file of the rows that no earlier one holds; none when there are no such rows."""
        kinds = databases.types(rows)
        with _unseen(files, self.table.source.watermark or "", least) as new:
            fresh = (new(batch) for batch in databases.batches(database, rows, kinds))
            _write(self.folder / _numbered(int(files[-1].stem) + 1), fresh, kinds, empty=False)

    def _least(self, files: list[Path]) -> date | datetime | None:
        """From which watermark on rows are fetched: the newest one kept less the overlap, or the declared start."""
        source = self.table.source
        newest = max((mark for file in files if (mark := _newest_of(file, source.watermark or ""))), default=None)
        if newest is None:
            return source.since
        if isinstance(newest, datetime):
            return newest - source.overlap
        return newest - timedelta(days=-(-source.overlap // DAY))


def identity(table: SourceMapping, needed: list[str]) -> str:
    """Of what is fetched and from where, without the password; other columns make another extract."""
    source = table.source
    url, _ = credentials.resolved(source.connection or "")
    whole = [LAYOUT, credentials.masked(url), source.table, source.sql, source.watermark, str(source.since), needed]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()[:12]


def _numbered(number: int) -> str:
    return f"{number:06d}.parquet"


def _newest_of(file: Path, column: str) -> date | datetime | None:
    with parquet_files.opened(str(file)) as opened:
        marks = [pc.max(batch.column(0)) for batch in opened.iter_batches(columns=[column])]
    return max((mark.as_py() for mark in marks if mark.is_valid), default=None)


@contextmanager
def _unseen(
    files: list[Path], mark: str, least: date | datetime | None
) -> Iterator[Callable[[pa.RecordBatch], pa.RecordBatch]]:
    """Gives the rows of a batch that no file holds, null being equal to null; repeats within a fetch stay.

    Only rows from `least` on, and those without a watermark, can be fetched again and are compared.
    """
    con = ibis.duckdb.connect(threads=1, memory_limit=MEMORY, temp_directory=str(files[0].parent / ".spill"))
    kept = con.read_parquet([str(file) for file in files])
    recent = kept[mark].isnull()
    if least is not None:
        recent |= kept[mark] >= ibis.literal(least, type=kept[mark].type())
    seen = con.create_table("seen", kept.filter(recent).distinct(), temp=True)

    def new(batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = ibis.memtable(pa.Table.from_batches([batch]))
        left = con.to_pyarrow(rows.anti_join(seen, [rows[name].identical_to(seen[name]) for name in rows.columns]))
        batches = left.cast(batch.schema).combine_chunks().to_batches()
        return batches[0] if batches else batch.slice(0, 0)

    try:
        yield new
    finally:
        con.disconnect()


def _write(path: Path, rows: Iterable[pa.RecordBatch], kinds: dict[str, pa.DataType], *, empty: bool = True) -> None:
    """Whole or not at all: beside, synced, renamed. The same bytes leave a file as it is; no rows leave none."""
    with replacing(path) as temporary:
        count = fill_parquet(temporary, rows, pa.schema(list(kinds.items())))
        if not (count or empty) or (path.is_file() and sha256(path) == sha256(temporary)):
            temporary.unlink()
    sync(path.parent)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One process fetches at a time; another one waits. The kernel frees the lock when the holder dies."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
