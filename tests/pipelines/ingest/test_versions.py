"""Repeats, corrections and contradictions of one key."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config.quality import Quality
from pipelines.ingest.tables import RowCount
from tests.raw import Raw, at

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


def test_exact_repeats_are_duplicates(raw, con):
    found = usage(raw, FIRST, FIRST, FIRST).read(con, LOOSE)
    assert found.counts["usage"] == RowCount(3, 1, 0, 2)
    assert {p.code for p in found.warnings} == {"W303"}


def test_a_later_known_row_is_a_correction(raw, con):
    second = (*FIRST[:2], "2026-02-01 00:00:00", "2048")
    third = (*FIRST[:2], "2026-03-01 00:00:00", "4096")
    found = usage(raw, third, FIRST, second, ("00002", *FIRST[1:])).read(con, LOOSE)
    rows = (
        found["usage"].order_by("customer_id", "known_at").select("data_mb", "superseded_at").to_pyarrow().to_pylist()
    )
    assert rows == [
        {"data_mb": 1.0, "superseded_at": at("2026-01-31 16:00:00")},
        {"data_mb": 2.0, "superseded_at": at("2026-02-28 16:00:00")},
        {"data_mb": 4.0, "superseded_at": None},
        {"data_mb": 1.0, "superseded_at": None},
    ]


def test_the_same_key_known_at_once_with_other_content_goes(raw, con):
    found = usage(raw, FIRST, FIRST, (*FIRST[:3], "2048"), ("00002", *FIRST[1:])).read(con, LOOSE)
    assert found.counts["usage"] == RowCount(4, 1, 2, 1)
    assert Counter(row["rule"] for row in put_aside(found, "usage")) == {"conflicting_key": 2}


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(st.data())
def test_row_order_is_irrelevant(con, tmp_path_factory, data):
    cells = st.tuples(
        st.sampled_from(["00001", "00002"]),
        st.just(FIRST[1]),
        st.sampled_from([FIRST[2], "2026-02-01 00:00:00"]),
        st.sampled_from(["1024", "2048"]),
    )
    rows = [*data.draw(st.lists(cells, min_size=2, max_size=8)), ("00003", *FIRST[1:])]
    seen = []
    for order in (rows, data.draw(st.permutations(rows))):
        found = usage(Raw(tmp_path_factory.mktemp("order")), *order).read(con, LOOSE)
        table = found["usage"].order_by(*found["usage"].columns).to_pyarrow().to_pylist()
        seen.append((found.counts["usage"], table))
    assert seen[0] == seen[1]


def test_a_duplicated_file_changes_no_table(raw, con):
    plain = raw.read(con, LOOSE)["usage"].order_by("customer_id", "happened_at").to_pyarrow()
    raw.rows["usage"] += [list(row) for row in raw.rows["usage"][1:60:7]]
    again = raw.read(con, LOOSE)
    assert again["usage"].order_by("customer_id", "happened_at").to_pyarrow().equals(plain)
    assert again.counts["usage"].duplicates == 9
