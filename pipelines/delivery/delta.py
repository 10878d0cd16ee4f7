"""The published scores as a Delta table, for readers who want a table with versions: a log over the very same files.

`delta/` holds a hard link to each score file, under its date and the beginning of its sha256, and a log that names which of
them are published. A file that is replaced keeps its link as long as the archive keeps it, so that versions of before read
what was published then. The log is committed after a publication and can be made again from what is published.
"""

import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError, Problem
from models.scores.score_table import SCHEMA
from pipelines.workspace.files import FOLDER_MODE, settle, sha256
from pipelines.workspace.paths import Workspace

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from deltalake.transaction import AddAction

FOLDER = "delta"
DIGITS = 12
"""Of the sha256 in the name of a link, as the archive has it."""


def is_installed() -> bool:
    """Is the extra there that writes the log?"""
    return importlib.util.find_spec("deltalake") is not None


def follow(workspace: Workspace) -> int:
    """Bring the table in line with what is published, in one commit; call it with the lock held.

    Returns
    -------
    int
        The version of the table; -1 where nothing was ever published.

    Raises
    ------
    HeadwaterError
        E722 (exit 7) where the extra is not installed.
    """
    if not is_installed():
        raise HeadwaterError("E722")
    from deltalake import DeltaTable

    folder = workspace.root / FOLDER
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    published = _linked(workspace, folder)
    table = DeltaTable(folder) if DeltaTable.is_deltatable(str(folder)) else None
    if table is None and published:
        table = _created(folder, published)
    elif table is not None:
        _commit(table, folder, published)
    _drop_links(workspace, folder, published)
    return -1 if table is None else table.version()


def rebuild(workspace: Workspace) -> int:
    """Make the table anew from what is published; versions of before are gone. Raises as `follow` does."""
    if not is_installed():
        raise HeadwaterError("E722")
    shutil.rmtree(workspace.root / FOLDER, ignore_errors=True)
    return follow(workspace)


def attempted(make: Callable[[Workspace], int], workspace: Workspace) -> list[Problem]:
    """`follow` or `rebuild` for those whose work is done by then: whatever its library raises becomes a warning (W347)."""
    try:
        make(workspace)
    except Exception as error:
        detail = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        return [Problem("W347", values={"detail": detail})]
    return []


def difference(workspace: Workspace) -> str:
    """What the table says otherwise than what is published, in names of files; "" where it is in line or there is none."""
    folder = workspace.root / FOLDER
    if not folder.is_dir() or not is_installed():
        return ""
    from deltalake import DeltaTable

    known = _known(DeltaTable(folder)) if DeltaTable.is_deltatable(str(folder)) else set()
    links = {path.name: path for path in folder.glob("*.parquet")}
    same = {name for name in known if name in links and _is_published(workspace, links[name])}
    days = {day.isoformat() for day in workspace.published_dates()}
    wrong = (known - same) | (days - {name.partition(".")[0] for name in same})
    return ", ".join(sorted(wrong)[:3])


def _linked(workspace: Workspace, folder: Path) -> set[str]:
    """The names of the links to what is published; those that are missing are made."""
    links = {path.stat().st_ino: path.name for path in folder.glob("*.parquet")}
    names = set()
    for path in map(workspace.score_file, workspace.published_dates()):
        name = links.get(path.stat().st_ino) or f"{path.stem}.{sha256(path)[:DIGITS]}.parquet"
        if not (folder / name).exists():
            os.link(path, folder / name)
        names.add(name)
    settle(folder)
    return names


def _is_published(workspace: Workspace, link: Path) -> bool:
    path = workspace.scores / f"{link.name.partition('.')[0]}.parquet"
    return path.exists() and path.samefile(link)


def _created(folder: Path, names: set[str]) -> "DeltaTable":
    from deltalake import DeltaTable, Schema
    from deltalake.transaction import create_table_with_add_actions

    actions = [_added(folder / name) for name in sorted(names)]
    schema = Schema.from_arrow(table_schema())
    create_table_with_add_actions(str(folder), schema, actions, commit_properties=_told(names))
    return DeltaTable(folder)


def _commit(table: "DeltaTable", folder: Path, names: set[str]) -> None:
    """One commit for everything that has changed; none where nothing has."""
    from deltalake import Schema
    from deltalake.transaction import RemoveAction

    known = _known(table)
    if known == names:
        return
    fields = Schema.from_arrow(table_schema()).fields
    later = [field for field in fields if field.name not in {own.name for own in table.schema().fields}]
    if later:
        table.alter.add_columns(later)
    now = max((int((folder / name).stat().st_mtime * 1000) for name in names), default=0)
    gone = [RemoveAction(name, True, now) for name in sorted(known - names)]
    added = [_added(folder / name) for name in sorted(names - known)]
    table.create_write_transaction([*added, *gone], "append", table.schema(), commit_properties=_told(names - known))
    table.update_incremental()


def _known(table: "DeltaTable") -> set[str]:
    """The names of the files that the newest version has."""
    return {Path(uri).name for uri in table.file_uris()}


def _added(path: Path) -> "AddAction":
    """A file as the log has it: how many rows, and no least or greatest value, for that would be a customer's id."""
    from deltalake.transaction import AddAction

    stats = json.dumps({"numRecords": pq.read_metadata(path).num_rows})
    return AddAction(path.name, path.stat().st_size, {}, int(path.stat().st_mtime * 1000), True, stats)


def _told(names: Iterable[str]) -> Any:
    """What a commit says of itself: the dates that are new in it."""
    from deltalake import CommitProperties

    return CommitProperties(custom_metadata={"headwater.as_of": ", ".join(sorted(n.partition(".")[0] for n in names))})


def _drop_links(workspace: Workspace, folder: Path, published: set[str]) -> None:
    """Links to files that are neither published nor in the archive go: nobody keeps what they lead to."""
    archived = {path.name for path in workspace.archive.glob("*.parquet")}
    for path in folder.glob("*.parquet"):
        if path.name not in published | archived:
            path.unlink()


def table_schema() -> pa.Schema:
    """The columns of the score table in types that Delta has; every one may be null, as one is that an older file lacks."""
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in SCHEMA])


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_list(kind):
        return pa.list_(_plain(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _plain(field.type)) for field in kind])
    return kind
