"""The choices that features rest on; every default is an assumption that a project's YAML can replace."""

from typing import Annotated, Literal

from pydantic import Field

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
    own: str | None = Field(None, description="a Python module with features of your own, relative to this file")
    stages: StageSettings = StageSettings()

    @property
    def settled_after(self) -> int:
        """Days after its end until a month is settled: a usual bill that has not come by then is none."""
        return SETTLE_DAYS if self.settle_days is None else self.settle_days
