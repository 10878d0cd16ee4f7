"""Columns beyond the contract of what describes events are kept with their types; values that count apart are looked for."""

from datetime import date

import pytest

from features.errors import HeadwaterError
from features.settings import FeatureSettings
from pipelines.config.mapping_file import load_mapping
from pipelines.config.settings import Settings, load
from pipelines.ingest import counted
from tests.raw import Raw

AS_OF = date(2026, 3, 1)
CALLS = {
    "source": {"path": "calls*.csv"},
    "columns": {
        "contact_id": "单号",
        "customer_id": "用户编号",
        "reason": {"from": "原因", "type": "category"},
        "minutes": {"from": "时长", "type": "number"},
        "solved": {"from": "解决", "type": "flag"},
        "promised_on": {"from": "约定", "type": "date", "parse": "%Y%m%d"},
        "outcome": {"from": "结果", "map": {"1": "kept", "2": "lost"}},
    },
    "happened_at": "时间",
    "known_at": "happened_at + 1d",
}
REASONS = ["资费"] * 6 + ["网络"] * 3 + ["搬家"] * 2 + [""]


@pytest.fixture
def raw(tmp_path):
    made = Raw(tmp_path)
    head = ["单号", "用户编号", "原因", "时长", "解决", "约定", "结果", "时间"]
    rows = [
        [f"T{n}", f"{n + 1:05d}", reason, str(n / 2), "是" if n % 2 else "否", "20260301", "1", "2026-02-10 08:00:00"]
        for n, reason in enumerate(REASONS)
    ]
    made.rows["calls"] = [head, *rows, ["T99", "00001", "机器人", "1", "是", "", "2", "2026-03-01 08:00:00"]]
    made.mapping["tables"]["contacts"] = CALLS | {"columns": dict(CALLS["columns"])}
    return made


def settings_of(raw: Raw, values) -> Settings:
    listed = FeatureSettings.model_validate({"counted": {"contacts": {"reason": values}}})
    made = Settings(name="x", mapping="mapping.yaml").model_copy(update={"features": listed})
    made._tables = raw.load()
    return made


def test_columns_of_ones_own_are_kept_with_the_types_that_they_say(raw, con):
    schema = raw.read(con)["contacts"].schema()
    types = {name: str(schema[name]) for name in ("reason", "minutes", "solved", "promised_on", "outcome")}
    assert types == {
        "reason": "string",
        "minutes": "float64",
        "solved": "boolean",
        "promised_on": "date",
        "outcome": "string",
    }


@pytest.mark.parametrize("table", ["contacts", "complaints", "subscriptions"])
def test_a_column_that_does_not_say_its_type_may_be_misspelt(raw, table):
    part = raw.mapping["tables"].pop("contacts")
    part["columns"] = {"chanel": "原因"}
    raw.mapping["tables"][table] = part
    with pytest.raises(HeadwaterError) as error:
        load_mapping(raw.write())
    told = next(problem for problem in error.value.problems if problem.code == "E281")
    assert told.column == f"tables.{table}.columns.chanel"
    part["columns"] = {"days_ago": {"from": "时长", "type": "number"}}
    with pytest.raises(HeadwaterError) as error:
        load_mapping(raw.write())
    assert "E214" in {problem.code for problem in error.value.problems}, "a name that rows of events have already"


def test_listed_values_that_cover_what_is_said_are_quiet(raw, con):
    """What is said once in a while needs no name, and the call of tomorrow is not looked at."""
    found = raw.read(con)
    assert (
        list(counted.check(found, settings_of(raw, {"price": "资费", "network": "网络", "moving": "搬家"}), AS_OF))
        == []
    )


def test_frequent_values_that_are_not_listed_and_listed_ones_that_nobody_has_are_told(raw, con):
    found = raw.read(con)
    other, missing = counted.check(found, settings_of(raw, {"price": "资费", "bill": "账单"}), AS_OF)
    assert (other.code, other.values["found"]) == ("W368", "网络 3, 搬家 2")
    assert other.values["share"] == pytest.approx(5 / 11)
    assert (missing.code, missing.values["found"]) == ("W369", "账单")


@pytest.mark.parametrize(
    ("listed", "code"),
    [
        ("{contacts: {reason: {price: 资费}, solved: {'yes': 'true'}, outcome: [lost]}}", None),
        ("{contacts: {raeson: [price]}}", "E282"),
        ("{contacts: {minutes: [long]}}", "E282"),
        ("{contacts: {contact_id: [t1]}}", "E282"),
        ("{contacts: {outcome: [saved]}}", "E283"),
        ("{contacts: {solved: [maybe]}}", "E283"),
        ("{complaints: {topic: [price]}}", "E248"),
    ],
)
def test_what_is_counted_must_be_there(raw, tmp_path, listed, code):
    raw.write()
    path = tmp_path / "headwater.yaml"
    path.write_text(f"name: x\nmapping: mapping.yaml\nfeatures:\n  counted: {listed}\n", encoding="utf-8")
    if code is None:
        assert set(load(path, environment={}).features.counted["contacts"]) == {"reason", "solved", "outcome"}
        return
    with pytest.raises(HeadwaterError) as error:
        load(path, environment={})
    assert (error.value.problem.code, error.value.problem.row) == (code, 4)
