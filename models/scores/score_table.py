"""The contract of the score table: `conform` makes one, `check` judges one, `rows_sha256` names its content.

A new column raises the minor part of `SCHEMA_VERSION`, a changed meaning the major one.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import HeadwaterError, Problem
from models.scores.columns import BY_NAME, COLUMNS, SCHEMA
from models.scores.score_column import MONEY, ScoreColumn

SCHEMA_VERSION = "1.2"
MODEL_OUTPUTS = tuple(column.name for column in COLUMNS if column.model_output)
MOST_MONEY = 10.0**10  # decimal(12, 2) holds ten digits before the point


def conform(rows: pd.DataFrame | Mapping[str, Any] | pa.Table) -> pa.Table:
    """The score table of `rows`: one row per customer, ordered by customer_id, typed as in `SCHEMA`.

    `rows` holds columns of equal length; a column that is absent becomes null. Floats become money here and only here,
    rounded half-up to two places. Model outputs of rows whose status is not `ok` become null.
    Raises HeadwaterError E541 (wrong column or type), or the code of the first problem that `check` finds.
    """
    given = _columns(rows)
    unknown = sorted(set(given) - set(BY_NAME))
    if unknown:
        raise HeadwaterError("E541", column=unknown[0], detail="not in the schema")
    length = len(next(iter(given.values()), ()))
    table = pa.table([_cast(column, given.get(column.name), length) for column in COLUMNS], schema=_nullable())
    problems = check(table := _blank_outputs(table))
    if problems:
        raise HeadwaterError(problems[0].code, column=problems[0].column, others=problems[1:], **problems[0].values)
    ordered = table.take(pc.sort_indices(table["customer_id"])).combine_chunks()
    return _stable_dictionaries(ordered).cast(SCHEMA)


def check(table: pa.Table) -> list[Problem]:
    """Everything in which `table` breaks the contract; an empty list means that it holds."""
    wrong = [
        Problem("E541", column=c.name, values={"detail": f"expected {c.dtype}"})
        for c in COLUMNS
        if not _typed(c, table)
    ]
    if wrong or table.column_names != SCHEMA.names:
        return wrong or [Problem("E541", values={"detail": "columns in another order, or more than the schema has"})]
    found = [problem for column in COLUMNS for problem in _column_problems(column, table[column.name])]
    twice = table.num_rows - len(pc.unique(table["customer_id"]))
    if twice:
        found.append(Problem("E544", column="customer_id", values={"count": twice}))
    return found + _outputs_without_score(table)


def with_later_columns(table: pa.Table) -> pa.Table:
    """Whole rows of a publication, in the columns of today: one that its minor version did not have yet is null, and stands last."""
    for column in COLUMNS:
        if column.name not in table.column_names:
            table = table.append_column(column.field, pa.nulls(table.num_rows, column.dtype))
    return table


def _in_floats(table: pa.Table) -> pa.Table:
    """Money as floats, for ranks, sums and means: a Python decimal per cell would take minutes and gigabytes."""
    fields = [f.with_type(pa.float64()) if f.type == MONEY else f for f in table.schema]
    return table.cast(pa.schema(fields))


def in_pandas(table: pa.Table) -> pd.DataFrame:
    """The same as a frame; each column of Arrow is given back once it is copied, for everybody may be millions."""
    frame = _in_floats(table).to_pandas(split_blocks=True, self_destruct=True)
    pa.default_memory_pool().release_unused()
    return frame


def rows_sha256(table: pa.Table) -> str:
    """A name for the content: column names, types and rows in key order.

    Chunking, dictionary order and the bytes under nulls do not matter; NaN and -0.0 have one form each.
    """
    digest = RowsDigest()
    digest.add(in_key_order(table))
    return digest.hexdigest()


def in_key_order(table: pa.Table) -> pa.Table:
    """Rows in the order in which they are published."""
    return table.take(pc.sort_indices(table, [(key, "ascending") for key in _key(table)]))


class RowsDigest:
    """`rows_sha256` of a table that comes in pieces, each in key order and after the one before."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def add(self, table: pa.Table) -> None:
        for name, column in zip(table.column_names, table.combine_chunks().columns, strict=True):
            array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
            self._array(f"{name}:{plain_type(column.type)}", array)

    def hexdigest(self) -> str:
        parts = "".join(f"{place};{digest.hexdigest()};" for place, digest in self._parts.items())
        return hashlib.sha256(parts.encode()).hexdigest()

    def _array(self, place: str, array: pa.Array) -> None:
        """Validity and values, with the values under nulls replaced; lists and structs part by part."""
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        self._feed(f"{place}/valid", array.is_valid().to_numpy(zero_copy_only=False))
        if pa.types.is_list(array.type):
            self._feed(f"{place}/length", numbers(pc.list_value_length(array)))
            self._array(f"{place}/element", array.flatten())
        elif pa.types.is_struct(array.type):
            for field in array.type:
                self._array(f"{place}/{field.name}", pc.struct_field(array, field.name))
        elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            text = pc.fill_null(array.cast(pa.large_string()), "")
            self._feed(f"{place}/length", pc.binary_length(text).to_numpy(zero_copy_only=False))
            self._feed(place, text_bytes(text))
        elif pa.types.is_decimal(array.type):
            self._feed(place, decimal_bytes(array))
        else:
            self._feed(place, numbers(array))

    def _feed(self, place: str, values: np.ndarray | bytes | memoryview) -> None:
        digest = self._parts.setdefault(place, hashlib.sha256())
        digest.update(np.ascontiguousarray(values) if isinstance(values, np.ndarray) else values)


