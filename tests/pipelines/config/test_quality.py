"""Limits on what may be wrong: months that are accepted belong to tables of events, or to a series of customers."""

import pytest
from pydantic import ValidationError

from features.contracts import CONTRACTS
from pipelines.config.quality import Quality


@pytest.mark.parametrize("name", list(CONTRACTS))
def test_quiet_months_are_of_tables_of_events(name):
    if CONTRACTS[name].event or name == "customers":
        assert Quality(quiet={name: ("2026-10",)}).quiet == {name: ("2026-10",)}
        return
    with pytest.raises(ValidationError, match="no table of events"):
        Quality(quiet={name: ("2026-10",)})


def test_quiet_months_of_no_table_are_refused():
    with pytest.raises(ValidationError, match="no table of events called tariffs"):
        Quality(quiet={"tariffs": ("2026-10",)})


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "202610", "2026-10-1", "2026-10-01-02", ""])
def test_what_is_no_month_is_refused(month):
    with pytest.raises(ValidationError, match="pattern"):
        Quality(quiet={"bills": (month,)})


@pytest.mark.parametrize("limits", [{"max_quarantined": 1.1}, {"largest_ratio": 1}, {"smallest_month": 1}, {"more": 1}])
def test_limits_that_make_no_sense_are_refused(limits):
    with pytest.raises(ValidationError):
        Quality(**limits)
