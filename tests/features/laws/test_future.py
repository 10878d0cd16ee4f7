"""Law 1: nothing that happens, or becomes known, at or after the cutoff changes anything. It catches the classic slips."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from features import visible
from features.blocks import surroundings
from features.blocks.registry import BLOCKS, EVERYBODY
from features.catalogue import FAMILIES, definitions
from features.contracts import CONTRACTS
from features.definition import columns
from tests.features.asking import EVENTS, Asker, differing, sources, without_nan
from tests.world import (
    ATTRIBUTES,
    COMPONENTS,
    COUNTED,
    DATES,
    FLAGS,
    LATER,
    MEASURES,
    NUMBERS,
    World,
    everything,
    future,
    past,
    rewritten,
    world,
)

NARROW = [
    f
    for family in FAMILIES
    for d in definitions(family)
    if d.source not in {"customers", "peers", "wide", *EVERYBODY}
    for f in columns(d, MEASURES)[:1]
]
"""One column of every feature: enough to be caught by, and compiled in half the time."""
SOURCES = {f.source for f in NARROW} - {"attributes", "household", "plans_ahead"}  # no events that had happened


def assert_holds(ask: Asker, size: int, seed: int) -> None:
    """Law 1 on worlds that are asked three times: as they are, without a future, and with that of others."""
    given = world(size, seed)
    answer, of_others = ask(given), {f.column for f in ask.features if f.source in EVERYBODY}
    assert answer.num_rows == size
    assert without_nan(answer)
    assert differing(answer, ask(past(given))) - of_others == set(), "dropping the future changed these"
    assert differing(answer, ask(rewritten(given, world(size, seed + 1)))) - of_others == set(), "another future did"


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("slip", [None, "seen", "with_us", "_left_within"])
def test_what_others_did_is_of_the_past_where_all_look_from_one_day(con, monkeypatch: pytest.MonkeyPatch, slip):
    """Each customer's world has a date of its own, so that they are moved to one; the slips are seen in every table."""
    from tests.features.laws.test_backfill import on_one_day

    around = [f for f in everything() if f.source in EVERYBODY]
    events = {"surroundings_complaints", "surroundings_payments"}
    slips = {
        None: (surroundings, "with_us", surroundings.with_us, set()),
        "seen": (visible, "seen", known_forgotten, events),
        "with_us": (surroundings, "with_us", lambda people, as_of: people.deactivated_on.isnull(), set(EVERYBODY)),
        "_left_within": (surroundings, "_left_within", has_ever_left, {"surroundings_left"}),
    }
    place, name, slipped, seen_in = slips[slip]
    monkeypatch.setattr(place, name, slipped)
    ask, given = Asker(con, f"around_{slip}", around), on_one_day(world(1_500, seed=107))
    assert sources(differing(ask(given), ask(past(given))), around) == seen_in


def has_ever_left(people: ibis.Table, days: int) -> ibis.Value:
    """The slip of taking a day of leaving for one that has come."""
    return people.deactivated_on.notnull()


def test_nothing_from_the_cutoff_on_changes_anything_in_2000_worlds(ask: Asker):
    assert_holds(ask, 2_000, seed=101)


@pytest.mark.exhaustive
def test_nothing_from_the_cutoff_on_changes_anything_in_100000_worlds(ask: Asker):
    for seed in range(5):
        assert_holds(ask, 20_000, seed=1_001 + 2 * seed)


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


SLIPS = (happened_at_cutoff, known_at_cutoff, known_forgotten, cut_in_utc)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("slip", SLIPS)
def test_the_law_catches_the_slip_in_every_table(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch, slip):
    """Windows begin with the day before: features that have only windows shut an event at the cutoff out twice. A plan
    that begins then may be known: taking it for one in force is seen by the twin."""
    monkeypatch.setattr(visible, "seen", slip)
    slipped = Asker(con, slip.__name__, NARROW)
    given = world(3_000, seed=104)
    changed = differing(slipped(given), slipped(past(given)))
    shut_twice = (
        {
            "bills",
            "purchases",
            "usage",
            "surveys",
            "household_bills",
            "household_complaints",
            "subscriptions",
            "plan_moves",
        }
        if slip is happened_at_cutoff
        else set()
    )
    assert sources(changed, slipped.features) >= SOURCES - shut_twice


def test_the_law_catches_plans_that_nobody_had_signed_yet(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch):
    signed, given = [f for f in NARROW if f.source == "plans_ahead"], world(300, seed=106)
    sound = Asker(con, "signed", signed)
    assert differing(sound(given), sound(past(given))) == set()
    monkeypatch.setattr(visible, "known", lambda cutoff, rows: ibis.literal(True))
    slipped = Asker(con, "unsigned", signed)
    assert differing(slipped(given), slipped(past(given))) == {f.column for f in signed}


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


CUT = datetime.fromisoformat("2024-02-29")
EDGE = timedelta(microseconds=1)
MOMENTS = st.sampled_from([CUT, CUT - EDGE, CUT + EDGE]) | st.integers(-120, 48).map(
    lambda n: CUT + timedelta(hours=12 * n)
)
ROWS = st.lists(
    st.tuples(st.sampled_from(EVENTS), MOMENTS, MOMENTS, st.none() | MOMENTS, st.integers(0, 500)), max_size=6
)
"""Table, when it happened, when it was known, when it ended or was solved, and how much."""


ANNOUNCED = {"subscriptions"}
"""Signed before they begin: what was known before the cutoff is of the past, whenever it begins."""


