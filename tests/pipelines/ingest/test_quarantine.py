"""Rows put aside: what is said of each, and how many are too many."""

import pytest

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


def put_aside(found, table="bills"):
    return found.quarantine[table].to_pylist()


def test_quarantine_says_file_row_column_and_rule(raw, con):
    raw.rows["bill"][5] = ["B00000", "13812345678", "202601", "5900"]
    raw.rows["bill"][7][3] = "1,5".replace(",", ".5.")
    raw.rows["bill"][9] = ["B00001", "00001"]
    found = raw.read(con, Quality(max_quarantined=0.5))
    assert [(row["row"], row["column"], row["rule"]) for row in put_aside(found)] == [
        (5, "customer_id", "unknown_customer"),
        (7, "amount", "not_a_number"),
        (9, None, "ragged_row"),
    ]
    values = [row["value"] for row in put_aside(found)]
    assert values[1] == "1.5.5"
    assert "13812345678" not in values[0]
    assert {row["file"] for row in put_aside(found)} == {str(raw.folder / "bill.csv")}
    assert [(p.code, p.values["rows"]) for p in found.warnings] == [("W302", 3)]


def test_the_threshold_itself_is_allowed(raw, con):
    raw.rows["bill"][1][3] = "x"
    raw.rows["bill"][2][3] = "x"
    assert raw.read(con, Quality(max_quarantined=0.01)).counts["bills"].quarantined == 2
    raw.rows["bill"][3][3] = "x"
    with pytest.raises(HeadwaterError, match="E308"):
        raw.read(con, Quality(max_quarantined=0.01))
