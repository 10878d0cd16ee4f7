"""Law 1: nothing that happens, or becomes known, at or after the cutoff changes anything. It catches the classic slips."""

from datetime import datetime, timedelta

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import visible
from features.catalogue import FAMILIES, catalogue, definitions
from features.definition import columns
from tests.features.asking import EVENTS, Asker, differing, sources, without_nan
from tests.world import LATER, MEASURES, World, future, past, rewritten, world

NARROW = [
    f
    for family in FAMILIES
    for d in definitions(family)
    if d.source not in {"customers", "wide"}
    for f in columns(d, MEASURES)[:1]
]
"""One column of every feature: enough to be caught by, and compiled in half the time."""
SOURCES = {f.source for f in NARROW}


def test_nothing_from_the_cutoff_on_changes_anything_in_12000_worlds(ask: Asker):
    given = world(12_000, seed=101)
    answer = ask(given)
    assert answer.num_rows == 12_000
    assert without_nan(answer)
    assert differing(answer, ask(past(given))) == set(), "dropping the future changed these"
    assert differing(answer, ask(rewritten(given, world(12_000, seed=102)))) == set(), "another future changed these"


def test_the_worlds_are_as_hostile_as_they_claim():
    given = world(3_000, seed=103)
    own = given.spine.set_index("customer_id")
    for name in EVENTS:
        rows = given.tables[name]
        ahead = future(rows, given.spine)
        cut = own.cutoff.loc[rows.customer_id].to_numpy()
        assert 0.1 < ahead.mean() < 0.6, name
        assert (rows.known_at.to_numpy() == cut).any(), name
        assert (rows.known_at.to_numpy() == cut - 1).any(), name
        assert (rows.happened_on.to_numpy() < own.activated_on.loc[rows.customer_id].to_numpy()).any(), name
        if name != "subscriptions":
            assert ((rows.happened_at.to_numpy() == cut) & (rows.known_at.to_numpy() < cut)).any(), name
            assert (rows.happened_at.to_numpy() == cut - 1).any(), name
        assert len(set(own.index) - set(rows.customer_id)) > 300, f"{name}: customers without events"
        for column in LATER.keys() & set(rows.columns):
            later = rows[column].to_numpy() >= own[LATER[column]].loc[rows.customer_id].to_numpy()
            assert (later & ~ahead).sum() > 30, f"{name}.{column} comes true after the cutoff"
    assert {"2024-02-29", "2024-03-31"} <= set(given.spine.as_of.dt.strftime("%Y-%m-%d"))
    assert (given.spine.as_of - given.spine.activated_on).min() == pd.Timedelta("1D")


def test_same_seed_same_worlds():
    one, same, other = world(50, seed=1), world(50, seed=1), world(50, seed=2)
    assert all(one.tables[name].equals(same.tables[name]) for name in one.tables)
    assert not one.tables["bills"].equals(other.tables["bills"])


