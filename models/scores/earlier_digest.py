"""`rows_sha256` as version 0.1.0 wrote it: one digest over whole columns, where today's can be fed piece after piece.

It is here so that what was published then is read, and told from damage.
"""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.scores import score_table


def rows_sha256_of_0_1_0(table: pa.Table) -> str:
    """A name for the content of a score table: column names, types and rows in key order.

    Parameters
    ----------
    table
        Whole, as it was published.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    ordered = score_table.in_key_order(table).combine_chunks()
    for name in ordered.column_names:
        column = ordered[name]
        digest.update(f"{name}:{score_table.plain_type(column.type)}:{len(column)};".encode())
        _feed(digest, pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type))
    return digest.hexdigest()


def _feed(digest, array: pa.Array) -> None:
    """Validity and values, with the values under nulls replaced."""
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    digest.update(np.packbits(array.is_valid().to_numpy(zero_copy_only=False)).tobytes())
    if pa.types.is_list(array.type):
        digest.update(pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).tobytes())
        _feed(digest, array.flatten())
    elif pa.types.is_struct(array.type):
        for field in array.type:
            _feed(digest, pc.struct_field(array, field.name))
    elif pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        text = pc.fill_null(array.cast(pa.large_string()), "")
        digest.update(pc.binary_length(text).to_numpy(zero_copy_only=False).tobytes())
        digest.update(score_table.text_bytes(text))
    elif pa.types.is_decimal(array.type):
        digest.update(score_table.decimal_bytes(array))
    else:
        values = score_table.numbers(array)
        digest.update((np.packbits(values) if pa.types.is_boolean(array.type) else values).tobytes())
