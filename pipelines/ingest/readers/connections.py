"""A table of a connection, read where it lies: what a mapping is proposed from. Runs read what was fetched (`extracts`)."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from pipelines.config.sources import Source
from pipelines.ingest.readers import databases
from pipelines.ingest.readers.reader import Skipped


def header(path: str, source: Source) -> list[str]:
    """The columns that can be read. Raises E404, E711 or E712."""
    with databases.opened(source.connection or "") as database:
        return databases.readable(databases.relation(database, source))


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """The plain type of each column. Raises E404, E711 or E712."""
    with databases.opened(source.connection or "") as database:
        table = databases.relation(database, source)
        return databases.types(databases.selection(table, source, [*needed], None))


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The rows in the order given; none is ever skipped. Raises E404, E711 or E712."""
    with databases.opened(source.connection or "") as database:
        rows = databases.selection(databases.relation(database, source), source, [*types], None)
        yield from databases.batches(database, rows, dict(types))
