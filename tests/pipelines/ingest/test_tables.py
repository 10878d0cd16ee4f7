"""What is known of the tables of a reading: rows that add up, parts by day, views over some of them."""

from datetime import date

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.ingest.readers.sources import InputFile
from pipelines.ingest.tables import Memory, Part, RowCount, Tables, month, rows_with_places

COUNTS = st.integers(0, 50)


@given(used=COUNTS, bad=COUNTS, twice=COUNTS, off=st.integers(-3, 3))
def test_rows_add_up_or_stop(used, bad, twice, off):
    count = RowCount(used + bad + twice + off, used, bad, twice)
    if off == 0:
        assert count.check("bills") is count
        return
    with pytest.raises(HeadwaterError, match="E320"):
        count.check("bills")


@pytest.fixture
def usage(tmp_path, con):
    """Two months, and a part of unknown days."""
    parts = []
    for name, days in (("2026-01", (1, 1)), ("2026-02", (2, 2)), ("all", None)):
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table({"name": [name]}), path)
        first, last = (date(2026, m, d) for m, d in zip(days, (1, 28), strict=True)) if days else (None, None)
        parts.append(Part(path, "", 1, first, last))
    return Tables({}, parts={"usage": parts})


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(2026, 1, 28), ["2026-01", "2026-02", "all"]),
        (date(2026, 1, 29), ["2026-02", "all"]),
        (date(2026, 3, 1), ["all"]),
    ],
)
def test_parts_that_can_hold_a_row_of_a_day_or_later_are_opened(usage, con, day, names):
    assert [part.name for part in usage.since("usage", day)] == names
    opened = usage.opened(con, {"usage": day})
    assert sorted(opened["usage"].name.execute()) == names and usage.tables == {}


def test_a_view_of_no_part_has_the_columns_and_no_rows(usage, con):
    empty = usage.view(con, "usage", [], "_empty")
    assert empty.columns == ("name",) and empty.count().execute() == 0


def test_inputs_that_were_not_opened_were_known():
    files = [InputFile("a", 1, "x"), InputFile("b", 1, "y")]
    assert Tables({}, fingerprints={"bills": files}, read={"bills": 1}).files == {"read": 1, "known": 1}


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=list(CONTRACTS))
def test_a_blank_memory_fits_rows_of_its_contract(contract):
    memory = Memory.blank({"a": "string"}, contract)
    assert memory.waiting.schema == rows_with_places(contract) and memory.aside.num_rows == 0
    assert set(contract.schema()) < set(memory.waiting.schema.names)


def test_months_are_text(con):
    days = ibis.memtable({"day": [date(2026, 1, 31), date(987, 12, 1), None]}, schema={"day": "date"})
    assert con.execute(month(days.day)).fillna("").tolist()[0] == "2026-01"
    assert con.execute(month(days.day)).isna().tolist() == [False, False, True]
