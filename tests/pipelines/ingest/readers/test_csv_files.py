"""CSV: encodings to the letter, line breaks, unreadable rows and bytes by their place."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers import csv_files, sources
from pipelines.ingest.readers.sources import FILE, ROW

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
