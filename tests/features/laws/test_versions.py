"""What is on record of customers has a clock too: features are those of the version known at the cutoff, whoever else
holds the id and whatever the record says later."""

from collections.abc import Callable
from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from features import spine as spines
from features import visible
from features.blocks import customers as record
from features.blocks import household, surroundings
from features.blocks.registry import ACROSS
from features.contracts import ALWAYS
from features.spine import everyone
from tests.features.asking import Asker, differing
from tests.features.laws.test_backfill import MIDDLE, on_one_day
from tests.tables import table
from tests.world import AHEAD, ZONE, World, stored, world

CUT = pd.Timestamp(MIDDLE) - AHEAD
SOURCES = ("customers", "attributes", *ACROSS)
CHANGING = ("customer_type", "group_size", "account_id", "region", "kids", "age")


def with_versions(given: World, seed: int) -> World:
    """Most records change: around the cutoff of everybody, long before it, or twice; moves change the account too."""
    rng, rows = np.random.default_rng(seed), given.tables["customers"]
    versions = [rows.assign(known_at=pd.Timestamp(ALWAYS), superseded_at=pd.NaT)]
    for _ in range(2):
        moment = CUT + pd.to_timedelta(rng.choice([-400, -1, 0, 0, 0, 1, 60], len(rows)), unit="D")
        moment += pd.to_timedelta(rng.choice([-1, 0, 1], len(rows)), unit="us")
        changed = rows.assign(known_at=moment.astype("datetime64[us]"), superseded_at=pd.NaT)
        for column in CHANGING:
            mixed = rows[column].sample(frac=1.0, random_state=seed).to_numpy()
            changed[column] = changed[column].where(rng.random(len(rows)) < 0.5, mixed)
        versions.append(changed[rng.random(len(rows)) < 0.6])
    whole = pd.concat(versions, ignore_index=True).drop_duplicates(["customer_id", "known_at"])
    following = whole.sort_values("known_at").groupby("customer_id").known_at.shift(-1)
    whole["superseded_at"] = following.reindex(whole.index).astype("datetime64[us]")
    return given.of(customers=whole.sample(frac=1.0, random_state=seed, ignore_index=True))


def resolved(given: World, cut: pd.Timestamp = CUT) -> World:
    """The same with one row per customer: the last that was known before the cutoff."""
    rows = given.tables["customers"]
    known = rows[rows.known_at < cut].sort_values("known_at").groupby("customer_id").tail(1)
    return given.of(customers=known.assign(known_at=pd.Timestamp(ALWAYS), superseded_at=pd.NaT))


@pytest.fixture(scope="module")
def given() -> World:
    return with_versions(on_one_day(world(1_500, seed=331)), 332)


@pytest.fixture(scope="module")
def narrow(con: ibis.BaseBackend) -> Callable[[str], Asker]:
    whole = Asker(con, "whole", [])
    return lambda name: Asker(con, name, [f for f in whole.features if f.source in SOURCES])


def test_features_are_those_of_the_version_known_at_the_cutoff(narrow, given: World):
    ask = narrow("versions")
    assert differing(ask(given), ask(resolved(given))) == set()


def test_the_record_changes_what_features_say(narrow, given: World):
    ask = narrow("told")
    changed = differing(ask(given), ask(resolved(given, pd.Timestamp("2100-01-01"))))
    assert {
        "region",
        "kids",
        "age",
        "customer_type",
        "household_members",
        "household_bill_share_3m",
        "left_in_region_90d",
    } <= changed


def known_at_cutoff(cutoff, rows):
    """The slip `<=`."""
    return (rows.known_at <= cutoff) & (rows.superseded_at.isnull() | (rows.superseded_at > cutoff))


def of_today(cutoff, rows):
    """The slip of taking what the record says now."""
    return rows.superseded_at.isnull()


def every_version(cutoff, rows):
    """The slip of forgetting that a version ends."""
    return rows.known_at < cutoff


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("slip", [known_at_cutoff, of_today, every_version])
def test_a_slip_is_caught(narrow, given: World, monkeypatch, slip):
    for module in (visible, household, surroundings):
        monkeypatch.setattr(module, "known", slip)
    ask = narrow(slip.__name__)
    slipped = ask(given)
    right = resolved(given)
    assert slipped.num_rows != len(given.spine) or {"region", "household_members", "left_in_region_90d"} <= differing(
        slipped, ask(right)
    )


RECORD = """
    customer_id | activated_on | deactivated_on | known_at   | superseded_at | region
    late        | 2024-01-01   | null           | 2024-03-05 | null          | north
    moved       | 2020-01-01   | null           | 1971-01-01 | 2024-03-05    | north
    moved       | 2020-01-01   | null           | 2024-03-05 | null          | south
    left        | 2020-01-01   | null           | 1971-01-01 | 2024-03-05    | north
    left        | 2020-01-01   | 2024-02-20     | 2024-03-05 | null          | north
    gone        | 2020-01-01   | null           | 1971-01-01 | 2024-03-05    | north
    handed on   | 2020-01-01   | 2023-06-01     | 1971-01-01 | null          | north
    handed on   | 2023-12-01   | null           | 1971-01-01 | null          | south
"""
NIGHTS = [date(2023, 5, 1), date(2023, 7, 1), date(2024, 2, 25), date(2024, 3, 5), date(2024, 3, 6)]


def on_record(con: ibis.BaseBackend) -> dict[tuple[str, date], tuple[date, str | None]]:
    """Who is with us on each night, since when, and where."""
    people = stored(con, "record", con.to_pyarrow(table("customers", RECORD)))
    spine = stored(con, "spine", con.to_pyarrow(everyone(people, NIGHTS, "UTC")))
    rows = con.to_pyarrow(visible.as_known(spine, people)).to_pylist()
    return {(row["customer_id"], row["as_of"]): (row["activated_on"], row["region"]) for row in rows}


def test_each_night_knows_what_was_on_record_then(con: ibis.BaseBackend):
    found = on_record(con)
    old, new, first = date(2020, 1, 1), date(2023, 12, 1), NIGHTS[0]
    last, fourth, third = NIGHTS[4], NIGHTS[3], NIGHTS[2]
    assert {c for c, night in found if night == last} == {"late", "moved", "handed on"}
    assert {c for c, night in found if night == fourth} == {"moved", "left", "gone", "handed on"}
    assert found["moved", fourth] == (old, "north") and found["moved", last] == (old, "south")
    assert found["handed on", first] == (old, "north") and found["handed on", third] == (new, "south")
    assert ("handed on", NIGHTS[1]) not in found, "between two holders nobody has the id"


def test_attributes_may_have_names_of_ours(con: ibis.BaseBackend):
    people = table("customers", RECORD).mutate(cutoff=ibis.literal("theirs"))
    people = stored(con, "record", con.to_pyarrow(people))
    spine = stored(con, "spine", con.to_pyarrow(everyone(people, NIGHTS[-1:], "UTC")))
    rows = con.to_pyarrow(record.attributes(spine, {"customers": people}, None))
    assert rows["cutoff"].to_pylist() == ["theirs"] * 3 and "known_at" not in rows.column_names


def test_the_zone_says_when_a_record_is_known(con: ibis.BaseBackend):
    text = RECORD.replace("2024-03-05", "2024-03-04 16:00")
    people = stored(con, "record", con.to_pyarrow(table("customers", text)))
    here = {zone: con.to_pyarrow(spines.everyone(people, NIGHTS[3:4], zone))["customer_id"] for zone in (ZONE, "UTC")}
    assert "late" not in here[ZONE].to_pylist() and "late" in here["UTC"].to_pylist()
