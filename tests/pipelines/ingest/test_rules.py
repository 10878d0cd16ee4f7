"""Rules that one row is judged by: clocks that cannot be, and plans that may be known early."""

import os
from datetime import date

import pytest

from pipelines.config.quality import Quality
from tests.raw import Raw, at, read_tables

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1, gaps=False)


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


def put_aside(found, table="bills"):
    return found.quarantine[table].to_pylist()


def usage(raw, *rows):
    raw.rows["usage"] = [raw.rows["usage"][0], *[list(row) for row in rows]]
    return raw


FIRST = ("00001", "2026-01-10 08:00:00", "2026-01-11 00:00:00", "1024")


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ("2026-01-09 08:00:00", None),
        ("2026-01-09 07:59:59", "known_before_happened"),
        ("2026-03-02 23:59:59", None),
        ("2026-03-03 00:00:00", "from_the_future"),
        ("", "empty"),
    ],
)
def test_clocks_that_cannot_be(raw, con, known, rule):
    usage(raw, (*FIRST[:2], known, "1"), ("00001", "2026-01-12 08:00:00", "2026-01-12 09:00:00", "1")).write()
    raw.rows["bill"] = raw.rows["bill"][:2]
    raw.write()
    for path in raw.folder.glob("*.csv"):
        os.utime(path, (0, 0))
    quality = LOOSE.model_copy(update={"early_hours": 24})
    found = read_tables(con, raw.load(), quality, date(2026, 3, 1))
    aside = [(row["rule"], row["value"]) for row in put_aside(found, "usage")] if "usage" in found.quarantine else []
    assert aside == ([(rule, known)] if rule else [])  # as it stands in the file, not in UTC
    assert found.future == (rule == "from_the_future")


def test_plans_may_be_known_before_their_first_day(raw, con):
    raw.rows["plan"] = [["用户编号", "生效", "套餐", "受理"], ["00001", "20260301", "P50", "2026-01-05 09:00:00"]]
    raw.mapping["tables"]["subscriptions"] = {
        "source": {"path": "plan*.csv"},
        "columns": {"customer_id": "用户编号", "valid_from": {"from": "生效", "parse": "%Y%m%d"}, "plan": "套餐"},
        "known_at": "受理",
    }
    found = raw.read(con)
    row = found["subscriptions"].to_pyarrow().to_pylist()[0]
    assert (row["happened_on"], row["known_at"], row["monthly_fee"]) == (
        date(2026, 3, 1),
        at("2026-01-05 01:00:00"),
        None,
    )
