"""How much may be wrong with the data before a run stops."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from features.contracts import CONTRACTS
from features.strict import Strict


def _event_table(name: str) -> str:
    if name != "customers" and (name not in CONTRACTS or not CONTRACTS[name].event):
        raise ValueError(f"there is no table of events called {name[:40]}")
    return name


def _place(name: str) -> str:
    from pipelines.config import public_holidays  # a fifth of a second, for those who name one

    if not public_holidays.is_place(name):
        raise ValueError(f"no holidays are known of {name[:40]}: a country (GB) or a part of one (US-CA), by ISO 3166")
    return name


EventTable = Annotated[str, AfterValidator(_event_table)]
Place = Annotated[str, AfterValidator(_place)]
Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$")]
"""A month, or a day."""


class Quality(Strict):
    """How much may be wrong before a run stops. Every default is an assumption a project can replace."""

    max_quarantined: float = Field(0.01, ge=0, le=1, description="share of a table's rows")
    max_quarantined_keys: float = Field(0.001, ge=0, le=1, description="the same for rows with bad keys")
    delivery_days: int = Field(2, ge=0, description="days after delivery until a row counts as from the future")
    early_hours: int = Field(24, ge=0, description="hours by which a row may be known before it happened")
    largest_median: float = Field(1000, gt=0, description="whole-numbered money with a larger median looks like cents")
    largest_ratio: float = Field(50, gt=1, description="between the medians of two money columns")
    largest_change: float = Field(5, gt=1, description="of a median against the previous run")
    smallest_month: float = Field(
        0.25, ge=0, lt=1, description="rows of a month against the fewest of the months it is compared with; 0 is off"
    )
    smallest_day: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="rows of a day against the fewest of the same weekdays around it, where a source is steady; 0 is off",
    )
    regions: bool = Field(True, description="look at the customers of each region apart, too")
    gaps: bool = Field(True, description="false is smallest_month: 0")
    holidays: Place | None = Field(
        None, description="country (GB, US-CA) on whose holidays a day may be empty; without it that of the time zone"
    )
    max_vanished: float = Field(
        0.05, ge=0, le=1, description="share of the customers with us who may be missing in the next customers file"
    )
    rehash: bool = Field(
        False, description="hash raw files again although path, size, times and inode are as at the last reading"
    )
    quiet: dict[EventTable, tuple[Month, ...]] = Field(
        {}, description="table -> months (2026-10) and days (2026-10-01) that are right although few rows came"
    )
    changed: dict[str, tuple[Month, ...]] = Field(
        {},
        description="table.column -> months (2026-10) in which customers truly had so many times what they had before",
    )
