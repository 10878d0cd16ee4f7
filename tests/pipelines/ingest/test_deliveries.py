"""Markers and manifests: what has not come whole is not read, and is told; what is not as its manifest says stops."""

import gzip
import hashlib
import os
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from features.spine import cutoff
from pipelines.config.mapping_file import load_mapping
from pipelines.config.sources import Source
from pipelines.ingest import deliveries, inputs
from pipelines.ingest.hashes import Hashes
from pipelines.ingest.readers import sources
from pipelines.wording.errors import sentence
from tests.pipelines.ingest.test_incremental import AS_OF, Deliveries
from tests.raw import Raw

BILLS = {
    month: [
        (f"B{n}{month}", f"{n:05d}", month, str(5900 + n), f"2026-0{int(month[-1]) + 1}-03 02:00:00") for n in (1, 2)
    ]
    for month in ("202601", "202602")
}
MIDNIGHT = cutoff(AS_OF, "Asia/Shanghai")


class Marked(Deliveries):
    """Bills of two months, a file each, with what comes beside them."""

    def __post_init__(self):
        super().__post_init__()
        self.customers(["00001", "00002"])
        del self.raw.mapping["tables"]["usage"]
        self.raw.write_mapping()
        for month, rows in BILLS.items():
            self.bring(f"bill_{month}", *rows)

    def says(self, **source: object) -> "Marked":
        self.raw.mapping["tables"]["bills"]["source"] |= source
        self.raw.write_mapping()
        return self

    def put(self, name: str, text: str = "", days: float = 30) -> Path:
        """A file, written so many days before the midnight of the as-of date."""
        path = self.raw.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return self.age(name, days)

    def age(self, name: str, days: float) -> Path:
        path = self.raw.folder / name
        moment = (MIDNIGHT - timedelta(days=days)).replace(tzinfo=UTC).timestamp()
        os.utime(path, (moment, moment))
        return path

    def manifest(self, **columns: object) -> "Marked":
        return self.says(manifest={"path": str(self.raw.folder / "manifest*.csv"), "file": "文件名", **columns})

    def look(self) -> deliveries.Delivery:
        """The files of bills, held against what is said of them; much quicker than a reading."""
        part = load_mapping(self.raw.write_mapping()).tables["bills"].parts[0]
        found = deliveries.checked(part.source, Hashes())
        deliveries.check_rows(found.listed, dict.fromkeys(found.whole, 2))
        return found

    def refused(self) -> list:
        """Problems of a look."""
        return self.stops(self.look)

    def stops(self, call=None) -> list:
        with pytest.raises(HeadwaterError) as error:
            (call or self.read)()
        for problem in inputs.of_table(error.value, load_mapping(self.raw.write_mapping()), "bills").problems:
            assert "—" not in sentence(problem, "what", "en") + sentence(problem, "fix", "zh"), problem
        return list(error.value.problems)


@pytest.fixture
def marked(tmp_path):
    return Marked(tmp_path)


def read_files(tables) -> list[str]:
    return [Path(file.path).name for file in tables.fingerprints["bills"]]


def codes(problems) -> list[str]:
    return [problem.code for problem in problems if problem.code[1:3] in ("40", "41")]


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("{file}.ok", ["bill_202601.csv.ok", "bill_202602.csv.ok"]),
        ("{stem}.done", ["bill_202601.done", "bill_202602.done"]),
        ("flags/{file}", ["flags/bill_202601.csv", "flags/bill_202602.csv"]),
    ],
)
def test_a_file_counts_when_its_marker_is_there(marked, template, names):
    marked.says(marker=template).put(names[0])
    marked.age("bill_202602.csv", 0.5)
    found = marked.look()
    assert [Path(path).name for path in found.whole] == ["bill_202601.csv"]
    assert [Path(file.path).name for file in found.arriving] == ["bill_202602.csv"]
    assert found.arriving[0].awaited.endswith(names[1])
    marked.put(names[1], days=0.4)
    found = marked.look()
    assert len(found.whole) == 2 and not (found.arriving or found.vanished or found.touched)


def test_a_marker_of_the_folder_is_for_all_its_files(marked):
    marked.says(marker="_SUCCESS")
    assert codes(marked.refused()) == ["E406"]
    marked.put("_SUCCESS")
    assert len(marked.look().whole) == 2


