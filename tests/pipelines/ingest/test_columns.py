"""Column forms: what each makes of raw cells, in time zones too."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from pipelines.config.sources import Source
from tests.demo_project import ROOT
from tests.raw import Raw, at, read_tables

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1, gaps=False, largest_median=1e9, largest_ratio=1e9)


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


def rows(tables, name, *columns):
    return tables[name].order_by(tables[name].columns[0]).select(*columns).to_pyarrow().to_pylist()


def test_a_whole_mapping(raw, con):
    found = raw.read(con)
    first = rows(found, "bills", "bill_id", "customer_id", "amount", "happened_at", "known_at", "happened_on")[0]
    assert first == {
        "bill_id": "B001202601",
        "customer_id": "00001",
        "amount": Decimal("59.01"),
        "happened_at": at("2026-01-31 16:00:00"),
        "known_at": at("2026-02-05 16:00:00"),
        "happened_on": date(2026, 2, 1),
    }
    people = rows(found, "customers", "customer_id", "deactivated_on", "customer_type")
    assert people[2] == {"customer_id": "00003", "deactivated_on": date(2026, 2, 15), "customer_type": "personal"}
    assert {row["deactivated_on"] for row in people if row["customer_id"] != "00003"} == {None}
    assert rows(found, "usage", "data_mb")[0] == {"data_mb": 1.0}
    assert found.declared == ("bills",)


def test_concat_constants_clean_and_other(raw, con):
    raw.mapping["tables"]["bills"]["columns"]["bill_id"] = {"concat": ["用户编号", "账期"], "separator": "/"}
    people = raw.mapping["tables"]["customers"]["columns"]
    people["customer_type"] = {"from": "客户类型", "map": {"77": "x"}, "other": "unknown"}
    people["region"] = {"value": "north"}
    people["customer_id"] = {"from": "用户编号", "clean": ["trim", "width", "upper"]}
    people["loyalty"] = {"from": "状态"}
    raw.column("cust", "用户编号", lambda text: f" {text.translate({ord(str(n)): 0xFF10 + n for n in range(10)})}　")
    found = raw.read(con)
    assert rows(found, "bills", "bill_id")[0]["bill_id"] == "00001/202601"
    first = rows(found, "customers", "customer_id", "customer_type", "region", "loyalty")[0]
    assert first == {"customer_id": "00001", "customer_type": "unknown", "region": "north", "loyalty": "1"}
    assert found.attributes == ("loyalty",)


def test_an_attribute_that_is_declared_as_a_number_is_one(raw, con):
    people = raw.mapping["tables"]["customers"]["columns"]
    people["score"] = {"from": "状态", "type": "number"}
    found = raw.read(con)
    assert found["customers"].schema()["score"].is_floating()
    assert rows(found, "customers", "customer_id", "score")[0] == {"customer_id": "00001", "score": 1.0}


def test_names_are_canonical_first_and_source_second(raw, con):
    raw.rows["bill"][0][3] = "amount"
    raw.mapping["tables"]["bills"]["columns"]["amount"] = {"expr": "amount / 100"}
    raw.mapping["tables"]["bills"]["columns"]["due_on"] = {"expr": "happened_at + 20d"}
    raw.mapping["tables"]["usage"]["known_at"] = "happened_at"
    found = raw.read(con)
    assert rows(found, "bills", "amount", "due_on")[0] == {"amount": Decimal("59.01"), "due_on": date(2026, 2, 21)}
    moments = rows(found, "usage", "happened_at", "known_at")[0]
    assert moments["happened_at"] == moments["known_at"] == at("2026-01-10 00:00:00")


def usage_at(raw, con, zone, texts, **form):
    """The usage moments of customer 00001 as read."""
    raw.mapping["timezone"] = zone
    raw.rows["usage"] = [raw.rows["usage"][0], *[["00001", text, text, "1024"] for text in texts]]
    raw.mapping["tables"]["usage"] |= {
        "happened_at": {"from": "使用时间", **form},
        "known_at": {"from": "入库时间", **form},
    }
    found = raw.read(con, LOOSE)
    return found["usage"].order_by("happened_at").select("happened_at", "happened_on").to_pyarrow().to_pylist()


@pytest.mark.quick_cases(4)
@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("2026-05-01", {}, at("2026-04-30 16:00:00")),
        ("2026-05-01 10:00", {}, at("2026-05-01 02:00:00")),
        ("2026-05-01T10:00:00.5", {}, at("2026-05-01 02:00:00.500000")),
        ("2026-05-01T10:00:00+01:00", {}, at("2026-05-01 09:00:00")),
        ("2026-05-01 10:00:00Z", {}, at("2026-05-01 10:00:00")),
        ("2026/05/01 10-00", {"parse": "%Y/%m/%d %H-%M"}, at("2026-05-01 02:00:00")),
        ("01.05.2026 10:00 +0200", {"parse": "%d.%m.%Y %H:%M %z"}, at("2026-05-01 08:00:00")),
        ("1777629600", {"parse": "epoch_s"}, at("2026-05-01 10:00:00")),
        ("1777629600000", {"parse": "epoch_ms"}, at("2026-05-01 10:00:00")),
        ("202605", {"parse": "%Y%m", "add": "1mo"}, at("2026-05-31 16:00:00")),
        ("20260131", {"parse": "%Y%m%d", "add": "1mo"}, at("2026-02-27 16:00:00")),
    ],
)
def test_moments_become_utc(raw, con, text, form, expected):
    assert usage_at(raw, con, "Asia/Shanghai", [text], **form)[0]["happened_at"] == expected


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"])
def test_local_times_follow_the_zone_table(raw, con, zone):
    """Every hour of days on which clocks change, China's summer time of 1986 to 1991 included; no row is lost."""
    days = [
        date(2026, 3, 29),
        date(2026, 10, 25),
        date(1988, 4, 17),
        date(1988, 9, 11),
        date(2026, 3, 8),
        date(2026, 11, 1),
    ]
    texts = [f"{day} {hour:02d}:30:00" for day in days for hour in range(24)]
    seen = usage_at(raw, con, zone, texts)
    assert len(seen) == len(set(texts)) or len({row["happened_at"] for row in seen}) < len(texts)
    local = [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) for text in texts]
    plain = [
        one
        for one in local
        if one == one.astimezone(UTC).astimezone(ZoneInfo(zone)).replace(fold=0) and not ambiguous(one)
    ]
    expected = {one.astimezone(UTC).replace(tzinfo=None): one.date() for one in plain}
    found = {row["happened_at"]: row["happened_on"] for row in seen}
    assert expected.items() <= found.items()
    assert len(expected) > 130


