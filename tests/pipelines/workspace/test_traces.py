"""An id is found wherever it stands, and a file in which nobody can look is told."""

import gzip
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.workspace import traces
from pipelines.workspace.traces import Unsearchable, found_in

WHO = "00012373"


def parquet(path, column, **options):
    pq.write_table(pa.table({"n": [1, 2], "x": column}), path, **options)


COLUMNS = {
    "text": pa.array([WHO, "b"]),
    "large text": pa.array([WHO, "b"], pa.large_string()),
    "dictionary": pa.array([WHO, "b"]).dictionary_encode(),
    "list": pa.array([[WHO], []]),
    "struct": pa.array([{"who": WHO}, None]),
    "list of structs": pa.array([[{"who": WHO}], None]),
    "used by no row": pa.DictionaryArray.from_arrays(pa.array([1, 1]), [WHO, "b"]),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("compression", ["zstd", "none"])
def test_a_cell_of_parquet_is_found(tmp_path, kind, compression):
    parquet(tmp_path / "x.parquet", COLUMNS[kind], compression=compression)
    assert found_in(tmp_path / "x.parquet", {WHO, "00012374"}) == {WHO}


def test_a_text_that_no_row_refers_to_is_found_in_a_file_of_others(tmp_path):
    """Which types a file had as a table of Arrow is not known of every one."""
    names = [f"{n * 7919:08d}" for n in range(2_000)]
    nobody = pa.DictionaryArray.from_arrays(pa.array([5, 5]), names)
    parquet(tmp_path / "x.parquet", nobody, store_schema=False, compression="zstd")
    assert pq.read_table(tmp_path / "x.parquet")["x"].to_pylist() == [names[5]] * 2
    assert names[300].encode() not in (tmp_path / "x.parquet").read_bytes(), "the page is compressed"
    assert found_in(tmp_path / "x.parquet", {names[300]}) == {names[300]}


def test_statistics_and_metadata_of_parquet_are_looked_at(tmp_path):
    table = pa.table({"n": [1]}).replace_schema_metadata({"about": f"one: {WHO}"})
    pq.write_table(table, tmp_path / "x.parquet")
    assert found_in(tmp_path / "x.parquet", {WHO}) == {WHO}


def test_numbers_are_ids_in_columns_of_ids_alone(tmp_path):
    pq.write_table(pa.table({"customer_id": [12373], "amount": [12374]}), tmp_path / "x.parquet")
    assert found_in(tmp_path / "x.parquet", {"12373", "12374"}) == {"12373"}
    assert found_in(tmp_path / "x.parquet", {"12373", "12374"}, ["amount"]) == {"12374"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
@pytest.mark.parametrize("who", [WHO, "用户甲乙丙丁"])
def test_a_word_of_a_text_is_found_in_any_encoding(tmp_path, encoding, who):
    (tmp_path / "x.csv").write_bytes(f"客户,金额\n{who},3\n".encode(encoding))
    assert found_in(tmp_path / "x.csv", {who}) == {who}


@pytest.mark.parametrize("ending", ["gz", "zip", "xlsx"])
def test_what_is_packed_is_looked_into(tmp_path, ending):
    path = tmp_path / f"x.{ending}"
    if ending == "gz":
        path.write_bytes(gzip.compress(f"a,{WHO},b".encode()))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("xl/sharedStrings.xml", f"<t>{WHO}</t>")
    assert found_in(path, {WHO}) == {WHO}


def test_an_id_across_two_blocks_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(traces, "BLOCK", 64)
    for before in range(50, 70):
        (tmp_path / "x.txt").write_bytes(b"." * before + WHO.encode() + b"." * 100)
        assert found_in(tmp_path / "x.txt", {WHO}) == {WHO}, before


def test_a_longer_id_and_a_figure_are_nobody(tmp_path):
    (tmp_path / "x.json").write_text('{"rows": 42, "who": "1000123731", "share": 0.42, "_00012373": 1}')
    assert found_in(tmp_path / "x.json", {WHO, "42"}) == set()
    (tmp_path / "x.json").write_text('{"who": "42"}')
    assert found_in(tmp_path / "x.json", {"42"}) == {"42"}


@pytest.mark.parametrize("name", ["x.parquet", "x.xlsx", "x.gz"])
def test_a_file_that_is_not_what_it_says_cannot_be_searched(tmp_path, name):
    (tmp_path / name).write_bytes(b"PAR1 nothing of the kind PAR1")
    with pytest.raises(Unsearchable):
        found_in(tmp_path / name, {WHO})


def test_a_damaged_page_cannot_be_searched(tmp_path):
    parquet(tmp_path / "x.parquet", pa.array([f"{n:08d}" for n in range(2)]), write_page_checksum=True)
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    content[40] ^= 4
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(Unsearchable):
        found_in(tmp_path / "x.parquet", {WHO})
