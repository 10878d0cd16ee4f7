"""Ranges of rows: they meet where they should, and the tables of a chunk are those of its customers."""

import ibis
import pandas as pd
import pytest

from pipelines.engine.chunks import CELLS, Chunk, Cut, most_rows
from pipelines.engine.schema import Schema

SPINE = pd.DataFrame({"row": range(10), "customer_id": [f"C{n}" for n in range(10)]})
CHUNKS = [Chunk(0, 4), Chunk(4, 8), Chunk(8, 10), Chunk(2, 9, step=3), Chunk(0, 0)]


def rows(chunk: Chunk) -> list[int]:
    return [n for n in range(chunk.first, chunk.end) if chunk.step == 1 or n % chunk.step == 0]


@pytest.mark.parametrize(("columns", "most"), [(1, 100_000), (300, 100_000), (1_000, 30_000), (2 * CELLS, 1)])
def test_a_wide_catalogue_makes_smaller_chunks(columns, most):
    assert most_rows(100_000, columns) == most


@pytest.mark.parametrize("chunk", CHUNKS)
def test_the_condition_and_the_expression_take_the_same_rows(con, chunk):
    spine = ibis.memtable(SPINE)
    taken = con.to_pyarrow(chunk.of(spine).order_by("row"))["row"].to_pylist()
    said = con.raw_sql(f"SELECT row FROM range(10) t(row) WHERE {chunk.condition} ORDER BY row").fetchall()
    assert taken == [row for (row,) in said] == rows(chunk)


@pytest.mark.parametrize("one", CHUNKS[:3])
@pytest.mark.parametrize("other", CHUNKS[:3])
def test_chunks_overlap_where_they_share_rows(one, other):
    assert one.overlaps(other) == bool(set(rows(one)) & set(rows(other)))


def test_names_sort_in_the_order_of_the_rows():
    chunks = [Chunk(first, first + 700) for first in range(0, 12_000, 700)]
    assert sorted(chunks, key=lambda chunk: chunk.name) == chunks


def test_tables_are_cut_to_the_customers_of_a_chunk(con):
    schema = Schema(con)
    spine = schema.create("everybody", ibis.memtable(SPINE))
    bills = schema.create("bills", ibis.memtable(pd.concat([SPINE, SPINE])))
    months = schema.create("months", ibis.memtable({"month": [1, 2]}))
    cut = Cut({"bills": bills, "months": months}, spine, schema)
    for chunk in (Chunk(0, 4), Chunk(7, 9)):
        customers = [f"C{n}" for n in rows(chunk)]
        near = cut.to(chunk)
        assert sorted(con.to_pyarrow(near.tables["bills"])["customer_id"].to_pylist()) == sorted(customers * 2)
        assert con.to_pyarrow(near.spine.count()).as_py() == len(customers)
        assert near.tables["months"] is months
    schema.close()
