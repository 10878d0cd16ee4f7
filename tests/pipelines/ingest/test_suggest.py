"""Proposals are mappings that read, and trials say what a mapping makes of the first rows."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from features.errors import HeadwaterError
from pipelines.ingest import suggest
from tests.raw import Raw


@pytest.fixture
def raw(tmp_path):
    made = Raw(tmp_path)
    made.write("gbk")
    return made


def proposal(path, table=None, encoding="gbk"):
    return yaml.safe_load(suggest.suggest(path, table, encoding))["tables"]


def test_chinese_names_are_known(raw):
    columns = proposal(raw.folder / "cust.csv")["customers"]["columns"]
    assert columns["customer_id"] == "用户编号"
    assert columns["activated_on"] == {"from": "入网日期", "parse": "%Y%m%d"}
    assert columns["customer_type"] == "客户类型"


def test_months_and_fen_of_bills(raw):
    bills = proposal(raw.folder / "bill.csv")["bills"]
    assert bills["columns"]["amount"] == {"expr": "应收_分 / 100", "unit": "CNY"}
    assert bills["happened_at"] == {"from": "账期", "parse": "%Y%m", "add": "1mo"}
    assert bills["known_at"] == "happened_at + 1d"


def test_a_proposal_for_every_table_reads(raw, con):
    """Together the proposals are a mapping that reads the files they were made for."""
    tables = {}
    for name in ("cust", "bill", "usage"):
        tables |= proposal(raw.folder / f"{name}.csv")
    usage = tables["usage"]
    assert usage["columns"].pop("measure_1") == "流量_KB"
    usage["columns"]["data_kb"] = "流量_KB"
    tables["customers"]["columns"].pop("deactivated_on", None)
    raw.mapping["tables"] = tables
    raw.write = raw.write_mapping
    assert raw.read(con).counts["usage"].used == 200


def test_english_names_and_parquet(tmp_path):
    pq.write_table(
        pa.table({"Cust ID": ["1"], "load_time": ["2026-01-01"], "date": ["2026-01-01"], "gb": [1.0]}),
        tmp_path / "u.parquet",
    )
    usage = proposal(tmp_path / "u.parquet", "usage")["usage"]
    assert usage["columns"] == {"customer_id": "Cust ID", "measure_1": "gb"}
    assert usage["known_at"] == "load_time"


def test_doubt_is_marked(raw):
    told = suggest.suggest(raw.folder / "cust.csv", None, "gbk")
    assert next(line for line in told.splitlines() if "状态日期" in line).endswith("# CHECK")


def test_refusals(raw):
    with pytest.raises(HeadwaterError, match="E401"):
        suggest.suggest(raw.folder / "none.csv")
    with pytest.raises(HeadwaterError) as error:
        suggest.suggest(raw.folder / "cust.csv", "customer", "gbk")
    assert (error.value.problem.code, error.value.problem.values["nearest"]) == ("E211", "customers")
    with pytest.raises(HeadwaterError, match="E311"):
        suggest.suggest(raw.folder / "cust.csv", None, "utf-8")


def test_a_trial_counts_what_breaks(raw):
    raw.rows["bill"][1][3] = "x"
    raw.rows["bill"][2][1] = ""
    raw.write()
    trials = {trial.table: trial for trial in suggest.test(raw.load())}
    assert trials["bills"].broken == {"amount.not_a_number": 1, "customer_id.empty": 1}
    assert (trials["bills"].rows, trials["customers"].broken) == (200, {})
    assert len(trials["bills"].example) == 3


def test_a_trial_of_a_broken_mapping_raises_like_a_reading(raw):
    raw.rename("bill", "应收_分", "应收")
    raw.write()
    with pytest.raises(HeadwaterError) as error:
        suggest.test(raw.load())
    assert (error.value.problem.code, error.value.problem.values["nearest"]) == ("E302", "应收")
