"""What a mapping leaves open and the data tell once: types of attributes. They are kept in the workspace, so that no
later file changes them: what models learn from follows from them.

`<workspace>/found.json` holds, for each column, the form it was found for, its type and the shape of its dates. A declared
`type` wins; a column that is made otherwise than before is looked at anew; so is everything when the file is removed.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import HeadwaterError
from pipelines.config.mapping import Form
from pipelines.config.mapping import Mapping as TableMapping
from pipelines.ingest import extracts, sniffing
from pipelines.ingest.readers import sources
from pipelines.workspace.files import write_json

FILE = "found.json"
TABLE = "customers"
ROWS = 200_000
"""Rows that tell what a column is."""
TYPES = (
    (pa.types.is_boolean, "flag"),
    (pa.types.is_integer, "number"),
    (pa.types.is_floating, "number"),
    (pa.types.is_decimal, "number"),
    (pa.types.is_temporal, "date"),
)


def settled(mapping: TableMapping, folder: Path) -> TableMapping:
    """The same mapping with a type for every attribute; what is found is kept below `folder`.

    Where the data cannot be looked at now, nothing is found or kept, and the reading says why.

    Parameters
    ----------
    mapping
        May leave types open.
    folder
        `<workspace>/<name>`.

    Raises
    ------
    HeadwaterError
        E243 for dates that can be read two ways.
    """
    names = mapping.attributes_of(None)
    if not names:
        return mapping
    forms, kept = mapping.tables[TABLE].columns, found(folder)
    known = {name: kept[name] for name in names if kept.get(name, {}).get("form") == _identity(forms[name])}
    fresh = {name: forms[name] for name in names if name not in known}
    new = _told(mapping, fresh) if fresh else {}
    if new:
        write_json(folder / FILE, dict(sorted((kept | new).items())))
    told = known | new
    changed = {name: _typed(forms[name], told[name]) for name in names if name in told}
    table = mapping.tables[TABLE].model_copy(update={"columns": {**forms, **changed}})
    return mapping.model_copy(update={"tables": {**mapping.tables, TABLE: table}})


def found(folder: Path) -> dict[str, dict[str, Any]]:
    """What is kept of each column: `form`, `type` and `parse`; nothing where there is no such file."""
    path = folder / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def used(mapping: TableMapping, folder: Path) -> dict[str, dict[str, Any]]:
    """What is kept and in use: of the attributes of a settled mapping whose types were found."""
    columns = mapping.tables[TABLE].columns
    return {
        name: told for name, told in found(folder).items() if name in columns and columns[name].type == told["type"]
    }


def _identity(form: Form) -> dict[str, Any]:
    return form.model_dump(mode="json", exclude_defaults=True)


def _typed(form: Form, told: Mapping[str, Any]) -> Form:
    return form.model_copy(update={"type": told["type"], "parse": form.parse or told["parse"]})


def _told(mapping: TableMapping, forms: Mapping[str, Form]) -> dict[str, dict[str, Any]]:
    """What the data say of these columns; nothing where they cannot be looked at."""
    try:
        columns = _columns(mapping, sorted({form.from_ or "" for form in forms.values()}))
    except (HeadwaterError, OSError):
        return {}
    return {name: _of_column(mapping, name, form, columns[form.from_ or ""]) for name, form in forms.items()}


def _columns(mapping: TableMapping, needed: list[str]) -> dict[str, pa.ChunkedArray]:
    """The distinct values of raw columns in the first rows, in their own types."""
    own = mapping.model_copy(deep=True, update={"tables": {TABLE: mapping.tables[TABLE]}})
    with TemporaryDirectory() as folder:
        extracts.extract(own, Path(folder), first=ROWS)
        raw = sources.find(own.tables[TABLE].source)
        sources.require(raw, set(needed))
        return _distinct(sources.stream(raw, needed), needed)


def _distinct(batches: Iterable[pa.RecordBatch], needed: list[str]) -> dict[str, pa.ChunkedArray]:
    seen: dict[str, list[pa.Array]] = {name: [] for name in needed}
    rows = 0
    for batch in batches:
        for name in needed:
            seen[name].append(pc.unique(batch.column(name)))
        rows += batch.num_rows
        if rows >= ROWS:
            break
    return {
        name: pa.chunked_array(parts).unique() if parts else pa.array([], pa.string()) for name, parts in seen.items()
    }


def _of_column(mapping: TableMapping, name: str, form: Form, values: pa.Array) -> dict[str, Any]:
    """Raises E243 for dates that can be read two ways."""
    told: dict[str, Any] = {"form": _identity(form), "parse": None}
    for is_kind, kind in TYPES:
        if is_kind(values.type):
            return told | {"type": kind}
    if not pa.types.is_string(values.type):
        return told | {"type": "category"}
    texts = [text for text in values.to_pylist() if text is not None and text.strip() not in form.null_values]
    kind = "date" if form.parse else sniffing.kind(texts)
    if kind != "date" or form.parse:
        return told | {"type": kind}
    shapes = sniffing.time_shapes(texts)
    if len(shapes) > 1:
        raise _ambiguous(mapping, name, form, shapes, sniffing.told(texts)[0])
    return told | {"type": kind, "parse": None if shapes == (sniffing.ISO,) else shapes[0]}


def _ambiguous(mapping: TableMapping, name: str, form: Form, shapes: tuple[str, ...], value: str) -> HeadwaterError:
    """E243 with what one value would be in each reading."""
    readings = [f"{datetime.strptime(value, shape):%Y-%m-%d} ({shape})" for shape in shapes]  # noqa: DTZ007  a day
    written = f'{{from: "{form.from_}", parse: "{shapes[0]}", type: date}}'
    return HeadwaterError(
        "E243",
        file=mapping.origin,
        column=name,
        value=value,
        readings=" / ".join(readings),
        form=written,
        table=TABLE,
        mapping=mapping.origin,
    )
