"""Contact details are read for those who are asked about, and nothing is guessed where rows disagree."""

import datetime as dt

import pytest

from features.errors import HeadwaterError
from pipelines.config.mapping import Mapping
from pipelines.ingest.contact_details import read
from pipelines.wording.errors import sentence
from pipelines.workspace.erasures import Erasures
from tests.raw import Raw

ROWS = ["编号,姓名,手机,邮箱,停用", "001,张三,138001,a@x.com,0", "002,李四,138002,,0", "002,李四,139002,,0", "003,王五,138003,c@x.com,1",
        "004,赵六,138004,d@x.com,0"]  # fmt: skip
PART = {
    "source": {"path": "who.csv", "format": "csv", "encoding": "gbk"},
    "columns": {"customer_id": "编号", "contact_name": "姓名", "phone": "手机", "email": "邮箱"},
    "where": '停用 == "0"',
}


def mapping(folder, rows=ROWS, **changes) -> Mapping:
    (folder / "who.csv").write_text("\n".join(rows) + "\n", encoding="gbk")
    part = PART | {"source": PART["source"] | {"path": str(folder / "who.csv")}} | changes
    return Mapping.model_validate({"tables": {}, "contact_details": part})


def test_those_who_are_asked_about_are_told_in_their_order(tmp_path):
    erased = Erasures().begun(["004"], dt.date(2026, 11, 1))
    found = read(mapping(tmp_path), ["003", "002", "001", "004", "009"], erased)
    assert found.index.tolist() == ["003", "002", "001", "004", "009"]
    assert found.loc["001"].tolist() == ["张三", "138001", "a@x.com"]
    assert found.loc["002"].tolist() == ["李四", None, None]  # two numbers: nobody knows which is theirs
    assert not found.loc[["003", "004", "009"]].notna().any(axis=None)  # left out by `where`, erased, not there


def test_nobody_asked_about_is_nobody_told(tmp_path):
    assert read(mapping(tmp_path), [], Erasures()).empty


def test_files_tell_how_they_are_written_where_the_mapping_does_not(tmp_path):
    rows = [row.replace(",", ";") for row in ROWS]
    made = mapping(tmp_path, rows, source={"path": str(tmp_path / "who.csv")})
    assert read(made, ["001"], Erasures()).loc["001"].tolist() == ["张三", "138001", "a@x.com"]


def test_a_column_that_is_not_there_is_named_and_no_value(tmp_path):
    with pytest.raises(HeadwaterError) as raised:
        read(mapping(tmp_path, columns=PART["columns"] | {"phone": "电话"}), ["001"], Erasures())
    problem = raised.value.problem
    assert problem.code == "E302" and "138001" not in str(problem)
    assert sentence(problem, "fix", "en").startswith("mapping > contact_details.columns: ")


def test_without_a_source_nothing_can_be_joined():
    with pytest.raises(HeadwaterError) as raised:
        read(Mapping.model_validate({"tables": {}}), ["001"], Erasures())
    assert (raised.value.problem.code, raised.value.exit_code) == ("E248", 2)


def test_no_night_reads_them(tmp_path):
    raw = Raw(tmp_path)
    raw.mapping["tables"]["contact_details"] = {"source": {"path": "who.csv"}, "columns": {"customer_id": "编号"}}
    with pytest.raises(HeadwaterError) as raised:
        raw.load()
    assert raised.value.problem.code == "E211" and "beside tables" in raised.value.problem.values["nearest"]
    assert "who.csv" not in str(mapping(tmp_path).model_dump())  # no recipe of a reading knows of them


@pytest.mark.parametrize(
    ("columns", "code"), [({"phone": "手机"}, "E210"), ({"customer_id": "编号", "telefon": "手机"}, "E211")]
)
def test_a_mapping_says_whose_they_are_and_nothing_else(tmp_path, columns, code):
    raw = Raw(tmp_path)
    raw.mapping["contact_details"] = {"source": {"path": "who.csv"}, "columns": columns}
    with pytest.raises(HeadwaterError) as raised:
        raw.load()
    assert raised.value.problem.code == code and raised.value.problem.column.startswith("contact_details")
