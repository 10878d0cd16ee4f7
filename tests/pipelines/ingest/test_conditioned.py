"""Rows that a mapping's `where` leaves out are counted apart; one that keeps nothing names the values that are there."""

import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.ingest import trial
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    made = Raw(tmp_path)
    head, *rows = made.rows["bill"]
    made.rows["bill"] = [[*head, "结果"], *[[*row, "1" if n % 4 == 0 else "0"] for n, row in enumerate(rows)]]
    return made


def with_condition(raw, where):
    raw.mapping["tables"]["bills"]["where"] = where
    return raw


def test_filtered_rows_are_counted_apart(raw, con):
    found = with_condition(raw, '结果 == "0"').read(con)
    count = found.counts["bills"]
    assert (count.in_, count.used, count.filtered, count.quarantined) == (200, 150, 50, 0)
    assert found["bills"].count().execute() == 150
    assert found.warnings == ()


def test_a_filtered_row_may_hold_anything(raw, con):
    """What no bill can be is no matter in a row that does not count: neither a number, nor a code, nor a key."""
    raw.rows["bill"][1][1:4] = ["", "never", "x"]
    assert with_condition(raw, '结果 == "0"').read(con).counts["bills"].quarantined == 0


def test_what_cannot_be_compared_with_a_number_is_put_aside_and_not_filtered(raw, con):
    raw.rows["bill"][3][3] = "much"
    found = with_condition(raw, "应收_分 >= 5910").read(con, Quality(max_quarantined=1))
    count = found.counts["bills"]
    assert (count.filtered, count.quarantined, count.used) == (17, 1, 182)
    assert found.quarantine["bills"].to_pylist()[0]["rule"] == "not_a_number"


def test_a_condition_that_keeps_nothing_names_what_is_there(raw, con):
    with pytest.raises(HeadwaterError) as error:
        with_condition(raw, '结果 == "00"').read(con)
    problem = error.value.problem
    assert (problem.code, problem.column, problem.values["values"]) == ("E323", "结果", '"0", "1"')


def test_a_file_of_which_nothing_is_kept_is_told(raw, con):
    head, *rows = raw.rows["bill"]
    raw.rows["bill_new"] = [head, *[["N" + row[0], *row[1:4], "ok"] for row in rows[:40]]]
    found = with_condition(raw, '结果 in ("0", "1")').read(con)
    assert [(w.code, w.file[-12:], w.values["rows"]) for w in found.warnings] == [("W304", "bill_new.csv", 40)]
    assert found.counts["bills"].filtered == 40


def test_a_column_of_the_condition_that_is_not_there(raw, con):
    with pytest.raises(HeadwaterError) as error:
        with_condition(raw, '结果码 == "0"').read(con)
    assert (error.value.problem.code, error.value.problem.values["nearest"]) == ("E302", "结果")


def test_a_trial_counts_what_is_filtered(raw):
    raw.write()
    tried = {each.table: each for each in trial.trials(with_condition(raw, '结果 == "0"').load())}["bills"]
    assert (tried.rows, tried.filtered, tried.broken) == (200, 50, {})
