"""Publication: one file is the transaction.

Rows and everything needed to judge them travel in one Parquet file, and a single `os.replace` commits it.
`latest.parquet` lies beside the folder of scores and names the newest date.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.wording.errors import disk_error
from pipelines.workspace import runs
from pipelines.workspace.files import replacing, sha256, sync
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import PREFIX, ScoreFile

_log = logging.getLogger(__name__)
ARCHIVED = 30
"""Replaced score files that stay in the archive."""


@dataclass(frozen=True)
class Publication:
    """A published date: its metadata and its rows.

    Attributes
    ----------
    as_of
        The date.
    meta
        Metadata of the file, as text.
    scores
        Its rows.
    """

    as_of: date
    meta: dict[str, str]
    scores: ScoreFile

    @cached_property
    def models(self) -> dict[str, str]:
        """Target to version of the model that scored it; a target that nothing scored is not among them."""
        return {name: model["version"] for name, model in json.loads(self.meta["models"]).items()}


def read_publication(workspace: Workspace, as_of: date | None) -> Publication:
    """The newest published date, or the one asked for. Raises E431 (exit 4) when it is not there, E340 when damaged."""
    day = as_of or workspace.serving_date()
    if day is None:
        raise HeadwaterError("E431", file=workspace.latest)
    scores = runs.verified_score_file(workspace, day)
    return Publication(day, scores.meta, scores)


def as_texts(**facts: Any) -> dict[str, str]:
    """Metadata of a Parquet file is text; what is not becomes JSON."""
    return {key: fact if isinstance(fact, str) else json.dumps(fact, default=str) for key, fact in facts.items()}


class Draft:
    """One date's scores as they are made, in a file that no reader sees; `publish` makes them the scores of the date.

    Rows come in pieces, in order; each becomes a group of rows, with checksums of its pages. What the file says of
    itself may be completed until it is published. Use it with the lock held; one that is never published is to be
    discarded, and what a killed process leaves goes with the next `clean`.
    """

    def __init__(self, workspace: Workspace, as_of: date, schema: pa.Schema, meta: Mapping[str, str]):
        self._workspace, self._target, self._meta, self._rows = workspace, workspace.score_file(as_of), dict(meta), 0
        with ExitStack() as stack:
            self._file = stack.enter_context(replacing(self._target))
            self._schema = schema.with_metadata({PREFIX + key: value for key, value in meta.items()})
            self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd", write_page_checksum=True)
            self._open = stack.pop_all()

    def add(self, table: pa.Table) -> None:
        """One piece more. Raises E703 to E705 when the disk refuses; the draft is gone then."""
        with self._or_discard():
            self._writer.write_table(table.cast(self._schema))
            self._rows += table.num_rows

    def publish(self, meta: Mapping[str, str], record: Callable[[str], None]) -> Path:
        """Put the file in its place, whole or not at all; gives its path. After the swap nothing raises.

        Parameters
        ----------
        meta
            What else the file says of itself, as text.
        record
            Gets the sha256 of the finished file before readers can see it.

        Raises
        ------
        HeadwaterError
            E702 when what was written cannot be read back, E703 to E705 when the disk refuses. Nothing is published
            then, and the draft is gone.
        """
        with self._or_discard():
            self._writer.add_key_value_metadata({PREFIX + k: v for k, v in meta.items() if k not in self._meta})
            self._writer.close()
            if ScoreFile(self._file).verify() != self._rows:
                raise HeadwaterError("E702", file=self._file)
            record(sha256(self._file))
            _archive_old(self._workspace, self._target)
            self._open.close()  # the commit point
        _sync_folder(self._workspace)
        return self._target

    def discard(self) -> None:
        """Remove it, unless it is published."""
        with suppress(OSError):
            self._writer.close()
        self._file.unlink(missing_ok=True)
        self._open.close()

    @contextmanager
    def _or_discard(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.discard()
            if isinstance(error, OSError):
                raise disk_error(error, self._target) from error
            raise


def publish(
    workspace: Workspace, tables: Iterable[pa.Table], meta: dict[str, str], record: Callable[[str], None]
) -> Path:
    """Write one date's scores that are there already and publish them; see `Draft`. `meta["as_of"]` names the date."""
    pieces = iter(tables)
    first = next(pieces)
    draft = Draft(workspace, date.fromisoformat(meta["as_of"]), first.schema, meta)
    for table in chain([first], pieces):
        draft.add(table)
    return draft.publish({}, record)


def clean(workspace: Workspace) -> None:
    """Remove what a killed run left behind, and put `latest.parquet` right; call with the lock held."""
    for leftover in [*workspace.scores.glob(".*.tmp"), *workspace.root.glob(".latest.*.tmp")]:
        leftover.unlink(missing_ok=True)
    _point_latest(workspace)


def _archive_old(workspace: Workspace, target: Path) -> None:
    """Link the file that is about to be replaced into the archive; the oldest ones beyond the limit go."""
    if not target.exists():
        return
    archived = workspace.archive / f"{target.stem}.{sha256(target)[:12]}.parquet"
    if not archived.exists():
        os.link(target, archived)
    for old in sorted(workspace.archive.iterdir(), key=lambda path: path.stat().st_mtime)[:-ARCHIVED]:
        old.unlink()


def _sync_folder(workspace: Workspace) -> None:
    """Sync the folder and move `latest.parquet`; whatever fails here is only logged, for the scores are out."""
    try:
        sync(workspace.scores)
        _point_latest(workspace)
    except OSError as error:
        _log.warning("published; folder or latest.parquet not settled: %s", error)


def _point_latest(workspace: Workspace) -> None:
    """Let `latest.parquet` name the newest published date; a backfill never moves it back."""
    newest = workspace.newest_date()
    if newest is None or workspace.links_to(newest):
        return
    link = workspace.root / f".latest.{os.getpid()}.tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(workspace.score_file(newest).relative_to(workspace.root))
    link.replace(workspace.latest)
    sync(workspace.root)
