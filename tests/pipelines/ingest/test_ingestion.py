"""Whole readings: rows add up, and every problem is told at once."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.quality import Quality
from tests.raw import Raw

LOOSE = Quality(max_quarantined=1, max_quarantined_keys=1, gaps=False)


CELLS = {
    "账单号": ["B1", "B2", "B3", "", " B4", "\u3000B5", "B\u200b6", "x" * 300],
    "用户编号": ["00001", "00002", "", "nobody", "1", "０0001"],
    "账期": ["202601", "202602", "", "202613", "20260101", "1970", "000101", "999912"],
    "应收_分": [
        "5900",
        "5901",
        "",
        "-300",
        "1e3",
        "1.000",
        "NaN",
        "inf",
        "1 000",
        "99999999999999999999",
        "0x1F",
        "1_000",
    ],
}


ROW = st.tuples(*[st.sampled_from(values) for values in CELLS.values()])


@pytest.fixture
def raw(tmp_path):
    return Raw(tmp_path)


@settings(max_examples=6, deadline=None)
@given(dirt=st.lists(ROW, min_size=1, max_size=60), ragged=st.integers(0, 2))
def test_rows_add_up_and_only_clean_ones_are_used(con, tmp_path_factory, dirt, ragged):
    raw = Raw(tmp_path_factory.mktemp("dirt"))
    raw.rows["bill"] = [raw.rows["bill"][0], *[list(row) for row in dirt], *[["B9"]] * ragged]
    raw.rows["bill"].append(["B0", "00001", "202601", "5900"])
    found = raw.read(con, LOOSE)
    count = found.counts["bills"]
    assert count.in_ == len(dirt) + ragged + 1 == count.used + count.quarantined + count.duplicates
    assert count.used == found["bills"].count().execute()
    clean = [row for row in [*dirt, ("B0", "00001", "202601", "5900")] if is_clean(row)]
    versions = {}
    for row in set(clean):
        versions.setdefault((row[0], row[2]), set()).add((row[1], amount(row[3])))
    sound = sorted((key[0], *next(iter(rows))) for key, rows in versions.items() if len(rows) == 1)
    used = found["bills"].order_by("bill_id", "customer_id", "amount").to_pyarrow().to_pylist()
    assert sorted((row["bill_id"], row["customer_id"], float(row["amount"])) for row in used) == sound


def is_clean(row):
    good = (("B1", "B2", "B3", "B0"), ("00001", "00002"), ("202601", "202602"), ("5900", "5901", "1.000"))
    return all(cell in allowed for cell, allowed in zip(row, good, strict=True))


def amount(text):
    return round(float(text) / 100, 2)


def usage(raw, *rows):
    raw.rows["usage"] = [raw.rows["usage"][0], *[list(row) for row in rows]]
    return raw


FIRST = ("00001", "2026-01-10 08:00:00", "2026-01-11 00:00:00", "1024")


def test_a_backfill_reads_rows_that_were_delivered_since(raw, con):
    """Files written long after an old as-of date hold no future."""
    found = usage(raw, (*FIRST[:2], "2026-06-01 00:00:00", "1")).read(con, LOOSE, as_of=date(2026, 2, 1))
    assert found.future == 0


def test_problems_of_all_tables_are_told_together(raw, con):
    raw.rename("bill", "应收_分", "应收金额_分")
    raw.column("usage", "流量_KB", "1e3")
    kept = {}
    with pytest.raises(HeadwaterError) as error:
        raw.read(con, keep=lambda name, rows: kept.update({name: rows.num_rows}))
    assert [error.value.problem.code, *[p.code for p in error.value.others]] == ["E302", "E308"]
    assert kept == {"usage": 200}
