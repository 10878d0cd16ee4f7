"""Which night is due by now: the date whose schedule has come round, and by which its scores are to be there."""

from datetime import date, datetime, time, timedelta

from cronsim import CronSim, CronSimError

SEARCHED = 400
"""Times of a schedule that are looked at: more than a year of daily ones."""


def check(expression: str) -> None:
    """Raise ValueError for what is no cron expression of five fields."""
    try:
        if len(expression.split()) != 5:
            raise CronSimError("five fields are needed")
        CronSim(expression, datetime(2026, 1, 1))  # noqa: DTZ001 the expression is read, no time is asked for
    except CronSimError as error:
        raise ValueError(
            f"no cron expression ({error}): minute, hour, day, month, weekday, such as 0 2 * * *"
        ) from error


def deadline(begins: datetime, by: time) -> datetime:
    """The first time after a night begins at which the clock shows `by`."""
    same_day = begins.replace(hour=by.hour, minute=by.minute, second=0, microsecond=0)
    return same_day if same_day >= begins else same_day + timedelta(days=1)


def due_date(expression: str, by: time, now: datetime) -> date | None:
    """The newest date whose night had to be published by now.

    Parameters
    ----------
    expression
        Of cron: when nights begin, in the zone of `now`.
    by
        The hour by which a night that has begun is to be published.
    now
        With its zone.

    Returns
    -------
    datetime.date
        The day on which that night begins, which is the date that it scores; None where none had to be yet.
    """
    begins = CronSim(expression, now + timedelta(minutes=1), reverse=True)
    for _, begun in zip(range(SEARCHED), begins, strict=False):
        if begun <= now and deadline(begun, by) <= now:
            return begun.date()
    return None
