"""Parquet files of people that keep what nobody may change later: lists as they were drawn, campaigns as they were registered.

A name ends with digits of the sha256 of rows and of what is said of them, so that a file which was changed does not fit its
name any more, unless people were erased from it (`removal`): then it is shorter, and fits the sum that the erasure writes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from models.scores.score_table import RowsDigest
from pipelines.workspace.files import FOLDER_MODE, fill_parquet, replacing, settle
from pipelines.workspace.score_files import DAMAGE, PREFIX

ROWS = f"{PREFIX}rows_sha256".encode()
DIGITS = 10


@dataclass(frozen=True)
class Sealed:
    """What such a file holds.

    Attributes
    ----------
    table
        Its rows.
    content
        What is said of them.
    who, when
        Wrote it, by the clock.
    erased
        People who were in it and have been erased since.
    """

    table: pa.Table
    content: Mapping[str, Any]
    who: str
    when: str
    erased: int


def digits(table: pa.Table, content: Mapping[str, Any]) -> str:
    """The end of a name.

    Parameters
    ----------
    table
        Rows, in the order in which they lie.
    content
        What is said of them, as JSON has it; `members` is their number.
    """
    return _digits(_rows_sha256(table), content)


def save(path: Path, table: pa.Table, key: bytes, content: Mapping[str, Any], who: str, when: str) -> Path:
    """Write a file under the name that ends with its `digits`.

    Parameters
    ----------
    path
        Of the file.
    table
        Its rows.
    key
        Under which it says what it is.
    content
        What that is.
    who, when
        Are no part of the name.

    Raises
    ------
    HeadwaterError
        E703 to E705 (exit 7) for what the disk refuses.
    """
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    told = {"content": content, "who": who, "when": when}
    said_of_it = {key: json.dumps(told, ensure_ascii=False, sort_keys=True).encode()}
    schema = table.schema.with_metadata(said_of_it | {ROWS: _rows_sha256(table).encode()})
    with replacing(path) as temporary:
        fill_parquet(temporary, [table], schema)
    settle(path.parent)
    return path


def read(path: Path, key: bytes, code: str) -> Sealed:
    """Read a file back.

    Parameters
    ----------
    path
        Of the file.
    key
        Under which it says what it is.
    code
        Of the error for one that is damaged, or is not what its name says.
    """
    table = _opened(path, code, lambda file: pq.read_table(file, page_checksum_verification=True))
    told = _told(path, key, code, table.schema)
    return Sealed(table, told["content"], told["who"], told["when"], _erased(path, code, table, told["content"]))


def said(path: Path, key: bytes, code: str) -> dict[str, Any]:
    """What a file says of itself: content, who, when; its rows are not read. Parameters are those of `read`."""
    return _told(path, key, code, _opened(path, code, pq.read_schema))


def is_whole(path: Path, key: bytes, code: str) -> bool:
    """Does a file fit its name? Parameters are those of `read`; what the disk refuses is raised."""
    try:
        read(path, key, code)
    except HeadwaterError as error:
        if error.problem.code != code:
            raise
        return False
    return True


def _erased(path: Path, code: str, table: pa.Table, content: Mapping[str, Any]) -> int:
    """How many people were erased. Raises where the content is neither that of the name nor what an erasure leaves, which
    writes down what the rows are then."""
    rows, gone = _rows_sha256(table), content["members"] - table.num_rows
    if path.stem.endswith(_digits(rows, content)):
        return 0
    if gone > 0 and (table.schema.metadata or {}).get(ROWS) == rows.encode():
        return gone
    raise HeadwaterError(code, file=path, detail="its content is not that of its name")


def _opened(path: Path, code: str, reader: Any) -> Any:
    """What a reader of Parquet gives. Raises where the file is damaged."""
    try:
        with path.open("rb") as file:
            return reader(file)
    except DAMAGE as error:
        raise HeadwaterError(code, file=path, detail=str(error).splitlines()[0]) from error


def _told(path: Path, key: bytes, code: str, schema: pa.Schema) -> dict[str, Any]:
    """What the file says of itself. Raises where it does not."""
    try:
        told = json.loads((schema.metadata or {})[key])
        return told if told["content"] else {}
    except (ValueError, LookupError, TypeError) as error:
        raise HeadwaterError(code, file=path, detail="it does not say what it is") from error


def _rows_sha256(table: pa.Table) -> str:
    """Of rows in the order in which they lie, as an erasure writes it down."""
    digest = RowsDigest()
    digest.add(table)
    return digest.hexdigest()


def _digits(rows: str, content: Mapping[str, Any]) -> str:
    words = json.dumps(content, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(f"{rows}{words}".encode()).hexdigest()[:DIGITS]
