"""Who was erased comes back by no reading; who holds the id later is somebody else, and loses nothing."""

import shutil
from datetime import date

import pyarrow.parquet as pq
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pipelines.ingest import merging, snapshots
from pipelines.workspace import erasures
from tests.pipelines.ingest.test_incremental import AS_OF, IDS, LOOSE, Deliveries, bill, use
from tests.pipelines.ingest.test_snapshots import Nights, row

DAY = date(2026, 2, 1)
"""Of the erasure."""
WHO = IDS[0]


class Erasing(Deliveries):
    """Deliveries to a workspace from which people are erased, as by somebody who knows of it from the beginning."""

    def erase(self, *ids: str, day: date = DAY) -> None:
        (self.folder / "ws").mkdir(exist_ok=True)
        erasures.save(self.folder / "ws", erasures.erasures(self.folder / "ws").begun(ids, day))
        shutil.rmtree(self.folder / "ws" / "tables", ignore_errors=True)

    def whole(self, as_of: date = AS_OF):
        shutil.rmtree(self.folder / "fresh", ignore_errors=True)
        (self.folder / "fresh").mkdir()
        if (self.folder / "ws" / erasures.FILE).exists():
            shutil.copy2(self.folder / "ws" / erasures.FILE, self.folder / "fresh")
        return self.read("fresh", as_of)


def of(found, name: str, who: str = WHO) -> list[dict]:
    table = found[name]
    return table.filter(table.customer_id == who).to_pyarrow().to_pylist()


@pytest.fixture
def world(tmp_path) -> Erasing:
    made = Erasing(tmp_path, dict(LOOSE)).customers(IDS[:3])
    made.bring("bill_1", bill(), bill("B2", "00002"))
    return made.bring("usage_01", *[use(c, d) for c in IDS[:3] for d in ("01-10", "01-20")])


def test_their_rows_are_left_out_counted_and_told(world):
    world.read()
    world.erase(WHO)
    found = world.agree()
    assert [of(found, name) for name in ("customers", "bills", "usage")] == [[], [], []]
    assert of(found, "usage", "00002") and found.counts["usage"].filtered == 2
    told = [warning for warning in found.warnings if warning.code == "W305"]
    assert [warning.values["tables"] for warning in told] == ["customers 1, bills 1, usage 2"]


def test_a_reading_of_before_is_not_gone_on_from(world):
    """Killed after it was written down and before the tables were removed: they hold the person."""
    world.read()
    erasures.save(world.folder / "ws", erasures.Erasures().begun([WHO], DAY))
    assert of(world.agree(), "usage") == []


def test_what_is_delivered_later_is_left_out_too(world):
    world.erase(WHO)
    world.read()
    world.bring("usage_02", use(WHO, "02-10", "02-11"), use("00002", "02-10", "02-11"))
    found = world.agree()
    assert of(found, "usage") == [] and len(of(found, "usage", "00002")) == 3
    assert not world.put_aside(found, "ws"), "and waits in no quarantine for a customer who does not come"


@pytest.mark.slow
def test_the_next_holder_of_an_id_is_somebody_else(world):
    """What arrived for them before they were known as a customer is found again."""
    world.erase(WHO)
    world.bring("usage_02", use(WHO, "02-20", "02-21"), use(WHO, "02-01", "02-21"))
    assert of(world.agree(), "usage") == []
    people = [(c, "20230401", "1", "", "01") for c in IDS[:3]]
    world.bring("cust", *people, (WHO, "20260215", "1", "", "02"))
    found = world.agree()
    assert [person["customer_type"] for person in of(found, "customers")] == ["family"]
    assert [f"{used['happened_on']:%m-%d}" for used in of(found, "usage")] == ["02-20"]


