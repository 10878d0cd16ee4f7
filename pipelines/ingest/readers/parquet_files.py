"""Parquet through Arrow, page checksums verified."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers.arrow_types import common, converted
from pipelines.ingest.readers.reader import Skipped

BATCH = 131_072


def header(path: str, source: Source) -> list[str]:
    """Column names. Raises E312."""
    return list(opened(path).schema_arrow.names)


def types(paths: Sequence[str], needed: Sequence[str], source: Source) -> dict[str, pa.DataType]:
    """One plain type per column over all files; where they differ without a common one, text. Raises E312."""
    schemas = [opened(path).schema_arrow for path in paths]
    return {name: common(schema.field(name).type for schema in schemas) for name in needed}


def batches(
    path: str, source: Source, types: Mapping[str, pa.DataType], skipped: list[Skipped]
) -> Iterator[pa.RecordBatch]:
    """The columns of `types` of one file; no row is ever skipped. Raises E312 for damaged pages."""
    with _intact(path):
        for batch in opened(path).iter_batches(BATCH, columns=list(types)):
            yield converted(batch, types)


def opened(path: str) -> pq.ParquetFile:
    """Raises E312 for a file that is no whole Parquet file."""
    with _intact(path):
        return pq.ParquetFile(path, page_checksum_verification=True)


@contextmanager
def _intact(path: str) -> Iterator[None]:
    """What Arrow cannot read is E312; what the system refuses stays an OSError."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise HeadwaterError("E312", file=path, found=(str(error).splitlines() or ["?"])[0][:160]) from error