def ambiguous(moment):
    return moment.utcoffset() != moment.replace(fold=1).utcoffset()


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(fen=st.lists(st.integers(0, 10**11), min_size=1, max_size=30))
def test_fen_become_yuan_exactly(con, tmp_path_factory, fen):
    """From text, whole numbers and decimals alike; the sum is the sum of the fen."""
    raw = Raw(tmp_path_factory.mktemp("money"))
    raw.rows["bill"] = [raw.rows["bill"][0], *[[f"B{n}", "00001", "202601", str(f)] for n, f in enumerate(fen)]]
    found = raw.read(con, LOOSE)
    assert found["bills"].amount.sum().execute() == Decimal(sum(fen)) / 100
    typed = raw.folder / "bill.parquet"
    columns = {
        "账单号": [f"B{n}" for n in range(len(fen))],
        "用户编号": ["00001"] * len(fen),
        "账期": ["202601"] * len(fen),
    }
    for cells in (pa.array(fen, pa.int64()), pa.array([Decimal(f) for f in fen], pa.decimal128(20, 3))):
        pq.write_table(pa.table(columns | {"应收_分": cells}), typed)
        raw.mapping["tables"]["bills"]["source"] = {"path": "bill.parquet"}
        again = read_tables(con, raw.load(), LOOSE)
        assert again["bills"].amount.sum().execute() == Decimal(sum(fen)) / 100


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.115", "1.12"), ("2.675", "2.68"), ("0.005", "0.01"), ("1.1149999", "1.11"), (".5", "0.50"), ("7.", "7.00")],
)
def test_money_as_text_or_float_rounds_half_up(raw, con, text, amount):
    raw.column("bill", "应收_分", text)
    raw.mapping["tables"]["bills"]["columns"]["amount"] = "应收_分"
    assert rows(raw.read(con, LOOSE), "bills", "amount")[0]["amount"] == Decimal(amount)
    table = pa.table({"账单号": ["B"], "用户编号": ["00001"], "账期": ["202601"], "应收_分": [float(text)]})
    pq.write_table(table, raw.folder / "bill.parquet")
    raw.mapping["tables"]["bills"]["source"] = {"path": "bill.parquet"}
    assert rows(read_tables(con, raw.load(), LOOSE), "bills", "amount")[0]["amount"] == Decimal(amount)


def test_a_circle_of_columns_is_refused(raw, con):
    raw.mapping["tables"]["usage"] |= {"happened_at": "known_at + 1d", "known_at": "happened_at + 1d"}
    with pytest.raises(HeadwaterError) as error:
        raw.read(con)
    assert error.value.problem.code == "E213"


def test_clocks_may_stand_among_the_columns(raw):
    table = raw.mapping["tables"]["usage"]
    table["columns"] |= {"happened_at": table.pop("happened_at"), "known_at": table.pop("known_at")}
    assert raw.load().measures == ("data_mb",)


def test_every_source_of_the_guide_can_be_written():
    """The table and the example of docs/guides/sources.md, read as a mapping would be."""
    text = (ROOT / "docs" / "guides" / "sources.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("|") and "`{" in line]
    shown = [yaml.safe_load(re.findall(r"`(\{.*\})`", row)[0]) for row in rows]
    beside = [yaml.safe_load(found) for found in re.findall(r"\| `((?:marker|manifest): .*)` \|", text)]
    examples = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    tables = [table["source"] for example in examples for table in example.values()]
    found = [Source(**source) for source in [*shown, *tables, *({"path": "a.csv"} | said for said in beside)]]
    assert len(beside) >= 7 and len(examples) == 2
    kinds = {"path", "database", "sql", "connection", "watermark", "overlap", "since", "encoding", "marker", "manifest"}
    assert set().union(*(source.model_fields_set for source in found)) >= kinds
