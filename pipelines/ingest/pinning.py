"""What a mapping leaves open and the data tell once: how CSV files are written, and types of attributes. It is kept in the
workspace, so that no later file changes it: what models learn from follows from it.

`<workspace>/found.json` holds, for each table (`bills`, and `bills.web` for one of several sources), the pattern of its files with their encoding and separator, and for each
attribute the form it was found for, its type and the shape of its dates, and for every other column of dates or numbers that
are written in another way than 2026-03-04 and 1234.56, their shape or decimal mark. What is declared wins; another pattern, or a
column that is made otherwise than before, is looked at anew; so is everything when the file is removed.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.contracts import MONEY
from features.errors import HeadwaterError
from pipelines.config.forms import Form
from pipelines.config.mapping import CLOCKS, SourceMapping
from pipelines.config.mapping import Mapping as TableMapping
from pipelines.config.sources import Source
from pipelines.ingest import cells, columns, deliveries, extracts, inputs, sniffing
from pipelines.ingest.readers import sources
from pipelines.workspace.files import write_json

FILE = "found.json"
TABLE = "customers"
KINDS = ("sources", "attributes", "columns")
MARKS = ("parse", "decimal")
"""Keys of a form that its column tells where the mapping does not."""
OPEN = frozenset({"encoding", "delimiter"})
"""Keys of a source that its files tell where the mapping does not."""
ROWS = 200_000
"""Rows that tell what an attribute is."""
FIRST = 20_000
"""Rows that tell how the dates and numbers of a table are written."""
FEWEST = 0.9
"""Share of the texts of a column that must be numbers for their mark to be told; others are put aside one by one."""
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
        E241 and E242 for files that do not tell how they are written, E243 for dates that can be read two ways, E244 for
        numbers that can.
    """
    kept = found(folder)
    told = {"sources": _sources(mapping, kept["sources"])}
    readable = _written(mapping, told["sources"])
    told["attributes"] = _attributes(readable, kept["attributes"])
    typed = _with_types(readable, told["attributes"])
    told["columns"] = _written_columns(typed, kept["columns"])
    new = {kind: kept[kind] | told[kind] for kind in KINDS}
    if new != kept:
        write_json(folder / FILE, new)
    return _with_marks(typed, told["columns"])