def test_a_row_of_the_wrong_length_with_their_id_leaves_no_trace(world):
    path = world.raw.folder / "usage_03.csv"
    world.bring("usage_03", use("00002", "01-11"))
    path.write_text(path.read_text() + f"{WHO},2026-01-11\n00002,2026-01-11\n")
    assert len(world.put_aside(world.read(), "ws")["usage"]) == 2
    world.erase(WHO)
    found = world.agree()
    assert [put["value"] for put in world.put_aside(found, "ws")["usage"]] == ["00002,2026-0…"]
    assert found.counts["usage"].filtered == 3


JOINED = st.sampled_from(["20230401", "20260131", "20260202", "20260301"])
USED = st.builds(use, st.sampled_from(IDS[:3]), st.sampled_from(["01-10", "02-02", "03-01"]), st.just("03-20"))
STEP = st.one_of(
    st.tuples(st.just("cust"), st.lists(st.tuples(st.sampled_from(IDS[:3]), JOINED), min_size=1, max_size=4)),
    st.tuples(st.sampled_from(["usage_a", "usage_b"]), st.lists(USED, max_size=4)),
    st.tuples(st.just("erase"), st.lists(st.sampled_from(IDS[:2]), min_size=1, max_size=2)),
)


def stays(who: str, joined: str, gone: set[str]) -> bool:
    """The definition, in plain words: an erased id has only holders who joined after that day."""
    return who not in gone or joined > DAY.strftime("%Y%m%d")


OTHERS = [(f"8{n:04d}", "20230401", "1", "", "01") for n in range(60)]
"""So many that no change of three looks like another spelling of ids."""


@pytest.mark.slow
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(steps=st.lists(STEP, min_size=2, max_size=5))
def test_deliveries_and_erasures_in_any_order_are_one_reading(tmp_path_factory, steps):
    world, gone, people = Erasing(tmp_path_factory.mktemp("erased"), dict(LOOSE)), set(), []
    world.bring("cust", *OTHERS).bring("usage_a", use("80001")).bring("bill_1", bill("B0", "80001"))
    for kind, rows in steps:
        if kind == "erase":
            world.erase(*rows)
            gone |= set(rows)
        elif kind == "cust":
            people = sorted(dict(rows).items())
            world.bring("cust", *OTHERS, *[(who, joined, "1", "", "01") for who, joined in people])
        else:
            world.bring(kind, use("80001"), *rows)
        world.read()
    held = world.agree()["customers"].filter(lambda t: t.customer_id < "80000").to_pyarrow().to_pylist()
    assert {(r["customer_id"], f"{r['activated_on']:%Y%m%d}") for r in held} == {p for p in people if stays(*p, gone)}
    world.con.disconnect()


def test_what_earlier_snapshots_said_is_kept_of_the_others(tmp_path):
    """And the same snapshot read once more comes to the same bytes, as it does without an erasure."""
    world, people = Nights(tmp_path, LOOSE), [row(f"{n:05d}") for n in range(1, 31)]
    world.night(date(2026, 3, 1), people)
    before = world.night(date(2026, 3, 5), [*people[:-1], row("00030", kind="02")])
    folder = tmp_path / "ws"
    erasures.save(folder, erasures.Erasures().begun([WHO], date(2026, 3, 6)))

    def without(old, new):
        rows = world.con.read_parquet(old)
        merging.written_part(world.con, rows.filter(rows.customer_id != WHO), new)

    snapshots.forget(folder / snapshots.FOLDER, without)
    assert len(list((folder / snapshots.FOLDER).iterdir())) == 2
    for night in (date(2026, 3, 6), date(2026, 3, 7)):
        found = world.read(as_of=night)
        snapshots.check(folder / snapshots.FOLDER)
        expected = before["customers"].filter(before["customers"].customer_id != WHO)
        assert rows_of(found["customers"]) == rows_of(expected), "both versions of 00030, and nobody's more"
    kept = next((folder / snapshots.FOLDER).glob("customers-*.parquet"))
    assert WHO not in pq.read_table(kept)["customer_id"].to_pylist()


def rows_of(table) -> list[dict]:
    return table.order_by(*table.columns).to_pyarrow().to_pylist()
