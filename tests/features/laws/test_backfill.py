"""Any as-of day: what is built later for a past day is what that day's run built from what had been delivered by then.

Deliveries are simulated without a word from `features`: a row arrives when it becomes known, a correction arrives as a
row of its own, and what comes true later is empty until then.
"""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.contracts import CONTRACTS
from features.spine import Population, population
from tests.features.asking import EVENTS, Asker, differing
from tests.world import AHEAD, ZONE, World, arrow, world

MIDDLE = date(2024, 3, 1)
"""Every world is moved so that its hostile instants lie around this day, which follows a leap day."""


def on_one_day(given: World) -> World:
    """Each customer's rows moved by whole days, those of the account by as many."""
    people = given.tables["customers"]
    shift = (pd.Timestamp(MIDDLE) - given.spine.set_index("customer_id").as_of).astype("timedelta64[us]")
    accounts = people.assign(shift=people.customer_id.map(shift)).dropna(subset=["shift", "account_id"])
    shared = people.account_id.map(accounts.drop_duplicates("account_id").set_index("account_id")["shift"])
    whose = people.customer_id.map(shift).fillna(shared)
    whose.index = people.customer_id
    kept = given.of(customers=people[whose.notna().to_numpy()])
    return World(later(given.spine, whose), {name: later(rows, whose) for name, rows in kept.tables.items()})


def later(rows: pd.DataFrame, shift: pd.Series) -> pd.DataFrame:
    own = rows.customer_id.map(shift)
    dates = [c for c in rows if pd.api.types.is_datetime64_dtype(rows[c])]
    return rows.assign(**{c: (rows[c] + own).astype("datetime64[us]") for c in dates})


def delivered(given: World, day: date) -> World:
    """What lay in the store on the evening before `day`: rows known by then, newest versions marked, the rest empty."""
    today, now = pd.Timestamp(day), pd.Timestamp(day) - AHEAD
    tables = {}
    for name, rows in given.tables.items():
        if name == "customers":
            joined = rows[rows.activated_on < today]
            tables[name] = joined.assign(deactivated_on=joined.deactivated_on.where(joined.deactivated_on < today))
            continue
        there = rows[rows.known_at < now]
        if "resolved_at" in there:
            there = there.assign(resolved_at=there.resolved_at.where(there.resolved_at < now))
        if "valid_to" in there:
            there = there.assign(valid_to=there.valid_to.where(there.valid_to < today))
        if "superseded_at" in there:
            there = versioned(there, list(CONTRACTS[name].key))
        tables[name] = there
    return given.of(**tables)


def versioned(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """A row is superseded when the next version of its key becomes known, if it has arrived."""
    ordered = rows.sort_values("known_at")
    return rows.assign(superseded_at=ordered.groupby(key).known_at.shift(-1).reindex(rows.index))


def answer(ask: Asker, given: World, days: list[date]) -> pa.Table:
    """Every feature of the population of these days."""
    people = ibis.memtable(arrow("customers", given.tables["customers"]))
    return ask(given, ask.con.to_pyarrow(population({"customers": people}, days, ZONE, Population())))


def backfilled(ask: Asker, given: World, days: list[date]) -> dict[date, set[str]]:
    """Per day the columns in which the later build, of all days at once, is not what the day's own run gave."""
    whole = answer(ask, given, days)
    wrong = {}
    for day in days:
        night = answer(ask, delivered(given, day), [day])
        assert night.num_rows > 50
        found = differing(night, whole.filter(pc.equal(whole["as_of"], day)).combine_chunks())
        wrong |= {day: found} if found else {}
    return wrong


def around(count: int, step: int = 1) -> list[date]:
    return [MIDDLE + timedelta(days=step * (n - count // 2)) for n in range(count)]


@pytest.mark.slow
def test_the_days_around_a_leap_day_come_back_as_they_were(ask: Asker):
    assert backfilled(ask, on_one_day(world(150, seed=321)), around(4)) == {}


@pytest.mark.exhaustive
def test_twenty_days_and_a_year_come_back_as_they_were(ask: Asker):
    given = on_one_day(world(500, seed=322))
    assert backfilled(ask, given, around(20)) == {}
    assert backfilled(ask, given, around(15, step=24)) == {}


def test_the_deliveries_differ_from_day_to_day_in_every_way():
    """Late rows, corrections, solved complaints, ended plans and leavers all arrive within these days."""
    given = on_one_day(world(500, seed=324))
    first, last = (delivered(given, day) for day in (MIDDLE - timedelta(days=4), MIDDLE + timedelta(days=30)))
    for name in EVENTS:
        old, new = first.tables[name], last.tables[name]
        assert len(new) > len(old), name
        come = new.loc[new.index.difference(old.index)]
        assert (come.happened_on < pd.Timestamp(MIDDLE - timedelta(days=4))).sum() > 5, f"{name}: late rows"
        both = old.index.intersection(new.index)
        for column in {"superseded_at", "resolved_at", "valid_to"} & set(old):
            assert (old.loc[both, column].isna() & new.loc[both, column].notna()).any(), (name, column)
    here = first.tables["customers"].index
    assert (
        last.tables["customers"].loc[here].deactivated_on.notna().sum()
        > first.tables["customers"].deactivated_on.notna().sum()
    )
    assert not np.array_equal(first.tables["customers"].index, last.tables["customers"].index)


def test_a_forgotten_clock_is_caught(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch):
    """A run of the day has nothing later to see: only the comparison with a later build shows the slip."""
    from features import visible
    from tests.features.laws.test_future import NARROW, known_forgotten

    monkeypatch.setattr(visible, "seen", known_forgotten)
    slipped = Asker(con, "backfilled", [f for f in NARROW if f.source in {"bills", "payments", "complaints"}])
    wrong = backfilled(slipped, on_one_day(world(150, seed=325)), around(2))
    assert len(wrong) == 2
