"""Files without somebody: nothing of them is left, and everything else is as it was."""

import csv
import io

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from models.scores.score_table import rows_sha256
from pipelines.workspace.removal import parquet_without, without
from pipelines.workspace.score_files import PREFIX
from pipelines.workspace.traces import found_in

WHO, OTHER = "00012373", "00012374"


def scores(tmp_path, ids):
    """A file as a publication writes it, in groups of two rows."""
    table = pa.table({"customer_id": ids, "tier": pa.array(ids).dictionary_encode(), "n": list(range(len(ids)))})
    meta = {f"{PREFIX}rows": str(len(ids)), f"{PREFIX}rows_sha256": rows_sha256(table), f"{PREFIX}run_id": "r"}
    path = tmp_path / "2026-11-01.parquet"
    pq.write_table(table.replace_schema_metadata(meta), path, row_group_size=2, write_page_checksum=True)
    return path, table


def test_a_score_file_tells_of_the_rows_that_are_left(tmp_path):
    path, table = scores(tmp_path, ["a", WHO, "b", "c", WHO])
    path.chmod(0o640)
    before = path.stat()
    seen = []
    parquet_without(path, {WHO}, changed=lambda file: seen.append(pq.read_metadata(file).num_rows))
    left, file = pq.read_table(path), pq.ParquetFile(path)
    expected = table.filter(pa.array([True, False, True, True, False]))
    assert left.to_pylist() == expected.to_pylist() and left.schema.types == table.schema.types
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [1, 2, 0]
    meta = {key.decode(): value.decode() for key, value in file.metadata.metadata.items()}
    assert meta[f"{PREFIX}rows"] == "3" and meta[f"{PREFIX}rows_sha256"] == rows_sha256(left)
    assert meta[f"{PREFIX}run_id"] == "r" and seen == [3]
    assert found_in(path, {WHO}) == set(), "not in a dictionary, and not in statistics either"
    assert (path.stat().st_mode, path.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_a_file_of_nobody_else_keeps_its_columns(tmp_path):
    path, table = scores(tmp_path, [WHO])
    without(path, {WHO})
    assert pq.read_table(path).num_rows == 0 and pq.read_schema(path).names == table.schema.names


CELL = st.text(st.sampled_from("ab0,;'\"\n\r\u2028 "), max_size=4)


@given(rows=st.lists(st.lists(st.one_of(CELL, st.just(WHO)), min_size=2, max_size=2), max_size=6))
def test_csv_loses_the_records_of_somebody_and_nothing_else(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "x.csv"

    def written(some):
        out = io.StringIO(newline="")
        csv.writer(out).writerows(some)
        return out.getvalue().encode()

    path.write_bytes(written(rows))
    without(path, {WHO})
    assert path.read_bytes() == written([row for row in rows if WHO not in row])


def test_csv_for_spreadsheets_has_a_guard_before_the_id(tmp_path):
    (tmp_path / "x.csv").write_bytes(b'\xef\xbb\xbf"customer"\r\n"\'-1234567"\r\n"a"\r\n')
    without(tmp_path / "x.csv", {"-1234567"})
    assert (tmp_path / "x.csv").read_bytes() == b'\xef\xbb\xbf"customer"\r\n"a"\r\n'


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("saved", [True, False])
def test_a_workbook_loses_the_row_of_somebody_whoever_saved_it(tmp_path, inline, saved):
    """Texts in their cells or shared ones, as xlsxwriter and as others write them."""
    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": inline}) as book:
        sheet = book.add_worksheet("List")
        for place, (who, value) in enumerate([("id", "value"), (OTHER, 12373), (WHO, 2), ("c", 3)]):
            sheet.write(place, 0, who)
            sheet.write(place, 1, value)
    if saved:
        opened = openpyxl.load_workbook(path)
        opened["List"]["C2"] = "called"
        opened.save(path)
    without(path, {WHO})
    rows = [row[:2] for row in openpyxl.load_workbook(path)["List"].iter_rows(values_only=True)]
    assert rows == [("id", "value"), (OTHER, 12373), (None, None), ("c", 3)]
    assert found_in(path, {WHO}) == set()


def test_in_text_a_word_takes_its_place(tmp_path):
    (tmp_path / "x.jsonl").write_text(f'{{"said": "{WHO} is gone", "n": 1{WHO}}}\n')
    without(tmp_path / "x.jsonl", {WHO})
    assert (tmp_path / "x.jsonl").read_text() == f'{{"said": "… is gone", "n": 1{WHO}}}\n'
