"""Deliveries read one after the other give what one reading of all files gives, whatever they bring and in any order."""

import hashlib
import os
import shutil
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from features.errors import HeadwaterError
from pipelines.config.settings import load
from pipelines.ingest import canonical, staging
from pipelines.ingest.tables import Tables
from tests.raw import Raw

AS_OF = date(2026, 4, 1)
LOOSE = {
    "max_quarantined": 1,
    "max_quarantined_keys": 1,
    "gaps": False,
    "largest_change": 1e12,
    "largest_ratio": 1e12,
    "largest_median": 1e12,
    "max_vanished": 1,
}
HEADS = {
    "cust": ["用户编号", "入网日期", "状态", "状态日期", "客户类型"],
    "bill": ["账单号", "用户编号", "账期", "应收_分", "入库时间"],
    "usage": ["用户编号", "使用时间", "入库时间", "流量_KB"],
}
IDS = [f"{n:05d}" for n in range(1, 7)]


@dataclass
class Deliveries:
    """A raw folder that grows, and a workspace that follows it."""

    folder: Path
    quality: dict = field(default_factory=lambda: dict(LOOSE))
    history: str = "mutable"

    def __post_init__(self):
        self.raw = Raw(self.folder / "raw")
        self.raw.folder.mkdir()
        self.raw.mapping["tables"]["bills"]["known_at"] = "入库时间"
        self.raw.mapping["tables"]["bills"]["source"] = {"path": "bill*.csv"}
        self.raw.mapping["tables"]["customers"]["history"] = self.history
        if self.history == "changes":
            self.raw.mapping["tables"]["customers"]["known_at"] = "更新时间"
        self.config = self.folder / "config.yaml"
        path = self.raw.write_mapping().as_posix()
        self.config.write_text(f"name: tiny\nmapping: {path}\nquality: {self.quality}\n".replace("'", '"'))
        self.con = ibis.duckdb.connect(threads=2)
        self.con.raw_sql("SET preserve_insertion_order = false")

    def bring(self, name: str, *rows: tuple) -> "Deliveries":
        """A file `<table>_<anything>`; all files are as old as the world, so that only --as-of says what is future."""
        head = HEADS[name.partition("_")[0]]
        head = [*head, "更新时间"] if self.history == "changes" and name.startswith("cust") else head
        path = self.raw.folder / f"{name}.csv"
        path.write_text("".join(",".join(row) + "\n" for row in (head, *rows)))
        os.utime(path, (0, 0))
        return self

    def customers(self, ids: list[str]) -> "Deliveries":
        return self.bring("cust", *[(customer, "20230401", "1", "", "01") for customer in ids])

    def remove(self, name: str) -> None:
        (self.raw.folder / f"{name}.csv").unlink()

    def read(self, workspace: str = "ws", as_of: date = AS_OF) -> Tables:
        return canonical.canonical(self.con, load(self.config, environment={}), self.folder / workspace, as_of)

    def whole(self, as_of: date = AS_OF) -> Tables:
        """The same files read by a workspace that has never seen any."""
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        return self.read("fresh", as_of)

    def put_aside(self, found: Tables, workspace: str) -> dict[str, list[dict]]:
        folder = self.folder / workspace / "quarantine" / found.fingerprint
        return {path.stem: pq.read_table(path).to_pylist() for path in sorted(folder.glob("*.parquet"))}

    def told(self, found: Tables, workspace: str) -> dict:
        """Everything that a reading says, but for who was there at the last one."""
        names = ("counts", "fingerprints", "medians", "newest", "ignored", "future", "warnings", "fingerprint")
        said = {name: getattr(found, name) for name in names}
        rows = {name: ordered(found, name) for name in found.tables}
        said["warnings"] = [warning for warning in found.warnings if warning.code not in ("W361", "W366")]
        return said | {"rows": rows, "quarantine": self.put_aside(found, workspace)}

    def agree(self, as_of: date = AS_OF) -> Tables:
        """The law: what was read delivery by delivery is what one reading gives; the tables."""
        found, incremental, whole = self.both(as_of)
        assert incremental == whole
        return found

    def both(self, as_of: date) -> tuple[Tables, dict, dict]:
        """The tables, what their reading gives, and what a reading of everything at once gives."""
        found = self.read(as_of=as_of)
        return found, self.told(found, "ws"), self.told(self.whole(as_of), "fresh")


def outcome(reading):
    try:
        return reading()
    except HeadwaterError as error:
        return error.problem.code


