"""Labels and time: what happens or becomes known once they are taken changes none of them, on random worlds."""

from dataclasses import replace
from datetime import datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.laws.cases import Case
from features.laws.steady import late, steady
from features.settings import FeatureSettings
from models.targets import follow_up, outcomes, vip
from models.targets.settings import TargetSettings
from tests.features.asking import differing, ordered
from tests.features.laws.test_mutants import nothing_awaited
from tests.models.targets.test_outcomes import OPERATOR, RETAIL
from tests.world import AHEAD, LATER, World, arrow, cast, future, spine_of, stored, world

UNTIL = pd.Timestamp("2026-03-01")
"""The local day on which labels are taken; every world is moved so that its hostile instants lie there."""
LAGS = [1, 29, 30, 31, 32, 33, 42, 43, 44, 45, 46, 47, 60, 89, 90, 91, 95, 96, 97, 98, 99, 100, 120, 180]
"""Days from an as-of date to that day: around the ends of all windows, with their gaps and without."""
BOTH = pytest.mark.parametrize("settings", [RETAIL, OPERATOR], ids=["retail", "operator"])


def taken(size: int, seed: int) -> tuple[World, pa.Table]:
    """A world in which everybody's cutoff is UNTIL, and the spine of the earlier dates that labels are asked for."""
    given, rng = world(size, seed), np.random.default_rng(seed)
    people = given.spine.set_index("customer_id")
    shift = UNTIL - people.as_of
    tables = {name: moved(rows, shift) for name, rows in given.tables.items()}
    spine = moved(given.spine, shift)
    as_of = UNTIL - pd.to_timedelta(rng.choice(LAGS, size), unit="D")
    left = as_of + pd.to_timedelta(rng.integers(0, 200, size), unit="D")
    leaving = pd.Series(left, spine.customer_id).where(rng.random(size) < 0.6)
    here = tables["customers"].customer_id.isin(spine.customer_id)
    own = tables["customers"].customer_id.map(leaving).astype("datetime64[us]")
    tables["customers"] = tables["customers"].assign(deactivated_on=own).loc[here]
    asked = spine.assign(
        as_of=as_of, cutoff=as_of - AHEAD, activated_on=np.minimum(spine.activated_on, as_of - AHEAD * 3)
    )
    tables["customers"] = tables["customers"].assign(activated_on=asked.activated_on.to_numpy())
    types = {"customer_id": "string", "as_of": "date", "cutoff": "timestamp(6)", "activated_on": "date"}
    return World(spine, tables), pa.table(
        {c: cast(asked[c].dt.floor("us") if c != "customer_id" else asked[c], t) for c, t in types.items()}
    )


def moved(rows: pd.DataFrame, shift: pd.Series) -> pd.DataFrame:
    """Each row as many days later as its customer."""
    own = rows.customer_id.map(shift)
    dates = [c for c in rows if pd.api.types.is_datetime64_dtype(rows[c])]
    return rows.assign(**{c: (rows[c] + own).astype("datetime64[us]") for c in dates})


def otherwise(given: World, other: World | None) -> World:
    """What was known by UNTIL, and after it nothing, or what comes in `other`."""
    tables = {}
    for name, frame in given.tables.items():
        if name == "customers":
            known = frame.deactivated_on < UNTIL
            then = pd.NaT if other is None else UNTIL + pd.to_timedelta(np.arange(len(frame)) % 40, unit="D")
            tables[name] = frame.assign(deactivated_on=frame.deactivated_on.where(known, then).astype("datetime64[us]"))
            continue
        kept = frame[~future(frame, given.spine)]
        for column in LATER.keys() & set(frame.columns):
            kept = kept.assign(**{column: kept[column].where(kept[column] < UNTIL - AHEAD)})
        coming = [] if other is None else [other.tables[name][future(other.tables[name], given.spine)]]
        tables[name] = pd.concat([kept, *coming], ignore_index=True)
    return given.of(**tables)


def asked(con: ibis.BaseBackend, given: World, spine: pa.Table, settings: TargetSettings, delay: int = 0) -> pa.Table:
    tables = {name: stored(con, name, arrow(name, given.tables[name])) for name in ("customers", "bills", "contacts")}
    until = (UNTIL - AHEAD).to_pydatetime()
    rows = outcomes.labels(
        stored(con, "spine", spine), tables, settings, until, features=FeatureSettings(), reporting_delay_days=delay
    )
    return ordered(con.to_pyarrow(rows))


