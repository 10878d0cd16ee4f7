"""Plain types: few, the same whatever came first, and nothing is lost on the way to them."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ingest.readers.arrow_types import common, converted, plain

KINDS = [
    pa.int8(), pa.uint32(), pa.uint64(), pa.float32(), pa.string(), pa.large_string(), pa.bool_(), pa.date64(),
    pa.null(), pa.decimal128(10, 2), pa.decimal256(50, 2), pa.timestamp("ns"), pa.timestamp("s", "UTC"),
    pa.dictionary(pa.int8(), pa.large_string()),
]  # fmt: skip
SOME = st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_plain_type_is_its_own_plain_type(kind):
    assert plain(plain(kind)) == plain(kind) == common([kind])


@given(kinds=SOME)
def test_the_common_type_asks_for_no_order_and_counts_nothing_twice(kinds):
    assert common(kinds) == common(kinds[::-1]) == common(kinds * 2)


def test_numbers_of_two_kinds_are_floating_and_others_text():
    assert common([pa.int32(), pa.float32()]) == pa.float64()
    assert common([pa.int32(), pa.bool_()]) == pa.string()
    assert common([pa.timestamp("us"), pa.timestamp("us", "UTC")]) == pa.string()


@given(numbers=st.lists(st.integers(0, 2**64 - 1), max_size=5))
def test_big_numbers_stay_exact(numbers):
    batch = pa.record_batch({"more": pa.nulls(len(numbers)), "n": pa.array(numbers, pa.uint64())})
    assert converted(batch, {"n": plain(pa.uint64())}).to_pydict() == {"n": [str(number) for number in numbers]}