def test_what_is_arriving_is_not_read_and_told_and_read_when_it_has_come(marked):
    marked.says(marker="{file}.ok").put("bill_202601.csv.ok")
    marked.age("bill_202602.csv", 0.5)
    found = marked.read()
    assert read_files(found) == ["bill_202601.csv"]
    told = [problem for problem in found.warnings if problem.code == "W406"]
    assert [Path(problem.file).name for problem in told] == ["bill_202602.csv"]
    marked.put("bill_202602.csv.ok", days=0.4)
    found = marked.read()
    assert len(read_files(found)) == 2 and codes(found.warnings) == [] and found.files["read"] == 1


def test_a_file_that_does_not_become_whole_stops_and_its_wait_is_a_setting(marked):
    marked.says(marker="{file}.ok").put("bill_202601.csv.ok")
    marked.age("bill_202602.csv", 1.1)
    assert codes(marked.stops()) == ["E410"]
    marked.says(wait="2d")
    assert codes(marked.read().warnings) == ["W406"]


def test_what_stops_for_another_reason_says_what_is_still_arriving(marked):
    marked.says(marker="{file}.ok").put("bill_202601.csv.ok")
    marked.age("bill_202602.csv", 0.5)
    marked.raw.mapping["tables"]["bills"]["freshness"] = {"error_after": "20d"}
    marked.raw.write_mapping()
    assert codes(marked.stops()) == ["E402", "W406"]


def test_a_file_that_was_read_and_comes_again_is_not_nothing_meanwhile(marked):
    marked.says(marker="{file}.ok")
    markers = [marked.put(f"bill_{month}.csv.ok") for month in BILLS]
    before = marked.read()
    markers[1].unlink()
    assert codes(marked.stops()) == ["E411"]
    marked.put("bill_202602.csv.ok")
    assert marked.read().fingerprint == before.fingerprint


def test_a_marker_without_its_file_stops(marked):
    marked.says(marker="{file}.ok")
    for name in ("bill_202601", "bill_202602", "bill_202603", "usage_202603"):
        marked.put(f"{name}.csv.ok")
    (problem,) = marked.refused()
    assert (problem.code, Path(problem.file).name, problem.values["name"]) == (
        "E408",
        "bill_202603.csv.ok",
        "bill_202603.csv",
    )


@pytest.mark.parametrize("template", ["{stem}.ok", "{stem}.csv.ok", "ok/{stem}"])
def test_a_marker_without_its_file_is_found_by_every_template(marked, template):
    marked.says(marker=template)
    for name in ("bill_202601", "bill_202602", "bill_202603", "usage_202603"):
        marked.put(template.replace("{stem}", name))
    assert [problem.code for problem in marked.refused()] == ["E408"]


def test_a_pattern_that_meets_the_markers_too_reads_none_of_them(marked):
    marked.says(path="bill_*", format="csv", marker="{file}.ok")
    for month in BILLS:
        marked.put(f"bill_{month}.csv.ok")
    assert len(marked.look().whole) == 2


def test_a_file_that_was_written_after_its_marker_is_told(marked):
    marked.says(marker="{file}.ok")
    for month in BILLS:
        marked.put(f"bill_{month}.csv.ok", days=30)
    marked.age("bill_202602.csv", 2)
    told = deliveries.problems({"bills": [marked.look()]}, "Asia/Shanghai", AS_OF)
    assert [problem.code for problem in told] == ["W407"]
    assert [Path(problem.file).name for problem in told] == ["bill_202602.csv"]


def lines(marked, **changed: str) -> str:
    """What a true manifest says, with some cells as they should not be."""
    rows = ["文件名,行数,含表头,字节,MD5,SHA"]
    for month in BILLS:
        content = (marked.raw.folder / f"bill_{month}.csv").read_bytes()
        cells = {"rows": "2", "lines": "3", "bytes": str(len(content)), "md5": hashlib.md5(content).hexdigest().upper()}
        cells |= {"sha256": hashlib.sha256(content).hexdigest()} | (changed if month == "202602" else {})
        rows.append(",".join([f"./out/bill_{month}.csv", *cells.values()]))
    return "\n".join(rows) + "\n"


COLUMNS = {"rows": "行数", "lines": "含表头", "bytes": "字节", "md5": "MD5", "sha256": "SHA"}


def test_a_manifest_that_is_right_is_silent(marked):
    marked.manifest(**COLUMNS).put("manifest.csv", lines(marked))
    found = marked.look()
    assert len(found.whole) == 2 and not (found.arriving or found.vanished)


