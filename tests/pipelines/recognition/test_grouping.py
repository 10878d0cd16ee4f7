"""Which files are one table: names that differ in digits, headers that mean the same, months that names tell."""

from pathlib import Path

import pytest

from pipelines.recognition import grouping
from pipelines.recognition.accompaniments import Accompaniments


def written(folder: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return grouping.data_files(folder)


def groups(paths, unread=None):
    beside = Accompaniments.among(paths, paths)
    return [group for found in grouping.groups(paths, [] if unread is None else unread, beside) for group in found]


def test_names_that_differ_in_digits_are_one_table_and_columns_are_matched_by_meaning(tmp_path):
    paths = written(tmp_path, bill_1="customer_id,amount\n1,2\n", bill_2="Customer ID,amount\n1,2\n")
    (group,) = groups(paths)
    assert group.paths == tuple(paths) and group.header == ("customer_id", "amount")
    assert group.aliases[paths[1]] == {"customer_id": "Customer ID", "amount": "amount"}
    assert group.source.path == str(tmp_path / "bill_*.csv")


def test_names_alike_with_other_headers_are_two_tables(tmp_path):
    paths = written(tmp_path, a_1="customer_id,amount\n1,2\n", a_2="shop,street,town\nx,y,z\n")
    assert [group.paths for group in groups(paths)] == [(paths[0],), (paths[1],)]


def test_what_no_reader_knows_or_is_empty_is_named(tmp_path):
    for name, content in {"a.sav": b"x", "b.csv": b"", "c.db": b"no database", "d.md": b"text"}.items():
        (tmp_path / name).write_bytes(content)
    unread: list[grouping.Unread] = []
    paths = [path for path in grouping.data_files(tmp_path) if not grouping.is_unread(path, unread)]
    assert paths == [] and {each.path.name: each.why for each in unread} == {
        "a.sav": "unknown",
        "b.csv": "empty",
        "c.db": "unknown",
    }


def test_hidden_files_and_results_are_no_data(tmp_path):
    for name in ("workspace/shop/scores.parquet", ".cache/a.csv", "a.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a,b\n", encoding="utf-8")
    assert grouping.all_files(tmp_path) == [tmp_path / "a.csv"]


@pytest.mark.parametrize(
    ("names", "shape"),
    [
        (("bill_2026-01.csv", "bill_2026-02.csv"), "bill_%Y-%m.csv"),
        (("账单2026年01月.csv", "账单2026年02月.csv"), "账单%Y年%m月.csv"),
        (("bill_2026-01.csv", "other_2026-02.csv"), None),
        (("bill_2026-01.csv",), None),
        (("bill_202613.csv", "bill_202614.csv"), None),
    ],
)
def test_a_month_is_told_by_every_name_or_by_none(names, shape):
    assert grouping.month_shape([Path(name) for name in names]) == shape
