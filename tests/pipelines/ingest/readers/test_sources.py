"""Reading raw files: encodings, row numbers, queries, databases; every row keeps its place."""

import hashlib

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.mapping import Source
from pipelines.config.quality import Quality
from pipelines.ingest.readers import csv_files, sources
from pipelines.ingest.readers.sources import FILE, ROW
from tests.raw import Raw, at, read_tables

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1, gaps=False)
WORDS = st.text(st.characters(codec="gbk", exclude_categories=("Cc", "Cs")), max_size=8)


def everything(source, names):
    raw = sources.find(source)
    sources.require(raw, set(names))
    return raw, sources.stream(raw, names).read_all()


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=15))
def test_a_gbk_file_equals_its_utf8_twin(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("twins")
    quoted = ['"' + word.replace('"', '""') + '"' for row in cells for word in row]
    text = "编号,名称\n" + "".join(f"{a},{b}\n" for a, b in zip(quoted[::2], quoted[1::2], strict=True))
    found = []
    for encoding in ("gbk", "utf-8", "utf-16"):
        path = folder / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        found.append(everything(Source(path=str(path), encoding=encoding), ["编号", "名称"])[1])
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    assert found[0]["名称"].to_pylist() == [b or None for _, b in cells] or "" in found[0]["名称"].to_pylist()


def test_leading_zeros_survive_and_rows_are_numbered(tmp_path):
    (tmp_path / "a.csv").write_text("id,x\n001,a\n002\n003,b\n004,c,d\n005,e\n")
    (tmp_path / "b.csv").write_text("x,id,more\nz,0099,1\n")
    raw, found = everything(Source(path=str(tmp_path / "*.csv")), ["id", "x"])
    assert found.select(["id", FILE, ROW]).to_pylist() == [
        {"id": "001", FILE: 0, ROW: 1},
        {"id": "003", FILE: 0, ROW: 3},
        {"id": "005", FILE: 0, ROW: 5},
        {"id": "0099", FILE: 1, ROW: 1},
    ]
    assert [(line.file, line.row) for line in raw.bad_lines] == [(0, 2), (0, 4)]
    assert [file.rows for file in raw.inputs] == [5, 1]
    assert raw.inputs[0].sha256 == hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()


@given(bad=st.sets(st.integers(1, 60)), size=st.integers(1, 60))
def test_row_numbers_step_over_unreadable_rows(bad, size):
    good = [n for n in range(1, size + 1) if n not in bad]
    skipped = sorted(n for n in bad if n <= size)
    half = len(good) // 2
    numbers = np.concatenate(
        [sources.row_numbers(0, half, skipped), sources.row_numbers(half, len(good) - half, skipped)]
    )
    assert numbers.tolist() == good


def test_line_breaks_inside_quotes_are_text(tmp_path):
    (tmp_path / "a.csv").write_text('id,x\n1,"a\nb"\n2,"say ""hi"""\n')
    _, found = everything(Source(path=str(tmp_path / "a.csv")), ["id", "x"])
    assert found["x"].to_pylist() == ["a\nb", 'say "hi"']


def test_many_blocks_keep_their_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "BLOCK", 64)
    lines = [f"{n}" if n % 7 == 0 else f"{n},x" for n in range(1, 200)]
    (tmp_path / "a.csv").write_text("id,x\n" + "\n".join(lines) + "\n")
    _, found = everything(Source(path=str(tmp_path / "a.csv")), ["id"])
    assert found["id"].to_pylist() == [str(n) for n in found[ROW].to_pylist()]


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


def test_the_same_file_twice_is_read_once(tmp_path, con):
    raw = Raw(tmp_path)
    raw.write()
    (tmp_path / "bill_copy.csv").write_bytes((tmp_path / "bill.csv").read_bytes())
    found = read_tables(con, raw.load(), Quality())
    assert found.counts["bills"].in_ == 200
    assert [(p.code, p.values["first"].rpartition("/")[2]) for p in found.warnings] == [("W301", "bill.csv")]


