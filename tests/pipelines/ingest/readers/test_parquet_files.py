"""Parquet: types over several files, and damage by name."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.config.sources import Source
from pipelines.ingest.readers import sources
from tests.raw import Raw, at, read_tables

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1, gaps=False)


def everything(source, names):
    raw = sources.find(source)
    sources.require(raw, set(names))
    return raw, sources.stream(raw, names).read_all()


def test_types_of_parquet_files_are_brought_together(tmp_path):
    pq.write_table(
        pa.table({"id": [1, 2], "n": pa.array([1, 2], pa.int32()), "t": [at("2026-01-01 00:00:00")] * 2}),
        tmp_path / "a.parquet",
    )
    other = {"id": ["003"], "n": [2.5], "t": pa.array([at("2026-01-02 00:00:00")], pa.timestamp("ns")), "extra": ["?"]}
    pq.write_table(pa.table(other), tmp_path / "b.parquet")
    _, found = everything(Source(path=str(tmp_path / "*.parquet")), ["id", "n", "t"])
    assert found["id"].to_pylist() == ["1", "2", "003"]
    assert found["n"].to_pylist() == [1.0, 2.0, 2.5]
    assert found.schema.field("t").type == pa.timestamp("us")


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.99])
def test_a_cut_parquet_file_is_told_by_name(tmp_path, share):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"x": list(range(5000))}), path, write_page_checksum=True)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(HeadwaterError) as error:
        everything(Source(path=str(path)), ["x"])
    assert (error.value.problem.code, error.value.problem.file) == ("E312", str(path))


def test_a_flipped_bit_is_seen_by_its_checksum(tmp_path, con):
    raw = Raw(tmp_path)
    raw.write()
    path = tmp_path / "usage.parquet"
    rows = [dict(zip(raw.rows["usage"][0], row, strict=True)) for row in raw.rows["usage"][1:]]
    pq.write_table(pa.Table.from_pylist(rows), path, write_page_checksum=True)
    raw.mapping["tables"]["usage"]["source"] = {"path": "usage.parquet"}
    assert read_tables(con, raw.load(), LOOSE).counts["usage"].used == 200
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 8] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(HeadwaterError, match="E312"):
        read_tables(con, raw.load(), LOOSE)