def _columns(rows) -> dict[str, Any]:
    if isinstance(rows, pa.Table):
        return {name: rows[name].combine_chunks() for name in rows.column_names}
    return {str(name): rows[name] for name in rows}


def _nullable() -> pa.Schema:
    """The schema before the check: what must not be null is found by `check`, which can say so better."""
    return pa.schema([field.with_nullable(True) for field in SCHEMA])


def _cast(column: ScoreColumn, values, length: int) -> pa.Array:
    if values is None:
        return pa.nulls(length, column.dtype)
    try:
        return _money(values) if column.dtype == MONEY else _plain(column, values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise HeadwaterError("E541", column=column.name, detail=f"expected {column.dtype}: {error}") from error


def _plain(column: ScoreColumn, values) -> pa.Array:
    if isinstance(values, pd.Series) and isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    target = pa.string() if pa.types.is_dictionary(column.dtype) else column.dtype
    if pa.types.is_date(column.dtype) and isinstance(values, dt.date):
        raise TypeError("one date given where a column of dates is needed")
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True, type=_guess(column, values))
    if pa.types.is_dictionary(array.type):
        array = array.cast(pa.string())
    array = array.cast(target)
    return array.dictionary_encode() if pa.types.is_dictionary(column.dtype) else array


def _guess(column: ScoreColumn, values) -> pa.DataType | None:
    """Texts and nested columns need the type beforehand; the others are cast afterwards, which refuses to truncate."""
    is_object = not hasattr(values, "dtype") or values.dtype.kind == "O"
    plain = pa.string() if pa.types.is_dictionary(column.dtype) else column.dtype
    return plain if pa.types.is_nested(plain) or (is_object and pa.types.is_string(plain)) else None


def _money(values) -> pa.Array:
    """Money from floats (null where NaN) or decimals, rounded half-up, away from zero, at two places."""
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    if pa.types.is_null(array.type):
        return pa.nulls(len(array), MONEY)
    if pa.types.is_decimal(array.type):
        return pc.round(array, ndigits=2, round_mode="half_towards_infinity").cast(MONEY)
    amounts = array.cast(pa.float64())
    return _decimals(pc.fill_null(amounts, 0.0).to_numpy(zero_copy_only=False), amounts.is_null())


def _decimals(amounts: np.ndarray, null: pa.Array) -> pa.Array:
    if not np.all(np.abs(amounts) < MOST_MONEY):
        raise ValueError("an amount is infinite or has more than ten digits before the point")
    # The inner rounding removes binary noise, so that 1.005 counts as the 1.005 that it stands for.
    cents = (np.sign(amounts) * np.floor(np.round(np.abs(amounts) * 100, 6) + 0.5)).astype("int64")
    words = np.stack([cents, cents >> 63], axis=1)  # 128 bits, little-endian
    array = pa.Array.from_buffers(MONEY, len(cents), [None, pa.py_buffer(words.tobytes())])
    return pc.if_else(null, pa.scalar(None, MONEY), array)


