"""A night made again from later deliveries is that night, customers included: on the simulated operator, whose records
are entered late, corrected, moved, and handed on with their numbers."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features import spine as spines
from features import visible
from features.blocks import household, surroundings
from features.build import build
from features.catalogue import catalogue
from features.definition import Feature
from features.settings import FeatureSettings
from features.spine import Population, population
from pipelines.config.documents import read
from pipelines.config.settings import load
from pipelines.demo.simulator.simulate import simulate
from pipelines.ingest.canonical import canonical
from tests.features.asking import ordered

START, END = date(2025, 1, 1), date(2026, 1, 1)
ALL = catalogue(("sms",), ("tariff",))
QUICK = [f for f in ALL if f.source in ("customers", "attributes", "household", "surroundings_left")]
LOOSE = {"max_quarantined": 1, "max_quarantined_keys": 1, "gaps": False, "max_vanished": 1}
COLUMNS = {
    "customer_id": "用户编号",
    "activated_on": {"from": "入网日期", "parse": "%Y%m%d"},
    "deactivated_on": {"from": "离网日期", "parse": "%Y%m%d", "null_values": ["00000000"]},
    "customer_type": "客户类型",
    "account_id": "账户编号",
    "region": "地市编码",
    "tariff": "套餐编码",
}
NEEDED = ("customers", "bills", "usage")


@dataclass
class Operator:
    """A simulated operator whose customers are delivered night after night; its other files are all there at once."""

    folder: Path
    log: pd.DataFrame
    kind: str
    features: list[Feature]

    def __post_init__(self):
        mapping = read(Path("configs/mappings/operator.yaml")).content
        quick = self.features is QUICK
        tables = {name: table for name, table in mapping["tables"].items() if name in NEEDED or not quick}
        for table in tables.values():
            table["source"]["path"] = table["source"]["path"].replace("data/operator/raw", f"{self.folder}/raw")
            table.pop("freshness", None)
        if quick:
            tables["usage"]["source"]["path"] = tables["usage"]["source"]["path"].replace("usage_*", "usage_202501")
        tables["usage"]["columns"] = {"customer_id": "用户编号", "sms": "短信条数"}
        source = {"path": f"{self.folder}/{self.kind}/cust_*.csv"}
        clock = {"known_at": "known_on"} if self.kind == "changes" else {}
        tables["customers"] = {"source": source, "columns": COLUMNS, "history": self.kind, **clock}
        (self.folder / self.kind).mkdir()
        path = self.folder / f"{self.kind}.yaml"
        path.write_text(json.dumps(mapping | {"tables": tables}, ensure_ascii=False))
        self.config = self.folder / f"config_{self.kind}.yaml"
        self.config.write_text(json.dumps({"name": self.kind, "mapping": str(path), "quality": LOOSE}))
        self.con = ibis.duckdb.connect(threads=2)

    def night(self, day: date, before: date | None = None) -> pa.Table:
        """What the night sees of its population, after the delivery of that night."""
        known = self.log[self.log.known_on < day]
        if self.kind == "changes":
            rows, name = known if before is None else known[known.known_on >= before], f"cust_{day}"
        else:
            rows, name = known.groupby(["用户编号", "入网日期"]).tail(1).drop(columns="known_on"), "cust_all"
        rows.to_csv(self.folder / self.kind / f"{name}.csv", index=False)
        return self.again(day)

    def again(self, day: date) -> pa.Table:
        """The same from what has been delivered by now."""
        settings = load(self.config, environment={})
        found = canonical(self.con, settings, self.folder / "ws" / self.kind, day)
        people = population(found.tables, [day], settings.tables.timezone, Population())
        rows = self.con.to_pyarrow(build(found.tables, people, self.features, FeatureSettings()))
        return ordered(rows)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("operator")
    simulate(folder / "raw", 250, 11, START, END)
    return folder


def operator(raw: Path, folder: Path, kind: str, features: list[Feature] = QUICK) -> Operator:
    (folder / "raw").symlink_to(raw / "raw")
    log = pd.read_parquet(raw / "truth" / "records.parquet").sort_values("known_on", kind="stable")
    return Operator(folder, log, kind, features)


def nights_that_differ(given: Operator, days: list[date]) -> list[date]:
    """Nights that are not what they were, made again after the last delivery."""
    first = {day: given.night(day, before) for day, before in zip(days, [None, *days], strict=False)}
    assert all(rows.num_rows > 100 for rows in first.values())
    differing = [day for day, rows in first.items() if not given.again(day).equals(rows)]
    given.con.disconnect()
    return differing


DAYS = [date(2025, 8, 20), date(2025, 9, 2), date(2025, 9, 3), date(2025, 12, 15)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["changes", "snapshots"])
def test_three_nights_come_back_as_they_were(raw, tmp_path, kind):
    assert nights_that_differ(operator(raw, tmp_path, kind), DAYS) == []


@pytest.mark.slow
def test_a_night_that_sees_the_record_of_today_is_found(raw, tmp_path, monkeypatch):
    for module in (visible, spines, household, surroundings):
        monkeypatch.setattr(module, "known", lambda cutoff, rows: rows.superseded_at.isnull())
    assert DAYS[0] in nights_that_differ(operator(raw, tmp_path, "snapshots"), [DAYS[0], DAYS[3]])


def test_the_records_hold_what_they_claim(raw):
    """Late rows, corrections, moves, other tariffs, leaving told late, and numbers that are handed on."""
    log = pd.read_parquet(raw / "truth" / "records.parquet")
    first = log.groupby(["用户编号", "入网日期"]).first()
    joined = pd.to_datetime(first.index.get_level_values(1), format="%Y%m%d")
    assert ((pd.to_datetime(first.known_on) - joined).dt.days > 0).mean() > 0.15
    for column in ("地市编码", "客户类型", "套餐编码", "离网日期"):
        assert (log.groupby(["用户编号", "入网日期"])[column].nunique() > 1).sum() > 3, column
    assert (log.groupby("用户编号").入网日期.nunique() > 1).sum() >= 1
