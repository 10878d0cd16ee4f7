"""Tables kept on disk: exact contract types, one build per input, damage noticed, quarantine for the owner alone."""

import json
import os
from collections import Counter
from datetime import date

import ibis
import pyarrow.parquet as pq
import pytest

from features.contracts import CONTRACTS
from features.errors import HeadwaterError
from pipelines.config import settings
from pipelines.ingest import canonical, ingestion, inputs, store
from pipelines.ingest.store import open_tables
from tests.raw import Raw

AS_OF = date(2026, 3, 1)


class World:
    """A project over a raw world; `read()` as every command does."""

    def __init__(self, folder):
        self.raw = Raw(folder)
        self.folder = folder / "ws" / "tiny"
        self.config = folder / "config.yaml"
        self.config.write_text("name: tiny\nmapping: mapping.yaml\nquality: {max_quarantined: 0.02}\n")

    def read(self, as_of=AS_OF, write=True):
        if write:
            self.raw.write()
        con = ibis.duckdb.connect(threads=2)
        con.raw_sql("SET preserve_insertion_order = false")
        return canonical.canonical(con, settings.load(self.config, environment={}), self.folder, as_of)

    @property
    def kept(self):
        return sorted(path.name for path in (self.folder / "tables").iterdir() if path.is_dir())


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def builds(monkeypatch):
    """Counts the readings of raw files."""
    counted = Counter()
    whole = ingestion.read
    monkeypatch.setattr(ingestion, "read", lambda *a, **k: (counted.update(["read"]), whole(*a, **k))[1])
    return counted


def expected_schema(name, found):
    """The contract's columns in the contract's types, with what the mapping declares beyond it."""
    contract = CONTRACTS[name].with_measures(found.measures) if name == "usage" else CONTRACTS[name]
    extra = {"superseded_at": "timestamp(6)"} if contract.versioned else {}
    own = dict.fromkeys(found.attributes, "string") if name == "customers" else {}
    return ibis.schema(contract.schema() | own | extra)


def test_types_are_the_contracts_and_rows_are_sorted(world):
    found = world.read()
    for name, table in found.tables.items():
        assert table.schema() == expected_schema(name, found)
    rows = pq.read_table(world.folder / "tables" / found.fingerprint / "bills/all.parquet").to_pylist()
    keys = [(row["customer_id"], row["happened_at"]) for row in rows]
    assert keys == sorted(keys)
    assert len(keys) == 200


def test_the_same_input_is_read_once(world, builds):
    first = world.read()
    second = world.read(date(2026, 2, 20))
    assert builds["read"] == 1
    assert (second.counts, second.medians, second.newest, second.warnings) == (
        first.counts,
        first.medians,
        first.newest,
        first.warnings,
    )
    assert second.fingerprints["bills"][0].rows == 200
    assert second["usage"].count().execute() == 200


MONTHS = [f"2025{month:02d}" for month in range(4, 13)] + ["202601"]


@pytest.fixture
def monthly(world):
    """A hundred bills a month of ten months, all out on the 6th of the month after."""
    people = [row[0] for row in world.raw.rows["cust"][1:]]
    head = world.raw.rows["bill"][0]
    world.raw.rows["bill"] = [head, *[[f"B{p}{m}", p, m, "5900"] for m in MONTHS for p in people]]
    return world


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("as_of", "month", "kept", "first", "last"),
    [
        (date(2026, 2, 8), "202601", 0, "2026-01-08", "2026-02-07"),
        (date(2026, 2, 20), "202601", 10, "2026-01-20", "2026-02-19"),
        (date(2026, 2, 20), "202511", 0, "2025-12-01", "2025-12-31"),
    ],
)
def test_a_month_that_hardly_came_stops_at_each_asking(monthly, builds, as_of, month, kept, first, last):
    """Read once; then judged anew, and again for an old date before it was due."""
    rows = [row for row in monthly.raw.rows["bill"] if row[2] == month][kept:]
    monthly.raw.rows["bill"] = [row for row in monthly.raw.rows["bill"] if row not in rows]
    for _ in range(2):
        with pytest.raises(HeadwaterError) as error:
            monthly.read(as_of)
        values = error.value.problem.values
        assert (error.value.problem.code, error.value.exit_code, values["table"]) == ("E421", 4, "bills")
        assert (values["first"], values["last"], values["found"], values["expected"]) == (first, last, kept, 100)
        assert error.value.problem.file.endswith("bill*.csv")
    assert monthly.read(date(2025, 12, 5)).counts["bills"].used == 1000 - len(rows)
    assert builds["read"] == 1


def test_a_month_is_accepted_without_a_new_reading(monthly, builds):
    monthly.raw.rows["bill"] = [row for row in monthly.raw.rows["bill"] if row[2] != "202601"]
    with pytest.raises(HeadwaterError, match="E421"):
        monthly.read(date(2026, 2, 8))
    monthly.config.write_text(
        'name: tiny\nmapping: mapping.yaml\nquality: {max_quarantined: 0.02, quiet: {bills: ["2026-02"]}}\n'
    )
    assert monthly.read(date(2026, 2, 8)).counts["bills"].used == 900
    assert builds["read"] == 1


