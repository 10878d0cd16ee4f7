"""Planted bugs in the engine of features: for each one the law that must see it sees it.

Those of the future law stand in test_future.py, of labels in tests/models, of single features in test_checks.py.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time

import ibis
import ibis.expr.types as ir
import pytest

from features import spine, visible
from features.blocks import customers, household, money, months, service, usage
from features.counted import CountedValue
from features.definition import Window
from features.laws import checks
from tests.features.asking import DEFAULT, Asker, by_key
from tests.features.laws.test_checks import case_of
from tests.features.laws.test_future import NARROW
from tests.features.naive import twins
from tests.features.test_catalogue import DECLARED, same
from tests.world import World, everything, spine_of, world

VISIBLE, MONTH, SETTLED = visible.visible, months.month, months.newest_settled
ANNOUNCED = visible.announced


def former_holders_too(rows: ir.Table, events: ir.Table) -> ir.Value:
    """A number that was given anew brings the history of who had it before."""
    rule = (events.happened_on < rows.as_of) & (events.known_at < rows.cutoff)
    replaced = events.superseded_at < rows.cutoff if "superseded_at" in events.columns else ibis.literal(False)
    return rule & ~replaced.fill_null(False)


def every_version(rows: ir.Table, events: ir.Table) -> ir.Value:
    """A corrected row counts beside its correction."""
    known = (events.happened_on < rows.as_of) & (events.known_at < rows.cutoff)
    return known & (events.happened_on >= rows.activated_on)


def a_day_more(self: Window, ago: ir.Value) -> ir.Value:
    return (ago >= self.skip) & (ago <= self.skip + self.size)


def a_day_less(self: Window, ago: ir.Value) -> ir.Value:
    return (ago > self.skip) & (ago < self.skip + self.size)


def a_day_late(rows: ir.Table, events: ir.Table, *days: int) -> ir.Table:
    found = VISIBLE(rows, events, *days)
    return found.mutate(days_ago=found.days_ago + 1)


def open_months(as_of: ir.Value, settings) -> ir.Value:
    """A month counts as soon as it is over, whether its bills are out or not."""
    return MONTH(as_of) - 1


def nothing_awaited(rows: ir.Table, tables, settings) -> ir.Table:
    """A usual bill that has not come counts as nothing."""
    return rows.mutate(closed=months.newest_closed(rows.as_of, settings), awaited=ibis.literal(0, "int64"))


def all_came(rows: ir.Table) -> ir.Value:
    """Days of usage that have come for nobody count as days without use."""
    return ibis.literal(0, "int64")


def known_today(rows: ir.Table, tables, settings) -> ir.Table:
    """Windows of days end with the as-of date, whatever has not come."""
    return rows.mutate(until=rows.as_of)


def settled_late(as_of: ir.Value, settings) -> ir.Value:
    return SETTLED(as_of, settings) - 1


def nobody_without_events(rows: ir.Table, events: ir.Table, *days: int) -> ir.Table:
    """An inner join where the spine had to be kept."""
    found = VISIBLE(rows, events, *days)
    return found.filter(found.happened_on.notnull())


def not_today(rows: ir.Table, plans: ir.Table) -> ir.Table:
    """A plan that begins on the as-of date is no longer ahead."""
    found = ANNOUNCED(rows, plans)
    tomorrow = {c: (found.days_ahead > 0).ifelse(found[c], None) for c in ("happened_on", "monthly_fee", "days_ahead")}
    return found.mutate(**tomorrow)


TWIN: dict[str, tuple[object, str, Callable, set[str]]] = {
    "recycled ids": (visible, "seen", former_holders_too, {"bills", "complaints", "payments", "usage"}),
    "corrections counted twice": (visible, "seen", every_version, {"bills", "complaints"}),
    "window one longer": (Window, "covers", a_day_more, {"bills", "complaints", "usage"}),
    "window begins one late": (Window, "covers", a_day_less, {"bills", "complaints", "usage"}),
    "days counted from one": (service, "visible", a_day_late, {"complaints", "contacts"}),
    "months counted before they close": (months, "newest_closed", open_months, {"bills"}),
    "late bills are none": (money, "awaiting", nothing_awaited, {"bills"}),
    "late purchases are none": (money, "known_until", known_today, {"purchases"}),
    "late bills are awaited a month too long": (months, "newest_settled", settled_late, {"bills"}),
    "anybody's bill is awaited": (months, "USUAL", 0, {"bills"}),
    "days that have not come are empty": (usage, "_unknown_days", all_came, {"usage"}),
    "plans that begin today are in force": (customers, "announced", not_today, {"plans_ahead"}),
    "customers without events dropped": (money, "visible", nobody_without_events, {"payments", "purchases"}),
}
"""What is replaced, by what, and the sources whose features must differ from the twin."""


def sources_apart(ask: Asker, given: World) -> set[str]:
    """Sources whose features are not what the twin says."""
    rows = {name: given.rows(name) for name in given.tables}
    answer, wrong = by_key(ask(given)), set()
    for key, expected in twins(spine_of(given).to_pylist(), rows, ask.settings, DECLARED).items():
        wrong |= {f.source for f in ask.features if not same(f.column, answer[key][f.column], expected[f.column])}
    return wrong


@pytest.mark.quick_cases(2)
@pytest.mark.parametrize("name", TWIN)
def test_the_twin_catches(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch, name: str):
    place, attribute, slip, seen_in = TWIN[name]
    monkeypatch.setattr(place, attribute, slip)
    mutant = Asker(con, "mutant", [f for f in NARROW if f.source in seen_in])
    assert sources_apart(mutant, world(300, seed=331)) == seen_in


def test_without_a_mutant_the_twin_finds_nothing(con: ibis.BaseBackend):
    sound = Asker(con, "sound", [f for f in NARROW if f.source in {"bills", "complaints", "payments", "usage"}])
    assert sources_apart(sound, world(300, seed=331)) == set()


LATE: dict[str, tuple[object, str, Callable, set[str]]] = {
    "late bills are none": (money, "awaiting", nothing_awaited, {"arpu_1m", "arpu_12m"}),
    "late bills of others are none": (household, "awaiting", nothing_awaited, {"household_bill_3m"}),
    "days that have not come are empty": (usage, "_unknown_days", all_came, {"data_mb_mean_4w", "data_mb_mean_52w"}),
    "late purchases are none": (money, "known_until", known_today, {"spend_91d", "orders_365d", "days_since_purchase"}),
}
"""What is replaced, by what, and the columns that then differ while something is late."""


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("name", LATE)
def test_the_law_of_what_is_late_catches(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch, name: str):
    place, attribute, slip, columns = LATE[name]
    monkeypatch.setattr(checks, "LAWS", [law for law in checks.LAWS if law.name.startswith("late")])
    features = [f for f in everything() if f.column in columns]
    case = case_of(world(300, seed=332))
    assert list(checks.breaches(checks.asking(con, features, DEFAULT, "in_time"), case, features, DEFAULT)) == []
    monkeypatch.setattr(place, attribute, slip)
    found = checks.breaches(checks.asking(con, features, DEFAULT, "too_late"), case, features, DEFAULT)
    assert {breach.feature for breach in found} == columns


def always_told(self: CountedValue, rows: ir.Table) -> ir.Value:
    """What nobody said is none."""
    return rows.days_ago.notnull()


def listed_only(self: CountedValue, rows: ir.Table) -> ir.Value:
    """The others are those that are listed once more."""
    return rows[self.column].cast("string").isin(self.values)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(("attribute", "slip"), [("told", always_told), ("holds", listed_only)])
def test_the_twin_catches_what_is_counted_wrongly(
    con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch, attribute: str, slip: Callable
):
    counted, given = [f for f in everything() if f.counted], world(150, seed=333)
    assert sources_apart(Asker(con, "rightly", counted), given) == set()
    monkeypatch.setattr(CountedValue, attribute, slip)
    assert sources_apart(Asker(con, "wrongly", counted), given) == {"contacts", "complaints", "subscriptions"}


def midnight_in_utc(as_of: date, timezone: str) -> datetime:
    return datetime.combine(as_of, time(), UTC).replace(tzinfo=None)


def left_today(customers: ir.Table, as_of: ir.DateValue) -> ir.BooleanValue:
    return (customers.activated_on < as_of) & (customers.deactivated_on.isnull() | (customers.deactivated_on > as_of))


def joined_today(customers: ir.Table, as_of: ir.DateValue) -> ir.BooleanValue:
    return (customers.activated_on <= as_of) & (customers.deactivated_on.isnull() | (customers.deactivated_on >= as_of))


CALENDAR = (("cutoff", midnight_in_utc), ("with_us", left_today), ("with_us", joined_today))


@pytest.mark.parametrize(("attribute", "slip"), CALENDAR)
def test_the_calendar_catches(con: ibis.BaseBackend, monkeypatch: pytest.MonkeyPatch, attribute: str, slip: Callable):
    from tests.features.laws import test_days

    monkeypatch.setattr(spine, attribute, slip)
    monkeypatch.setattr(test_days, "cutoff", spine.cutoff)
    with pytest.raises(AssertionError):
        if attribute == "cutoff":
            test_days.test_a_cutoff_is_the_first_instant_of_its_local_day(
                "Europe/Berlin", test_days.beginnings("Europe/Berlin")
            )
        else:
            test_days.test_the_spine_has_everybody_on_every_day_that_they_are_with_us(con, "Europe/Berlin")
