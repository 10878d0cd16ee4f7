"""Any night again: the raw files as they lay there on that evening, and as they are a month later, give the same rows."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.errors import HeadwaterError
from pipelines.flows import nightly
from pipelines.flows.night import Night
from pipelines.project import Project
from pipelines.workspace.progress import Steps

CLOCKS = {
    "bill_*.parquet": ("账期", "%Y%m", pd.DateOffset(months=1, days=5)),
    "payment_*.parquet": ("缴费时间", None, pd.DateOffset(days=1)),
    "usage/usage_*.parquet": ("入库时间", None, None),
    "contact.parquet": ("入库时间", None, None),
    "plan_history.csv": ("受理时间", None, None),
    "complaint.csv": ("录入时间", None, None),
    "survey.csv": ("答卷时间", None, pd.DateOffset(days=1)),
    "consent.csv": ("操作时间", None, pd.DateOffset(days=1)),
}
"""When the rows of each raw file reach the company, as the mapping declares it."""


def as_of_that_evening(raw: Path, day: date) -> int:
    """Take out of the raw files what arrived on `day` or later; how many rows that were."""
    gone = 0
    for pattern, (column, shape, delay) in CLOCKS.items():
        for path in sorted(raw.glob(pattern)):
            rows = read(path)
            known = pd.to_datetime(rows[column], format=shape, errors="coerce")
            kept = ~(known + delay >= pd.Timestamp(day)) if delay is not None else ~(known >= pd.Timestamp(day))
            gone += int((~kept).sum())
            write(path, rows[kept])
    gone += people_of_that_evening(raw / "cust_main.csv", day)
    solved(raw / "complaint.csv", day)
    return gone


def people_of_that_evening(path: Path, day: date) -> int:
    """Who had joined, and had not left yet: a later leaver stands there as a customer."""
    rows, today = read(path), day.strftime("%Y%m%d")
    rows = rows.assign(状态=rows["状态"].where((rows["状态"] != "9") | (rows["状态日期"] < today), "1"))
    kept = (rows["入网日期"] < today) | (rows["入网日期"].str[4:6] > "12")  # damaged dates stay and are put aside
    write(path, rows[kept])
    return int((~kept).sum())


def solved(path: Path, day: date) -> None:
    rows = read(path)
    write(path, rows.assign(办结时间=rows["办结时间"].where(rows["办结时间"] < day.isoformat(), "")))


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".csv":
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="gbk")
    return pd.read_parquet(path)


def write(path: Path, rows: pd.DataFrame) -> None:
    if not len(rows):
        path.unlink()
    elif path.suffix == ".csv":
        rows.to_csv(path, index=False, encoding="gbk", lineterminator="\n")
    else:
        rows.to_parquet(path, index=False)


def night(day: date) -> Night:
    found = nightly.run(Night(Project.open("configs/operator.yaml", **{"gates.drift": 9.0}), day, Steps(quiet=True)))
    assert found.published
    return found


@pytest.mark.slow
def test_rows_that_are_delivered_twice_count_once(own_operator: Path):
    """A tenth of each table comes again in a file of its own."""
    day = date(2026, 9, 30)
    once, raw = night(day), own_operator / "data" / "operator" / "raw"
    shutil.rmtree(own_operator / "workspace" / "operator" / "tables")
    for path in (raw / "bill_202607.parquet", raw / "payment_202607.parquet", raw / "usage" / "usage_202607.parquet"):
        read(path).sample(frac=0.1, random_state=1).to_parquet(path.with_stem(path.stem + "_again"), index=False)
    twice = night(day)
    assert twice.run_id != once.run_id
    assert twice.meta["rows_sha256"] == once.meta["rows_sha256"]


def test_every_raw_file_is_cut(own_operator: Path):
    raw = own_operator / "data" / "operator" / "raw"
    files = {path for pattern in CLOCKS for path in raw.glob(pattern)} | {raw / "cust_main.csv"}
    assert files == {path for path in raw.rglob("*") if path.is_file()}
    for pattern, (column, _, _) in CLOCKS.items():
        assert column in read(sorted(raw.glob(pattern))[0]).columns, pattern


@pytest.mark.parametrize("day", [date(2026, 9, 30), pytest.param(date(2026, 10, 10), marks=pytest.mark.slow)])
def test_that_evening_and_a_month_later(own_operator: Path, day: date):
    """Days inside a month and at its end, with the champions pinned."""
    later = night(day)
    shutil.rmtree(own_operator / "workspace" / "operator" / "tables")
    assert as_of_that_evening(own_operator / "data" / "operator" / "raw", day) > 1_000
    evening = night(day)
    assert not evening.already_published and evening.run_id != later.run_id
    assert evening.meta["rows_sha256"] == later.meta["rows_sha256"]


@pytest.mark.slow
def test_a_night_without_its_last_delivery_is_another(own_operator: Path):
    """The comparison can fail: with six days of deliveries taken out the rows differ, or the night refuses them."""
    day = date(2026, 9, 30)
    whole = night(day)
    shutil.rmtree(own_operator / "workspace" / "operator" / "tables")
    as_of_that_evening(own_operator / "data" / "operator" / "raw", day - timedelta(days=6))
    try:
        assert night(day).meta["rows_sha256"] != whole.meta["rows_sha256"]
    except HeadwaterError as error:
        assert error.exit_code == 4
