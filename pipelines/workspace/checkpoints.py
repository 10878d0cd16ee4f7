"""Finished pieces of a run that is not finished: what an interrupted night need not compute again.

Each piece is a Parquet file, written beside and renamed; `pieces.jsonl` holds its sha256. The run id stands for
everything that could change a piece, so one whose sha256 is right is taken as it is. Presence alone proves nothing.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.workspace.files import FOLDER_MODE, append_json, replacing, sha256
from pipelines.workspace.paths import Workspace

LOG = "pieces.jsonl"


@dataclass(frozen=True)
class Pieces:
    """The pieces of one run, in `runs/<run_id>/pieces`."""

    folder: Path

    @classmethod
    def open(cls, workspace: Workspace, run_id: str) -> "Pieces":
        folder = workspace.runs / run_id / "pieces"
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        return cls(folder)

    def path(self, stage: str, key: str) -> Path:
        return self.folder / f"{stage}-{key}.parquet"

    def fill_once(self, stage: str, key: str, fill: Callable[[Path], object]) -> bool:
        """Have a piece's file filled unless it is there, whole; False when it was.

        Parameters
        ----------
        stage
            Of the work.
        key
            Of the piece within it.
        fill
            Writes the Parquet file.

        Returns
        -------
        bool
            True where it was filled now.
        """
        path = self.path(stage, key)
        if path.is_file() and self._digests().get(path.name) == sha256(path):
            return False
        self._fill(path, fill)
        return True

    def read(self, stage: str, key: str, columns: list[str] | None = None) -> pa.Table:
        """A finished piece.

        Parameters
        ----------
        stage
            Of the work.
        key
            Of the piece within it.
        columns
            Some columns; all if None.

        Returns
        -------
        pyarrow.Table
            Its rows, in order.
        """
        return pq.read_table(self.path(stage, key), columns=columns)

    def write(self, stage: str, key: str, table: pa.Table) -> None:
        """Write a piece, in place of an earlier one.

        Parameters
        ----------
        stage
            Of the work.
        key
            Of the piece within it.
        table
            Its rows.
        """
        self._fill(self.path(stage, key), partial(write_piece, table))

    def _fill(self, path: Path, fill: Callable[[Path], object]) -> None:
        with replacing(path) as temporary:
            fill(temporary)
            entry = {"piece": path.name, "sha256": sha256(temporary), "rows": pq.read_metadata(temporary).num_rows}
        append_json(self.folder / LOG, entry)

    def _digests(self) -> dict[str, str]:
        log = self.folder / LOG
        lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
        return {entry["piece"]: entry["sha256"] for line in lines if (entry := _log_entry(line))}


def write_piece(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", compression_level=1)


def _log_entry(line: str) -> dict[str, str]:
    """An entry of the log; nothing for a line that a crash cut off."""
    try:
        return dict(json.loads(line))
    except ValueError:
        return {}


def remove_pieces(workspace: Workspace) -> None:
    """Remove the pieces of every run: a night is out, and what was left of others is older than it."""
    for folder in workspace.runs.glob("*/pieces"):
        shutil.rmtree(folder, ignore_errors=True)