def happened_at_cutoff(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    """The slip `<=` on happened_at (and on the date, where a table has no time)."""
    at = "happened_at" in events.columns
    happened = events.happened_at <= spine.cutoff if at else events.happened_on <= spine.as_of
    return happened & (events.known_at < spine.cutoff) & (events.happened_on >= spine.activated_on)


def known_at_cutoff(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    """The slip `<=` on known_at."""
    happened = events.happened_on < spine.as_of
    return happened & (events.known_at <= spine.cutoff) & (events.happened_on >= spine.activated_on)


def known_forgotten(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    """The slip of looking at one clock only."""
    return (events.happened_on < spine.as_of) & (events.happened_on >= spine.activated_on)


def cut_in_utc(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    """The slip of UTC midnight where the local one was meant."""
    midnight = spine.as_of.cast("timestamp")
    at = "happened_at" in events.columns
    happened = events.happened_at < midnight if at else events.happened_on < spine.as_of
    return happened & (events.known_at < midnight) & (events.happened_on >= spine.activated_on)


@pytest.mark.parametrize("slip", [happened_at_cutoff, known_at_cutoff, known_forgotten, cut_in_utc])
def test_the_law_catches_the_slip_in_every_table(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch, slip):
    """Windows begin with the day before: features that have only windows shut an event at the cutoff out twice."""
    monkeypatch.setattr(visible, "seen", slip)
    slipped = Asker(con, slip.__name__, NARROW)
    given = world(3_000, seed=104)
    changed = differing(slipped(given), slipped(past(given)))
    shut_twice = {"bills", "usage", "surveys"} if slip is happened_at_cutoff else set()
    assert sources(changed, slipped.features) >= SOURCES - shut_twice


@pytest.mark.parametrize("column", ["resolved_at", "valid_to"])
def test_the_law_catches_a_column_shown_before_its_time(con, monkeypatch: pytest.MonkeyPatch, column: str):
    monkeypatch.delitem(visible.MASKED, column)
    slipped = Asker(con, f"unmasked_{column}", [f for f in NARROW if f.source in {"complaints", "subscriptions"}])
    given = world(1_000, seed=105)
    assert differing(slipped(given), slipped(past(given))) != set()


def test_the_law_catches_a_correction_that_hides_what_was_known(con, monkeypatch: pytest.MonkeyPatch):
    def newest(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
        rule = known_before(spine, events)
        return rule & events.superseded_at.isnull() if "superseded_at" in events.columns else rule

    known_before = visible.seen
    monkeypatch.setattr(visible, "seen", newest)
    slipped = Asker(con, "superseded", [f for f in NARROW if f.source in {"bills", "surveys"}])
    given = world(1_000, seed=106)
    assert differing(slipped(given), slipped(past(given))) != set()


SMALL = [f for f in catalogue(MEASURES) if f.source in {"complaints", "payments"}]
CUT = datetime.fromisoformat("2024-02-29")
MOMENTS = st.integers(-120, 48).map(lambda hours: CUT + timedelta(hours=12 * hours)) | st.sampled_from(
    [CUT, CUT - timedelta(microseconds=1), CUT + timedelta(microseconds=1)]
)
ROWS = st.lists(st.tuples(MOMENTS, MOMENTS, st.none() | MOMENTS, st.integers(0, 500)), max_size=6)


@pytest.fixture(scope="module")
def small(con: ibis.BaseBackend) -> Asker:
    return Asker(con, "small", SMALL)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_smallest_world_in_which_the_future_matters(small: Asker, rows):
    """Two customers, one with his whole history, one with its past only, cannot be told apart."""
    full = [("whole", *row) for row in rows]
    before = [("past", h, k, r if r and r < CUT else None, a) for h, k, r, a in rows if h < CUT and k < CUT]
    answer = small(tiny(full + before)).drop_columns(["customer_id"])
    assert differing(answer.slice(0, 1), answer.slice(1, 1)) == set()


def tiny(rows: list[tuple]) -> World:
    """Complaints and payments of two customers, in a time zone where days begin at midnight UTC."""
    columns = ["customer_id", "happened_at", "known_at", "resolved_at", "amount"]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[1:4], "datetime64[us]"))
    frame = frame.assign(happened_on=frame.happened_at.dt.floor("D"), superseded_at=pd.NaT)
    unused = dict.fromkeys(["topic", "channel", "severity", "bill_id"])
    keyed = frame.assign(complaint_id=frame.index.astype(str), payment_id=frame.index.astype(str), **unused)
    return World(pair(), {"complaints": keyed, "payments": keyed})


def pair() -> pd.DataFrame:
    day = {"as_of": CUT, "cutoff": CUT, "activated_on": CUT - timedelta(days=400)}
    return pd.DataFrame([{"customer_id": c, **day} for c in ("past", "whole")])


def test_bits_are_compared_as_bits():
    one = pa.table({"customer_id": ["a"], "x": [0.1 + 0.2]})
    assert differing(one, pa.table({"customer_id": ["a"], "x": [0.3]})) == {"x"}
