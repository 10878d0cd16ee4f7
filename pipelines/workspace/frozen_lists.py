"""Lists as they were drawn, kept for good: `lists/frozen/<id>.parquet`, one file that is there whole or not at all.

It holds the rows of everybody on the list, the control too, with their place and arm, and says by which scores, filters and
buckets it was drawn, who froze it and when. The id ends with digits of its content: the same list has the same id, and a file
that was changed does not fit its name any more, unless people were erased from it (`removal`): then it is shorter and says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from models.scores.columns import SCHEMA
from models.scores.score_table import with_later_columns
from pipelines.workspace import sealed
from pipelines.workspace.paths import Workspace
from targeting.ranking import ListCounts, ListResult, plain_frame

META, DAMAGED = b"headwater.list", "E346"
PLACES = pa.schema([("rank", pa.int64()), ("arm", pa.string())])


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
    digits = sealed.digits(_table(result), _told(result, basis))
    list_id = f"{result.kind}-{result.as_of or 'empty'}-{digits}"
    rows, control = (frame.assign(list_id=list_id) for frame in (result.rows, result.control))
    return replace(result, list_id=list_id, rows=rows, control=control)


def save(workspace: Workspace, frozen: FrozenList) -> Path:
    """Keep a list that has its id; one that is kept already, whole, stays as it is, with who froze it first.

    Raises HeadwaterError E703 to E705 (exit 7) for what the disk refuses.
    """
    path = workspace.frozen_list(frozen.result.list_id)
    if path.exists() and sealed.is_whole(path, META, DAMAGED):
        return path
    told = _told(frozen.result, frozen.basis)
    return sealed.save(path, _table(frozen.result), META, told, frozen.who, frozen.when)


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
        told = sealed.said(workspace.frozen_list(name), META, DAMAGED)
        yield {"list_id": name} | told["content"] | {key: told[key] for key in ("who", "when")}


def damaged(workspace: Workspace) -> Iterator[Path]:
    """Frozen lists that do not fit their names, or cannot be read."""
    for name in ids(workspace):
        path = workspace.frozen_list(name)
        if not sealed.is_whole(path, META, DAMAGED):
            yield path


def _read(path: Path) -> FrozenList:
    kept, list_id = sealed.read(path, META, DAMAGED), path.stem
    content = kept.content
    rows = plain_frame(_whole_rows(kept.table)).assign(list_id=list_id)
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
    return FrozenList(result, content["basis"], kept.who, kept.when, kept.erased)


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


def _whole_rows(table: pa.Table) -> pa.Table:
    """The rows with the columns of today; a list of before a column leaves it empty."""
    return (
        with_later_columns(table.drop_columns(PLACES.names))
        .append_column("rank", table["rank"])
        .append_column("arm", table["arm"])
    )
