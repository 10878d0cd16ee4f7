"""Days on which a business may be closed: the public holidays of a country, that of the time zone if none is named."""

from datetime import date
from functools import cache
from importlib import resources

import holidays

COMMON = {(1, 1), (12, 25)}
"""Month and day, where the time zone is that of no country."""


def is_holiday(day: date, place: str | None) -> bool:
    """Is a day a public holiday?

    Parameters
    ----------
    day
        A calendar day.
    place
        A country (`GB`) or a part of one (`US-CA`), by ISO 3166; None knows Christmas Day and New Year's Day.
    """
    return day in _of(place) if place else (day.month, day.day) in COMMON


@cache
def _of(place: str) -> holidays.HolidayBase:
    country, _, part = place.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


def is_place(place: str) -> bool:
    """Are the holidays of a country, or of a part of one, known?"""
    country, _, part = place.partition("-")
    known = holidays.list_supported_countries()
    return country in known and (not part or part in known[country])


@cache
def country_of(zone: str) -> str | None:
    """The country of an IANA time zone, by ISO 3166; None for UTC and others of no country."""
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    found = next((row[0] for row in rows if row[2] == zone), None)
    return found if found and is_place(found) else None
