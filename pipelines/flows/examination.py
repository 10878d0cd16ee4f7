"""Is everything that lies in a workspace as it was written? What is not, what puts it right, and what may be done unasked.

Nothing is thrown away but what is made again by itself: a damaged file goes to `damaged/`, under its path as a name.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.errors import HeadwaterError, Problem
from pipelines.delivery import delta
from pipelines.flows import restoring
from pipelines.ingest import canonical, pinning, snapshots
from pipelines.tracking import registry
from pipelines.workspace import (
    bundles,
    campaigns,
    erasures,
    evaluations,
    files,
    frozen_lists,
    history,
    journal,
    lock,
    publication,
    runs,
)
from pipelines.workspace.paths import Workspace, date_of

PURPOSE = "doctor --repair"
"""What the lock is held for."""
Mend = Callable[[Workspace], object]


@dataclass(frozen=True)
class Fault:
    """Something in a workspace that is not as it was written.

    Attributes
    ----------
    kind
        A name of `CHECKS`; its words are below `doctor.kind`.
    path
        Where.
    detail
        What was seen.
    problem
        Says what it means and what to do; None where the detail says all.
    mend
        What may be done unasked; None where a command or a person has to.
    harmless
        Does every command work all the same?
    """

    kind: str
    path: Path
    detail: str = ""
    problem: Problem | None = None
    mend: Mend | None = None
    harmless: bool = False


def examine(workspace: Workspace) -> list[Fault]:
    """Every fault, in the order of `CHECKS`; a check that cannot be made is a fault of its own and stops no other."""
    return [fault for kind in CHECKS for fault in _of_kind(kind, workspace)]


def _of_kind(kind: str, workspace: Workspace) -> list[Fault]:
    try:
        return list(CHECKS[kind](workspace))
    except HeadwaterError as error:
        return [Fault(kind, Path(error.problem.file or workspace.root), problem=error.problem)]
    except Exception as error:  # whatever was damaged in a way that nobody has thought of
        return [Fault(kind, workspace.root, f"{type(error).__name__}: {error}")]


def repair(workspace: Workspace) -> list[Fault]:
    """Mend what may be mended unasked; gives the faults that were. Raises E601 (exit 6) while another run works here."""
    mended: list[Fault] = []
    for kind in CHECKS:
        known: set[tuple[Path, str]] = set()  # what was tried once and is still wrong is left to a person
        while fault := next(
            (each for each in _of_kind(kind, workspace) if _seen(each) not in known and each.mend), None
        ):
            known.add(_seen(fault))
            assert fault.mend is not None, "chosen because there is one"
            fault.mend(workspace)
            mended.append(fault)
    return mended


def _seen(fault: Fault) -> tuple[Path, str]:
    return fault.path, fault.detail


def set_aside(path: Path) -> Mend:
    """Move a file, or what lies in its place, to `damaged/`."""

    def move(workspace: Workspace) -> None:
        with lock.exclusive(workspace, PURPOSE):
            _move_aside(workspace, path)

    return move


def _unlocked(path: Path) -> Mend:
    """The same of what keeps everybody from taking the lock."""
    return lambda workspace: _move_aside(workspace, path)


def _move_aside(workspace: Workspace, path: Path) -> None:
    """Under its path as a name; what was moved there before is not written over."""
    folder = workspace.root / "damaged"
    folder.mkdir(mode=files.FOLDER_MODE, exist_ok=True)
    name, number = "__".join(path.relative_to(workspace.root).parts), 0
    while (target := folder / (f"{name}-{number}" if number else name)).exists():
        number += 1
    path.rename(target)
    files.sync(path.parent)


def _settle(workspace: Workspace) -> None:
    """Taking the lock removes what killed runs left, and points `latest.parquet` to the newest scores."""
    with lock.exclusive(workspace, PURPOSE):
        for left in workspace.models.glob(".staging-*"):
            shutil.rmtree(left)


def _lock(workspace: Workspace) -> Iterator[Fault]:
    path = workspace.root / lock.NAME
    if path.is_dir():
        yield Fault("lock", path, "folder", mend=_unlocked(path))


def _scores(workspace: Workspace) -> Iterator[Fault]:
    """Every published date, compared with the record of its run, and what is no date at all."""
    for path in sorted(workspace.scores.glob("[!.]*")):
        day = date_of(path)
        if day is None or path.is_dir():
            yield Fault("scores", path, "folder" if path.is_dir() else "—", mend=set_aside(path))
            continue
        try:
            runs.verified_score_file(workspace, day)
        except HeadwaterError as error:
            yield Fault("scores", path, problem=error.problem, harmless=day != workspace.newest_date())


def _latest(workspace: Workspace) -> Iterator[Fault]:
    newest, latest = workspace.newest_date(), workspace.latest
    if latest.is_dir() and not latest.is_symlink():
        yield Fault("latest", latest, "folder", mend=_unlocked(latest))
    elif newest and not workspace.links_to(newest):
        yield Fault("latest", latest, str(newest), mend=_settle)


def _leftovers(workspace: Workspace) -> Iterator[Fault]:
    """What killed runs left; the next run removes it."""
    if lock.is_held(workspace):
        return
    left = [
        *workspace.scores.glob(".*.tmp"),
        *workspace.root.glob(".latest.*.tmp"),
        *workspace.models.glob(".staging-*"),
    ]
    if left:
        yield Fault("leftovers", left[0], str(len(left)), mend=_settle, harmless=True)


def _champions(workspace: Workspace) -> Iterator[Fault]:
    """The generation in force: pointer, record, and every file of every champion."""
    pointer = workspace.models / "CURRENT"
    if pointer.is_dir():
        yield Fault("champions", pointer, "folder", mend=set_aside(pointer))
    elif not pointer.exists() and any(bundles.generations(workspace)):
        yield Fault("champions", pointer, problem=Problem("E531", str(pointer)), mend=restoring.restore)
    else:
        yield from _in_force(workspace)


def _in_force(workspace: Workspace) -> Iterator[Fault]:
    try:
        entries = bundles.champion_entries(workspace)
        bundles.champions(workspace)
    except HeadwaterError as error:
        if error.problem.code == "E521":  # nothing was trained yet
            return
        place = Path(error.problem.file or workspace.models)
        if error.problem.code == "E531":
            yield Fault("champions", place, problem=error.problem, mend=restoring.restore)
        else:
            can = restoring.restorable(workspace, entries)
            yield Fault("champions", place, problem=error.problem, mend=restoring.restore_champions if can else None)


def _evaluations(workspace: Workspace) -> Iterator[Fault]:
    """The record of each training; one that is damaged counts as one that was not kept."""
    for path in evaluations.damaged(workspace):
        yield Fault("evaluations", path, mend=set_aside(path), harmless=True)


def _tracking(workspace: Workspace) -> Iterator[Fault]:
    if workspace.tracking.is_dir():
        yield Fault("tracking", workspace.tracking, "folder", mend=set_aside(workspace.tracking))
        return
    try:
        state = registry.store_state(workspace.tracking, mode="ro")
        registry.check_state(workspace, state)
        yield from _misnamed(workspace, state)
    except HeadwaterError as error:
        mend = restoring.restore if error.problem.code in ("E714", "E715") else None
        yield Fault("tracking", workspace.tracking, problem=error.problem, mend=mend)


def _misnamed(workspace: Workspace, state: registry.StoreState) -> Iterator[Fault]:
    """Champions of a promotion that was stopped between its commit and the alias."""
    with suppress(HeadwaterError):  # a damaged local copy is a fault of its own
        for version in registry.misnamed_champions(workspace, state):
            named = state.champions.get(version.partition("/")[0])
            values = {"version": version, "detail": f"champion {named}" if named else None}
            problem = Problem("W536", str(workspace.tracking), values=values)
            yield Fault("tracking", workspace.tracking, problem=problem, mend=restoring.restore, harmless=True)


def _tables(workspace: Workspace) -> Iterator[Fault]:
    """The validated tables of the last inputs: the next run makes what is damaged again."""
    if path := canonical.damage(workspace.tables):

        def remove(space: Workspace) -> None:
            with lock.exclusive(space, PURPOSE):
                shutil.rmtree(space.tables)

        yield Fault("tables", path, mend=remove, harmless=True)


def _history(workspace: Workspace) -> Iterator[Fault]:
    """What customers files of earlier nights said; nothing else knows it, so nothing here may touch it."""
    try:
        snapshots.check(workspace.root / snapshots.FOLDER)
    except HeadwaterError as error:
        yield Fault("history", Path(error.problem.file or ""), problem=error.problem)


def _found(workspace: Workspace) -> Iterator[Fault]:
    try:
        pinning.found(workspace.root)
    except HeadwaterError as error:
        path = workspace.root / pinning.FILE
        yield Fault("found", path, problem=error.problem, mend=set_aside(path))


def _memories(workspace: Workspace) -> Iterator[Fault]:
    """Small files that are made again: hashes of raw files, incidents that were told."""
    for path in (workspace.root / canonical.HASHES, workspace.incidents):
        if path.exists() and not isinstance(_json(path), dict):
            yield Fault("memories", path, mend=set_aside(path), harmless=True)


def _json(path: Path) -> object:
    """The document of a file; None where there is none that can be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _journal(workspace: Workspace) -> Iterator[Fault]:
    """The records of nights and of calls; without its own, a score file is judged by what it says of itself."""
    nights = [p for p in sorted(workspace.runs.glob(f"*/{journal.RECORD}")) if not isinstance(_json(p), dict)]
    for path in (*nights, *history.unreadable(workspace)):
        yield Fault("journal", path, mend=set_aside(path), harmless=True)


