"""Lists as they were drawn, kept for good: `lists/frozen/<id>.parquet`, one file that is there whole or not at all.

It holds the rows of everybody on the list, the control too, with their place and arm, and says by which scores, filters and
buckets it was drawn, who froze it and when. The id ends with digits of its content: the same list has the same id, and a file
that was changed does not fit its name any more, unless people were erased from it (`removal`): then it is shorter and says so.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from models.scores.columns import SCHEMA
from models.scores.score_table import RowsDigest, with_later_columns
from pipelines.workspace.files import FOLDER_MODE, fill_parquet, replacing, settle
from pipelines.workspace.paths import Workspace
from pipelines.workspace.score_files import DAMAGE, PREFIX
from targeting.ranking import ListCounts, ListResult, plain_frame

META, ROWS = b"headwater.list", f"{PREFIX}rows_sha256".encode()
PLACES = pa.schema([("rank", pa.int64()), ("arm", pa.string())])
DIGITS = 10


@dataclass(frozen=True)
class FrozenList:
    """A list of before.

    Attributes
    ----------
    result
        The list as it was drawn: customers to contact, its control, counts and filters.
    basis
        What it was drawn from: run_id, models, holdout.
    who
        Froze it.
    when
        By the clock, with the time zone.
    erased
        Customers who were on it and have been erased since; counts are those of before.
    """

    result: ListResult
    basis: Mapping[str, Any]
    who: str
    when: str
    erased: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Everything but the customers."""
        told = self.result
        counts = asdict(told.counts)
        head = {"list_id": told.list_id, "kind": told.kind, "as_of": str(told.as_of or "") or None}
        froze = {"who": self.who, "when": self.when, "erased": self.erased}
        return head | {"filters": told.filters, "counts": counts, **self.basis, **froze}


def identified(result: ListResult, basis: Mapping[str, Any]) -> ListResult:
    """The same list under the id that its content gives it, in each row, too.

    Parameters
    ----------
    result
        The list.
    basis
        What it was drawn from.
    """
    digits = _digits(_rows_sha256(_table(result)), _told(result, basis))
    list_id = f"{result.kind}-{result.as_of or 'empty'}-{digits}"
    rows, control = (frame.assign(list_id=list_id) for frame in (result.rows, result.control))
    return replace(result, list_id=list_id, rows=rows, control=control)


def save(workspace: Workspace, frozen: FrozenList) -> Path:
    """Keep a list that has its id; one that is kept already, whole, stays as it is, with who froze it first.

    Raises HeadwaterError E703 to E705 (exit 7) for what the disk refuses.
    """
    path = workspace.frozen_list(frozen.result.list_id)
    if path.exists() and _is_whole(path):
        return path
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    told = {"content": _told(frozen.result, frozen.basis), "who": frozen.who, "when": frozen.when}
    table = _table(frozen.result)
    said = {META: json.dumps(told, ensure_ascii=False, sort_keys=True).encode()}
    schema = table.schema.with_metadata(said | {ROWS: _rows_sha256(table).encode()})
    with replacing(path) as temporary:
        fill_parquet(temporary, [table], schema)
    settle(path.parent)
    return path


def read(workspace: Workspace, given: str) -> FrozenList:
    """A frozen list by its id, or by the beginning of it or of its last digits. Raises E298 (exit 2) for none or several, E346 (exit 3) for a damaged one."""
    known = ids(workspace)
    begin = [name for name in known if name.startswith(given) or name.rpartition("-")[2].startswith(given)]
    found = [given] if given in known else begin
    if len(found) != 1:
        raise HeadwaterError("E298", given=given, known=", ".join(found or known[:5]) or "—")
    return _read(workspace.frozen_list(found[0]))


def ids(workspace: Workspace) -> list[str]:
    """The ids of all frozen lists, those of the newest scores first."""
    names = (path.stem for path in workspace.frozen.glob("*.parquet"))
    return sorted(names, key=lambda name: (name.split("-", 1)[-1], name), reverse=True)