@pytest.mark.parametrize(
    ("column", "value"), [("rows", "3"), ("lines", "4"), ("bytes", "9"), ("md5", "0" * 32), ("sha256", "0" * 64)]
)
def test_a_file_that_is_not_what_its_manifest_says_stops(marked, column, value):
    marked.manifest(**COLUMNS).put("manifest.csv", lines(marked, **{column: value}))
    (problem,) = marked.refused()
    assert (problem.code, Path(problem.file).name) == ("E407", "bill_202602.csv")
    assert value in sentence(problem, "what", "en").replace(",", "") and "manifest.csv" in sentence(
        problem, "fix", "en"
    )


def test_a_manifest_that_is_corrected_later_is_held_against_what_was_read(marked):
    marked.manifest(rows="行数").put("manifest.csv", lines(marked))
    marked.read()
    marked.put("manifest_2.csv", lines(marked, rows="7"))
    assert [problem.code for problem in marked.stops()] == ["E407"]


def test_a_file_that_no_manifest_lists_is_still_arriving(marked):
    marked.manifest(rows="行数")
    assert codes(marked.refused()) == ["E406"]
    marked.put("manifest.csv", "文件名,行数\nbill_202601.csv,2\nusage_9.csv,5\n")
    marked.age("bill_202602.csv", 0.5)
    found = marked.look()
    assert [Path(path).name for path in found.whole] == ["bill_202601.csv"] and len(found.arriving) == 1
    marked.put("manifest_b.csv", "文件名,行数\nbill_202603.csv,2\n")
    assert [problem.values["name"] for problem in marked.refused()] == ["bill_202603.csv"]


@pytest.mark.parametrize(
    "written", ["{}  bill_202601.csv\n{}  bill_202602.csv\n", "{} *bill_202601.csv\n{} *bill_202602.csv\n"]
)
def test_sums_as_the_usual_tools_write_them(marked, written):
    sums = [hashlib.md5((marked.raw.folder / f"bill_{month}.csv").read_bytes()).hexdigest() for month in BILLS]
    marked.says(manifest={"path": str(marked.raw.folder / "MD5SUMS"), "md5": 1, "file": 2})
    marked.put("MD5SUMS", written.format(*sums))
    assert len(marked.look().whole) == 2
    marked.put("MD5SUMS", written.format(*reversed(sums)))
    assert [problem.code for problem in marked.refused()] == ["E407", "E407"]


def test_each_file_may_have_a_manifest_of_its_own(marked):
    marked.says(manifest={"path": "{stem}.cnt", "rows": 1})
    for month in BILLS:
        marked.put(f"bill_{month}.cnt", "2\n")
    assert len(marked.look().whole) == 2
    marked.put("bill_202602.cnt", "3\n")
    assert [problem.code for problem in marked.refused()] == ["E407"]
    marked.put("bill_202602.cnt", "")
    assert [Path(file.path).name for file in marked.look().arriving] == ["bill_202602.csv"]


@pytest.mark.parametrize(
    ("columns", "text", "code"),
    [
        ({"rows": "条数"}, "文件名,行数\nbill_202601.csv,2\n", "E409"),
        ({"rows": 3}, "文件名,行数\nbill_202601.csv,2\n", "E409"),
        ({"rows": "行数"}, "文件名,行数\nbill_202601.csv,two\nbill_202602.csv,2\n", "E412"),
        ({"md5": "行数"}, "文件名,行数\nbill_202601.csv,2\nbill_202602.csv,2\n", "E412"),
    ],
)
def test_a_manifest_that_does_not_say_it_is_refused(marked, columns, text, code):
    marked.manifest(**columns).put("manifest.csv", text)
    assert marked.refused()[0].code == code


def test_a_manifest_in_the_letters_of_the_extract(marked):
    marked.manifest(rows="行数")
    (marked.raw.folder / "manifest.csv").write_bytes(lines(marked).encode("gbk"))
    assert len(marked.look().whole) == 2


def test_packed_files_have_markers_and_manifests(tmp_path):
    for month in ("1", "2"):
        (tmp_path / f"bill_{month}.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n"))
    (tmp_path / "bill_1.ok").touch()
    (tmp_path / "bill_2.csv.gz.ok").touch()
    for template, number in (("{stem}.ok", "1"), ("{file}.ok", "2")):
        found = deliveries.delivery(Source(path=str(tmp_path / "bill_*.csv.gz"), marker=template))
        assert [Path(path).name for path in found.whole] == [f"bill_{number}.csv.gz"] and not found.vanished


