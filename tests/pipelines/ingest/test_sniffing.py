"""Encodings, separators, shapes of dates and kinds of columns are told by what is there; two readings are two."""

from datetime import date, timedelta

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.ingest import cells, sniffing

CHINESE = "用户编号,地市,套餐\n00001,北京市,畅享套餐\n00002,上海市,冰激凌套餐\n"
WESTERN = "Kunde;Stadt;Betrag\n1;Köln;1,5\n2;Málaga;2,25\n"


@pytest.mark.parametrize(
    ("text", "written", "found"),
    [
        ("id,x\n1,2\n", "ascii", "utf-8"),
        (CHINESE, "utf-8", "utf-8"),
        (CHINESE, "utf-8-sig", "utf-8"),
        (CHINESE, "gbk", "gb18030"),
        (CHINESE, "gb18030", "gb18030"),
        (CHINESE, "utf-16", "utf-16"),
        (CHINESE, "utf-16-le", "utf-16-le"),
        (CHINESE, "utf-16-be", "utf-16-be"),
        (WESTERN, "cp1252", "cp1252"),
        (WESTERN, "latin-1", "cp1252"),
        (WESTERN, "utf-8", "utf-8"),
    ],
)
def test_an_encoding_reads_what_was_written(tmp_path, text, written, found):
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(written))
    assert sniffing.encoding([path]) == found
    assert path.read_bytes().decode(found).lstrip("\ufeff") == text


def test_every_byte_of_every_file_counts(tmp_path):
    """A file of plain letters says nothing, and neither does the first megabyte of one that has others behind it."""
    plain, late = tmp_path / "a.csv", tmp_path / "b.csv"
    plain.write_bytes(b"id,x\n1,2\n")
    late.write_bytes(b"id,x\n" + b"1,2\n" * 300_000 + CHINESE.encode("utf-8"))
    assert sniffing.encoding([plain, late]) == "utf-8"
    late.write_bytes(CHINESE.encode("gbk"))
    assert sniffing.encoding([plain, late]) == "gb18030"


@pytest.mark.parametrize("written", ["big5", "koi8-r"])
def test_what_no_encoding_likely_reads_is_asked(tmp_path, written):
    text = {"big5": "用戶編號,地區\n1,臺北市\n2,高雄縣\n", "koi8-r": "город,имя\nМосква,Иван\n"}[written]
    (tmp_path / "a.csv").write_bytes(text.encode(written))
    with pytest.raises(HeadwaterError, match="E241"):
        sniffing.encoding([tmp_path / "a.csv"])


@pytest.mark.parametrize("mark", sniffing.DELIMITERS)
def test_a_separator_is_found_beside_others_in_cells(tmp_path, mark):
    other = ";" if mark == "," else ","
    rows = [["id", "name", "x"], ["1", f'"a{mark}b"', f"1{other}5"], ["2", "c", "7"]]
    (tmp_path / "a.csv").write_text("".join(mark.join(row) + "\n" for row in rows))
    assert sniffing.delimiter([tmp_path / "a.csv"], "utf-8") == mark


def test_two_separators_that_fit_are_asked(tmp_path):
    (tmp_path / "a.csv").write_text("a,b;c\n1,2;3\n")
    with pytest.raises(HeadwaterError) as error:
        sniffing.layout([tmp_path / "a.csv"])
    assert (error.value.problem.code, error.value.problem.values["first"]) == ("E242", '","')


@pytest.mark.parametrize(
    ("texts", "shapes"),
    [
        (["2026-03-04", "2026-03-04 05:06:07+08:00"], ("iso",)),
        (["20260304", "00000000", None], ("%Y%m%d",)),
        (["202603"], ("%Y%m",)),
        (["03/2026", "12/2025"], ("%m/%Y",)),
        (["Mar 2026", "Dec 2025"], ("%b %Y",)),
        (["2026/3/4", "2026/12/31"], ("%Y/%m/%d",)),
        (["2026年3月4日"], ("%Y年%m月%d日",)),
        (["2026/3/4 7:05"], ("%Y/%m/%d %H:%M",)),
        (["31/12/2026", "03/04/2026"], ("%d/%m/%Y",)),
        (["12/31/2026", "03/04/2026"], ("%m/%d/%Y",)),
        (["03/04/2026", "05/06/2026"], ("%d/%m/%Y", "%m/%d/%Y")),
        (["5-Mar-2026"], ("%d-%b-%Y",)),
        (["1767225600"], ("epoch_s",)),
        (["2026-03-04", "soon"], ()),
        ([], ()),
    ],
)
def test_shapes_of_dates(texts, shapes):
    assert sniffing.time_shapes(texts) == shapes


@settings(max_examples=40, deadline=None)
@given(
    days=st.lists(st.dates(date(1971, 1, 1), date(2099, 12, 31)), min_size=1, max_size=20),
    shape=st.sampled_from([s for s in sniffing._SHAPES if "%d" in s and "%y" not in s and "%H" not in s]),
)
def test_dates_are_found_in_their_own_shape_and_read_so(con: ibis.BaseBackend, days, shape):
    """The shape in which days were written is always among those found; when it is the only one, reading gives them."""
    texts = [day.strftime(shape) for day in days]
    found = sniffing.time_shapes(texts)
    assert shape in found or (found == ("iso",) and shape == "%Y-%m-%d")
    if len(found) == 1:
        column = ibis.memtable({"t": texts}, schema={"t": "string"}).t
        read = cells.day(column, "t", None if found == ("iso",) else found[0], "UTC", False).value
        assert con.to_pyarrow(read).to_pylist() == days


@pytest.mark.parametrize(
    ("texts", "marks"),
    [
        (["1.5", "-2", ".5"], (".",)),
        (["1.234"], (".",)),
        (["1,5", "2"], (",",)),
        (["1.234,50"], (",",)),
        (["1,234.50", "7"], (".",)),
        (["1,234"], (".", ",")),
        (["1,5", "2.5"], ()),
        (["x"], ()),
        ([], ()),
    ],
)
def test_marks_before_decimals(texts, marks):
    assert sniffing.decimal_marks(texts) == marks


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["Yes", "No", "yes"], "flag"),
        (["是", "否", ""], "flag"),
        (["1", "0"], "flag"),
        (["1", "0", "2"], "number"),
        (["Yes"], "category"),
        (["3", "4.5", "NULL"], "number"),
        (["1,5", "2,5"], "number"),
        (["518000", "010001"], "category"),
        (["0.5", "0"], "number"),
        (["20260304", "20251231"], "date"),
        (["2026-03-04", "2025-01-01"], "date"),
        (["03/04/2026"], "date"),
        (["2026-03-04", "gold"], "category"),
        (["1767225600", "1767225601"], "number"),
        ([], "category"),
        ([None, " "], "category"),
    ],
)
def test_kinds(texts, kind):
    assert sniffing.kind(texts) == kind


@given(st.dates(date(1971, 1, 1), date(2099, 12, 31)))
def test_days_are_never_numbers(day):
    """A column of days in digits is one of dates, whatever days stand in it."""
    assert sniffing.kind([f"{day + timedelta(days=n):%Y%m%d}" for n in range(5)]) == "date"
