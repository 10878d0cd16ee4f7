"""Calendars: day after day over months' ends, leap days and summer time, against a reference in plain Python.

The reference finds local days by walking through the instants themselves with zoneinfo, and shares nothing with
`features` but the names of what it computes.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest

from features.contracts import ALWAYS
from features.definition import KEY, ROW
from features.spine import Population, cutoff, population
from features.visible import visible
from tests.world import stored

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo")
"""No summer time; an hour in the north; the same in the west; half an hour in the south; midnights that were skipped."""
FIRST = date(2016, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(1_500)]
"""Two leap days, four turns of the year, eight changes of the clock."""
HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)


def beginnings(zone: str) -> dict[date, datetime]:
    """The first instant (UTC) of every local day, found by walking in quarters of an hour."""
    local, found, last = ZoneInfo(zone), {}, None
    moment = datetime.combine(FIRST, datetime.min.time(), UTC) - timedelta(days=2)
    while len(found) < len(DAYS) + 5:
        day = moment.astimezone(local).date()
        if last not in (None, day):
            found[day] = moment
        last, moment = day, moment + timedelta(minutes=15)
    return found


@pytest.fixture(scope="module", params=ZONES)
def zone(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def first(zone: str) -> dict[date, datetime]:
    return beginnings(zone)


def test_a_cutoff_is_the_first_instant_of_its_local_day(zone: str, first: dict[date, datetime]):
    wrong = {day: cutoff(day, zone) for day in DAYS if cutoff(day, zone) != first[day].replace(tzinfo=None)}
    assert wrong == {}


def test_the_zones_have_what_they_are_here_for():
    lengths = {zone: {b - a for a, b in pairwise(beginnings(zone).values())} for zone in ZONES}
    assert lengths["Asia/Shanghai"] == {24 * HOUR}
    assert lengths["Europe/Berlin"] == lengths["America/New_York"] == {23 * HOUR, 24 * HOUR, 25 * HOUR}
    assert lengths["Australia/Lord_Howe"] == {23.5 * HOUR, 24 * HOUR, 24.5 * HOUR}
    skipped = [
        d for d, at in beginnings("America/Sao_Paulo").items() if at.astimezone(ZoneInfo("America/Sao_Paulo")).hour
    ]
    assert len(skipped) >= 3


def events(first: dict[date, datetime], zone: str) -> pa.Table:
    """One customer with three events a day: at its first instant, the microsecond before it, and in its middle."""
    moments = [at + shift for at in first.values() for shift in (timedelta(0), -MICROSECOND, 13 * HOUR)]
    rows = [
        {
            "customer_id": "A",
            "bill_id": str(number),
            "happened_at": moment.replace(tzinfo=None),
            "known_at": moment.replace(tzinfo=None),
            "happened_on": moment.astimezone(ZoneInfo(zone)).date(),
        }
        for number, moment in enumerate(moments)
    ]
    types = [("customer_id", pa.string()), ("bill_id", pa.string()), ("happened_at", pa.timestamp("us"))]
    types += [("known_at", pa.timestamp("us")), ("happened_on", pa.date32())]
    return pa.Table.from_pylist(rows, pa.schema(types))


def customers(joined: list[date], left: list[date | None]) -> pa.Table:
    columns = {"customer_id": [chr(65 + n) for n in range(len(joined))]}
    columns |= {"activated_on": pa.array(joined, pa.date32()), "deactivated_on": pa.array(left, pa.date32())}
    columns |= {"known_at": pa.array([ALWAYS] * len(joined), pa.timestamp("us"))}
    return pa.table(columns)


@pytest.fixture(scope="module")
def seen(con: ibis.BaseBackend, zone: str, first: dict[date, datetime]) -> list[dict]:
    """What every 1,500 as-of dates see of the last days: one query for all of them."""
    people = stored(con, "people", customers([date(2010, 1, 1)], [None]))
    bills = stored(con, "bills", events(first, zone))
    spine = stored(con, "spine", con.to_pyarrow(population({"customers": people}, DAYS, zone, Population())))
    rows = visible(spine, bills)
    rows = rows.filter(rows.days_ago.isnull() | (rows.days_ago < 40))
    return con.to_pyarrow(rows.select(*KEY, "bill_id", "happened_at", "days_ago")).to_pylist()


def test_days_are_counted_as_people_count_them(seen: list[dict], zone: str, first: dict[date, datetime]):
    """1,500 as-of dates: the events of each local day before, so many days ago, and none of the day itself."""
    local, found = ZoneInfo(zone), {}
    for row in seen:
        found.setdefault(row["as_of"], []).append((row["happened_at"], row["days_ago"]))
    on: dict[date, list[datetime]] = {}
    for moment in (at + shift for at in first.values() for shift in (timedelta(0), -MICROSECOND, 13 * HOUR)):
        on.setdefault(moment.astimezone(local).date(), []).append(moment.replace(tzinfo=None))
    for as_of in DAYS:
        near = [(moment, ago) for ago in range(40) for moment in on.get(as_of - timedelta(days=ago + 1), [])]
        assert sorted(found.get(as_of, [(None, None)])) == sorted(near or [(None, None)]), as_of


def test_the_spine_has_everybody_on_every_day_that_they_are_with_us(con: ibis.BaseBackend, zone: str):
    """Joined before the day and not left before it; 1,500 days, each person at an edge of its own."""
    joined = [date(2010, 1, 1), date(2016, 2, 28), date(2016, 2, 29), date(2017, 12, 31), date(2020, 2, 8)]
    left = [None, date(2016, 2, 29), date(2016, 3, 1), date(2018, 3, 25), None]
    people = stored(con, "people", customers(joined, left))
    spine = con.to_pyarrow(population({"customers": people}, DAYS, zone, Population()))
    there = list(zip(spine["customer_id"].to_pylist(), spine["as_of"].to_pylist(), strict=True))
    expected = {
        (chr(65 + n), day)
        for n, (come, gone) in enumerate(zip(joined, left, strict=True))
        for day in DAYS
        if come < day and (gone is None or day <= gone)
    }
    assert len(there) == len(set(there)) and set(there) == expected
    assert spine[ROW].to_pylist() != [] and sorted(spine[ROW].to_pylist()) == list(range(len(there)))