def columns_apart(asker: Asker, rows: list[tuple], tables: Sequence[str] = EVENTS) -> set[str]:
    """Two customers, one with the whole history, one with its past only: the columns in which they differ.

    Of rows that would share a key, as two plans from one day, the last one stays.
    """
    rows = list({key_of(number, row): row for number, row in enumerate(rows)}.values())
    full = [("whole", *row) for row in rows]
    known = [row for row in rows if row[2] < CUT and (row[1] < CUT or row[0] in ANNOUNCED)]
    before = [("past", t, h, k, r if r and r < CUT else None, a) for t, h, k, r, a in known]
    answer = asker(tiny(full + before, tables)).drop_columns(["customer_id"])
    return differing(answer.slice(0, 1), answer.slice(1, 1))


def key_of(number: int, row: tuple) -> tuple:
    """What tells a row apart: its number, or where the table numbers none, its customer's day."""
    return (row[0], number) if len(CONTRACTS[row[0]].key) == 1 else (row[0], row[1].date())


@pytest.fixture(scope="module")
def small(con: ibis.BaseBackend) -> Asker:
    return Asker(con, "small", NARROW)


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(rows=ROWS)
def test_no_small_world_in_which_the_future_matters(small: Asker, rows):
    assert columns_apart(small, rows) == set()


TOGETHER = {"payments": ["bills", "payments"]}
"""Tables whose features also read another one."""


@pytest.mark.slow
@pytest.mark.parametrize("table", EVENTS)
def test_no_small_world_of_one_table_among_420(con: ibis.BaseBackend, table: str):
    """60 of each table, with the features that it alone makes: seven times as quick as all of them each time."""
    tables = TOGETHER.get(table, [table])
    features = [f for f in NARROW if {*BLOCKS[f.source][0]} <= {"customers", *tables}]
    asker = Asker(con, f"small_{table}", features)
    row = st.tuples(st.sampled_from(tables), MOMENTS, MOMENTS, st.none() | MOMENTS, st.integers(0, 500))

    @settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(rows=st.lists(row, max_size=6))
    def holds_for(rows: list[tuple]) -> None:
        assert columns_apart(asker, rows, tables) == set()

    holds_for()


@pytest.mark.slow
def test_a_slip_shrinks_to_a_single_row(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch):
    """What is reported can be read: one row, known at the very cutoff, of nothing."""
    monkeypatch.setattr(visible, "seen", known_forgotten)
    slipped = Asker(con, "shrunk", [f for f in NARROW if f.column == "payment_count_91d"])
    payments = st.lists(st.tuples(st.just("payments"), MOMENTS, MOMENTS, st.none(), st.integers(0, 9)), max_size=3)
    asked = settings(derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    ((_, happened, known, _, amount),) = find(
        payments, lambda rows: columns_apart(slipped, rows, ["payments"]) != set(), settings=asked
    )
    assert happened < CUT <= known and amount == 0


def tiny(rows: list[tuple], filled: Sequence[str]) -> World:
    """Two customers with rows of some tables, in a time zone where days begin at midnight UTC."""
    days = [CUT - timedelta(days=400)] * 2
    people = {"customer_id": ["past", "whole"], "activated_on": days, "deactivated_on": pd.NaT}
    unsaid = dict.fromkeys(["left_reason", "customer_type", "group_size", "account_id", "region"])
    tables = {
        "customers": pd.DataFrame(people).assign(**unsaid, **dict.fromkeys((*ATTRIBUTES, *NUMBERS, *DATES, *FLAGS)))
    }
    tables |= {name: events(name, [row for row in rows if row[1] == name]) for name in filled}
    return World(pair(), tables)


def events(name: str, rows: list[tuple]) -> pd.DataFrame:
    """The rows of one table, its own columns filled from the same few values."""
    columns = ["customer_id", "table", "happened_at", "known_at", "later", "amount"]
    frame = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(columns[2:5], "datetime64[us]"))
    day = frame.happened_at.dt.floor("D")
    filled = dict.fromkeys((*MEASURES, "cost", "monthly_fee"), frame.amount) | {"score": frame.amount % 5 + 1}
    filled |= dict.fromkeys(["topic", "channel", "severity", "direction", "campaign_id", "arm", "bill_id", "plan"])
    filled |= dict.fromkeys(["touchpoint", "item", "contract_end", "failed", *COMPONENTS])
    filled |= {"resolved_at": frame.later, "due_on": day + pd.Timedelta(days=20), "superseded_at": pd.NaT}
    filled |= {"valid_from": day, "valid_to": frame.later.dt.floor("D"), "happened_on": day}
    filled |= {column: next(iter(values.values())) for of in COUNTED.values() for column, values in of.items()}
    frame = frame.assign(**filled)
    key = CONTRACTS[name].key
    frame = frame.assign(**{key[0]: frame.index.astype(str)}) if len(key) == 1 else frame.drop_duplicates(list(key))
    return frame.drop(columns=[] if name in VERSIONED else ["superseded_at"])


VERSIONED = {"bills", "payments", "complaints", "surveys", "subscriptions"}


def pair() -> pd.DataFrame:
    day = {"as_of": CUT, "cutoff": CUT, "activated_on": CUT - timedelta(days=400), "usage_lag": 0}
    return pd.DataFrame([{"customer_id": c, **day} for c in ("past", "whole")])


def test_bits_are_compared_as_bits():
    one = pa.table({"customer_id": ["a"], "x": [0.1 + 0.2]})
    assert differing(one, pa.table({"customer_id": ["a"], "x": [0.3]})) == {"x"}
