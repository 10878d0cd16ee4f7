"""Holidays are those of the country named, of the time zone else, and of nearly everybody where there is none."""

from datetime import date

import pytest
from pydantic import ValidationError

from pipelines.config.public_holidays import country_of, is_holiday, is_place
from pipelines.config.quality import Quality


@pytest.mark.parametrize(
    ("zone", "country"),
    [("Asia/Shanghai", "CN"), ("Europe/London", "GB"), ("America/Chicago", "US"), ("UTC", None), ("Etc/GMT-8", None)],
)
def test_a_time_zone_lies_in_a_country(zone, country):
    assert country_of(zone) == country


@pytest.mark.parametrize(
    ("day", "place", "closed"),
    [
        (date(2026, 2, 17), "CN", True),
        (date(2026, 2, 17), "GB", False),
        (date(2026, 12, 25), "CN", False),
        (date(2026, 12, 25), None, True),
        (date(2026, 12, 24), None, False),
        (date(2026, 3, 31), "US-CA", True),
        (date(2026, 3, 31), "US", False),
    ],
)
def test_what_is_closed_where(day, place, closed):
    assert is_holiday(day, place) is closed


def test_a_place_that_nobody_knows_is_refused_with_the_form_it_has():
    assert Quality(holidays="US-CA").holidays == "US-CA" and not is_place("US-XX")
    with pytest.raises(ValidationError, match="no holidays are known of Atlantis: a country"):
        Quality(holidays="Atlantis")
