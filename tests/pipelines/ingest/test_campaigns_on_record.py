"""Campaigns of the contacts table are counted customer by customer, and altered files are refused."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import HeadwaterError
from pipelines.ingest import campaigns_on_record
from pipelines.ingest.campaigns_on_record import OnRecord, on_record
from pipelines.ingest.tables import Part
from pipelines.workspace.files import sha256

ROWS = [
    ("TV", "A", date(2026, 3, 2), "treated"),
    ("TV", "A", date(2026, 3, 9), "treated"),
    ("TV", "B", date(2026, 3, 1), "control"),
    ("Mail", "A", date(2026, 5, 1), None),
    ("Mail", "C", date(2026, 5, 2), None),
    (None, "D", date(2026, 1, 1), None),
]


@pytest.fixture
def parts(tmp_path, monkeypatch) -> list[Part]:
    """Two files of the newest reading."""
    found = []
    for number, rows in enumerate((ROWS[:2], ROWS[2:])):
        path = tmp_path / f"{number}.parquet"
        columns = dict(zip(campaigns_on_record.COLUMNS, zip(*rows, strict=True), strict=True))
        types = {"happened_on": pa.date32()}
        pq.write_table(pa.table({c: pa.array(v, types.get(c, pa.string())) for c, v in columns.items()}), path)
        found.append(Part(path, sha256(path), len(rows)))
    monkeypatch.setattr(campaigns_on_record.canonical, "newest_parts", lambda folder, table: found)
    return found


def test_each_customer_counts_once_and_the_holdout_apart(tmp_path, parts):
    assert on_record(tmp_path) == [
        OnRecord("Mail", 2, 0, date(2026, 5, 1), date(2026, 5, 2)),
        OnRecord("TV", 1, 1, date(2026, 3, 1), date(2026, 3, 9)),
    ]


def test_without_contacts_there_are_none_and_altered_ones_are_refused(tmp_path, parts):
    parts[1].path.write_bytes(parts[1].path.read_bytes() + b" ")
    with pytest.raises(HeadwaterError, match="E331"):
        on_record(tmp_path)
    parts.clear()
    assert on_record(tmp_path) == []
