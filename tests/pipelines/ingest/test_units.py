"""A file in another unit is named, with the factor that makes it fit; a fix of the mapping is one that works when pasted."""

from datetime import date

import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import magnitudes
from pipelines.ingest.magnitudes import FileSize, departing
from pipelines.wording import errors
from tests.raw import Raw, at

MONTHS = [f"2025{month:02d}" for month in range(6, 13)]


class Monthly(Raw):
    """Bills and usage of seven months, a file a month."""

    def __init__(self, folder):
        super().__init__(folder)
        self.mapping["tables"]["usage"]["columns"]["sms"] = "短信"
        people = [row[0] for row in self.rows["cust"][1:]]
        self.rows = {"cust": self.rows["cust"]}
        for month in MONTHS:
            head = ["账单号", "用户编号", "账期", "应收_分"]
            bills = [[f"B{p}{month}", p, month, str(4000 + 37 * int(p))] for p in people]
            day = f"{month[:4]}-{month[4:]}"
            usage = [
                [p, f"{day}-10 08:00:00", f"{day}-11 02:00:00", str(1024 * int(p)), str(3 + int(p) % 40)]
                for p in people
            ]
            self.rows |= {f"bill_{month}": [head, *bills]}
            self.rows |= {f"usage_{month}": [["用户编号", "使用时间", "入库时间", "流量_KB", "短信"], *usage]}

    def times(self, name: str, column: str, factor: float, rows: int | None = None):
        self.column(name, column, lambda text: f"{int(text) * factor:.4f}".rstrip("0").rstrip("."), rows)
        return self


@pytest.fixture
def raw(tmp_path):
    return Monthly(tmp_path)


def refused(raw, con, **options) -> HeadwaterError:
    with pytest.raises(HeadwaterError) as error:
        raw.read(con, **options)
    assert (error.value.problem.code, error.value.exit_code) == ("E301", 3)
    return error.value


@pytest.mark.parametrize(
    ("file", "column", "factor", "step"),
    [
        ("bill_202512", "应收_分", 100, "amount / 100"),
        ("bill_202512", "应收_分", 0.01, "amount * 100"),
        ("bill_202509", "应收_分", 100, "amount / 100"),
        ("bill_202506", "应收_分", 100, "amount / 100"),
        ("usage_202512", "短信", 60, "sms / 60"),
        ("usage_202510", "流量_KB", 1024, "data_mb / 1024"),
    ],
)
def test_one_file_in_another_unit_is_named_with_its_factor(raw, con, file, column, factor, step):
    """The newest, one in the middle and the first; the mapping, which fits the others, is not to be changed."""
    error = refused(raw.times(file, column, factor), con)
    assert error.problem.file.endswith(f"{file}.csv")
    for lang in ("en", "zh"):
        told = errors.render_line(error.problem, lang)
        assert step in told
        assert "expr" not in told


def test_the_factor_is_tried_on_a_value_of_the_file(raw, con):
    told = errors.render_line(refused(raw.times("bill_202512", "应收_分", 100), con).problem, "en")
    assert "median 5,900 in this file against 59 to 59" in told
    assert "tried: 5,887 becomes 58.87" in told


def test_a_factor_that_is_none_is_not_guessed(raw, con):
    told = errors.render_line(refused(raw.times("usage_202512", "短信", 290), con).problem, "en")
    assert "ask for the unit of sms" in told
    assert "/ 100" not in told


@pytest.mark.parametrize(
    ("file", "factor", "rows"),
    [("bill_202512", 4, None), ("bill_202512", 0.3, None), ("bill_202512", 100, 45), ("usage_202512", 3, None)],
)
def test_dearer_months_and_a_few_large_bills_are_no_other_unit(raw, con, file, factor, rows):
    raw.times(file, "应收_分" if "bill" in file else "短信", factor, rows)
    assert sum(count.used for count in raw.read(con).counts.values()) == 1500


def test_a_file_of_few_rows_says_little(raw, con):
    raw.times("bill_202512", "应收_分", 100)
    raw.rows["bill_202512"] = raw.rows["bill_202512"][:30]
    assert raw.read(con).counts["bills"].used == 629


def test_a_limit_that_was_raised_lets_it_pass(raw, con):
    raw.times("bill_202512", "应收_分", 100)
    assert raw.read(con, Quality(largest_change=1000)).counts["bills"].used == 700


@pytest.mark.parametrize(
    ("table", "column", "source", "factor", "expr"),
    [
        ("usage", "sms", "短信", 60, "短信 / 60"),
        ("usage", "data_mb", "流量_KB", 1024, "(流量_KB / 1024) / 1024"),
        ("bills", "amount", "应收_分", 100, "(应收_分 / 100) / 100"),
        ("bills", "amount", "应收_分", 0.01, "(应收_分 / 100) * 100"),
    ],
)
def test_the_fix_of_a_whole_source_works_when_it_is_pasted(raw, con, table, column, source, factor, expr):
    before = raw.read(con).medians
    for name in raw.rows:
        if name.startswith(table[:4]):
            raw.times(name, source, factor)
    problem = refused(raw, con, before=before).problem
    assert problem.values["expr"] == expr
    assert f'expr: "{expr}"' in errors.render_line(problem, "en")
    raw.mapping["tables"][table]["columns"][column] = {"expr": problem.values["expr"], "unit": "CNY"}
    assert raw.read(con, before=before).medians[f"{table}.{column}"] == pytest.approx(
        before[f"{table}.{column}"], rel=0.05
    )


def test_a_whole_source_of_an_unknown_factor_gets_no_expression(raw, con):
    before = raw.read(con).medians | {"usage.sms": 0.07}
    told = errors.render_line(refused(raw, con, before=before).problem, "en")
    assert "ask for the unit of sms" in told


def size(position: int, median: float, day: int | None) -> FileSize:
    return FileSize(position, median, None if day is None else date(2026, 1, day))


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ([size(0, 50, 1), size(1, 5000, 2)], 1),
        ([size(0, 5000, 1), size(1, 50, 2), size(2, 52, 3)], 0),
        ([size(0, 50, 1), size(1, 500, 1), size(2, 55, 2), size(3, 510, 2)], None),
        ([size(0, 50, 1), size(1, 500, 1), size(2, 5500, 2)], 2),
        ([size(0, 50, None), size(1, 5000, None)], 1),
        ([size(0, 50, 1), size(1, 240, 2), size(2, 1100, 3)], None),
    ],
)
def test_which_file_departs(files, named):
    """Two files of one day are one delivery in two parts, and need not be alike."""
    found = departing(files, 5.0)
    assert (found and found[0].position) == named


def test_sizes_of_slices_and_readings_add_up():
    moment = at("2026-01-01")
    row = {"__file": 0, "column": "sms", "value": 3.0, "whole": True, "rows": 2, "newest": moment}
    table = magnitudes.SIZES.empty_table().from_pylist([row], schema=magnitudes.SIZES)
    assert magnitudes.total_counts([table, table]).to_pylist() == [row | {"rows": 4}]
