"""Sizes of columns and files against each other, and against those of before."""

from datetime import date

import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import magnitudes
from pipelines.ingest.magnitudes import FileSize, departing
from tests.raw import Monthly, Raw, at


@pytest.fixture
def raw(tmp_path):
    return Monthly(tmp_path)


@pytest.mark.quick_cases(1)
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


@pytest.fixture
def small(tmp_path):
    return Raw(tmp_path)


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(("factor", "code"), [(1, None), (4.9, None), (5.1, "E301"), (60, "E301"), (1 / 1024, "E301")])
def test_a_measure_that_changed_its_unit(small, con, factor, code):
    before = {"usage.data_mb": 50.5 / factor}
    if code is None:
        assert small.read(con, before=before).medians["usage.data_mb"] == 50.5
        return
    with pytest.raises(HeadwaterError) as error:
        small.read(con, before=before)
    assert (error.value.problem.code, error.value.problem.column) == (code, "data_mb")


def test_fen_in_a_currency_without_cents_is_plain_money(small, con):
    small.mapping["tables"]["bills"]["columns"]["amount"] = "应收_分"
    small.mapping["currency"] = "JPY"
    assert small.read(con).medians["bills.amount"] > 5900


def test_a_sign_the_wrong_way_round_is_told_and_its_fix_works(raw, con):
    for name in [name for name in raw.rows if name.startswith("bill")]:
        raw.times(name, "应收_分", -1)
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    problem = error.value.problem
    assert (problem.code, problem.values["expr"]) == ("E301", "-(应收_分 / 100)")
    raw.mapping["tables"]["bills"]["columns"]["amount"] = {"expr": problem.values["expr"], "unit": "CNY"}
    assert raw.read(con).medians["bills.amount"] == pytest.approx(59, rel=0.05)


@pytest.mark.parametrize("file", ["bill_202506", "bill_202509", "bill_202512"])
def test_one_file_with_the_other_sign_is_named(raw, con, file):
    with pytest.raises(HeadwaterError, match="E301") as error:
        raw.times(file, "应收_分", -1).read(con)
    assert error.value.problem.file.endswith(f"{file}.csv")


def test_credit_notes_among_bills_and_in_a_file_beside_them_are_money(raw, con):
    """Returns of a few, and a file of nothing but credit notes in a month that has its bills."""
    raw.times("bill_202508", "应收_分", -1, rows=20)
    raw.rows["bill_credits"] = [
        raw.rows["bill_202512"][0],
        *[["K" + row[0], *row[1:]] for row in raw.rows["bill_202512"][1:]],
    ]
    found = raw.times("bill_credits", "应收_分", -0.5).read(con)
    assert found.counts["bills"].used == 800
    assert found["bills"].filter(found["bills"].amount < 0).count().execute() == 120