def ordered(found: Tables, name: str) -> list[dict]:
    return found[name].order_by(*found[name].columns).to_pyarrow().to_pylist()


def use(customer="00001", day="01-10", known="01-21", value=1024) -> tuple:
    return (customer, f"2026-{day} 08:00:00", f"2026-{known} 09:00:00", str(value))


def bill(number="B1", customer="00001", month="01", value=5900, known="02-05") -> tuple:
    return (number, customer, f"2026{month}", str(value), f"2026-{known} 09:00:00")


@pytest.fixture
def world(tmp_path):
    made = Deliveries(tmp_path).customers(IDS[:3])
    made.bring("bill_1", bill(), bill("B2", "00002")).bring(
        "usage_01", *[use(c, d) for c in IDS[:3] for d in ("01-10", "01-20")]
    )
    made.bring("usage_02", *[use(c, "02-10", "02-11", 2048) for c in IDS[:3]])
    made.read()
    return made


CUSTOMER = st.sampled_from([*IDS[:4], IDS[5], ""])
DAY = st.sampled_from(["01-10", "01-31", "02-01", "03-15"])
KNOWN = st.sampled_from(["02-02", "03-16", "03-20", "04-20", "06-01"])
VALUE = st.sampled_from([1024, 2048, "x", -5])
ROWS = {
    "usage": st.lists(st.builds(use, CUSTOMER, DAY, KNOWN, VALUE), max_size=6),
    "bill": st.lists(
        st.builds(bill, st.sampled_from(["B1", "B2", ""]), CUSTOMER, st.sampled_from(["01", "02"]), VALUE, KNOWN),
        max_size=4,
    ),
}
NAME = st.sampled_from(["a", "m", "z"])
ACTION = st.one_of(
    st.tuples(st.just("usage"), NAME, ROWS["usage"]),
    st.tuples(st.just("bill"), NAME, ROWS["bill"]),
    st.tuples(st.just("cust"), st.integers(1, 6), st.none()),
    st.tuples(st.just("remove"), st.sampled_from(["usage", "bill"]), NAME),
    st.tuples(st.just("copy"), st.sampled_from(["usage", "bill"]), NAME),
)
LATER = st.sampled_from([date(2026, 3, 1), AS_OF, date(2026, 5, 1)])


def act(world: Deliveries, action: tuple) -> None:
    kind, first, second = action
    if kind == "cust":
        world.customers(IDS[:first])
    elif kind == "remove":
        (world.raw.folder / f"{first}_{second}.csv").unlink(missing_ok=True)
    elif kind == "copy" and (path := world.raw.folder / f"{first}_{second}.csv").exists():
        os.utime(shutil.copy(path, path.with_name(f"{first}_b.csv")), (0, 0))
    elif kind in ROWS:
        world.bring(f"{kind}_{first}", *second)


STEPS = st.lists(st.tuples(st.lists(ACTION, min_size=1, max_size=3), LATER), min_size=2, max_size=5)


def deliver(folder: Path, steps: list) -> tuple[dict | str, dict | str]:
    """Read after every step; what the last reading gives or refuses, and what one of everything does."""
    world = Deliveries(folder).customers(IDS[:2])
    world.bring("usage_k", use(), use("00002")).bring("bill_k", bill("B0"))
    for actions, as_of in steps:
        outcome(lambda as_of=as_of: world.read(as_of=as_of))
        for action in actions:
            act(world, action)
    as_of = steps[-1][1]
    incremental = outcome(lambda: world.told(world.read(as_of=as_of), "ws"))
    whole = outcome(lambda: world.told(world.whole(as_of), "fresh"))
    world.con.disconnect()
    return incremental, whole


@pytest.mark.slow
@settings(max_examples=5, deadline=None, phases=[Phase.explicit, Phase.generate])
@example(steps=[([("bill", "a", [bill("B1", "00003", value=-5), bill("B2", "00004", value=-5)])], AS_OF)])  # E301
@given(steps=STEPS)
def test_deliveries_one_by_one_are_one_reading_of_all(tmp_path_factory, steps):
    incremental, whole = deliver(tmp_path_factory.mktemp("deliveries"), steps)
    assert incremental == whole


@pytest.mark.exhaustive
@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_many_worlds_of_deliveries(tmp_path_factory, steps):
    incremental, whole = deliver(tmp_path_factory.mktemp("deliveries"), steps)
    assert incremental == whole