def _exports(workspace: Workspace) -> Iterator[Fault]:
    """Who took which list: lines that can be read stay."""
    path = workspace.root / "exports.jsonl"
    if path.is_dir():
        yield Fault("exports", path, "folder", mend=set_aside(path))
    elif path.exists() and len(_lines(path)) < len(path.read_bytes().splitlines()):

        def keep(space: Workspace) -> None:
            whole = _lines(path)
            set_aside(path)(space)
            files.write_text(path, "".join(line + "\n" for line in whole))

        yield Fault("exports", path, mend=keep)


def _lines(path: Path) -> list[str]:
    """The lines of JSON in a file that are whole."""
    whole = []
    for line in path.read_bytes().splitlines():
        try:
            json.loads(line)
            whole.append(line.decode())
        except ValueError:
            continue
    return whole


def _erasures(workspace: Workspace) -> Iterator[Fault]:
    """Who was erased can be read, and every erasure was finished: only those who know the ids can finish one."""
    path = workspace.root / erasures.FILE
    try:
        unfinished = erasures.erasures(workspace.root).unfinished
    except HeadwaterError as error:
        yield Fault("erasures", path, problem=error.problem)
        return
    if unfinished and not lock.is_held(workspace):
        yield Fault("erasures", path, problem=Problem("W343", str(path), values={"people": len(unfinished)}))


