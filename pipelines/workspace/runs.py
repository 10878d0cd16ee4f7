"""What became of a run, and whether what it left is whole: nothing is believed because it is there.

The record of a run (`runs/<run_id>/record.json`) holds the sha256 of its score file and of what was made from it. Where
there is no record a score file must agree with what it says of itself: its rows, and the parts of its run id.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Any

from features.errors import HeadwaterError
from models.scores.earlier_digest import rows_sha256_of_0_1_0
from models.scores.score_table import SCHEMA_VERSION, RowsDigest
from pipelines.workspace import journal
from pipelines.workspace.files import sha256
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import ScoreFile, damage_error

PUBLISHING, SCORED, PUBLISHED = "publishing", "scored", "published"
REWRITTEN = "rewritten"
"""The key of a record under which the sha256 of a score file stands that is about to take the place of the recorded one."""
STOPPED, UNFINISHED, UNREADABLE = "stopped", "unfinished", "unreadable"


def verified_score_file(workspace: Workspace, as_of: date) -> ScoreFile:
    """The score file of a date, compared with the record of its run. Raises E431 (not there), E340 (damaged)
    and E343 (written by a newer version)."""
    path = workspace.score_file(as_of)
    try:
        return _verified(workspace, path)
    except HeadwaterError as error:
        if error.problem.code != "E340":
            raise
    return _verified(workspace, path)  # it may have been replaced while it was looked at


def _verified(workspace: Workspace, path: Path) -> ScoreFile:
    file = ScoreFile(path)
    recorded = record(workspace, file.meta["run_id"])
    if recorded.get("sha256") is None:
        _check_consistency(file)
    elif sha256(path) not in (recorded["sha256"], recorded.get(REWRITTEN)):
        raise damage_error(path, f"sha256 of run {file.meta['run_id']}")
    _check_version(file)
    return file


def _check_version(file: ScoreFile) -> None:
    """Raise E343 for a file whose columns mean what only a newer version knows."""
    written = file.meta.get("schema_version", SCHEMA_VERSION)
    with _damage_where_unreadable(file.path):
        is_newer = _major(written) > _major(SCHEMA_VERSION)
    if is_newer:
        raise HeadwaterError("E343", file=file.path, written=written, known=SCHEMA_VERSION)


def _major(version: str) -> int:
    return int(version.partition(".")[0])


def _check_consistency(file: ScoreFile) -> None:
    """Raise E340 where a file contradicts what it says of its rows, its run and its models."""
    digest, meta = RowsDigest(), file.meta
    with _damage_where_unreadable(file.path):
        models = {name: model["sha256"] for name, model in json.loads(meta["models"]).items()}
        json.loads(meta["high_value"])
        for piece in file.pieces():
            digest.add(piece)
    parts = {"inputs": meta["inputs"], "code": meta["code_version"], "config": meta["config_sha256"]}
    if digest.hexdigest() != meta["rows_sha256"] and not _is_of_0_1_0(file):
        raise damage_error(file.path, "rows_sha256")
    if journal.run_id(as_of=meta["as_of"], models=models, **parts) != meta["run_id"]:
        raise damage_error(file.path, "run_id")


def _is_of_0_1_0(file: ScoreFile) -> bool:
    """Are these the rows that a file was published with, by how the first version named them?"""
    with _damage_where_unreadable(file.path):
        return rows_sha256_of_0_1_0(file.table()) == file.meta["rows_sha256"]


@contextmanager
def _damage_where_unreadable(path: Path) -> Iterator[None]:
    """Text that is no JSON any more, or rows of a type that cannot be: damage."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, NotImplementedError) as error:
        raise damage_error(path, error) from error


def is_score_file_intact(workspace: Workspace, as_of: date) -> bool:
    """Is the score file of a date there, and whole?"""
    try:
        verified_score_file(workspace, as_of)
    except HeadwaterError as error:
        if error.problem.code in ("E340", "E431"):
            return False
        raise
    return True


def previous_scores(workspace: Workspace, as_of: date) -> ScoreFile | None:
    """The latest publication before a date that is whole."""
    earlier = (day for day in reversed(workspace.published_dates()) if day < as_of)
    day = next((day for day in earlier if is_score_file_intact(workspace, day)), None)
    return verified_score_file(workspace, day) if day else None


def damaged_before(workspace: Workspace, as_of: date) -> list[date]:
    """The damaged publications between a date and the one that `previous_scores` gives, newest first."""
    earlier = (day for day in reversed(workspace.published_dates()) if day < as_of)
    return list(takewhile(lambda day: not is_score_file_intact(workspace, day), earlier))


def record(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """What was recorded of a run; nothing where there is no record, or one that cannot be read."""
    path = workspace.runs / Path(run_id).name / journal.RECORD
    return journal.read_record(path) or {} if path.is_file() else {}


def outcome(workspace: Workspace, record: Mapping[str, Any]) -> str:
    """What became of a recorded run; one that was publishing is asked whether its score file ever came."""
    recorded = record.get("outcome")
    if recorded != PUBLISHING:
        return recorded if recorded in (SCORED, PUBLISHED) else UNREADABLE
    return UNFINISHED if is_published_by(workspace, record) else STOPPED


def is_published_by(workspace: Workspace, record: Mapping[str, Any]) -> bool:
    """Does the score file of the run's date come from this run?"""
    try:
        path = workspace.score_file(date.fromisoformat(str(record.get("as_of"))))
        return ScoreFile(path).meta.get("run_id") == record["run_id"]
    except (HeadwaterError, ValueError):  # no such date, no such file, or no file that says whose it is
        return False


def is_output_intact(path: Path, run_id: str, recorded: str | None) -> bool:
    """Is this the output of a run, whole? A workbook or page that somebody has edited and saved is, and stays theirs.

    Parameters
    ----------
    path
        The file.
    run_id
        Stands in every output.
    recorded
        Its sha256 on record; None where there is no record of it.

    Returns
    -------
    bool
        False too where it is not there.
    """
    if not path.is_file():
        return False
    if recorded == sha256(path):
        return True
    content = _complete_content(path)
    return content is not None and (recorded is not None or run_id.encode() in content)


def _complete_content(path: Path) -> bytes | None:
    """The text of a workbook or a page that is complete, None of one that is not."""
    if path.suffix != ".xlsx":
        content = path.read_bytes()
        return content if content.rstrip().endswith(b"</html>") else None
    try:
        with zipfile.ZipFile(path) as book:
            return None if book.testzip() else b"".join(map(book.read, book.namelist()))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError):
        return None  # each of them is what a damaged archive raises
