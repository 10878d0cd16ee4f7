"""The program that prices new files: what it delivers is new, and of the days before the night."""

from datetime import date

import pandas as pd
import pytest

from benchmarks import reading
from benchmarks.operator import RAW
from pipelines.demo.simulator.simulate import simulate

NIGHT = date(2026, 11, 3)


def test_a_delivery_is_another_customers_file_and_one_usage_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "MOVED", 0.5)
    simulate(RAW, 100, 7)
    before = pd.read_csv(RAW / "cust_main.csv", dtype=str, encoding="gbk")
    files = set((RAW / "usage").iterdir())
    reading.deliver(NIGHT)
    after = pd.read_csv(RAW / "cust_main.csv", dtype=str, encoding="gbk")
    assert (after["用户编号"] == before["用户编号"]).all() and (after["地市编码"] != before["地市编码"]).any()
    (new,) = set((RAW / "usage").iterdir()) - files
    rows = pd.read_parquet(new)
    assert len(rows) > 50 and rows["使用时间"].max() < rows["入库时间"].min() < pd.Timestamp(NIGHT)


@pytest.mark.parametrize(("busy", "code"), [(13.0, 0), (13.1, 1)])
def test_a_dearer_night_misses_the_bar(monkeypatch, capsys, busy, code):
    quiet = {"night": 10.0, "reading": 1.0, "files": 0}
    monkeypatch.setattr(reading, "nights", lambda count: ([quiet] * count, [quiet | {"night": busy}] * count))
    assert reading.compared(2) == code
    assert "bar 1.3" in capsys.readouterr().out
