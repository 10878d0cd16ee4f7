"""The night that is due by now, for any schedule and hour, against a slow twin that goes through every minute."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.config.due import check, due_date

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("cron", "by", "now", "expected"),
    [
        ("0 2 * * *", "06:00", "2026-11-30T05:59", "2026-11-29"),
        ("0 2 * * *", "06:00", "2026-11-30T06:00", "2026-11-30"),
        ("0 2 * * *", "06:00", "2026-11-30T00:30", "2026-11-29"),
        ("0 23 * * *", "06:00", "2026-11-30T06:00", "2026-11-29"),
        ("0 2 * * 1", "06:00", "2026-12-02T12:00", "2026-11-30"),
        ("0 2 1 * *", "06:00", "2026-11-30T12:00", "2026-11-01"),
        ("0 2 29 2 *", "06:00", "2026-11-30T12:00", "2024-02-29"),
    ],
)
def test_the_date_that_had_to_be_published(cron, by, now, expected):
    moment = datetime.fromisoformat(now).replace(tzinfo=SHANGHAI)
    assert due_date(cron, time.fromisoformat(by), moment) == date.fromisoformat(expected)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_a_night_in_the_hour_that_is_left_out_or_twice(day):
    """When the clocks change a night is due all the same."""
    moment = datetime.combine(day, time(7), ZoneInfo("Europe/Berlin"))
    assert due_date("30 2 * * *", time(6), moment) == day


@given(
    hour=st.integers(0, 23),
    minute=st.sampled_from([0, 1, 30, 59]),
    by=st.times(time(0), time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0)),
    now=st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 20)),  # noqa: DTZ001 given its zone below
)
def test_daily_nights_are_those_of_the_slow_twin(hour, minute, by, now):
    now = now.replace(second=0, microsecond=0, tzinfo=SHANGHAI)
    assert due_date(f"{minute} {hour} * * *", by, now) == twin(time(hour, minute), by, now)


def twin(begins: time, by: time, now: datetime) -> date:
    """Go back a minute at a time: first to an hour `by`, and from there to the begin of the night before it."""
    moment, night = now, None
    while night is None:
        if moment.time() == by:
            night = begun = moment
            while begun.time() != begins:
                begun -= timedelta(minutes=1)
        moment -= timedelta(minutes=1)
    return begun.date()


@pytest.mark.parametrize("wrong", ["", "x", "0 2 * *", "0 0 2 * * *", "61 2 * * *", "0 2 32 * *", "0 2 30 2 *"])
def test_what_is_no_schedule_is_refused(wrong):
    with pytest.raises(ValueError, match="no cron expression"):
        check(wrong)
