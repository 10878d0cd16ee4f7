"""Merging parts: whatever was stored before, the outcome is that of all rows at once; untouched parts are linked."""

from datetime import timedelta

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contracts import CONTRACTS
from pipelines.config.mapping import Mapping
from pipelines.config.quality import Quality
from pipelines.ingest import merging
from pipelines.ingest.inputs import Inputs
from pipelines.ingest.merging import Contradicted
from pipelines.ingest.reading import Reading
from pipelines.ingest.staging import Staged
from pipelines.ingest.tables import Memory
from tests.raw import at

USAGE = CONTRACTS["usage"]
NEW_YEAR = at("2026-01-01 00:00:00")
FIRST = (0, 1, "00001", 9, 10)
"""Input, row, customer, day of the event and day on which it was known, both counted from the new year."""


class Folder:
    """Readings one after the other, each on what the one before stored."""

    def __init__(self, con, folder):
        self.con, self.folder, self.parts, self.number = con, folder, [], 0
        self.memory = Memory.blank({}, USAGE)

    def merge(self, *rows):
        self.number += 1
        folder = self.folder / str(self.number)
        reading = Reading(self.con, Inputs(Mapping(tables={}), {}), Quality(), folder)
        merged = merging.merge(reading, USAGE, Staged(pieces=self.pieces(folder, rows)), self.parts, self.memory)
        self.parts = merged.parts
        return merged

    def pieces(self, folder, rows):
        folder.mkdir()
        pieces = {}
        for place, (file, row, customer, day, known) in enumerate(rows):
            happened = NEW_YEAR + timedelta(days=day)
            clocks = {
                "happened_at": happened,
                "happened_on": happened.date(),
                "known_at": NEW_YEAR + timedelta(days=known),
            }
            record = {"__file": file, "__row": row, "customer_id": customer} | clocks
            schema = ibis.schema({"__file": "int32", "__row": "int64", **USAGE.schema()}).to_pyarrow()
            path = folder / f"{place}.parquet"
            pq.write_table(pa.Table.from_pylist([record], schema), path)
            pieces.setdefault(f"{happened:%Y-%m}", []).append(path)
        return pieces

    def rows(self):
        return [row for part in self.parts for row in pq.read_table(part.path).to_pylist()]


@pytest.fixture
def folder(con, tmp_path):
    return Folder(con, tmp_path)


def test_two_readings_are_one(con, tmp_path):
    rows = [FIRST, (0, 2, "00002", 40, 41), (1, 1, "00002", 9, 12), (1, 2, *FIRST[2:]), (1, 3, "00001", 9, 30)]
    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
    once, twice = Folder(con, tmp_path / "once"), Folder(con, tmp_path / "twice")
    whole = once.merge(*rows)
    parts = [twice.merge(*rows[:2]), twice.merge(*rows[2:])]
    assert twice.rows() == once.rows() and whole.duplicates == sum(part.duplicates for part in parts) == 1
    assert [(p.name, p.rows, p.newest) for p in twice.parts] == [(p.name, p.rows, p.newest) for p in once.parts]


def test_a_part_that_no_row_belongs_to_is_linked(folder):
    first = folder.merge(FIRST).parts[0]
    linked, new = folder.merge((1, 1, "00001", 40, 41)).parts
    assert linked.path.stat().st_ino == first.path.stat().st_ino and linked.sha256 == first.sha256
    assert (new.name, new.rows) == ("2026-02", 1)


def test_a_correction_ends_the_version_before_it(folder):
    folder.merge(FIRST)
    folder.merge((1, 1, "00001", 9, 30))
    ends = [row["superseded_at"] for row in folder.rows()]
    assert sorted(ends, key=str) == [NEW_YEAR + timedelta(days=30), None]


def test_a_table_of_no_rows_keeps_its_columns(folder):
    part = folder.merge().parts[0]
    assert part.rows == 0 and set(USAGE.schema()) < set(pq.read_schema(part.path).names)


def test_a_contradiction_of_a_stored_row_is_not_settled_here(con, tmp_path):
    """Its place in the raw files is not known any more."""
    bills = CONTRACTS["bills"]
    schema = ibis.schema({"__file": "int32", "__row": "int64", **bills.schema()}).to_pyarrow()
    record = {"__file": 0, "__row": 1, "bill_id": "b", "customer_id": "00001", "known_at": NEW_YEAR}
    memory, parts = Memory.blank({}, bills), []
    for number, amount in enumerate((1, 2)):
        folder = tmp_path / str(number)
        folder.mkdir()
        pq.write_table(pa.Table.from_pylist([record | {"amount": amount}], schema), folder / "piece.parquet")
        reading = Reading(con, Inputs(Mapping(tables={}), {}), Quality(), folder)
        staged = Staged(pieces={"all": [folder / "piece.parquet"]})
        if number:
            with pytest.raises(Contradicted):
                merging.merge(reading, bills, staged, parts, memory)
        else:
            parts = merging.merge(reading, bills, staged, parts, memory).parts


def test_a_part_is_sorted_and_one_customer_lies_in_few_of_its_groups(con, tmp_path):
    """The page looks single customers up: a part that were one group of rows would be decoded whole for each."""
    ids = pa.array([f"{n * 7919 % 50_000:05d}" for n in range(100_000)])
    part = merging.written_part(con, ibis.memtable(pa.table({"customer_id": ids})), tmp_path / "all.parquet")
    file = pq.ParquetFile(part.path)
    bounds = [file.metadata.row_group(n).column(0).statistics for n in range(file.num_row_groups)]
    assert part.rows == 100_000 and len(bounds) == 3
    assert sum(each.min <= "31415" <= each.max for each in bounds) == 1
