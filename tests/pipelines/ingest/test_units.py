"""A file in another unit is named, with the factor that makes it fit; a fix of the mapping is one that works when pasted."""

import pytest

from features.errors import HeadwaterError
from pipelines.wording import errors
from tests.raw import Monthly


@pytest.fixture
def raw(tmp_path):
    return Monthly(tmp_path)


def refused(raw, con, **options) -> HeadwaterError:
    with pytest.raises(HeadwaterError) as error:
        raw.read(con, **options)
    assert (error.value.problem.code, error.value.exit_code) == ("E301", 3)
    return error.value


@pytest.mark.quick_cases(2)
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


@pytest.mark.quick_cases(1)
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
