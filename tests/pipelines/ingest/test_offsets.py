"""Times with and without an offset: a column has one kind."""

import ibis
import pytest

from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.config.mapping import TableMapping
from pipelines.config.sources import Source
from pipelines.ingest.offsets import aware_columns, awareness, offset_counts

TIMES = ["2026-01-01T08:00:00+08:00", "2026-01-01 08:00", " 2026-01-01T00:00:00Z ", "never", None]


def usage(**more):
    columns = {"customer_id": "id"}
    clocks = {"happened_at": "at", "known_at": "seen"} | more
    return TableMapping(source=Source(path="a.csv"), columns=columns, **clocks)


@pytest.fixture
def rows(con):
    yield con.create_table("offsets", ibis.memtable({"id": ["1"] * 5, "at": TIMES, "seen": TIMES[:1] * 5}), temp=True)
    con.drop_table("offsets")


def test_times_are_counted_by_kind_and_other_words_are_neither(rows):
    assert offset_counts(rows, usage(), CONTRACTS["usage"]) == {"at": (2, 1), "seen": (5, 0)}


def test_a_column_of_both_kinds_is_refused_by_name(rows):
    with pytest.raises(HeadwaterError) as error:
        aware_columns(rows, usage(), CONTRACTS["usage"], "a.csv")
    problem = error.value.problem
    assert (problem.code, problem.column, problem.values["aware"], problem.values["naive"]) == ("E315", "at", 2, 1)


def test_a_declared_shape_and_a_typed_column_are_not_looked_at(con):
    table = usage(happened_at={"from": "at", "parse": "%Y%m%d"})
    rows = ibis.memtable({"at": ["20260101"], "seen": [1]})
    assert offset_counts(rows, table, CONTRACTS["usage"]) == {}


def test_without_any_time_a_column_is_local():
    assert awareness({"a": (0, 0), "b": (0, 3), "c": (2, 0)}, "x") == {"a": False, "b": False, "c": True}