def test_a_small_project_may_have_a_month_without_anything(monthly):
    """The same gap with twenty bills a month."""
    keep = {row[0] for row in monthly.raw.rows["cust"][1:21]}
    rows = [row for row in monthly.raw.rows["bill"][1:] if row[1] in keep and row[2] != "202511"]
    monthly.raw.rows["bill"][1:] = rows
    assert monthly.read(date(2026, 2, 20)).counts["bills"].used == 180


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("change", ["data", "mapping", "quality"])
def test_a_change_is_read_anew(world, builds, change):
    world.read()
    if change == "data":
        world.raw.rows["usage"][1][3] = "77"
    elif change == "mapping":
        world.raw.mapping["tables"]["usage"]["columns"]["data_kb"] = "流量_KB"
    else:
        world.config.write_text("name: tiny\nmapping: mapping.yaml\nquality: {max_quarantined: 0.03}\n")
    found = world.read()
    assert builds["read"] == 2
    assert len(world.kept) == 2
    assert ("data_kb" in found.measures) == (change == "mapping")


def test_other_code_reads_anew(world, builds, monkeypatch):
    world.read()
    monkeypatch.setattr(inputs, "FORMAT", 99)
    world.read()
    assert builds["read"] == 2


def test_old_folders_are_removed(world):
    for number in range(5):
        world.raw.rows["usage"][1][3] = str(number + 1024)
        newest = world.read().fingerprint
    assert len(world.kept) == canonical.KEPT
    assert newest in world.kept


@pytest.mark.parametrize("spoilt", [None, b"\xff\xfe", b"somewhere else"])
def test_who_only_looks_writes_nothing_and_a_damaged_pointer_is_mended(world, spoilt):
    newest = world.read().fingerprint
    pointer = world.folder / "tables" / canonical.CURRENT
    if spoilt:
        pointer.write_bytes(spoilt)
    before = pointer.stat().st_ino
    world.read()
    assert pointer.read_text() == newest and (pointer.stat().st_ino == before) == (spoilt is None)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "manifest"])
def test_damage_is_noticed_and_mended(world, builds, damage):
    found = world.read()
    folder = world.folder / "tables" / found.fingerprint
    path = folder / ("manifest.json" if damage == "manifest" else "bills/all.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    spoilt = {"flip": bytes(content), "cut": bytes(content[:100]), "manifest": b"{", "gone": b""}[damage]
    path.unlink()
    if spoilt:
        path.write_bytes(spoilt)
    with pytest.raises(HeadwaterError, match="E331"):
        open_tables(ibis.duckdb.connect(), folder)
    again = world.read()
    assert builds["read"] == 2
    assert again["bills"].count().execute() == 200


def test_nothing_is_left_of_a_reading_that_stops(world):
    world.raw.column("bill", "应收_分", "x", 20)
    with pytest.raises(HeadwaterError, match="E308"):
        world.read()
    assert not list((world.folder / "tables").iterdir())
    aside = list((world.folder / "quarantine").rglob("*.parquet"))
    assert [path.name for path in aside] == ["bills.parquet"]
    assert pq.read_table(aside[0]).num_rows == 20


def test_quarantine_is_for_the_owner_alone(world):
    world.raw.rows["bill"][1][3] = "x"
    found = world.read()
    path = world.folder / "quarantine" / found.fingerprint / "bills.parquet"
    assert path.stat().st_mode & 0o777 == 0o600
    assert pq.read_table(path).to_pylist()[0]["rule"] == "not_a_number"
    folder = world.folder / "tables" / found.fingerprint
    files = [path for path in folder.rglob("*") if path.is_file()]
    secret = {path for path in files if store.MEMORY in path.parts}
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in files if path not in secret} == {0o640}


def test_a_future_row_is_judged_again_when_time_has_passed(world, builds):
    world.raw.rows["usage"][1][2] = "2026-04-01 00:00:00"
    world.raw.write()
    for path in world.raw.folder.glob("*.csv"):
        os.utime(path, (0, 0))
    assert world.read(date(2026, 3, 10), write=False).future == 1
    assert world.read(date(2026, 5, 1), write=False).future == 0
    assert world.read(date(2026, 5, 2), write=False).counts["usage"].quarantined == 0
    assert builds["read"] == 2


def test_medians_are_compared_only_under_the_same_mapping(world):
    world.read()
    world.raw.column("usage", "流量_KB", lambda text: str(int(text) * 1024))
    with pytest.raises(HeadwaterError) as error:
        world.read()
    assert (error.value.problem.code, error.value.problem.column) == ("E301", "data_mb")
    world.raw.mapping["tables"]["usage"]["columns"]["data_mb"] = {"expr": "流量_KB / 1024", "unit": "KB"}
    assert world.read().counts["usage"].used == 200


def test_ids_that_changed_their_form_stop(world):
    world.read()
    for name in world.raw.rows:
        world.raw.column(name, "用户编号", lambda text: text.lstrip("0"))
    with pytest.raises(HeadwaterError) as error:
        world.read()
    assert (error.value.problem.code, error.value.problem.values["share"]) == ("E322", 0.0)


def test_no_staging_folder_survives(world, monkeypatch):
    monkeypatch.setattr(store, "summary", lambda tables: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.read()
    assert world.kept == []


def test_what_is_told_of_the_tables_has_one_order_read_or_read_again(world, builds):
    """Score files say it; the same inputs give the same bytes."""
    first, again = world.read(), world.read()
    assert len(builds) == 1 and len(first.fingerprints) > 1
    assert list(first.fingerprints) == list(again.fingerprints) and list(first.counts) == list(again.counts)


def test_the_manifest_says_what_was_read(world):
    found = world.read()
    manifest = json.loads((world.folder / "tables" / found.fingerprint / "manifest.json").read_text())
    counts = {"in_": 200, "used": 200, "quarantined": 0, "duplicates": 0, "filtered": 0, "erased": 0}
    assert manifest["counts"]["bills"] == counts
    assert set(manifest["inputs"]["bills"][0]) == {"path", "size", "sha256", "rows", "source"}
    assert manifest["newest"]["usage"] == "2026-02-10T18:00:00"
