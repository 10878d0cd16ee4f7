"""What is older than it is to be kept: found, held against who needs it, and removed.

Never removed: the newest scores and what the link names, the record of a night whose score file is kept, files that some
process has open, records of commands that run, what the stored tables still name, and whatever is not called as ours are.
Models, evaluations and the tracking store are not looked at.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.config.retention import TIMED
from pipelines.workspace import calls, journal
from pipelines.workspace.files import read_held_log, settle
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import ARCHIVED
from pipelines.workspace.score_files import ScoreFile

DATE = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
GONE = ".gone-"
"""What a folder is called while it is removed."""
PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Old:
    """A file or folder that is older than it is to be kept.

    Attributes
    ----------
    kind
        What it is, a field of `retention`.
    path
        Where.
    day
        Its date, or the day on which it was written.
    bytes
        What it takes on the disk.
    """

    kind: str
    path: Path
    day: date
    bytes: int


def collectible(workspace: Workspace, days: Mapping[str, int], now: datetime) -> list[Old]:
    """What is older than it is to be kept, in the order in which it is to go: what is made from scores before the scores.

    Parameters
    ----------
    workspace
        Nothing is changed in it.
    days
        Kind -> days for which it is kept; what is not among them is kept for good.
    now
        By the clock, for what has no date of its own.
    """
    found: list[Old] = []
    held = _opened()
    for kind, finder in KINDS.items():
        reference = now.date() if kind in TIMED else workspace.newest_date()
        if kind not in days or reference is None:
            continue
        aged = finder(workspace, {old.path for old in found})
        old = [(path, day) for path, day in aged if (reference - day).days > days[kind]]
        found += [Old(kind, path, day, _size(path)) for path, day in old if held.isdisjoint(_files(path))]
    return found


def remove(workspace: Workspace, found: list[Old]) -> None:
    """Remove what was found, with the lock held; cut off anywhere, the next collection goes on."""
    for left in workspace.runs.glob(f"{GONE}*"):
        shutil.rmtree(left)
    for old in found:
        if old.path.is_dir():
            gone = old.path.rename(old.path.with_name(f"{GONE}{old.path.name}"))  # no half of a record is ever read
            shutil.rmtree(gone)
        else:
            old.path.unlink(missing_ok=True)
    for folder in sorted({old.path.parent for old in found}):
        settle(folder)


Found = Iterator[tuple[Path, date]]
"""What is of a kind, with its date. Each finder gets what is found by then."""


def _scores(workspace: Workspace, _: set[Path]) -> Found:
    for day in workspace.published_dates():
        if day != workspace.serving_date():
            yield workspace.score_file(day), day


def _archive(workspace: Workspace, _: set[Path]) -> Found:
    """Replaced score files but the newest ones, of which a publication keeps as many."""
    files = sorted(workspace.archive.glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    yield from _dated(files[:-ARCHIVED])


def _lists(workspace: Workspace, _: set[Path]) -> Found:
    yield from _dated([*workspace.lists.glob("[!.]*"), *workspace.frozen.glob("[!.]*")])


def _reports(workspace: Workspace, _: set[Path]) -> Found:
    yield from _dated(workspace.reports.glob("[!.]*"))


def _dated(paths: Iterator[Path] | list[Path]) -> Found:
    """Files with a date in their name; one without is nobody's to remove."""
    for path in sorted(paths):
        for named in DATE.findall(path.name)[:1]:
            with suppress(ValueError):
                yield path, date.fromisoformat(named)


def _runs(workspace: Workspace, going: set[Path]) -> Found:
    """Records of nights that no score file comes from; a folder without a readable record is as old as it is."""
    kept = _runs_of_scores(workspace, going)
    for folder in sorted(path for path in workspace.runs.glob("[!.]*") if path.is_dir() and path.name not in kept):
        record = folder / journal.RECORD
        recorded = (journal.read_record(record) or {}) if record.is_file() else {}
        try:
            yield folder, date.fromisoformat(str(recorded.get("as_of")))
        except ValueError:
            yield folder, _written(folder)


def _runs_of_scores(workspace: Workspace, going: set[Path]) -> set[str]:
    """The runs that the scores come from which stay, published or replaced; of a damaged file every run may be."""
    files = {*workspace.scores.glob("[!.]*.parquet"), *workspace.archive.glob("[!.]*.parquet")}
    runs = set()
    for path in files - going:
        try:
            runs.add(ScoreFile(path).meta["run_id"])
        except HeadwaterError:
            return {folder.name for folder in workspace.runs.iterdir()}
    return runs


def _calls(workspace: Workspace, _: set[Path]) -> Found:
    for path in sorted(workspace.calls.glob("*.jsonl")):
        if not read_held_log(path)[1]:
            yield path, calls.moment(path.stem).date() if calls.is_id(path.stem) else _written(path)


def _quarantine(workspace: Workspace, _: set[Path]) -> Found:
    """Rows put aside by readings of which no table is stored any more."""
    stored = {path.name for path in workspace.tables.glob("*") if path.is_dir()}
    for folder in sorted(workspace.quarantine.glob("[!.]*")):
        if folder.is_dir() and folder.name not in stored:
            yield folder, _written(folder)


def _damaged(workspace: Workspace, _: set[Path]) -> Found:
    for path in sorted((workspace.root / "damaged").glob("*")):
        yield path, _written(path)


KINDS: dict[str, Callable[[Workspace, set[Path]], Found]] = {
    "lists": _lists,
    "reports": _reports,
    "scores": _scores,
    "archive": _archive,
    "runs": _runs,
    "calls": _calls,
    "quarantine": _quarantine,
    "damaged": _damaged,
}


def _written(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime).astimezone().date()


def _files(path: Path) -> list[Path]:
    return [path, *path.rglob("*")] if path.is_dir() else [path]


def _size(path: Path) -> int:
    return sum(file.lstat().st_size for file in _files(path) if not file.is_dir())


def _opened() -> set[Path]:
    """Files that processes have open, as far as this account may look: whoever reads one of them goes on reading it."""
    found = set()
    for handle in PROCESSES.glob("[0-9]*/fd/*"):
        with suppress(OSError):  # it is closed by now, or another account's
            found.add(Path(os.readlink(handle)))  # noqa: PTH115  a socket is no path
    return found
