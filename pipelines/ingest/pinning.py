"""What a mapping leaves open and the data tell once: how CSV files are written, and types of attributes. It is kept in the
workspace, so that no later file changes it: what models learn from follows from it.

`<workspace>/found.json` holds, for each table, the pattern of its files with their encoding and separator, and for each
attribute the form it was found for, its type and the shape of its dates. What is declared wins; another pattern, or a
column that is made otherwise than before, is looked at anew; so is everything when the file is removed.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from glob import glob
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import HeadwaterError
from pipelines.config.mapping import Form
from pipelines.config.mapping import Mapping as TableMapping
from pipelines.ingest import extracts, inputs, sniffing
from pipelines.ingest.readers import sources
from pipelines.workspace.files import write_json

FILE = "found.json"
TABLE = "customers"
KINDS = ("sources", "attributes")
OPEN = frozenset({"encoding", "delimiter"})
"""Keys of a source that its files tell where the mapping does not."""
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
    """The same mapping with a type for every attribute, and an encoding and separator for every CSV file; what is found is
    kept below `folder`.

    Where the data cannot be looked at now, nothing is found or kept, and the reading says why.

    Parameters
    ----------
    mapping
        May leave them open.
    folder
        `<workspace>/<name>`.

    Raises
    ------
    HeadwaterError
        E241 and E242 for files that do not tell how they are written, E243 for dates that can be read two ways.
    """
    kept = found(folder)
    told = {"sources": _sources(mapping, kept["sources"])}
    readable = _written(mapping, told["sources"])
    told["attributes"] = _attributes(readable, kept["attributes"])
    new = {kind: kept[kind] | told[kind] for kind in KINDS}
    if new != kept:
        write_json(folder / FILE, new)
    return _with_types(readable, told["attributes"])


def found(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What is kept: `sources` by table (path, encoding, delimiter) and `attributes` (form, type, parse)."""
    path = folder / FILE
    content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {kind: content.get(kind, {}) for kind in KINDS}


def used(mapping: TableMapping, folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What is kept and in use by a settled mapping."""
    kept, columns = found(folder), mapping.tables[TABLE].columns
    types = {name: form.type for name, form in columns.items()}
    sources_now = {name: table.source.model_dump() for name, table in mapping.tables.items()}
    return {
        "sources": {n: told for n, told in kept["sources"].items() if told.items() <= sources_now.get(n, {}).items()},
        "attributes": {n: told for n, told in kept["attributes"].items() if types.get(n) == told["type"]},
    }


def _sources(mapping: TableMapping, kept: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """How the CSV files are written of each table that does not say it."""
    told = {}
    for name, table in mapping.tables.items():
        source = table.source
        if source.path is None or source.reader != "csv_files" or source.model_fields_set >= OPEN:
            continue
        if kept.get(name, {}).get("path") == source.path:
            told[name] = kept[name]
        elif paths := _paths(source.path):
            told[name] = {"path": source.path, **_layout(mapping, name, paths)}
    return told


def _paths(pattern: str) -> list[str]:
    """The files of a pattern that hold anything."""
    paths = (Path(name) for name in glob(pattern, recursive=True))  # noqa: PTH207  Path.glob takes no absolute pattern
    return sorted(str(path) for path in paths if path.is_file() and path.stat().st_size)


def _layout(mapping: TableMapping, name: str, paths: list[str]) -> dict[str, str]:
    """Encoding and separator of files; what is declared is taken. Raises E241 and E242 with the table."""
    source = mapping.tables[name].source
    said = source.model_dump(include=set(OPEN & source.model_fields_set))
    try:
        encoding = said.get("encoding") or sniffing.encoding(paths)
        return {"encoding": encoding, "delimiter": said.get("delimiter") or sniffing.delimiter(paths, encoding)}
    except HeadwaterError as error:
        raise inputs.of_table(error, mapping, name) from error


def _written(mapping: TableMapping, told: Mapping[str, Mapping[str, str]]) -> TableMapping:
    """The mapping with what is told of sources and is not declared."""
    tables = {}
    for name, layout in told.items():
        source = mapping.tables[name].source
        left_open = {key: layout[key] for key in OPEN - source.model_fields_set}
        tables[name] = mapping.tables[name].model_copy(update={"source": source.model_copy(update=left_open)})
    return mapping.model_copy(update={"tables": {**mapping.tables, **tables}}) if tables else mapping


def _attributes(mapping: TableMapping, kept: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What every attribute is whose type is open, as far as it can be told."""
    names = mapping.attributes_of(None)
    forms = mapping.tables[TABLE].columns if names else {}
    known = {name: kept[name] for name in names if kept.get(name, {}).get("form") == _identity(forms[name])}
    fresh = {name: forms[name] for name in names if name not in known}
    return known | (_told(mapping, fresh) if fresh else {})


def _with_types(mapping: TableMapping, told: Mapping[str, Any]) -> TableMapping:
    if not told:
        return mapping
    forms = mapping.tables[TABLE].columns
    changed = {name: _typed(forms[name], of_column) for name, of_column in told.items()}
    table = mapping.tables[TABLE].model_copy(update={"columns": {**forms, **changed}})
    return mapping.model_copy(update={"tables": {**mapping.tables, TABLE: table}})


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
