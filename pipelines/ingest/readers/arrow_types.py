"""The handful of plain Arrow types in which rows of every origin arrive."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

_PLAIN = (
    (lambda kind: kind == pa.uint64(), pa.string()),
    (pa.types.is_integer, pa.int64()),
    (pa.types.is_floating, pa.float64()),
    (pa.types.is_date, pa.date32()),
    (pa.types.is_decimal256, pa.string()),
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_null, pa.string()),
)


def plain(kind: pa.DataType) -> pa.DataType:
    """string, int64, float64, decimal128, bool, date32 or timestamp[us]; others stay and are refused when used."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return next((target for test, target in _PLAIN if test(kind)), kind)


def common(kinds: Iterable[pa.DataType]) -> pa.DataType:
    """The plain type of a column over several inputs: float64 for numbers of two kinds, else text where they differ."""
    distinct = {plain(kind) for kind in kinds}
    if len(distinct) == 1:
        return distinct.pop()
    numbers = all(pa.types.is_int64(kind) or pa.types.is_float64(kind) for kind in distinct)
    return pa.float64() if numbers else pa.string()


def converted(batch: pa.RecordBatch, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """The columns of `types` in these types. Nanoseconds are cut to microseconds; every other change loses nothing."""
    columns = [batch.column(name).cast(kind, safe=False) for name, kind in types.items()]
    return pa.RecordBatch.from_arrays(columns, names=list(types))
