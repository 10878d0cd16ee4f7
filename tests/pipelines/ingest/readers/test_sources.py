"""Inputs of a source: found once, numbered row by row, and no column read that nobody needs."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.config.sources import Source
from pipelines.ingest.readers import csv_files, sources
from pipelines.ingest.readers.sources import FILE, ROW
from tests.raw import Raw, read_tables


def everything(source, names):
    raw = sources.find(source)
    sources.require(raw, set(names))
    return raw, sources.stream(raw, names).read_all()


@given(bad=st.sets(st.integers(1, 60)), size=st.integers(1, 60))
def test_row_numbers_step_over_unreadable_rows(bad, size):
    good = [n for n in range(1, size + 1) if n not in bad]
    skipped = sorted(n for n in bad if n <= size)
    half = len(good) // 2
    numbers = np.concatenate(
        [sources.row_numbers(0, half, skipped), sources.row_numbers(half, len(good) - half, skipped)]
    )
    assert numbers.tolist() == good


def test_the_same_file_twice_is_read_once(tmp_path, con):
    raw = Raw(tmp_path)
    raw.write()
    (tmp_path / "bill_copy.csv").write_bytes((tmp_path / "bill.csv").read_bytes())
    found = read_tables(con, raw.load(), Quality())
    assert found.counts["bills"].in_ == 200
    assert [(p.code, p.values["first"].rpartition("/")[2]) for p in found.warnings] == [("W301", "bill.csv")]


def test_only_the_needed_columns_are_parsed(tmp_path):
    """A column of Parquet that cannot be read, and a cell of CSV that is too long, harm nobody who did not ask."""
    path = tmp_path / "a.parquet"
    words = {"id": ["1", "2"] * 500, "rest": [f"word {n}" for n in range(1000)]}
    pq.write_table(pa.table(words), path, write_page_checksum=True, use_dictionary=False)
    place = pq.ParquetFile(path).metadata.row_group(0).column(1)
    damaged = bytearray(path.read_bytes())
    damaged[place.data_page_offset + place.total_compressed_size // 2] ^= 1
    path.write_bytes(damaged)
    _, found = everything(Source(path=str(path)), ["id"])
    assert found.schema.names == ["id", FILE, ROW]
    with pytest.raises(HeadwaterError, match="E312"):
        everything(Source(path=str(path)), ["rest"])
    long = tmp_path / "a.csv"
    long.write_text("id,rest\n1," + "x" * (csv_files.LONGEST_CELL + 1) + "\n")
    _, found = everything(Source(path=str(long)), ["id"])
    assert found.schema.names == ["id", FILE, ROW]
    with pytest.raises(HeadwaterError, match="E317"):
        everything(Source(path=str(long)), ["rest"])