CHANGE = st.builds(
    lambda customer, joined, left, kind, known: (
        (customer, joined, "9" if left else "1", left, kind, f"2026-{known} 09:00:00")
    ),
    st.sampled_from(IDS[:4]),
    st.sampled_from(["20230401", "20230402", "20260310"]),
    st.sampled_from(["", "20260301", "20260320"]),
    st.sampled_from(["01", "02"]),
    st.sampled_from(["02-02", "03-16", "03-20", "06-01"]),
)
LOG = st.lists(st.tuples(st.lists(CHANGE, max_size=4), st.booleans()), min_size=1, max_size=4)


@pytest.mark.slow
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(steps=LOG)
def test_changes_of_customers_one_by_one_are_one_reading_of_all(tmp_path_factory, steps):
    """Also of ids that are handed on, corrected, and held by two at once."""
    log = Deliveries(tmp_path_factory.mktemp("log"), history="changes")
    log.bring("bill_1", bill()).bring("usage_1", *[use(c) for c in IDS[:4]])
    log.bring("cust_m", ("00001", "20230401", "1", "", "01", "2026-02-01 09:00:00"))
    for number, (rows, before) in enumerate(steps):
        log.bring(f"cust_{'a' if before else 'z'}{number}", *rows)
        _, incremental, whole = log.both(date(2026, 5, 1))
        assert incremental == whole
    log.con.disconnect()


def months(found: Tables, name: str = "usage") -> dict[str, int]:
    """Part -> the file on disk that holds it."""
    return {part.name: part.path.stat().st_ino for part in found.parts[name]}


def test_a_new_file_opens_nothing_else(world):
    before = world.read()
    assert before.files == {"read": 0, "known": 4}
    world.bring("usage_03", use(day="03-01", known="03-02"))
    found = world.agree()
    assert list(months(found)) == ["2026-01", "2026-02", "2026-03"]
    assert months(before).items() < months(found).items()
    assert months(before, "bills") == months(found, "bills")


def test_what_was_read_is_told(world):
    found = world.bring("usage_03", use(day="03-01", known="03-02")).read()
    assert (found.files, found.read) == ({"read": 1, "known": 4}, {"customers": 0, "bills": 0, "usage": 1})


def test_a_late_row_rewrites_its_month_alone(world):
    before = months(world.read())
    after = months(world.bring("usage_03", use("00002", "02-11", "03-20")).agree())
    assert (after["2026-01"], after["2026-02"] != before["2026-02"]) == (before["2026-01"], True)


def test_a_correction_of_an_old_month(world):
    found = world.bring("usage_03", use(day="01-10", known="03-20", value=4096)).agree()
    rows = found["usage"].filter(found["usage"].data_mb == 1.0).superseded_at.count().execute()
    assert (rows, found.counts["usage"].used) == (1, 10)


def test_a_bill_corrected_into_another_month(world):
    found = world.bring("bill_0", bill(month="02", known="03-01")).agree()
    assert found["bills"].superseded_at.count().execute() == 1


def test_the_same_rows_again_are_duplicates(world):
    found = world.bring("usage_00", use(), use("00002"), use("00003", "01-10", "01-12")).agree()
    assert (found.counts["usage"].duplicates, found.counts["usage"].used) == (2, 10)


def test_rows_put_aside_stay_with_their_file(world):
    world.bring("usage_03", use(value="x"), use("00009")).agree()
    found = world.bring("usage_00", use("00002", "02-12", "02-13"), use(value=-1)).agree()
    told = [(row["file"][-6:-4], row["rule"]) for row in world.put_aside(found, "ws")["usage"]]
    assert told == [("00", "not_negative"), ("03", "not_a_number"), ("03", "unknown_customer")]


@pytest.mark.slow
def test_a_contradiction_of_a_stored_row_reads_the_table_whole(world):
    found = world.bring("usage_00", use(value=9999)).read()
    assert found.read == {"customers": 0, "bills": 0, "usage": 3}
    assert [row["rule"] for row in world.put_aside(found, "ws")["usage"]] == ["conflicting_key"] * 2
    assert world.bring("usage_04", use(value=9999), use(value=7)).agree().counts["usage"].quarantined == 3
    assert world.bring("usage_05", use("00002", "02-12", "02-13")).read().read["usage"] == 1
    assert world.agree().counts["usage"].quarantined == 3