def _blank_outputs(table: pa.Table) -> pa.Table:
    """Model outputs only where the status is `ok`."""
    ok = pc.fill_null(pc.equal(table["score_status"].cast(pa.string()), "ok"), False)
    if pc.all(ok).as_py() is not False:
        return table
    for name in MODEL_OUTPUTS:
        column = table[name].combine_chunks()
        kept = pc.if_else(ok, pa.array(np.arange(len(column))), pa.scalar(None, pa.int64()))
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), column.take(kept))
    return table


def _stable_dictionaries(table: pa.Table) -> pa.Table:
    """Every dictionary sorted and without unused values, so that the same rows give the same bytes."""
    for index, column in enumerate(COLUMNS):
        if pa.types.is_dictionary(column.dtype):
            values = table[column.name].combine_chunks().cast(pa.string())
            known = pc.unique(values.drop_null()).sort()
            codes = pc.index_in(values, value_set=known)
            table = table.set_column(index, table.schema.field(index), pa.DictionaryArray.from_arrays(codes, known))
    return table


def _typed(column: ScoreColumn, table: pa.Table) -> bool:
    return column.name in table.column_names and table.schema.field(column.name).type == column.dtype


def _column_problems(column: ScoreColumn, values: pa.ChunkedArray) -> list[Problem]:
    found = []
    if column.needed and values.null_count:
        found.append(Problem("E542", column=column.name, values={"count": values.null_count}))
    if column.is_probability:
        inside = pc.and_(pc.greater_equal(values, 0.0), pc.less_equal(values, 1.0))
        outside = pc.sum(pc.invert(inside)).as_py() or 0
        if outside:
            found.append(Problem("E543", column=column.name, values={"count": outside}))
    if column.values:
        strange = sorted(set(pc.unique(values.cast(pa.string()).drop_null()).to_pylist()) - set(column.values))
        found += [Problem("E545", column=column.name, values={"value": value}) for value in strange]
    return found


def _outputs_without_score(table: pa.Table) -> list[Problem]:
    others = table.filter(pc.not_equal(table["score_status"].cast(pa.string()), "ok"))
    filled = {name: others.num_rows - others[name].null_count for name in MODEL_OUTPUTS}
    return [Problem("E546", column=name, values={"count": n}) for name, n in filled.items() if n]


def _key(table: pa.Table) -> list[str]:
    return [name for name in ("customer_id", "as_of") if name in table.column_names]


def plain_type(dtype: pa.DataType) -> str:
    """The name of a type, the same whether its values stand in a dictionary or not."""
    if pa.types.is_dictionary(dtype):
        return str(dtype.value_type)
    return f"list<{plain_type(dtype.value_type)}>" if pa.types.is_list(dtype) else str(dtype)


def decimal_bytes(array: pa.Array) -> bytes | memoryview:
    """Amounts of money as they lie in memory; nothing where there are none, zero under a null."""
    whole = pc.fill_null(array, pa.scalar(0, array.type)) if array.null_count else array
    return memoryview(whole.buffers()[1])[whole.offset * 16 : (whole.offset + len(whole)) * 16] if len(whole) else b""


def text_bytes(text: pa.Array) -> bytes | memoryview:
    """The characters of texts without nulls, one after the other."""
    if not len(text):
        return b""
    ends = np.frombuffer(text.buffers()[1], dtype="int64")[text.offset : text.offset + len(text) + 1]
    return memoryview(text.buffers()[2])[ends[0] : ends[-1]] if text.buffers()[2] is not None else b""


def numbers(array: pa.Array) -> np.ndarray:
    """Numbers, days and truth values, zero under a null; NaN and -0.0 have one form each."""
    if pa.types.is_boolean(array.type):
        return pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    if pa.types.is_date32(array.type):
        array = array.cast(pa.int32())
    numbers = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    if numbers.dtype.kind == "f":
        numbers = np.where(np.isnan(numbers), np.array(np.nan, numbers.dtype), numbers + numbers.dtype.type(0))
    return numbers
