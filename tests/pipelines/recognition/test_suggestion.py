"""A proposal for one file: what is known is mapped, what a person must decide is marked."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.recognition.suggestion import suggestion
from tests.pipelines.recognition import folders
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    made = Raw(tmp_path)
    made.write("gbk")
    return made


def proposed(path, table=None):
    return yaml.safe_load(suggestion(path, table, None, "en"))["tables"]


def test_chinese_names_months_and_fen(raw):
    columns = proposed(raw.folder / "cust.csv")["customers"]["columns"]
    assert columns["customer_id"] == "用户编号"
    assert columns["activated_on"] == {"from": "入网日期", "parse": "%Y%m%d"}
    bills = proposed(raw.folder / "bill.csv")["bills"]
    assert bills["columns"]["amount"] == {"expr": "应收_分 / 100", "unit": "CNY"}
    assert bills["happened_at"] == {"from": "账期", "parse": "%Y%m", "add": "1mo"}
    assert bills["known_at"] == "happened_at + 5d"


def test_english_names_and_parquet(tmp_path):
    table = {
        "Cust ID": ["1", "2"],
        "load_time": ["2026-01-03"] * 2,
        "date": ["2026-01-01", "2026-01-02"],
        "Logins": [1.0, 2.5],
    }
    pq.write_table(pa.table(table), tmp_path / "u.parquet")
    usage = proposed(tmp_path / "u.parquet", "usage")["usage"]
    assert usage["columns"] == {"customer_id": "Cust ID", "logins": "Logins"}
    assert usage["known_at"] == "load_time"


def test_each_table_of_a_database_is_mapped(tmp_path):
    """It was read as if it were Parquet, and its owner was told to deliver it again."""
    base = folders.in_sqlite(folders.operator(tmp_path), "gbk") / "客户 crm.db"
    made = proposed(base)
    assert {name: table["source"] for name, table in made.items()} == {
        name: {"connection": f"sqlite://{base}", "table": own}
        for name, own in (("customers", "cust"), ("bills", "bill"), ("usage", "usage"))
    }
    assert made == proposed(base, "bills")
    with pytest.raises(HeadwaterError, match="E256"):
        proposed(base, "surveys")


def test_doubt_and_lack_are_marked(raw):
    told = suggestion(raw.folder / "cust.csv", None, "gbk", "en").splitlines()
    assert next(line for line in told if "状态日期" in line).count("CHECK") == 1
    lacking = suggestion(raw.folder / "bill.csv", "customers", None, "zh")
    assert "# activated_on: 必需，未找到" in lacking


def test_refusals(raw):
    with pytest.raises(HeadwaterError, match="E401"):
        suggestion(raw.folder / "none.csv", None, None, "en")
    with pytest.raises(HeadwaterError) as error:
        suggestion(raw.folder / "cust.csv", "customer", "gbk", "en")
    assert (error.value.problem.code, error.value.problem.values["nearest"]) == ("E211", "customers")
    with pytest.raises(HeadwaterError, match="E311"):
        suggestion(raw.folder / "cust.csv", None, "utf-8", "en")