def test_a_repeat_beside_a_contradiction_leaves_the_first_copy_its_place(world):
    found = world.bring("usage_04", use(), use(value=9999)).agree()
    assert [row["file"][-6:-4] for row in world.put_aside(found, "ws")["usage"]] == ["01", "04"]


@pytest.mark.slow
def test_customers_arrive_after_their_rows(world):
    before = world.bring("usage_03", use("00005", "01-12"), use("00005", "03-12", "03-13")).agree()
    assert before.counts["usage"].quarantined == 2
    found = world.customers(IDS).read()
    assert found.read == {"customers": 1, "bills": 0, "usage": 0}
    assert (world.agree().counts["usage"].quarantined, len(found.parts["usage"])) == (0, 3)


def test_a_customer_who_is_gone_takes_their_rows_along(world):
    found = world.customers(IDS[:2]).agree()
    assert found.counts["usage"].quarantined == 3


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", ["usage_01", "usage_00", "usage_02"])
def test_files_may_be_replaced_removed_and_renamed(world, name):
    world.bring(name, use("00001", "01-15", "01-16"))
    world.agree()
    world.remove(name)
    world.agree()
    world.bring("usage_z", use("00001", "01-15", "01-16"))
    found = world.agree()
    (world.raw.folder / "usage_z.csv").rename(world.raw.folder / "usage_0.csv")
    assert world.agree().fingerprint != found.fingerprint


def test_a_copy_is_told_and_not_read(world):
    shutil.copy(world.raw.folder / "usage_01.csv", world.raw.folder / "usage_00.csv")
    os.utime(world.raw.folder / "usage_00.csv", (0, 0))
    found = world.read()
    told = {problem.code for problem in found.warnings} - {"W363"}  # these customers are mutable
    assert (sum(found.read.values()), told) == (0, {"W301"})
    world.agree()


@pytest.mark.slow
def test_the_future_becomes_the_past_and_the_past_the_future(world):
    world.bring("usage_03", use(day="03-15", known="05-10"), use("00009", "03-15", "05-10"))
    assert world.agree().future == 2
    assert world.agree(date(2026, 6, 1)).future == 0
    assert world.agree().future == 2


def test_times_with_and_without_offset_in_two_files(world):
    world.bring("usage_03", ("00001", "2026-03-01T08:00:00+08:00", "2026-03-02 09:00:00", "1"))
    with pytest.raises(HeadwaterError, match="E315"):
        world.read()
    world.bring("usage_03", ("00001", "2026-03-01 08:00:00", "2026-03-02 09:00:00", "1"))
    world.agree()


@pytest.mark.slow
def test_a_column_that_changes_its_type_is_read_whole(world):
    rows = {"用户编号": ["00001"], "使用时间": ["2026-01-10 08:00:00"], "入库时间": ["2026-01-11 09:00:00"]}
    world.raw.mapping["tables"]["usage"]["source"] = {"path": "usage*.parquet"}
    world.raw.write_mapping()
    for number, values in enumerate(([1024], [1024.5], ["1024"])):
        table = pa.table(rows | {"流量_KB": values, "使用时间": [f"2026-01-1{number} 08:00:00"]})
        path = world.raw.folder / f"usage_{number}.parquet"
        pq.write_table(table, path)
        os.utime(path, (0, 0))
        assert world.read().read["usage"] == number + 1
        world.agree()


@pytest.mark.slow
def test_thresholds_look_at_the_whole_table(tmp_path):
    world = Deliveries(tmp_path, LOOSE | {"max_quarantined": 0.1}).customers(IDS)
    world.bring("bill_1", bill()).bring("usage_01", *[use(c, f"01-{d}") for c in IDS for d in range(10, 14)])
    world.read()
    world.bring("usage_02", use(value="x"), use(value="y")).agree()
    world.bring("usage_03", use(value="z"))
    assert outcome(world.read) == outcome(world.whole) == "E308"
    world.bring("usage_04", *[use(c, f"02-{d}", "02-20") for c in IDS for d in range(10, 14)]).agree()


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("harm", ["usage/2026-01.parquet", "_memory/usage/waiting.parquet"])
def test_a_damaged_folder_is_no_base(world, harm):
    path = world.folder / "ws" / "tables" / world.read().fingerprint / harm
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-9] + b"x" + content[-8:])
    found = world.bring("usage_03", use(day="03-01", known="03-02")).read()
    assert found.read["usage"] == 3
    world.agree()


