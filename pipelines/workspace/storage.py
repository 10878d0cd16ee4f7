"""The workspace on disk: one lock, atomic publication, whole files or nothing.

One file is the transaction: rows and everything needed to judge them travel in one Parquet file, and a single
`os.replace` commits it. `latest.parquet` lies beside the folder of scores and names the newest date.
"""

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.workspace.score_files import PREFIX, ScoreFile

log = logging.getLogger(__name__)
KEEP_ARCHIVED = 30
FILE_MODE, FOLDER_MODE = 0o640, 0o750
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")


@dataclass(frozen=True)
class Workspace:
    """The folder of one project; every path that Headwater writes to is named here."""

    root: Path

    @classmethod
    def open(cls, folder: Path, name: str) -> "Workspace":
        """Make the folder of a project when needed; a name that is no plain file name is refused."""
        if not NAME.match(name):
            raise HeadwaterError("E230", name=name)
        made = cls((folder / name).resolve())
        for path in (made.root, made.scores, made.archive, made.runs, made.models, made.lists, made.reports):
            path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        return made

    scores = property(lambda self: self.root / "scores")
    latest = property(lambda self: self.root / "latest.parquet")
    archive = property(lambda self: self.root / "archive")
    runs = property(lambda self: self.root / "runs")
    models = property(lambda self: self.root / "models")
    lists = property(lambda self: self.root / "lists")
    reports = property(lambda self: self.root / "reports")
    tables = property(lambda self: self.root / "tables")
    quarantine = property(lambda self: self.root / "quarantine")
    store = property(lambda self: self.root / "mlflow.db")
    artifacts = property(lambda self: self.root / "mlflow-artifacts")

    def score_file(self, as_of: date) -> Path:
        return self.scores / f"{as_of.isoformat()}.parquet"

    def published(self) -> list[date]:
        """The dates with a published file, oldest first."""
        return sorted(date.fromisoformat(path.stem) for path in self.scores.glob("????-??-??.parquet"))

    def serving(self) -> date | None:
        """The date that readers of `latest.parquet` see."""
        return date.fromisoformat(self.latest.resolve().stem) if self.latest.exists() else None


@contextmanager
def exclusive(workspace: Workspace, purpose: str) -> Iterator[None]:
    """Hold the workspace's lock, or stop with exit 6 naming the holder. The kernel frees it when the holder dies."""
    handle = os.open(workspace.root / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HeadwaterError("E601", holder=os.pread(handle, 200, 0).decode().strip() or "?") from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"pid {os.getpid()} ({purpose})".encode(), 0)
        _clean(workspace)
        yield
    finally:
        os.close(handle)


def _clean(workspace: Workspace) -> None:
    """Remove what a killed run left behind, and put `latest.parquet` right."""
    for leftover in [*workspace.scores.glob(".*.tmp"), *workspace.root.glob(".latest.*.tmp")]:
        leftover.unlink(missing_ok=True)
    _point_latest(workspace)


def publish(
    workspace: Workspace, tables: Iterable[pa.Table], meta: dict[str, str], record: Callable[[str], None]
) -> Path:
    """Write one date's scores, which come in pieces, whole or not at all; call with the lock held.

    `record` gets the sha256 of the finished file before readers can see it. After the swap nothing raises: what is
    published is published.
    """
    target = workspace.score_file(date.fromisoformat(meta["as_of"]))
    temporary = target.with_name(f".{target.name}.{meta['run_id']}.tmp")
    try:
        rows = write_synced(tables, meta, temporary)
        if ScoreFile(temporary).verified() != rows:
            raise HeadwaterError("E702", file=temporary)
        record(sha256(temporary))
        _keep_old(workspace, target)
        temporary.replace(target)  # the commit point
    except OSError as error:
        raise translated(error, temporary) from error
    finally:
        temporary.unlink(missing_ok=True)
    _settle(workspace)
    return target


def write_synced(tables: Iterable[pa.Table], meta: dict[str, str], path: Path) -> int:
    """Each table becomes row groups of one file, in order; gives the number of rows."""
    pieces = iter(tables)
    first = next(pieces)
    schema = first.schema.with_metadata({PREFIX + key: value for key, value in meta.items()})
    rows = 0
    with path.open("xb") as out:
        os.fchmod(out.fileno(), FILE_MODE)
        with pq.ParquetWriter(out, schema, compression="zstd", write_page_checksum=True) as writer:
            for table in chain([first], pieces):
                writer.write_table(table.replace_schema_metadata(schema.metadata))
                rows += table.num_rows
        out.flush()
        os.fsync(out.fileno())
    return rows


def write_rows(tables: Iterable[pa.Table], schema: pa.Schema, path: Path) -> int:
    """Replace a Parquet file by these tables in order, written beside and renamed; gives the number of rows."""
    rows, temporary = 0, path.with_name(f".{path.name}.tmp")
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table.cast(schema))
                rows += table.num_rows
        temporary.replace(path)
    except OSError as error:
        raise translated(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)
    return rows


def _keep_old(workspace: Workspace, target: Path) -> None:
    """Link the file that is about to be replaced into the archive; the oldest ones beyond the limit go."""
    if not target.exists():
        return
    kept = workspace.archive / f"{target.stem}.{sha256(target)[:12]}.parquet"
    if not kept.exists():
        os.link(target, kept)
    for old in sorted(workspace.archive.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEEP_ARCHIVED]:
        old.unlink()


def _settle(workspace: Workspace) -> None:
    """Sync the folder and move `latest.parquet`; whatever fails here is only logged, for the scores are out."""
    try:
        sync(workspace.scores)
        _point_latest(workspace)
    except OSError as error:
        log.warning("published; folder or latest.parquet not settled: %s", error)


def _point_latest(workspace: Workspace) -> None:
    """Let `latest.parquet` name the newest published date; a backfill never moves it back."""
    dates = workspace.published()
    if not dates or workspace.serving() == dates[-1]:
        return
    link = workspace.root / f".latest.{os.getpid()}.tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(workspace.score_file(dates[-1]).relative_to(workspace.root))
    link.replace(workspace.latest)
    sync(workspace.root)


def read_scores(path: Path) -> tuple[dict[str, str], pa.Table]:
    """Metadata and all rows."""
    file = ScoreFile(path)
    return file.meta, file.table()


def write_text(path: Path, text: str) -> Path:
    """Replace a small file whole: written beside, synced, renamed."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            os.fchmod(out.fileno(), FILE_MODE)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(path)
    except OSError as error:
        raise translated(error, path) from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def write_json(path: Path, value: object) -> Path:
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n")


def sync(path: Path) -> None:
    """What a file or a folder holds is on disk after this."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def translated(error: OSError, path: Path) -> HeadwaterError:
    """Disk full, no permission and the like: exit 7, naming the path."""
    code = {errno.ENOSPC: "E703", errno.EACCES: "E704", errno.EPERM: "E704", errno.EROFS: "E704"}.get(error.errno or 0)
    return HeadwaterError(code or "E705", file=path, detail=error.strerror or str(error))
