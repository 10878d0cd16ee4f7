"""Folders of tables: what is remembered comes back as it was, and damage is named."""

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.contracts import CONTRACTS
from features.errors import HeadwaterError, Problem
from pipelines.ingest import store
from pipelines.ingest.readers.sources import InputFile
from pipelines.ingest.tables import ASIDE, Memory, Part, RowCount, Tables
from pipelines.workspace.files import sha256
from tests.raw import at

NOON = at("2026-02-01 12:00:00")


@pytest.fixture
def read(tmp_path):
    """A table of two rows, of which one was put aside."""
    path = tmp_path / "bills" / "2026-01.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"bill_id": ["b"]}), path)
    part = Part(path, sha256(path), 1, date(2026, 1, 1), date(2026, 1, 31), NOON)
    aside = pa.Table.from_pylist([{"__file": 0, "__row": 2, "rule": "ragged_row", "value": "x"}], ASIDE)
    memory = Memory([{"a": "string"}], [{"at": (1, 0)}], NOON, aside, *_blank())
    return Tables(
        {},
        counts={"bills": RowCount(2, 1, 1)},
        fingerprints={"bills": [InputFile("bill.csv", 9, "0" * 64, 2)]},
        medians={"bills.amount": 1.5},
        newest={"bills": NOON},
        ignored={"bills": ["more"]},
        declared=("bills",),
        warnings=(Problem("W302", "bill.csv"),),
        fingerprint="f",
        recipes={"bills": "r"},
        parts={"bills": [part]},
        memory={"bills": memory},
    )


def _blank():
    blank = Memory.blank([{}], CONTRACTS["bills"])
    return blank.waiting, blank.sizes


def test_what_is_sealed_comes_back(read, tmp_path, con):
    manifest = store.seal(read, tmp_path)
    assert manifest == store.intact(tmp_path) and manifest["recipes"] == {"bills": "r"}
    known = store.unopened(tmp_path, manifest)
    assert {**vars(known), "memory": 0} == {**vars(read), "memory": 0}
    assert store.base(tmp_path, manifest).memory == read.memory
    assert store.open_tables(con, tmp_path)["bills"].bill_id.execute().tolist() == ["b"]


def test_rows_put_aside_are_for_the_owner_alone(read, tmp_path):
    store.seal(read, tmp_path)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name, mode in modes.items() if mode == 0o600} == {f"{name}.parquet" for name in store.REMEMBERED}
    assert modes["manifest.json"] == 0o640


@pytest.mark.parametrize("name", ["bills/2026-01.parquet", "_memory/bills/aside.parquet"])
@pytest.mark.parametrize("harm", ["gone", "altered"])
def test_damage_is_named(read, tmp_path, con, name, harm):
    manifest = store.seal(read, tmp_path)
    path = tmp_path / name
    path.unlink() if harm == "gone" else path.write_bytes(path.read_bytes() + b"x")
    assert store.damaged(tmp_path, manifest) == path and store.intact(tmp_path) is None
    with pytest.raises(HeadwaterError, match="E331"):
        store.open_tables(con, tmp_path)


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"sha256": {}}'])
def test_what_is_no_manifest_is_none(tmp_path, con, text):
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    assert store.read_manifest(tmp_path) is None
    with pytest.raises(HeadwaterError, match="E331"):
        store.open_tables(con, tmp_path)