@pytest.mark.slow
def test_a_folder_is_never_changed_by_those_that_follow(world):
    folder = world.folder / "ws" / "tables" / world.read().fingerprint
    before = {path: (path.read_bytes(), path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    world.bring("usage_00", use(value=9999)).agree()
    world.bring("usage_03", use("00001", "02-11", "03-20")).agree()
    assert before == {path: (path.read_bytes(), path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("slice_", [1, 3])
def test_slices_change_nothing(world, monkeypatch, slice_):
    world.bring("usage_03", use(), use(value=7), use("00009"), use("00002", "03-01", "02-28"), ("00001",))
    told = world.told(world.whole(), "fresh")
    monkeypatch.setattr(staging, "SLICE", slice_)
    monkeypatch.setattr("pipelines.ingest.readers.csv_files.BLOCK", 64)
    assert world.told(world.whole(), "fresh") == told


def test_readers_may_open_only_what_can_matter(world):
    found = world.read()
    assert [part.name for part in found.since("usage", date(2026, 2, 10))] == ["2026-02"]
    assert [part.name for part in found.since("usage", date(2026, 1, 20))] == ["2026-01", "2026-02"]
    assert len(found.since("customers", date(2030, 1, 1))) == 1
    later = found.opened(world.con, {"usage": date(2026, 2, 1)})
    assert (later["usage"].count().execute(), found["usage"].count().execute()) == (3, 9)
    none = found.opened(world.con, {"usage": date(2027, 1, 1)})["usage"]
    assert (none.count().execute(), none.schema()) == (0, found["usage"].schema())
    assert later["bills"] is found["bills"]


def test_measures_in_another_order_are_read_again(world):
    """What is kept of a reading has the columns in their order: the next one stopped with E319."""
    columns = world.raw.mapping["tables"]["usage"]["columns"]
    columns["kilobytes"] = "流量_KB"
    world.raw.write_mapping()
    world.read()
    columns["data_mb"] = columns.pop("data_mb")
    world.raw.write_mapping()
    assert world.agree().measures == ("kilobytes", "data_mb")


def test_a_changed_mapping_opens_its_own_table_alone(world):
    before = world.read()
    world.raw.mapping["tables"]["bills"]["columns"]["amount"] = {"expr": "应收_分 / 10", "unit": "CNY"}
    world.raw.write_mapping()
    found = world.agree()
    assert found.recipes.items() & before.recipes.items() == {(n, r) for n, r in before.recipes.items() if n != "bills"}
    assert (found.read, months(found)) == ({"customers": 0, "bills": 1, "usage": 0}, months(before))


def test_limits_and_freshness_open_nothing(world):
    world.read()
    world.raw.mapping["tables"]["usage"]["freshness"] = {"warn_after": "35d"}
    world.config.write_text(world.config.read_text().replace('"max_quarantined": 1', '"max_quarantined": 0.5'))
    world.raw.write_mapping()
    assert world.read().files == {"read": 0, "known": 4}
    world.agree()


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("key", ["timezone", "currency"])
def test_what_holds_for_all_tables_opens_all(world, key):
    world.read()
    world.raw.mapping[key] = {"timezone": "Asia/Tokyo", "currency": "EUR"}[key]
    world.raw.write_mapping()
    assert world.agree().files["read"] == 4


@pytest.fixture
def hashed(monkeypatch):
    """Names of the files that were read for their hash."""
    names = []
    digest = hashlib.file_digest
    monkeypatch.setattr("hashlib.file_digest", lambda file, kind: (names.append(file.name), digest(file, kind))[1])
    return names


def settled(world: Deliveries) -> None:
    """As if the last reading had been long after its files came."""
    memory = world.folder / "ws" / canonical.HASHES
    later = memory.stat().st_mtime_ns + 10**10
    os.utime(memory, ns=(later, later))


def test_a_night_without_anything_new_reads_no_raw_bytes(world, hashed):
    settled(world)
    world.read()
    assert hashed and not [name for name in hashed if name.endswith(".csv")]
    world.config.write_text(world.config.read_text().replace("quality: {", 'quality: {"rehash": true, '))
    hashed.clear()
    world.read()
    assert len([name for name in hashed if name.endswith(".csv")]) == 4


def test_every_file_is_hashed_once(world, hashed):
    for bring in (lambda: None, lambda: world.bring("usage_03", use(day="03-01", known="03-02"))):
        bring()
        world.read()
        files = [Path(name).stat().st_ino for name in hashed if Path(name).exists()]
        assert len(files) == len(set(files))
        hashed.clear()