def found(folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What is kept: `sources` by table (path, encoding, delimiter), `attributes` (form, type, parse) and other `columns` by
    table (form, parse, decimal). Raises E333 (exit 3) where it is damaged: models have learnt from what it says."""
    path = folder / FILE
    if not path.exists():
        return {kind: {} for kind in KINDS}
    try:
        content = json.loads(path.read_bytes())
        return {kind: dict(content.get(kind, {})) for kind in KINDS}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise HeadwaterError("E333", file=path, detail=type(error).__name__) from error


def used(mapping: TableMapping, folder: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What is kept and in use by a settled mapping."""
    kept = found(folder)
    types = {_key(part, name): form.type for part in mapping.tables[TABLE].parts for name, form in part.columns.items()}
    written = {f"{key}.{name}": form for key, _, part in _parts(mapping) for name, form in part.forms().items()}
    sources_now = {key: part.source.model_dump() for key, _, part in _parts(mapping)}
    return {
        "sources": {n: told for n, told in kept["sources"].items() if told.items() <= sources_now.get(n, {}).items()},
        "attributes": {n: told for n, told in kept["attributes"].items() if types.get(n) == told["type"]},
        "columns": {n: told for n, told in kept["columns"].items() if _says(written.get(n), told)},
    }


def _says(form: Form | None, told: Mapping[str, Any]) -> bool:
    """Is that what is used of a column, and more than that it is plain?"""
    marks = {key: told[key] for key in MARKS}
    return form is not None and any(marks.values()) and marks == form.model_dump(include=set(MARKS))


def _sources(mapping: TableMapping, kept: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """How the CSV files are written of each table that does not say it."""
    told = {}
    for key, name, part in _parts(mapping):
        source = part.source
        if source.path is None or source.reader != "csv_files" or source.model_fields_set >= OPEN:
            continue
        if kept.get(key, {}).get("path") == source.path:
            told[key] = kept[key]
        elif paths := _paths(source):
            try:
                told[key] = {"path": source.path, **_layout(source, paths)}
            except HeadwaterError as error:
                raise inputs.of_table(error, mapping, name) from error
    return told


def _parts(mapping: TableMapping) -> list[tuple[str, str, SourceMapping]]:
    """Every source with its key in what is kept and the name of its table."""
    return [
        (f"{name}.{part.name}" if part.name else name, name, part)
        for name, table in mapping.tables.items()
        for part in table.parts
    ]


def _paths(source: Source) -> list[str]:
    """The files of a source that have come whole and hold anything; none where a manifest cannot be read."""
    try:
        return [path for path in deliveries.delivery(source).whole if Path(path).stat().st_size]
    except HeadwaterError:
        return []


def _layout(source: Source, paths: list[str]) -> dict[str, str]:
    """Encoding and separator of files; what is declared is taken. Raises E241 and E242."""
    said = source.model_dump(include=set(OPEN & source.model_fields_set))
    encoding = said.get("encoding") or sniffing.encoding(paths)
    return {"encoding": encoding, "delimiter": said.get("delimiter") or sniffing.delimiter(paths, encoding)}


def readable(source: Source) -> Source:
    """A source whose CSV files say how they are written, where it does not: for one that is read once and kept nowhere.

    Raises
    ------
    HeadwaterError
        E241 and E242 for files that do not tell.
    """
    if source.path is None or source.reader != "csv_files" or source.model_fields_set >= OPEN:
        return source
    paths = _paths(source)
    return source.model_copy(update=_layout(source, paths)) if paths else source


def _written(mapping: TableMapping, told: Mapping[str, Mapping[str, str]]) -> TableMapping:
    """The mapping with what is told of sources and is not declared."""

    def written(key: str, part: SourceMapping) -> SourceMapping:
        left_open = {name: told[key][name] for name in OPEN - part.source.model_fields_set} if key in told else {}
        return part.model_copy(update={"source": part.source.model_copy(update=left_open)}) if left_open else part

    return _with_parts(mapping, written) if told else mapping


def _with_parts(mapping: TableMapping, changed: Callable[[str, SourceMapping], SourceMapping]) -> TableMapping:
    """The mapping with every source as `changed(key, source)` makes it."""
    parts: dict[str, list[SourceMapping]] = {}
    for key, name, part in _parts(mapping):
        parts.setdefault(name, []).append(changed(key, part))
    tables = {name: mapping.tables[name].with_parts(own) for name, own in parts.items()}
    return mapping.model_copy(update={"tables": tables})


def _attributes(mapping: TableMapping, kept: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What every attribute is whose type is open, as far as it can be told; of several sources each by itself."""
    names, told = mapping.attributes_of(None), dict[str, dict[str, Any]]()
    for part in mapping.tables[TABLE].parts if names else ():
        forms = {name: part.columns[name] for name in names if name in part.columns}
        keys = {name: _key(part, name) for name in forms}
        known = {
            name: kept[key] for name, key in keys.items() if kept.get(key, {}).get("form") == _identity(forms[name])
        }
        fresh = {name: form for name, form in forms.items() if name not in known}
        found = known | (_told(mapping, part, fresh) if fresh else {})
        told |= {keys[name]: of_column for name, of_column in found.items()}
    return told


def _key(part: SourceMapping, name: str) -> str:
    return f"{part.name}.{name}" if part.name else name


def _with_types(mapping: TableMapping, told: Mapping[str, Any]) -> TableMapping:
    """The mapping with the types that are told; what two sources hold as two types is words."""
    if not told:
        return mapping
    table = mapping.tables[TABLE]
    types: dict[str, set[str]] = {}
    for part in table.parts:
        for name in part.columns:
            if (key := _key(part, name)) in told:
                types.setdefault(name, set()).add(told[key]["type"])
    parts = [_typed_part(part, told, types) for part in table.parts]
    return mapping.model_copy(update={"tables": {**mapping.tables, TABLE: table.with_parts(parts)}})


def _typed_part(part: SourceMapping, told: Mapping[str, Any], types: Mapping[str, set[str]]) -> SourceMapping:
    words = {"type": "category", "parse": None}
    keys = {name: _key(part, name) for name in part.columns}
    changed = {
        name: _typed(part.columns[name], told[key] if len(types[name]) == 1 else words)
        for name, key in keys.items()
        if key in told
    }
    return part.model_copy(update={"columns": {**part.columns, **changed}})


def _identity(form: Form) -> dict[str, Any]:
    return form.model_dump(mode="json", exclude_defaults=True)


def _typed(form: Form, told: Mapping[str, Any]) -> Form:
    return form.model_copy(update={"type": told["type"], "parse": form.parse or told["parse"]})


def _written_columns(mapping: TableMapping, kept: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How the dates and numbers of every source are written that are text and of which the mapping does not say it."""
    told: dict[str, dict[str, Any]] = {}
    for key, name, part in _parts(mapping):
        asked = {f"{key}.{column}": (column, form) for column, form in _unsaid(mapping, name, part).items()}
        known = {at: kept[at] for at, (_, form) in asked.items() if kept.get(at, {}).get("form") == _identity(form)}
        fresh = dict(asked[at] for at in asked if at not in known)
        found_now = _marks(mapping, name, part, fresh) if fresh else {}
        told |= known | {f"{key}.{column}": of_column for column, of_column in found_now.items()}
    return told


def _unsaid(mapping: TableMapping, name: str, part: SourceMapping) -> dict[str, Form]:
    """Columns of dates and numbers that are made of source columns, without a shape or a mark."""
    kinds = inputs.extended(name, mapping).schema()
    days = {
        column: form
        for column, form in part.forms().items()
        if form.from_
        and not form.parse
        and not (column == "known_at" and part.month)
        and kinds[column].startswith(("date", "timestamp"))
    }
    own = {column: form for column, form in days.items() if not columns.is_canonical(part, column, form)}
    numbers = {
        column: form
        for column, form in part.forms().items()
        if form.decimal is None and form.map is None and kinds[column] in (MONEY, "float64") and columns.named(form)
    }
    return own | numbers


def _marks(
    mapping: TableMapping, name: str, part: SourceMapping, forms: Mapping[str, Form]
) -> dict[str, dict[str, Any]]:
    """What the first rows say of these columns; nothing of those that are empty or cannot be looked at. Raises E243, E244."""
    dated = {column: kind not in (MONEY, "float64") for column, kind in inputs.extended(name, mapping).schema().items()}
    needed = {column: _raw_names(part, column, form) for column, form in forms.items()}
    days = {raw for column, names in needed.items() if dated[column] for raw in names}

    def tells(raw: str, kind: pa.DataType) -> bool:
        return pa.types.is_string(kind) or (pa.types.is_integer(kind) and raw in days)

    try:
        values = _columns(mapping, name, part, sorted(set().union(*needed.values())), FIRST, tells)
    except (HeadwaterError, OSError):
        return {}
    told: dict[str, dict[str, Any]] = {}
    for column, form in forms.items():
        texts = [text for raw in needed[column] if raw in values for text in _texts(values[raw], form)]
        if (
            part.source.connection and not set(needed[column]) & values.keys()
        ):  # its own type tells: never fetched again
            told[column] = {"form": _identity(form), "parse": None, "decimal": None}
            continue
        if not sniffing.told(texts):  # asked again when it says something: nobody has left yet
            continue
        parse = _shape(mapping, name, column, form, texts) if dated[column] else None
        decimal = None if dated[column] else _decimal(mapping, name, column, form, texts)
        told[column] = {"form": _identity(form), "parse": parse, "decimal": decimal}
    return told


def _raw_names(part: SourceMapping, column: str, form: Form) -> list[str]:
    """The source columns that a column is made of: in an expression, names of canonical columns come first."""
    canonical = set(part.forms()) - {column} if form.expr is not None else set()
    return [name for name in columns.named(form) if name not in canonical]


def _texts(values: pa.ChunkedArray, form: Form) -> list[str]:
    """Those that say something; whole numbers can be days (20260304)."""
    return [text for text in values.cast(pa.string()).to_pylist() if text is not None and text not in form.null_values]


def _shape(mapping: TableMapping, table: str, column: str, form: Form, texts: list[str]) -> str | None:
    """The shape of dates that are not ISO; None where they are, or are none. Raises E243."""
    shapes = tuple(shape for shape in sniffing.time_shapes(texts) if not shape.startswith("epoch_"))
    if len(shapes) > 1:
        raise _ambiguous(mapping, column, form, shapes, sniffing.told(texts)[0], table=table)
    return None if shapes in ((), (sniffing.ISO,)) else shapes[0]


def _decimal(mapping: TableMapping, table: str, column: str, form: Form, texts: list[str]) -> str | None:
    """The decimal mark of numbers that are not plain; None where they are, or are none. Raises E244."""
    said = sniffing.told(texts)
    numbers = [text for text in said if sniffing.decimal_marks([text])]
    marks = sniffing.decimal_marks(numbers)
    if len(numbers) < FEWEST * len(said) or not marks or all(re.fullmatch(cells.NUMBER, text) for text in numbers):
        return None
    if len(marks) == 1:
        return marks[0]
    value = next(text for text in numbers if not re.fullmatch(cells.NUMBER, text))
    made = form.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {"decimal": ","}
    told = {"table": table, "mapping": mapping.origin, "value": value, "form": json.dumps(made, ensure_ascii=False)}
    raise HeadwaterError("E244", file=mapping.origin, column=column, **told)


def _with_marks(mapping: TableMapping, told: Mapping[str, Mapping[str, Any]]) -> TableMapping:
    """The mapping with what is told of dates and numbers."""

    def marked(key: str, part: SourceMapping) -> SourceMapping:
        changed = {name: form for name, form in part.forms().items() if any(_marks_of(told, key, name).values())}
        changed = {name: form.model_copy(update=_marks_of(told, key, name)) for name, form in changed.items()}
        clocks = {name: changed.pop(name) for name in CLOCKS if name in changed}
        return part.model_copy(update={"columns": {**part.columns, **changed}, **clocks})

    return _with_parts(mapping, marked)


def _marks_of(told: Mapping[str, Mapping[str, Any]], key: str, name: str) -> dict[str, str]:
    return {mark: value for mark in MARKS if (value := told.get(f"{key}.{name}", {}).get(mark))}


def _told(mapping: TableMapping, part: SourceMapping, forms: Mapping[str, Form]) -> dict[str, dict[str, Any]]:
    """What the data say of these columns of a source; nothing where they cannot be looked at."""
    try:
        values = _columns(mapping, TABLE, part, sorted({form.from_ or "" for form in forms.values()}), ROWS)
    except (HeadwaterError, OSError):
        return {}
    return {name: _of_column(mapping, name, form, values[form.from_ or ""]) for name, form in forms.items()}


def _columns(
    mapping: TableMapping,
    table: str,
    part: SourceMapping,
    needed: list[str],
    rows: int,
    tells: Callable[[str, pa.DataType], bool] = lambda name, kind: True,
) -> dict[str, pa.ChunkedArray]:
    """The distinct values of raw columns in the first rows of a source, in their own types; of those that may tell something
    by their type alone. Nothing is read where none may."""
    own_part = part.model_copy(deep=True)  # it is told where its extract lies, and that is gone after this
    alone = mapping.tables[table].model_copy(update={"sources": (), **dict(own_part)})
    own = mapping.model_copy(deep=True, update={"tables": {table: alone}})
    with TemporaryDirectory() as folder:
        extracts.extract(own, Path(folder), first=rows)
        raw = sources.find(own.tables[table].parts[0].source)
        sources.require(raw, set(needed), [0])
        needed = [name for name, kind in sources.types(raw, needed).items() if tells(name, kind)]
        if not needed:
            return {}
        return _distinct(sources.stream(raw, needed), needed, rows)


def _distinct(batches: Iterable[pa.RecordBatch], needed: list[str], most: int) -> dict[str, pa.ChunkedArray]:
    seen: dict[str, list[pa.Array]] = {name: [] for name in needed}
    rows = 0
    for batch in batches:
        for name in needed:
            seen[name].append(pc.unique(batch.column(name)))
        rows += batch.num_rows
        if rows >= most:
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


def _ambiguous(
    mapping: TableMapping, name: str, form: Form, shapes: tuple[str, ...], value: str, table: str = TABLE
) -> HeadwaterError:
    """E243 with what one value would be in each reading."""
    readings = [f"{datetime.strptime(value, shape):%Y-%m-%d} ({shape})" for shape in shapes]  # noqa: DTZ007  a day
    kind = ", type: date" if table == TABLE and name in mapping.attributes_of(None) else ""
    written = f'{{from: "{form.from_}", parse: "{shapes[0]}"{kind}}}'
    return HeadwaterError(
        "E243",
        file=mapping.origin,
        column=name,
        value=value,
        readings=" / ".join(readings),
        form=written,
        table=table,
        mapping=mapping.origin,
    )