def heads(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """What each frozen list says of itself; its rows are not read. Raises E346."""
    for name in ids(workspace):
        path = workspace.frozen_list(name)
        told = _said(path, _opened(path, pq.read_schema))
        yield {"list_id": name} | told["content"] | {key: told[key] for key in ("who", "when")}


def damaged(workspace: Workspace) -> Iterator[Path]:
    """Frozen lists that do not fit their names, or cannot be read."""
    for name in ids(workspace):
        path = workspace.frozen_list(name)
        if not _is_whole(path):
            yield path


def _is_whole(path: Path) -> bool:
    try:
        _read(path)
    except HeadwaterError as error:
        if error.problem.code != "E346":
            raise
        return False
    return True


def _read(path: Path) -> FrozenList:
    table = _opened(path, lambda file: pq.read_table(file, page_checksum_verification=True))
    told = _said(path, table.schema)
    content, list_id = told["content"], path.stem
    erased = _erased(path, table, content)
    rows = plain_frame(_whole_rows(table)).assign(list_id=list_id)
    parts = {arm: rows[rows["arm"] == arm].reset_index(drop=True) for arm in ("treated", "control")}
    result = ListResult(
        list_id=list_id,
        kind=content["kind"],
        as_of=date.fromisoformat(content["as_of"]) if content["as_of"] else None,
        rows=parts["treated"],
        control=parts["control"],
        counts=ListCounts(**content["counts"]),
        filters=content["filters"],
    )
    return FrozenList(result, content["basis"], told["who"], told["when"], erased)


def _erased(path: Path, table: pa.Table, content: Mapping[str, Any]) -> int:
    """How many people were erased from a list. Raises E346 where its content is neither that of its name nor what an erasure
    leaves, which writes down what the rows are then."""
    rows, gone = _rows_sha256(table), content["members"] - table.num_rows
    if path.stem.endswith(_digits(rows, content)):
        return 0
    if gone > 0 and (table.schema.metadata or {}).get(ROWS) == rows.encode():
        return gone
    raise HeadwaterError("E346", file=path, detail="its content is not that of its name")


def _opened(path: Path, reader: Any) -> Any:
    """What a reader of Parquet gives. Raises E346 where the file is damaged."""
    try:
        with path.open("rb") as file:
            return reader(file)
    except DAMAGE as error:
        raise HeadwaterError("E346", file=path, detail=str(error).splitlines()[0]) from error


def _said(path: Path, schema: pa.Schema) -> dict[str, Any]:
    """What the file says of itself. Raises E346 where it does not."""
    try:
        told = json.loads((schema.metadata or {})[META])
        return told if told["content"] else {}
    except (ValueError, LookupError, TypeError) as error:
        raise HeadwaterError("E346", file=path, detail="it does not say what it is") from error


def _told(result: ListResult, basis: Mapping[str, Any]) -> dict[str, Any]:
    """What is part of the content beside the rows: a list by other filters is another list."""
    return {
        "kind": result.kind,
        "as_of": str(result.as_of or ""),
        "filters": dict(result.filters),
        "counts": asdict(result.counts),
        "members": len(result.rows) + len(result.control),
        "basis": dict(basis),
    }


def _table(result: ListResult) -> pa.Table:
    """Everybody on the list in the order of their places: the score table, place and arm."""
    members = pd.concat([result.rows, result.control]).sort_values("rank", ignore_index=True)
    scores = pa.Table.from_pandas(members[SCHEMA.names], schema=SCHEMA, preserve_index=False)
    for field in PLACES:
        scores = scores.append_column(field, pa.array(members[field.name], type=field.type))
    return scores


def _rows_sha256(table: pa.Table) -> str:
    """Of rows in the order in which they lie, as an erasure writes it down."""
    digest = RowsDigest()
    digest.add(table)
    return digest.hexdigest()


def _whole_rows(table: pa.Table) -> pa.Table:
    """The rows with the columns of today; a list of before a column leaves it empty."""
    return (
        with_later_columns(table.drop_columns(PLACES.names))
        .append_column("rank", table["rank"])
        .append_column("arm", table["arm"])
    )


def _digits(rows: str, told: Mapping[str, Any]) -> str:
    """The end of an id: of the sha256 of rows and of what is said of them."""
    words = json.dumps(told, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{rows}{words}".encode()).hexdigest()[:DIGITS]
