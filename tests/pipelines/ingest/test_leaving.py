"""Reasons that count as churn must be on record; where some are not, it is told."""

from dataclasses import replace
from datetime import date

import pytest

from features.errors import HeadwaterError
from models.targets.churn import ChurnTarget
from pipelines.config.settings import Settings
from pipelines.ingest import leaving
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    made = Raw(tmp_path)
    head, *rows = made.rows["cust"]
    made.rows["cust"] = [[*head, "原因"], *[[*row, "欠费" if row[2] == "9" else ""] for row in rows]]
    made.column("cust", "状态", "9", rows=5)
    made.column("cust", "状态日期", "20260215", rows=5)
    made.column("cust", "原因", "主动", rows=3)
    made.mapping["tables"]["customers"]["columns"]["left_reason"] = {
        "from": "原因",
        "map": {"主动": "voluntary", "欠费": "dunning"},
    }
    return made


def settings(*reasons):
    plain = Settings(name="x", mapping="mapping.yaml")
    churn = ChurnTarget(reasons=reasons or None)
    return plain.model_copy(update={"targets": plain.targets.model_copy(update={"churn": churn})})


def test_reasons_are_read_and_those_that_occur_are_quiet(raw, con):
    found = raw.read(con)
    left = found["customers"].filter(found["customers"].deactivated_on == date(2026, 2, 15))
    assert left.left_reason.value_counts().order_by("left_reason").to_pyarrow()["left_reason"].to_pylist() == [
        "voluntary",
        None,
    ]
    assert leaving.check(found, settings()) == leaving.check(found, settings("voluntary")) == ()


def test_a_reason_that_nobody_left_for_is_told_and_none_at_all_stops(raw, con):
    found = replace(raw.read(con))
    (warning,) = leaving.check(found, settings("voluntary", "death"))
    assert (warning.code, warning.values["reason"]) == ("W306", "death")
    with pytest.raises(HeadwaterError) as error:
        leaving.check(found, settings("death"))
    assert (error.value.problem.code, error.value.problem.values["known"]) == ("E324", "voluntary, null")


def test_reasons_need_a_contract_that_ends():
    with pytest.raises(ValueError, match="rule deactivated"):
        ChurnTarget(rule="no_bill", reasons=("voluntary",))
