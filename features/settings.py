"""The choices that features rest on; every default is an assumption that a project's YAML can replace."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.counted import OTHER, CountedValue, counted_values
from features.strict import Strict

NAME = "^[a-z][a-z0-9_]{0,62}$"
"""What becomes part of the name of a column."""

SETTLE_DAYS = 62
"""A bill that has not come two whole months after the end of its month will not come."""


class StageSettings(Strict):
    """Where one lifecycle stage ends and the next begins (assumptions: no source document gives figures)."""

    onboarding_days: int = Field(90, gt=0, description="younger customers are onboarding")
    dormant_days: int = Field(45, gt=0, description="nothing used for this long is dormant")
    trend: float = Field(0.03, gt=0, description="share of the mean bill gained or lost a month: growing or declining")
    volatile: float = Field(0.35, gt=0, description="coefficient of variation from which a steady bill is volatile")
    spike: float = Field(2.0, gt=1, description="peak month over the mean of the others that makes a spike")


Days = Annotated[int, Field(gt=0, le=3660)]
UsageDays = Annotated[int, Field(gt=0, le=182)]
Months = Annotated[int, Field(gt=0, le=60)]


class WindowSettings(Strict):
    """Windows beside the shipped ones, each a column more of every feature that it suits: the rhythm of a business.

    A column's name says what it looks back over: `spend_7d`, `arpu_24m`.
    """

    bills: tuple[Months, ...] = Field((), description="months of bills; shipped: 1 to 12")
    purchases: tuple[Days, ...] = Field((), description="days of purchases and returns; shipped: 30 to 365")
    usage: tuple[UsageDays, ...] = Field((), description="days of usage, up to 182; shipped: 4 to 52 weeks")

    def spans(self) -> dict[str, tuple[int, ...]]:
        """The windows by what they are of, as `columns` takes them."""
        return {name: getattr(self, name) for name in type(self).model_fields}


GRAIN_DAYS = {"day": 1, "week": 7, "month": 28}
"""Days that one row of usage is for, at the least."""


MOST_COUNTED = 12
"""Values of one column that are counted apart, at most: each is two columns more."""


def _named(values: Any) -> Any:
    """`[price, network]`: values that are names already."""
    return {value: value for value in values} if isinstance(values, list | tuple) else values


def _apart(values: dict[str, str]) -> dict[str, str]:
    """Refuses a name that the others have, and a value under two names."""
    if OTHER in values:
        raise ValueError(f"{OTHER} is what the values that are not listed are counted as: give this one another name")
    twice = sorted({value for value in values.values() if list(values.values()).count(value) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} stands under two names: name it once")
    return values


Name = Annotated[str, Field(pattern=NAME)]
Values = Annotated[
    dict[Name, str], BeforeValidator(_named), AfterValidator(_apart), Field(min_length=1, max_length=MOST_COUNTED)
]
CountedTable = Literal["contacts", "complaints", "subscriptions"]


class FeatureSettings(Strict):
    """How raw events become months and weeks."""

    closing_days: int = Field(5, ge=0, description="days after its end until a month's bills are known")
    settle_days: int | None = Field(
        None,
        ge=0,
        le=365,
        description="days after its end in which a month without a usual bill is unknown, and not nothing; "
        "0: never. null: 62, or 0 where churn is a missing bill or the population those who buy",
    )
    billed_in_arrears: bool = Field(True, description="a bill is dated the moment after the month it is for")
    usage_closing_days: int = Field(0, ge=0, description="newest days left out of usage levels: still arriving")
    usage_grain: Literal["day", "week", "month"] = Field("day", description="one row of usage is for so long")
    parts: dict[str, str] = Field({}, description="measure -> the measure that it is a part of: night use of all use")
    topics: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        (), description="topics of complaints, as mapped, that are counted apart"
    )
    counted: dict[CountedTable, dict[Name, Values]] = Field(
        {},
        description="table -> column -> values that are counted apart, as mapped: [price, network], or name: value where "
        "a value is no name, {price: 资费}; those that are not listed are counted together as other",
    )
    windows: WindowSettings = WindowSettings()
    without: tuple[str, ...] = Field(
        (), description="families that are not built: [purchases] where a bill is that of a month and no purchase"
    )
    own: str | None = Field(None, description="a Python module with features of your own, relative to this file")
    stages: StageSettings = StageSettings()

    @model_validator(mode="after")
    def _usage_windows_hold_whole_rows(self) -> Self:
        """A window of a part of a row's time would hold the row or not, by chance."""
        grain = GRAIN_DAYS[self.usage_grain]
        split = [days for days in self.windows.usage if days % grain]
        if split:
            raise ValueError(
                f"windows.usage: {split[0]} days are no whole number of rows of a {self.usage_grain} ({grain} days)"
            )
        return self

    def counted_values(self) -> Mapping[str, tuple[CountedValue, ...]]:
        """By table what is counted, as `columns` takes it."""
        return counted_values({str(table): columns for table, columns in self.counted.items()})

    @property
    def settled_after(self) -> int:
        """Days after its end until a month is settled: a usual bill that has not come by then is none."""
        return SETTLE_DAYS if self.settle_days is None else self.settle_days
