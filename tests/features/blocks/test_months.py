"""Which months are closed, day after day, against a calendar walked in plain Python."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
import pytest

from features.blocks.months import month, newest_closed
from features.settings import FeatureSettings

DAYS = [date(2016, 1, 1) + timedelta(days=n) for n in range(1_500)]
"""Two leap days and four turns of the year."""


def closed(as_of: date, closing: int, arrears: bool) -> int:
    """The newest month, as year x 12 + month, that was over `closing` days ago and is billed by now: day by day."""
    day = as_of - timedelta(days=closing + arrears)
    this = day.month
    while day.month == this:
        day -= timedelta(days=1)
    return day.year * 12 + day.month


@pytest.mark.parametrize("closing", [0, 5, 31])
@pytest.mark.parametrize("arrears", [False, True])
def test_months_close_as_the_calendar_says(con: ibis.BaseBackend, closing: int, arrears: bool):
    days = ibis.memtable(pa.table({"as_of": pa.array(DAYS, pa.date32())}))
    settings = FeatureSettings(closing_days=closing, billed_in_arrears=arrears)
    answer = con.to_pyarrow(days.select("as_of", at=month(days.as_of), closed=newest_closed(days.as_of, settings)))
    for row in answer.to_pylist():
        as_of = row["as_of"]
        assert row["at"] == as_of.year * 12 + as_of.month
        assert row["closed"] == closed(as_of, closing, arrears), as_of