def test_a_query_reads_only_files_that_came_whole(tmp_path):
    for n in (1, 2):
        (tmp_path / f"t_{n}.csv").write_text(f"x\n{n}\n")
    (tmp_path / "t_1.csv.ok").touch()
    reads = {"t": Source(path=str(tmp_path / "t_*.csv"), marker="{file}.ok")}
    raw = sources.find(Source(sql="SELECT * FROM t", reads=reads))
    assert sources.first_rows(raw, ["x"], 9)["x"].to_pylist() == ["1"]
    assert [Path(file.path).name for file in raw.delivery.arriving] == ["t_2.csv"]


def test_several_sources_wait_each_for_their_own(marked):
    """What is missing of one of them is told, and the file of the other is not asked for its marker."""
    first = marked.raw.mapping["tables"]["bills"]
    marked.put("more.csv", "账单号,用户编号,账期,应收_分,入库时间\nX1,00001,202602,5000,2026-03-05 02:00:00\n")
    second = first | {"name": "more", "source": {"path": "more.csv", "marker": "{file}.ok"}}
    marked.raw.mapping["tables"]["bills"] = {"sources": [{"name": "web", **first}, second]}
    marked.raw.write_mapping()
    (problem,) = marked.stops()
    assert (problem.code, Path(problem.file).name) == ("E406", "more.csv")
    marked.put("more.csv.ok")
    assert marked.read().counts["bills"].used == 5


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"database": "x.duckdb", "table": "t", "marker": "{file}.ok"}, "E277"),
        ({"connection": "sqlite://x.db", "table": "t", "manifest": {"path": "m", "file": 1}}, "E277"),
        ({"sql": "SELECT 1", "marker": "_SUCCESS"}, "E277"),
        ({"path": "bill*.csv", "marker": "{name}.ok"}, "E278"),
        ({"path": "bill*.csv", "manifest": {"path": "{file.md5", "md5": 1}}, "E278"),
        ({"path": "bill*.csv", "manifest": {"path": "m.csv", "rows": 1}}, "E204"),
    ],
)
def test_what_cannot_be_marked_is_refused_when_the_mapping_is_read(tmp_path, source, code):
    raw = Raw(tmp_path)
    raw.mapping["tables"]["bills"]["source"] = source
    with pytest.raises(HeadwaterError) as error:
        load_mapping(raw.write_mapping())
    problem = error.value.problem
    assert problem.code == code and "tables.bills.source" in str(problem.column)
    assert "—" not in sentence(problem, "what", "zh") + sentence(problem, "fix", "en")


def test_markers_change_no_recipe(marked):
    """Whoever adds a marker to a mapping reads nothing again."""
    marked.read()
    marked.says(marker="{file}.ok", wait="2d")
    for month in BILLS:
        marked.put(f"bill_{month}.csv.ok")
    assert marked.read().files["read"] == 0


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(1, 5)), st.sets(st.integers(1, 5)))
def test_every_file_is_whole_or_arriving_and_every_marker_has_a_file_or_is_told(tmp_path_factory, there, done):
    folder = tmp_path_factory.mktemp("files")
    for n in there:
        (folder / f"f_{n}.csv").write_text("a\n1\n")
    for n in done:
        (folder / f"f_{n}.csv.ok").touch()
    found = deliveries.delivery(Source(path=str(folder / "f_*.csv"), marker="{file}.ok"))
    assert found.whole == [f"{folder}/f_{n}.csv" for n in sorted(there & done)]
    assert [file.path for file in found.arriving] == [f"{folder}/f_{n}.csv" for n in sorted(there - done)]
    assert [name for _, name in found.vanished] == [f"f_{n}.csv" for n in sorted(done - there)]


def test_sums_are_remembered_like_hashes(tmp_path):
    path, memory = tmp_path / "a.csv", tmp_path / "hashes.json"
    path.write_text("a\n")
    os.utime(path, (0, 0))
    hashes = Hashes()
    assert hashes.digest(path, "md5") == hashlib.md5(b"a\n").hexdigest()
    assert hashes.digest(path, "sha256") == hashes.sha256(path) == hashlib.sha256(b"a\n").hexdigest()
    hashes.save(memory)
    assert len(Hashes(known=hashes.found).known) == 2


def test_a_file_waits_until_the_midnight_of_the_date(marked):
    """An older night is not stopped by what lies there today."""
    marked.says(marker="{file}.ok").put("bill_202601.csv.ok", days=90)
    marked.age("bill_202602.csv", 10)
    found = {"bills": [marked.look()]}
    assert codes(deliveries.problems(found, "Asia/Shanghai", date(2026, 3, 20))) == ["W406"]
    assert codes(deliveries.problems(found, "Asia/Shanghai", AS_OF)) == ["E410"]
