"""JSON lines through Arrow: one object a line, in UTF-8. Numbers are numbers, times stay text, as in CSV."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import json

from features.errors import HeadwaterError
from pipelines.config.mapping import Source
from pipelines.ingest.readers.arrow_types import common, converted
from pipelines.ingest.readers.reader import Skipped

BLOCK = 8_000_000
"""Bytes read at a time. The first block decides which columns there are, and of what type."""


def header(path: str, source: Source) -> list[str]:
    """The keys of the objects in the first block, in order of appearance. Raises E312."""
    return list(_schema(path).names)


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """One plain type per column over all files; a file that lacks a key leaves it to the others. Raises E312."""
    schemas = [_schema(path) for path in paths]
    return {name: common(s.field(name).type for s in schemas if name in s.names) for name in needed}


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The columns of `types` of one file; no row is ever skipped. Raises E312 for a line that is no such object."""
    schema = _schema(path)
    own = pa.schema([schema.field(name) for name in types if name in schema.names])
    with _readable(path):
        if own.names:
            for batch in _opened(path, own):
                yield converted(batch, types)


def _schema(path: str) -> pa.Schema:
    """Of the first block; Arrow takes texts that look like times for times, and here they are texts again."""
    if not Path(path).stat().st_size:
        return pa.schema([])
    with _readable(path):
        schema = _opened(path, None).schema
    return pa.schema([(f.name, pa.string() if pa.types.is_timestamp(f.type) else f.type) for f in schema])


def _opened(path: str, schema: pa.Schema | None) -> pa.RecordBatchReader:
    """A stream of the columns of a schema, or of all."""
    parse = json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore" if schema else "infer")
    return json.open_json(path, read_options=json.ReadOptions(use_threads=False, block_size=BLOCK), parse_options=parse)


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        raise HeadwaterError("E312", file=path, found=re.sub(r"\s+", " ", str(error))[:160]) from error
