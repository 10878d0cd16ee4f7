"""Excel workbooks: a sheet that is a table, every cell as text that people would have written into a CSV file."""

import datetime as dt
from pathlib import Path

import pytest
from openpyxl import Workbook

from features.errors import HeadwaterError
from pipelines.config.sources import Source
from pipelines.ingest.readers import xlsx_files

ROWS = [
    ("客户编号", "开户日期", "金额", "标志", None, "备注"),
    ("00012", dt.datetime.fromisoformat("2026-03-04"), 59.0, True, "no header", "x"),
    (13812345678, dt.datetime.fromisoformat("2026-03-04 05:06:07"), 5.25, False, None, None),
    (None, None, None, None, None, None),
    ("00013", dt.date(2026, 3, 5), -1, None, None, "=last"),
]


def book(path: Path, **sheets: list[tuple]) -> str:
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return str(path)


def read(path: str, sheet: str | None = None) -> list[dict]:
    source = Source(path=path, sheet=sheet)
    assert source.reader == "xlsx_files"
    kinds = xlsx_files.types([path], xlsx_files.header(path, source), source)
    return [row for batch in xlsx_files.batches(path, source, kinds, []) for row in batch.to_pylist()]


def test_cells_are_texts_and_empty_ones_null(tmp_path):
    found = read(book(tmp_path / "a.xlsx", 客户=[(None,), *ROWS], notes=[("exported by night",)]))
    assert [list(row.values()) for row in found] == [
        ["00012", "2026-03-04", "59", "true", "x"],
        ["13812345678", "2026-03-04 05:06:07", "5.25", "false", None],
        ["00013", "2026-03-05", "-1", None, None],  # a formula that no program has computed holds no value
    ]


def test_of_several_tables_one_must_be_named(tmp_path):
    path = book(tmp_path / "a.xlsx", one=[("a",), ("1",)], two=[("b",), ("2",)])
    assert read(path, "two") == [{"b": "2"}]
    assert xlsx_files.sheets(path) == ["one", "two"]
    for sheet in (None, "three"):
        with pytest.raises(HeadwaterError, match="E327") as caught:
            read(path, sheet)
        assert caught.value.problem.values["names"] == "'one', 'two'"


def test_what_is_no_workbook_is_damaged(tmp_path):
    path = tmp_path / "a.xlsx"
    for content in (b"PK no", Path(book(tmp_path / "b.xlsx", one=ROWS)).read_bytes()[:2_000]):
        path.write_bytes(content)
        with pytest.raises(HeadwaterError, match="E312"):
            read(str(path))