def holds(con: ibis.BaseBackend, settings: TargetSettings, size: int, seed: int) -> set[str]:
    """Columns that another future changes."""
    given, spine = taken(size, seed)
    found = asked(con, given, spine, settings)
    other, _ = taken(size, seed + 1)
    changed = [asked(con, otherwise(given, o), spine, settings) for o in (None, other)]
    return differing(found, changed[0]) | differing(found, changed[1])


@pytest.mark.quick_cases(1)
@BOTH
def test_what_comes_after_changes_no_label_in_10000_worlds(con: ibis.BaseBackend, settings: TargetSettings):
    assert holds(con, settings, 10_000, seed=401) == set()


@pytest.mark.exhaustive
@BOTH
def test_what_comes_after_changes_no_label_in_100000_worlds(con: ibis.BaseBackend, settings: TargetSettings):
    for seed in range(4):
        assert holds(con, settings, 25_000, seed=410 + 2 * seed) == set(), seed


@BOTH
def test_the_worlds_have_every_kind_of_label(con: ibis.BaseBackend, settings: TargetSettings):
    given, spine = taken(10_000, seed=402)
    rows = asked(con, given, spine, settings).to_pandas()
    for column in outcomes.columns(settings):
        assert (rows[column] == 0).sum() > 10 and (rows[column] > 0).sum() > 10, column
        assert rows[column].isna().sum() > 10 or column in ("high_value_now", "campaign_weight", "untouched"), column


def known_forgotten(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    return (events.happened_at < spine.cutoff) & (events.happened_on >= spine.activated_on)


def known_at_until(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    return (events.happened_at <= spine.cutoff) & (events.known_at <= spine.cutoff)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("slip", [known_forgotten, known_at_until])
def test_the_law_catches_labels_that_see_what_was_not_known(con, monkeypatch: pytest.MonkeyPatch, slip):
    for module in (follow_up, vip):
        monkeypatch.setattr(module, "seen", slip)
    assert {"value", "vip"} <= holds(con, RETAIL, 3_000, seed=403)


@pytest.mark.slow
def test_the_law_catches_labels_that_are_taken_too_early(con, monkeypatch: pytest.MonkeyPatch):
    """A window that ends a day later than what is known: whoever leaves on that day has a wrong label."""
    early = outcomes.mature

    def a_day_early(spine: ibis.Table, settings: TargetSettings, until: datetime, delay: int) -> ibis.Table:
        return early(spine, settings, until + timedelta(days=1), delay)

    monkeypatch.setattr(outcomes, "mature", a_day_early)
    assert "churned_90" in holds(con, OPERATOR, 10_000, seed=404)


def anybodys(spine: ibis.Table, events: ibis.Table) -> ibis.Value:
    newest = events.superseded_at.isnull() | (events.superseded_at >= spine.cutoff)
    return (events.happened_at < spine.cutoff) & (events.known_at < spine.cutoff) & newest


def test_bills_of_a_former_holder_of_the_number_are_not_theirs(con, monkeypatch: pytest.MonkeyPatch):
    given, spine = taken(3_000, seed=405)
    right = asked(con, given, spine, RETAIL)
    monkeypatch.setattr(vip, "seen", anybodys)
    assert "high_value_now" in differing(right, asked(con, given, spine, RETAIL))


def lowered(con: ibis.BaseBackend, size: int, seed: int) -> int:
    """Of how many customers, who have paid the same for most of a year, late bills lower what they are worth or are."""
    made, features = world(size, seed), FeatureSettings()
    case = steady(Case(spine_of(made), {n: arrow(n, made.tables[n]) for n in ("customers", "bills")}), features)
    old = pc.less(case.spine["activated_on"], pc.subtract(case.spine["as_of"], timedelta(days=200)))
    spine = case.spine.filter(old)
    mine = spine["customer_id"].combine_chunks()
    case = replace(case, spine=spine).altered(lambda _, rows: rows.filter(pc.is_in(rows["customer_id"], mine)))
    answers = []
    for given in (case, late(case, features, np.random.default_rng(seed))):
        tables = {name: stored(con, name, rows) for name, rows in given.tables.items()}
        found = vip.high_value(stored(con, "spine", given.spine), tables, vip.HighValue(amount=60.0), features)
        answers.append(ordered(con.to_pyarrow(found)).to_pandas())
    before, after = answers
    assert before.high_value_now.nunique() == 2
    return int(((after.worth < before.worth - 1e-9) | (before.high_value_now & ~after.high_value_now)).sum())


def test_late_bills_lower_nobodys_worth(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch):
    assert lowered(con, 300, seed=405) == 0
    monkeypatch.setattr(vip, "awaiting", nothing_awaited)
    assert lowered(con, 300, seed=405) > 20
