"""What would be read, and when what was read is read anew: the format version follows what comes out, not the code."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from pipelines.config.mapping_file import load_mapping
from pipelines.config.quality import Quality
from pipelines.ingest import ingestion, inputs
from pipelines.ingest.inputs import located
from pipelines.ingest.reading import Reading
from pipelines.ingest.tables import Tables
from tests.pipelines.ingest import format_sample

LOOSE = Quality(
    max_quarantined=1, max_quarantined_keys=1, gaps=False, largest_change=1e12, largest_ratio=1e12, largest_median=1e12
)
CHANGED = "what is read changed: raise FORMAT in pipelines/ingest/inputs.py and pin the new hashes"
SAMPLES = {
    "shanghai": (format_sample.shanghai, date(2026, 5, 1)),
    "new_york": (format_sample.new_york, date(2026, 12, 1)),
}
PINNED: dict = {
    "shanghai": {
        "format": 7,
        "customers": "047e941545ef",
        "subscriptions": "22c827ac64d4",
        "bills": "1c1d41c426b4",
        "payments": "5319edb0450f",
        "usage": "dade1dc53098",
        "complaints": "d566bb5531eb",
        "contacts": "a9c691e86291",
        "surveys": "b8fc1d19033f",
        "consents": "466f28649e12",
        "labels": "2f93221ddde6",
        "customers (memory)": "871465a139ad",
        "subscriptions (memory)": "606912dfca46",
        "bills (memory)": "02affabd5aff",
        "payments (memory)": "a7fbadbf4d75",
        "usage (memory)": "de3717dc4e33",
        "complaints (memory)": "a0f4a7e1589d",
        "contacts (memory)": "b449a32ddf7f",
        "surveys (memory)": "85b4028f8df5",
        "consents (memory)": "4e7126065a88",
        "labels (memory)": "b451981948c4",
    },
    "new_york": {
        "format": 7,
        "customers": "55957ca79656",
        "bills": "aa67bb1f1a8f",
        "usage": "3129ada6a1c6",
        "customers (memory)": "f62b22b9c641",
        "bills (memory)": "34149932809b",
        "usage (memory)": "aad627dac80a",
    },
}


def contents(write: Callable[[Path], Path], as_of: date, folder: Path) -> dict[str, str]:
    """Table, and what is remembered of its inputs -> hash of the content, whatever the order of the rows."""
    (folder / "raw").mkdir(parents=True)
    found = located(load_mapping(write(folder / "raw")))
    con = ibis.duckdb.connect(threads=2)
    read = ingestion.read(Reading(con, found, LOOSE, folder / "parts", found.delivered(as_of, LOOSE)), {})
    hashes = {name: _digest(table.to_pyarrow()) for name, table in read.tables.items()}
    con.disconnect()
    return hashes | {f"{name} (memory)": _remembered(read, name) for name in read.tables}


def _remembered(read: Tables, name: str) -> str:
    memory = read.memory[name]
    rows = [_digest(rows) for rows in (memory.aside, memory.waiting, memory.sizes)]
    return _hash([memory.types, memory.offsets, memory.latest, read.newest.get(name), rows])


def _digest(rows: pa.Table) -> str:
    types = {field.name: str(field.type) for field in rows.schema}
    return _hash([types, sorted(repr(tuple(row.values())) for row in rows.to_pylist())])


def _hash(whole: object) -> str:
    return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_read_of_a_fixed_sample_changes_only_with_the_format(name, tmp_path):
    now = {"format": inputs.FORMAT} | contents(*SAMPLES[name], tmp_path)
    differing = {key: now.get(key) for key in now.keys() | PINNED[name].keys() if now.get(key) != PINNED[name].get(key)}
    assert not differing, f"{CHANGED}: {name} {differing}"


def test_a_column_whose_null_would_be_an_answer_is_there_only_where_a_mapping_names_it(tmp_path):
    """Without it every complaint is unsolved for ever."""
    (tmp_path / "raw").mkdir()
    mapping = load_mapping(format_sample.shanghai(tmp_path / "raw"))
    assert "resolved_at" in inputs.extended("complaints", mapping).schema()
    complaints = mapping.tables["complaints"]
    columns = {name: form for name, form in complaints.columns.items() if name != "resolved_at"}
    fewer = {**mapping.tables, "complaints": complaints.model_copy(update={"columns": columns})}
    told = inputs.extended("complaints", mapping.model_copy(update={"tables": fewer}))
    assert "resolved_at" not in told.schema() and "resolved_after_opened" not in {rule.name for rule in told.rules}
