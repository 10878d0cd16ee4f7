"""What comes with files and is no data is found, proposed, and read by the mapping that is proposed; nothing else is."""

import gzip
import hashlib
from pathlib import Path

import pytest

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest import deliveries
from pipelines.ingest.hashes import Hashes
from pipelines.recognition import raw_tables
from tests.pipelines.cli.calls import call
from tests.pipelines.recognition.folders import operator

NAMES = ["bill_202601.csv", "bill_202602.csv", "bill_202603.csv"]
HEAD = "账单号,用户编号,账期,应收_分\n"


@pytest.fixture
def bills(tmp_path):
    for number, name in enumerate(NAMES, 1):
        rows = "".join(f"B{number}{n},{n:05d},20260{number},{5900 + n}\n" for n in range(number + 3))
        (tmp_path / name).write_text(HEAD + rows, encoding="utf-8")
    return tmp_path


def put(folder: Path, name: str, text: str = "") -> None:
    (folder / name).write_text(text, encoding="utf-8")


def source(folder: Path) -> Source:
    """Of the only table that is found."""
    found = raw_tables.folder(folder)
    (table,) = found.tables
    assert not found.unread
    return table.source


def holds(folder: Path, given: Source) -> bool:
    """Are the files what the source says of them?"""
    found = deliveries.checked(given, Hashes())
    rows = {path: Path(path).read_text(encoding="utf-8").count("\n") - 1 for path in found.whole}
    deliveries.check_rows(found.listed, rows)
    return len(found.whole) == len(NAMES)


def facts(folder: Path, name: str) -> dict[str, str]:
    content = (folder / name).read_bytes()
    rows = content.count(b"\n")
    return {
        "rows": str(rows - 1),
        "lines": str(rows),
        "bytes": str(len(content)),
        "md5": hashlib.md5(content).hexdigest(),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


@pytest.mark.parametrize(
    ("beside", "expected"),
    [("{}.ok", "{file}.ok"), ("{}.done", "{file}.done"), ("{stem}.flag", "{stem}.flag"), ("_SUCCESS", "_SUCCESS")],
)
def test_markers_are_found_by_their_names(bills, beside, expected):
    for name in NAMES:
        put(bills, beside.format(name, stem=name.removesuffix(".csv")))
    found = source(bills)
    assert (found.marker, found.manifest) == (expected, None) and holds(bills, found)


@pytest.mark.parametrize("kind", ["rows", "lines", "bytes", "md5", "sha256"])
def test_a_figure_beside_each_file_is_told_by_the_files(bills, kind):
    for name in NAMES:
        put(bills, f"{name}.cnt", facts(bills, name)[kind] + "\n")
    found = source(bills)
    assert found.marker is None and found.manifest.model_dump(exclude_none=True) == {"path": "{file}.cnt", kind: 1}
    assert holds(bills, found)


def test_sums_with_names_as_tools_write_them_and_markers_go_together(bills):
    for name in NAMES:
        put(bills, f"{name}.md5", f"{facts(bills, name)['md5']}  {name}\n")
        put(bills, f"{name}.ok")
    found = source(bills)
    assert (found.marker, found.manifest.path, found.manifest.md5) == ("{file}.ok", "{file}.md5", 1)


@pytest.mark.parametrize("mark", [",", ";", "|"])
@pytest.mark.parametrize("head", ["文件名,条数,字节,校验", "file,n,size,sum", None])
def test_the_columns_of_a_list_are_told_by_the_files(bills, head, mark):
    rows = [[f"out/{name}", *(facts(bills, name)[kind] for kind in ("rows", "bytes", "md5"))] for name in NAMES]
    lines = [*([head.split(",")] if head else []), *rows]
    put(bills, "manifest.csv", "".join(mark.join(line) + "\n" for line in lines))
    found = source(bills).manifest
    said = found.model_dump(exclude_none=True, exclude={"path"})
    names = head.split(",") if head else [1, 2, 3, 4]
    assert said == dict(zip(("file", "rows", "bytes", "md5"), names, strict=True))
    assert holds(bills, source(bills))


def test_lists_of_several_nights_are_one_pattern_and_a_wrong_list_is_still_a_list(bills):
    for number, name in enumerate(NAMES, 1):
        put(bills, f"manifest_2026080{number}.csv", f"file,rows\n{name},999\nother_1.csv,5\n")
    found = source(bills).manifest
    assert (Path(found.path).name, found.file, found.rows) == ("manifest_*.csv", "file", "rows")
    with pytest.raises(HeadwaterError) as error:
        holds(bills, source(bills))
    assert {problem.code for problem in error.value.problems} == {"E407"}


def test_the_newest_file_may_still_be_arriving_and_half_an_archive_spoils_nothing(tmp_path):
    for name in NAMES:
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress((HEAD + "B1,00001,202601,5900\n" * 900).encode()))
    half = tmp_path / f"{NAMES[-1]}.gz"
    half.write_bytes(half.read_bytes()[:60])
    for name in NAMES[:-1]:
        put(tmp_path, f"{name}.gz.ok")
    (table,) = raw_tables.folder(tmp_path).tables
    assert table.source.path.endswith("bill_*.gz") and [path.name for path in table.arriving] == [half.name]
    assert table.rows == 1800


@pytest.mark.parametrize("having", [[], NAMES[1:], NAMES[:1]])
def test_what_only_some_have_is_no_marker(bills, having):
    """Whoever begins with markers today would have no history."""
    for name in having:
        put(bills, f"{name}.ok")
    assert source(bills).marker is None


def test_a_table_with_a_column_of_other_names_is_no_list(bills):
    put(bills, "notes.csv", "用户编号,录音\n00001,call_1.wav\n00002,call_2.wav\n")
    assert len(raw_tables.folder(bills).tables) == 2


def test_the_mapping_of_init_reads_what_came_whole(tmp_path):
    folder = operator(tmp_path / "crm")
    (folder / "bill.csv").rename(folder / "bill_202601.csv")
    content = (folder / "bill_202601.csv").read_bytes()
    (folder / "bill_202602.csv").write_bytes(content[: len(content) // 2])
    put(folder, "bill_202601.csv.ok")
    put(folder, "manifest.csv", f"文件名,行数\nusage.csv,{facts(folder, 'usage.csv')['rows']}\n")
    out = call("init", str(folder), "--yes", "--only-write", "--lang", "zh")
    assert "仍在到达，未查看：bill_202602.csv" in out and "manifest.csv" in out
    written = (folder / "mapping.yaml").read_text(encoding="utf-8")
    assert "marker: '{file}.ok'" in written and "行数" in written
