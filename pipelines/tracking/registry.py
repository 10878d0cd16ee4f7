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
BRIEFLY = 2.0
"""The same for those who can do without it."""
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
class StoreState:
    """What a store says of itself: the highest version and the champion of each target, or how it is damaged."""

    highest: dict[str, int] = field(default_factory=dict)
    champions: dict[str, int] = field(default_factory=dict)
    damage: str = ""


def store_state(store: Path, mode: str = "rw", patience: float = PATIENCE) -> StoreState:
    """Look into a store, which is never made by it; one that is not there knows nothing. Raises E706 when it is held.

    Parameters
    ----------
    store
        The SQLite file.
    mode
        Of SQLite: `rw`, or `ro` to look only.
    patience
        Seconds for which one that somebody holds is waited for.
    """
    if not store.exists():
        return StoreState()
    try:
        with closing(
            sqlite3.connect(f"{store.resolve().as_uri()}?mode={mode}", uri=True, timeout=patience)
        ) as connection:
            ((verdict,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
            return (
                StoreState(_numbers(connection), _champions(connection))
                if verdict == "ok"
                else StoreState(damage=str(verdict).splitlines()[0])
            )
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in ELSEWHERE:
            raise HeadwaterError("E706", file=store, detail=str(error)) from error
        return StoreState(damage=str(error))
    except (ValueError, OverflowError) as error:  # text that is no UTF-8, numbers that are none
        return StoreState(damage=str(error))


def _numbers(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT name, MAX(version) FROM model_versions GROUP BY name"
    return _by_target(connection, "model_versions", query)


def _champions(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT name, version FROM registered_model_aliases WHERE alias = 'champion'"
    return _by_target(connection, "registered_model_aliases", query)


def _by_target(connection: sqlite3.Connection, table: str, query: str) -> dict[str, int]:
    """Target -> a number; nothing where the store has no such table yet."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchall()
    return {str(name): int(number) for name, number in connection.execute(query).fetchall()} if known else {}


def misnamed_champions(workspace: Workspace, state: StoreState) -> list[str]:
    """The versions that nights score with and that the store knows, but does not call champion."""
    named = {f"{target}/{number}" for target, number in state.champions.items()}
    return sorted(
        str(entry["version"])
        for entry in bundles.champion_entries(workspace).values()
        if state.highest and entry["version"] not in named
    )


def highest_versions(workspace: Workspace) -> dict[str, int]:
    """The highest version of each target that was ever evaluated or promoted here."""
    names = [path.stem for path in (workspace.models / "evaluations").glob("*-*.json")]
    for _, entries in bundles.generations(workspace):
        names += [entry["version"].replace("/", "-") for entry in entries.values()]
    highest: dict[str, int] = {}
    for target, _, number in (name.rpartition("-") for name in names):
        if number.isdecimal():
            highest[target] = max(int(number), highest.get(target, 0))
    return highest


def _missing_versions(workspace: Workspace, state: StoreState) -> list[str]:
    """The highest versions known here that are higher than the store knows."""
    highest = highest_versions(workspace).items()
    return [f"{target}/{number}" for target, number in sorted(highest) if number > state.highest.get(target, 0)]


def check_store(workspace: Workspace) -> None:
    """Stop with exit 7 where the store is damaged, or does not know versions that are here: E715, E714."""
    check_state(workspace, store_state(workspace.tracking))


def trouble(workspace: Workspace) -> HeadwaterError | None:
    """What a training would stop for; None where the store is well. For those who do without it: they hardly wait."""
    try:
        check_state(workspace, store_state(workspace.tracking, mode="ro", patience=BRIEFLY))
    except HeadwaterError as error:
        return error
    return None


def check_state(workspace: Workspace, state: StoreState) -> None:
    """Raise E715 for a damaged store, E714 for one that does not know versions that are here."""
    if state.damage:
        raise HeadwaterError("E715", file=workspace.tracking, detail=state.damage)
    if versions := _missing_versions(workspace, state):
        raise HeadwaterError("E714", file=workspace.tracking, versions=", ".join(versions))