def _delta(workspace: Workspace) -> Iterator[Fault]:
    """The Delta table, where there is one, says what is published: one that lags follows, one that cannot be read is made anew."""
    mend: Mend = delta.follow
    try:
        detail = delta.difference(workspace)
    except Exception as error:  # whatever its library raises for a log that is damaged
        detail, mend = type(error).__name__, delta.rebuild

    def locked(space: Workspace) -> None:
        with lock.exclusive(space, PURPOSE):
            mend(space)

    if detail:
        yield Fault("delta", workspace.root / delta.FOLDER, detail, mend=locked, harmless=True)


def _outputs(workspace: Workspace) -> Iterator[Fault]:
    """Lists and report of the newest night: the same night makes again what is missing or damaged."""
    day = workspace.newest_date()
    if day is None or not runs.is_score_file_intact(workspace, day):
        return
    run = publication.read_publication(workspace, day).meta["run_id"]
    for name, digest in (runs.record(workspace, run).get("delivered") or {}).items():
        if not runs.is_output_intact(workspace.root / name, run, digest):
            yield Fault("outputs", workspace.root / name, problem=_night_again(workspace.root / name, day))


def _frozen(workspace: Workspace) -> Iterator[Fault]:
    """Lists as they were drawn: who was control is known from nowhere else, so a person has to bring them back."""
    for path in frozen_lists.damaged(workspace):
        detail = "its content is not that of its name"
        yield Fault("frozen", path, problem=Problem("E346", str(path), values={"detail": detail}))


def _campaigns(workspace: Workspace) -> Iterator[Fault]:
    """Campaigns as they were registered: what is measured of them is known from nowhere else."""
    for path in campaigns.damaged(workspace):
        detail = "its content is not that of its name"
        yield Fault("campaigns", path, problem=Problem("E371", str(path), values={"detail": detail}))


def _night_again(path: Path, day: date) -> Problem:
    return Problem("W342", str(path), values={"as_of": day.isoformat()})


CHECKS: dict[str, Callable[[Workspace], Iterator[Fault]]] = {
    "lock": _lock,
    "scores": _scores,
    "latest": _latest,
    "leftovers": _leftovers,
    "champions": _champions,
    "evaluations": _evaluations,
    "tracking": _tracking,
    "tables": _tables,
    "history": _history,
    "found": _found,
    "memories": _memories,
    "journal": _journal,
    "exports": _exports,
    "erasures": _erasures,
    "delta": _delta,
    "outputs": _outputs,
    "frozen": _frozen,
    "campaigns": _campaigns,
}
