"""What a run did: `runs/<run_id>/steps.jsonl`, one line per step, and `record.json` with its outcome."""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipelines.workspace.files import FOLDER_MODE, append_json, settle, write_json
from pipelines.workspace.paths import Workspace

_log = logging.getLogger("headwater")
ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "targeting", "pipelines")
SOURCES = (".py", ".yaml", ".html")
RECORD, STEPS = "record.json", "steps.jsonl"


def run_id(**parts: object) -> str:
    """The same inputs give the same run id: twelve characters over everything that could change the result."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


@cache
def code_version() -> str:
    """Changes with any source file of the four packages."""
    digest = hashlib.sha256()
    for path in sorted(path for p in PACKAGES for path in (ROOT / p).rglob("*") if path.suffix in SOURCES):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Journal:
    """The folder of one run."""

    folder: Path

    @classmethod
    def open(cls, workspace: Workspace, run_id: str) -> "Journal":
        folder = workspace.runs / run_id
        if not folder.is_dir():
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            settle(workspace.runs)  # a record is on the disk before the scores that it vouches for
        return cls(folder)

    @contextmanager
    def step(self, name: str, facts: dict) -> Iterator[None]:
        """Time a step and write its line, with whatever facts were put in and whether it failed."""
        started = time.perf_counter()
        try:
            yield
        except BaseException as error:
            self._append(name, started, facts | {"failed": type(error).__name__, "why": str(error)[:300]})
            raise
        self._append(name, started, facts)

    def record(self, **facts: object) -> None:
        """Begin the record of what becomes of the run; what was recorded before is out of date."""
        write_json(self.folder / RECORD, facts)

    def add(self, **facts: object) -> None:
        """Add to the record; what is in it already stays, unless it is said anew."""
        path = self.folder / RECORD
        self.record(**((read_record(path) if path.is_file() else None) or {}) | facts)

    def _append(self, name: str, started: float, facts: dict) -> None:
        """Nobody reads a step's line to go on from: one that the disk refuses fails no night, and least one that is published."""
        line = {"step": name, "seconds": round(time.perf_counter() - started, 3)} | facts
        try:
            append_json(self.folder / STEPS, line)
        except OSError as error:
            _log.warning("not written to %s: %s", self.folder / STEPS, error)


def history(workspace: Workspace) -> list[dict]:
    """The record of every run, newest first; of one that cannot be read only its name."""
    paths = workspace.runs.glob(f"*/{RECORD}")
    records = [(read_record(path) or {}) | {"run_id": path.parent.name} for path in paths]
    return sorted(records, key=lambda r: (str(r.get("as_of")), str(r.get("run_id"))), reverse=True)


def read_steps(folder: Path) -> list[dict]:
    """The steps of a run as it told them; lines that were not written whole are left out."""
    path = folder / STEPS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [step for line in lines if (step := _step(line)) is not None]


def _step(line: str) -> dict | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def read_record(path: Path) -> dict | None:
    """A record, or None where the file holds no such thing any more."""
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
