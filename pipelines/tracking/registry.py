"""What the tracking store must know: every version that was ever named here, so that no number is given twice.

Versions are known from the evaluations and the generations beside the models, which are plain files. The store is looked
into as the SQLite file that it is; nothing here makes one.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from features.errors import HeadwaterError
from pipelines.workspace import bundles
from pipelines.workspace.paths import Workspace

PATIENCE = 10.0
"""Seconds for which a store that somebody holds is waited for."""
ELSEWHERE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM,
}
"""Trouble with the disk or with somebody else; any other is damage to the file."""


@dataclass(frozen=True)
class Look:
    """What a store says of itself: the highest version of each target, or how it is damaged."""

    highest: dict[str, int] = field(default_factory=dict)
    damage: str = ""


def look(store: Path, mode: str = "rw") -> Look:
    """Look into a store, which is never made by it; one that is not there knows nothing. Raises E706 when it is held."""
    if not store.exists():
        return Look()
    try:
        with closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode={mode}", uri=True, timeout=PATIENCE)) as opened:
            ((told,),) = opened.execute("PRAGMA quick_check(1)").fetchall()
            return Look(_numbers(opened)) if told == "ok" else Look(damage=str(told).splitlines()[0])
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in ELSEWHERE:
            raise HeadwaterError("E706", file=store, detail=str(error)) from error
        return Look(damage=str(error))
    except (ValueError, OverflowError) as error:  # text that is no UTF-8, numbers that are none
        return Look(damage=str(error))


def _numbers(opened: sqlite3.Connection) -> dict[str, int]:
    tables = opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'model_versions'").fetchall()
    found = opened.execute("SELECT name, MAX(version) FROM model_versions GROUP BY name").fetchall() if tables else []
    return {str(name): int(number) for name, number in found}


def known(workspace: Workspace) -> dict[str, int]:
    """The highest version of each target that was ever evaluated or promoted here."""
    names = [path.stem for path in (workspace.models / "evaluations").glob("*-*.json")]
    for _, entries in bundles.generations(workspace):
        names += [entry["version"].replace("/", "-") for entry in entries.values()]
    found: dict[str, int] = {}
    for target, _, number in (name.rpartition("-") for name in names):
        if number.isdecimal():
            found[target] = max(int(number), found.get(target, 0))
    return found


def _lost(workspace: Workspace, store: Look) -> list[str]:
    """The highest versions known here that are higher than the store knows."""
    found = known(workspace).items()
    return [f"{target}/{number}" for target, number in sorted(found) if number > store.highest.get(target, 0)]


def refuse(workspace: Workspace) -> None:
    """Stop with exit 7 where the store is damaged, or does not know versions that are here: E715, E714."""
    judge(workspace, look(workspace.tracking))


def judge(workspace: Workspace, found: Look) -> None:
    """Raise E715 for a damaged store, E714 for one that does not know versions that are here."""
    if found.damage:
        raise HeadwaterError("E715", file=workspace.tracking, detail=found.damage)
    if versions := _lost(workspace, found):
        raise HeadwaterError("E714", file=workspace.tracking, versions=", ".join(versions))
