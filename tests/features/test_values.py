"""The expression of a feature, its type by its unit, and where its function stands."""

import ibis
import pytest

from features.catalogue import catalogue
from features.definition import Feature, columns, feature
from features.values import kind, place, value

CATALOGUE = {f.column: f for f in catalogue(("sms",))}


@feature("complaints", unit="count", label=("late", "晚"), zh="晚到的投诉", reason="complaints")
def late_complaints(rows):
    """Complaints of a long time ago."""
    return (rows.days_ago > 9).sum()


def late() -> Feature:
    return columns(late_complaints.definition, ())[0]


@pytest.mark.parametrize(("column", "expected"), [("plan", "string"), ("arpu_3m", "float64"), ("sms_days_12w", "float64")])  # fmt: skip
def test_the_unit_says_the_type(column: str, expected: str):
    assert kind(CATALOGUE[column]) == expected


def test_a_value_is_what_the_function_makes_of_the_rows(con: ibis.BaseBackend):
    rows = ibis.memtable({"days_ago": [1, 10, 11]})
    assert con.to_pyarrow(value(late(), rows)).as_py() == 2


def test_an_error_about_a_feature_names_its_file_and_line():
    where = place(late())
    assert where["file"].endswith("test_values.py") and where["name"] == "late_complaints"
    with open(where["file"], encoding="utf-8") as lines:  # noqa: PTH123
        assert list(lines)[where["row"] - 1].startswith("@feature(")


def test_whole_rows_get_the_settings_where_they_take_them():
    taking, not_taking = CATALOGUE["lifecycle_stage"], CATALOGUE["bill_over_fee"]
    assert taking.definition.function.__code__.co_argcount == 2
    row = ibis.table({"arpu_3m": "float64", "plan_fee": "float64"}, name="wide")
    assert isinstance(value(not_taking, row, "settings"), ibis.expr.types.Column)