def test_a_query_and_a_database_read_like_files(tmp_path, con):
    raw = Raw(tmp_path)
    raw.write()
    plain = read_tables(con, raw.load(), Quality())["usage"].order_by("customer_id", "happened_at").to_pyarrow()
    path = tmp_path / "raw.duckdb"
    with duckdb.connect(str(path)) as base:
        base.execute(
            "CREATE TABLE traffic AS SELECT * FROM read_csv($1, all_varchar = true)", [str(tmp_path / "usage.csv")]
        )
    sql = f"SELECT * FROM read_csv('{tmp_path / 'usage.csv'}', all_varchar = true)"
    for source in ({"sql": sql}, {"database": "raw.duckdb", "table": "traffic"}):
        raw.mapping["tables"]["usage"]["source"] = source
        found = read_tables(con, raw.load(), Quality())
        assert found["usage"].order_by("customer_id", "happened_at").to_pyarrow().equals(plain)
        assert found.counts["usage"].in_ == 200


def test_the_fingerprint_of_a_query_follows_its_rows():
    one = sources.find(Source(sql="SELECT * FROM (VALUES (1), (2)) AS t(x)")).inputs[0].sha256
    again = sources.find(Source(sql="SELECT * FROM (VALUES (1), (2)) AS t(x)")).inputs[0].sha256
    other = sources.find(Source(sql="SELECT * FROM (VALUES (1), (3)) AS t(x)")).inputs[0].sha256
    assert one == again != other


def test_an_undecodable_byte_is_found_by_line_and_byte(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("编号,x\n1,a\n2,中\n".encode("gbk"))
    with pytest.raises(HeadwaterError) as error:
        everything(Source(path=str(path)), ["x"])
    assert error.value.problem.code == "E311"
    assert (error.value.problem.row, error.value.problem.values["byte"], error.value.problem.values["likely"]) == (
        1,
        0,
        "gbk",
    )
    path.write_bytes(b"id,x\n1,a\n2,\xff\xfe\n3,b\n")
    with pytest.raises(HeadwaterError) as error:
        everything(Source(path=str(path), encoding="gbk"), ["x"])
    assert (error.value.problem.row, error.value.problem.values["byte"]) == (3, 11)


ENCODINGS = {
    "gbk": ("编号,名称\n", "上海移动"),
    "gb18030": ("编号,名称\n", "𠮷祥龘"),
    "utf-8": ("编号,名称\n", "上海移动"),
    "utf-8-sig": ("编号,名称\n", "上海移动"),
    "utf-16": ("编号,名称\n", "上海移动"),
    "utf-16-le": ("编号,名称\n", "上海移动"),
    "big5": ("編號,名稱\n", "臺灣大哥大"),
    "latin-1": ("id,naïve\n", "café"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_declared_encodings_are_read_to_the_letter(tmp_path, encoding):
    head, word = ENCODINGS[encoding]
    path = tmp_path / "a.csv"
    path.write_bytes((head + "".join(f'{n:04d},"{word}{n}"\n' for n in range(300))).encode(encoding))
    names = head.strip().split(",")
    raw, found = everything(Source(path=str(path), encoding=encoding), names)
    assert raw.header == names
    assert found.select(names).to_pylist() == [{names[0]: f"{n:04d}", names[1]: f"{word}{n}"} for n in range(300)]


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("gbk", b"\xff"),
        ("gb18030", b"\x81\x30\xff"),
        ("utf-8", b"\xc3("),
        ("utf-8-sig", b"\xe4\xb8\n"),
        ("utf-16-le", b"\x00\xdc\x41\x00"),
        ("big5", b"\xff\xff"),
    ],
)
@pytest.mark.parametrize("column", ["id", "other"])
def test_a_byte_that_does_not_fit_is_placed_exactly(tmp_path, encoding, bad, column):
    """Also in a column that nobody reads, and where a byte of a character looks like a line end (上 in UTF-16)."""
    line = ("0001,上海\n" if encoding != "big5" else "0001,臺灣\n").encode(encoding)
    path = tmp_path / "a.csv"
    start = "id,other\n".encode(encoding.replace("-sig", "")) + line * 50
    path.write_bytes(start + "7,".encode(encoding.replace("-sig", "")) + bad + line * 3)
    with pytest.raises(HeadwaterError) as error:
        everything(Source(path=str(path), encoding=encoding), [column])
    problem = error.value.problem
    assert (problem.code, problem.file, problem.row) == ("E311", str(path), 52)
    assert problem.values["byte"] in range(len(start) + 2, path.stat().st_size - 3 * len(line) + 2)


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
