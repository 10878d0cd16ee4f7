"""JSON lines through DuckDB: one object a line, in UTF-8. Every value is text, as in CSV."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers.reader import Skipped

BATCH = 131_072
SAMPLE = 1_000_000
"""Lines that are looked at for the keys of a file."""


def header(path: str, source: Source) -> list[str]:
    """The keys of the objects in the first million lines, in order of appearance. Raises E312."""
    if not Path(path).stat().st_size:
        return []
    with _readable(path):
        return list(_rows(path, "*", {"maximum_depth": 1, "sample_size": SAMPLE}).schema.names)


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """Every column is text."""
    return {name: pa.string() for name in needed}


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The columns of `types` of one file, as text; null where an object lacks the key. No row is ever skipped.

    Raises E312 for a line that is no object.
    """
    if Path(path).stat().st_size:
        names = ", ".join('"' + name.replace('"', '""') + '"' for name in types)
        with _readable(path):
            yield from _rows(path, names, {"columns": dict.fromkeys(types, "VARCHAR")})


def _rows(path: str, names: str, options: dict[str, Any]) -> pa.RecordBatchReader:
    """A stream of the file in its order."""
    keys = "".join(f", {name} = ?" for name in options)
    query = f"SELECT {names} FROM read_json(?, format = 'newline_delimited', records = 'true'{keys})"
    return duckdb.connect().sql(query, params=[escape(path), *options.values()]).to_arrow_reader(BATCH)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    """What DuckDB cannot read is E312 in its words, which name the line; what the system refuses stays as it is."""
    try:
        yield
    except (duckdb.ProgrammingError, OSError) as error:  # Arrow makes an OSError of what DuckDB says in a stream
        if isinstance(error, OSError) and error.errno:
            raise
        raise HeadwaterError("E312", file=path, found=str(error).splitlines()[0][:160]) from error
