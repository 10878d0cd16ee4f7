"""Parquet through Arrow, page checksums verified, in a handful of plain types."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import HeadwaterError

BATCH = 131_072
PLAIN = (
    (lambda kind: kind == pa.uint64(), pa.string()),
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_decimal256, pa.string()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_null, pa.string()),
)


def header(path: str, _source=None) -> list[str]:
    """Column names. Raises E312 for a file that is no whole Parquet file."""
    return list(opened(path).schema_arrow.names)


def opened(path: str) -> pq.ParquetFile:
    """Raises E312 for a file that is no whole Parquet file."""
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise HeadwaterError("E312", file=path, found=(str(error).splitlines() or ["?"])[0][:160]) from error


def types(paths: list[str], needed: list[str]) -> dict[str, pa.DataType]:
    """One plain type per column over all files; where they differ without a common one, text."""
    schemas = [opened(path).schema_arrow for path in paths]
    return {name: _common({plain(schema.field(name).type) for schema in schemas}) for name in needed}


def plain(kind: pa.DataType) -> pa.DataType:
    """string, int64, float64, decimal128, bool, date32 or timestamp[us]; others stay and are refused when used."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return next((target for test, target in PLAIN if test(kind)), kind)


def _common(kinds: set[pa.DataType]) -> pa.DataType:
    if len(kinds) == 1:
        return next(iter(kinds))
    numbers = all(pa.types.is_int64(kind) or pa.types.is_float64(kind) for kind in kinds)
    return pa.float64() if numbers else pa.string()


def batches(path: str, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """The needed columns of one file. Raises E312 for damaged pages."""
    try:
        for batch in opened(path).iter_batches(BATCH, columns=list(types)):
            yield converted(batch.select(list(types)), types)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise HeadwaterError("E312", file=path, found=(str(error).splitlines() or ["?"])[0][:160]) from error


def converted(batch: pa.RecordBatch, types: dict[str, pa.DataType]) -> pa.RecordBatch:
    """Nanoseconds are cut to microseconds; every other change of type loses nothing."""
    columns = [
        column.cast(types[name], safe=False) for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
