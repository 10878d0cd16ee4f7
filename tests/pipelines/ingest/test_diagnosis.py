"""What stops a table is told whole, with fixes that work when they are pasted."""

import re

import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.wording import errors
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


def test_every_problem_of_a_table_is_told_at_once(raw, con):
    """Each was met at a reading of its own: missing columns one after the other, then codes, then dates."""
    raw.rename("bill", "账期", "账务周期")
    raw.rename("bill", "用户编号", "服务号码")
    raw.column("bill", "应收_分", "1e3")
    raw.column("cust", "客户类型", "07")
    raw.column("cust", "入网日期", "April")
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    told = {(p.code, p.values["table"], p.column) for p in error.value.problems}
    assert told == {
        ("E321", "customers", "客户类型"),
        ("E307", "customers", "activated_on"),
        ("E302", "bills", "账期"),
        ("E302", "bills", "用户编号"),
        ("E308", "bills", "amount"),
    }
    assert all(p.file and p.values["mapping"] for p in error.value.problems)


def test_rules_behind_the_first_broken_one_are_told(raw, con):
    """A row is put aside for one thing only; the others would be met when that one is mended."""
    raw.column("usage", "流量_KB", "1,5".replace(",", ".5."))
    raw.column("usage", "使用时间", "yesterday")
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    told = {(p.code, p.column): p for p in error.value.problems}
    assert set(told) == {("E308", "data_mb"), ("E307", "happened_at")}
    assert told["E308", "data_mb"].row == 1 and told["E308", "data_mb"].values["rows"] == 200


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    "written",
    ["2023-04-01", "01.04.2023", "2023/4/1", "2023年4月1日", "13/04/2023"],
)
def test_the_shape_of_dates_is_found_and_works_when_pasted(raw, con, written):
    raw.column("cust", "入网日期", written)
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    fix = errors.sentence(error.value.problem, "fix", "en")
    form = raw.mapping["tables"]["customers"]["columns"]["activated_on"]
    form.pop("parse")
    if pasted := re.search(r'parse: "[^"]+"', fix):
        form |= yaml.safe_load(pasted[0])
    else:
        assert "remove parse" in fix
    assert raw.read(con).counts["customers"].used == 100


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("03/04/2023", ("%d/%m/%Y", "%m/%d/%Y")),
        ("spring", ("the shape of these dates",)),
        ("99999999", ("null_values",)),
    ],
)
def test_where_dates_do_not_tell_a_person_is_asked(raw, con, written, words):
    raw.column("cust", "入网日期", written, rows=None if written != "99999999" else 5)
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    fix = errors.sentence(error.value.problem, "fix", "en")
    assert all(word in fix for word in words), fix


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("written", "read"), [("1.234,5", 1234.5), ("12,5", 12.5), ("-", None)])
def test_the_form_of_numbers_is_found_and_works_when_pasted(raw, con, written, read):
    raw.rows["usage"][1][3] = f'"{written}"'
    raw.column("usage", "流量_KB", f'"{written}"', 100 if read else 3)
    raw.mapping["tables"]["usage"]["columns"]["data_mb"] = "流量_KB"
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    fix = errors.sentence(error.value.problem, "fix", "en")
    form = (
        yaml.safe_load(re.search(r"data_mb: (\{.*\})", fix)[1])
        if read
        else {"from": "流量_KB", "null_values": ["", "-"]}
    )
    assert read or 'null_values: ["", "-"]' in fix
    raw.mapping["tables"]["usage"]["columns"]["data_mb"] = form
    raw.column("usage", "流量_KB", f'"{written}"', None if read else 3)
    usage = raw.read(con)["usage"].to_pandas().data_mb
    assert usage.isnull().sum() == (0 if read else 3) and (read is None or set(usage) == {read})
