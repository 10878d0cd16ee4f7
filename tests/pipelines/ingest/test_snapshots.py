"""Nightly snapshots of customers: each night goes on seeing what its file said, whatever later ones say."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from features.contracts import ALWAYS
from features.errors import HeadwaterError
from features.spine import cutoff
from pipelines.ingest.snapshots import FOLDER, STATE
from tests.pipelines.ingest.test_incremental import LOOSE, Deliveries, bill, use

FIRST = date(2026, 4, 1)
ZONE = "Asia/Shanghai"
TYPES = {"01": "personal", "02": "family"}
Row = tuple[str, str, str, str, str]
Seen = dict[tuple[str, str], tuple[str | None, str]]


def row(customer: str = "00001", joined: str = "20230401", left: str = "", kind: str = "01") -> Row:
    return (customer, joined, "9" if left else "1", left, kind)


class Nights(Deliveries):
    """A project whose customers file is replaced; the other tables hardly change."""

    def __post_init__(self):
        self.history = "snapshots"
        super().__post_init__()
        self.bring("usage_01", use()).bring("bill_1", bill())

    def night(self, day: date, rows: list[Row]):
        return self.bring("cust", *rows).read(as_of=day)

    def seen(self, found, day: date) -> Seen:
        """What is on record for a night: (id, joined) -> when they left, and their type; in plain Python."""
        cut = cutoff(day, ZONE)
        known = [r for r in found["customers"].to_pyarrow().to_pylist() if r["known_at"] < cut]
        known = [r for r in known if r["superseded_at"] is None or r["superseded_at"] >= cut]
        keys = [(r["customer_id"], f"{r['activated_on']:%Y%m%d}") for r in known]
        assert len(set(keys)) == len(keys), "two versions at once"
        left = [r["deactivated_on"] and f"{r['deactivated_on']:%Y%m%d}" for r in known]
        return {key: (day, r["customer_type"]) for key, day, r in zip(keys, left, known, strict=True)}


def told(rows: list[Row]) -> Seen:
    """The same of a file."""
    return {(c, joined): (left or None, TYPES[kind]) for c, joined, _, left, kind in rows}


@pytest.fixture
def world(tmp_path) -> Nights:
    return Nights(tmp_path, LOOSE)


PEOPLE = [f"{n:05d}" for n in range(1, 31)]
"""So many that no change of one looks like another spelling of ids."""
BASE = [row(c) for c in PEOPLE]
CHANGES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["move", "leave", "back", "vanish", "late", "redated", "next"])),
    max_size=4,
)
STEPS = st.lists(st.tuples(st.integers(-2, 3), CHANGES), min_size=2, max_size=6)


def changed(rows: list[Row], changes: list[tuple[int, str]], step: int) -> list[Row]:
    """The file of another night, in which nobody leaves before they joined and no two hold an id at once."""
    rows = list(rows)
    for place, how in changes:
        customer, joined, _, left, kind = rows[place]
        alone = sum(r[0] == customer for r in rows) == 1
        if how == "move":
            rows[place] = row(customer, joined, left, "02" if kind == "01" else "01")
        elif how == "leave":
            rows[place] = row(customer, joined, "20260301" if joined < "20260301" else "20260328", kind)
        elif how == "back" and alone:
            rows[place] = row(customer, joined, "", kind)
        elif how == "redated" and alone and joined < "20260301":
            rows[place] = row(customer, f"202304{step + 2:02d}", left, kind)
        elif how == "vanish":
            del rows[place]
        elif how == "late":
            rows.append(row(f"9{step:03d}{place}", "20260101", "", kind))
        elif how == "next" and alone and left and left < "20260310":
            rows.append(row(customer, f"202603{step + 10:02d}", "", kind))
    return sorted(dict.fromkeys(rows))


def apart(world: Nights, steps: list[tuple[int, list]]) -> list[tuple[int, date]]:
    """Steps and nights against the law: after each delivery every night says what the last file read for it, or before it, said."""
    rows, newest, unlike = BASE, FIRST, []
    by_night = {FIRST - timedelta(days=400): BASE, FIRST: BASE}
    world.night(FIRST, rows)
    for step, (days, changes) in enumerate(steps):
        before, rows = rows, changed(rows, changes, step)
        night = newest + timedelta(days=days)
        found = world.night(night, rows)
        if rows != before:  # what was delivered last holds from its night on, also of nights that are to come
            since = max(night, newest + timedelta(days=days < 0))
            by_night = {day: said for day, said in by_night.items() if day < since} | {since: rows}
        newest = max(newest, night)
        by_night.setdefault(newest, by_night[max(by_night)] if newest > max(by_night) else rows)
        for day in [FIRST + timedelta(days=n) for n in range(-1, (newest - FIRST).days + 3)]:
            last = max(d for d in by_night if d <= day)
            if world.seen(found, day) != told(by_night[last]):
                unlike.append((step, day))
    return unlike


@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(steps=STEPS)
def test_every_night_goes_on_seeing_what_its_file_said(tmp_path_factory, steps):
    world = Nights(tmp_path_factory.mktemp("nights"))
    assert apart(world, steps) == []
    world.con.disconnect()


@pytest.mark.exhaustive
@settings(max_examples=20, deadline=None)
@example(steps=[(-1, [(0, "move")]), (0, [(0, "move")])])
@given(steps=STEPS)
def test_many_worlds_of_nights(tmp_path_factory, steps):
    world = Nights(tmp_path_factory.mktemp("nights"))
    assert apart(world, steps) == []
    world.con.disconnect()


def test_the_first_snapshot_was_always_known_and_the_next_from_its_night_on(world):
    world.night(FIRST, BASE)
    found = world.night(date(2026, 4, 9), [*BASE, row("00099", "20260101")])
    known = {r["customer_id"]: r["known_at"] for r in found["customers"].to_pyarrow().to_pylist()}
    assert known["00001"] == ALWAYS
    assert cutoff(date(2026, 4, 8), ZONE) <= known["00099"] < cutoff(date(2026, 4, 9), ZONE)
    assert found.counts["customers"].used == len(BASE) + 1


def test_a_new_customers_file_opens_no_other_file(world):
    """Nor does one in which somebody is gone: what they did stays theirs."""
    world.night(FIRST, BASE)
    found = world.night(date(2026, 4, 2), BASE[1:])
    assert found.read == {"customers": 1, "bills": 0, "usage": 0}
    assert found.counts["usage"].used == 1 and found["customers"].count().execute() == len(BASE)
    assert "W361" in {w.code for w in found.warnings}


def test_a_mutable_file_that_says_other_things_of_the_past_tells_of_how_many(world):
    world.raw.mapping["tables"]["customers"]["history"] = "mutable"
    world.raw.write_mapping()
    world.night(FIRST, BASE)
    moved = [row(c, kind="02") for c in PEOPLE[:4]] + [row(PEOPLE[4], left="20260401"), *BASE[5:], row("00099")]
    told = {w.code: w.values for w in world.night(date(2026, 4, 2), moved).warnings}
    assert told["W366"] == {"rows": 4, "total": len(BASE), "columns": "customer_type"}
    assert "W366" in {w.code for w in world.read(as_of=date(2026, 4, 2)).warnings}, "as long as these are the files"
    assert "W366" not in {w.code for w in world.bring("bill_2", bill("B2")).read(as_of=date(2026, 4, 3)).warnings}


def test_nothing_is_read_where_nothing_changed_and_an_old_night_comes_back(world):
    first = world.night(FIRST, BASE)
    world.night(date(2026, 4, 5), BASE[:-1])
    again = world.read(as_of=FIRST)
    assert again.files["read"] == 0 and world.seen(again, FIRST) == world.seen(first, FIRST)


def test_the_record_outlives_the_tables(world):
    """They can be made again from files; what a replaced file said cannot."""
    world.night(FIRST, BASE)
    world.night(date(2026, 4, 5), [row(kind="02"), *BASE[1:]])
    shutil.rmtree(world.folder / "ws" / "tables")
    found = world.read(as_of=date(2026, 4, 6))
    assert world.seen(found, FIRST)["00001", "20230401"] == (None, "personal")
    assert world.seen(found, date(2026, 4, 6))["00001", "20230401"] == (None, "family")


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("harm", ["flip", "gone", "state", "no state"])
def test_a_damaged_record_stops(world, harm):
    world.night(FIRST, BASE)
    folder = world.folder / "ws" / FOLDER
    (versions,) = folder.glob("*.parquet")
    path = folder / STATE if "state" in harm else versions
    content = path.read_bytes()
    path.unlink()
    if harm in ("flip", "state"):
        path.write_bytes(content[:40] + b"x" + content[41:] if harm == "flip" else b"{")
    with pytest.raises(HeadwaterError, match="E332"):
        world.read(as_of=FIRST)
    shutil.rmtree(folder)
    assert world.read(as_of=FIRST)["customers"].count().execute() == len(BASE)


def test_columns_mapped_otherwise_say_of_the_past_what_they_say_today(world):
    world.night(FIRST, BASE)
    world.night(date(2026, 4, 5), [row(left="20260404", kind="02"), *BASE[1:]])
    columns = world.raw.mapping["tables"]["customers"]["columns"]
    columns["customer_type"]["map"] |= {"01": "one", "02": "two"}
    columns["kind"] = "客户类型"
    world.raw.write_mapping()
    found = world.read(as_of=date(2026, 4, 7))
    rows = found["customers"].filter(found["customers"].customer_id == "00001").order_by("known_at").to_pyarrow()
    assert rows["customer_type"].to_pylist() == ["two", "two"] and rows["kind"].to_pylist() == ["02", "02"]
    assert rows["deactivated_on"].to_pylist() == [None, date(2026, 4, 4)]
    assert [w.values["columns"] for w in found.warnings if w.code == "W362"] == ["customer_type, kind"]
    assert found["customers"].count().execute() == len(BASE) + 1


def test_most_customers_missing_stops(tmp_path):
    world = Nights(tmp_path, LOOSE | {"max_vanished": 0.05})
    many = [row(f"{n:05d}") for n in range(1, 201)]
    world.night(FIRST, many)
    for kept, stops in ((100, True), (189, True), (190, False)):
        if stops:
            with pytest.raises(HeadwaterError, match="E362"):
                world.night(date(2026, 4, 2), many[:kept])
        else:
            assert "W361" in {w.code for w in world.night(date(2026, 4, 2), many[:kept]).warnings}


def test_leavers_may_go(tmp_path):
    world = Nights(tmp_path, LOOSE | {"max_vanished": 0.05})
    gone = [row(f"{n:05d}", left="20250101") for n in range(101, 201)]
    world.night(FIRST, [*BASE, *gone])
    found = world.night(date(2026, 4, 2), BASE)
    assert not {w.code for w in found.warnings} & {"W361", "W362"}


def test_a_file_that_comes_after_a_later_night_is_told(world):
    world.night(date(2026, 4, 9), BASE)
    found = world.night(FIRST, [row(kind="02"), *BASE[1:]])
    (told_,) = [w for w in found.warnings if w.code == "W365"]
    assert told_.values == {"as_of": FIRST, "newest": "2026-04-09", "known": "2026-04-10"}
    assert world.seen(found, date(2026, 4, 9)) == told(BASE)


def test_a_second_file_for_the_same_night_counts_and_is_told(world):
    moved = [row(kind="02"), *BASE[1:]]
    for rows, codes in ((BASE, set()), (BASE, set()), (moved, {"W370"}), (moved, set())):
        found = world.night(FIRST, rows)
        assert {w.code for w in found.warnings} & {"W365", "W370"} == codes
        assert world.seen(found, FIRST) == told(rows)
    assert not [w for w in world.night(date(2026, 4, 2), BASE).warnings if w.code == "W370"]


def test_another_spelling_of_ids_stops(world):
    world.night(FIRST, BASE)
    with pytest.raises(HeadwaterError, match="E322"):
        world.night(date(2026, 4, 2), [row(r[0].lstrip("0")) for r in BASE])
    assert world.night(date(2026, 4, 2), BASE).counts["customers"].used == len(BASE)


def test_a_stopped_run_leaves_no_record(world, monkeypatch):
    world.night(FIRST, BASE)
    before = {path: path.read_bytes() for path in (world.folder / "ws" / FOLDER).iterdir()}
    monkeypatch.setattr("pipelines.ingest.judgement.check", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.night(date(2026, 4, 2), BASE[1:])
    assert {path: path.read_bytes() for path in Path(world.folder / "ws" / FOLDER).iterdir()} == before


@pytest.mark.slow
def test_nights_after_a_late_delivery_see_their_own_files_again(world):
    """A file for a night in the past is known from tomorrow on; that must not push every later one a night ahead."""
    world.night(FIRST, BASE)
    world.night(FIRST - timedelta(days=1), [row("00001", kind="02"), *BASE[1:]])
    for step in range(3):
        rows = [*BASE, row(f"9000{step}", "20260101")]
        found = world.night(FIRST + timedelta(days=step), rows)
        assert world.seen(found, FIRST + timedelta(days=step)) == told(rows)
        assert not [w for w in found.warnings if w.code == "W365"]
