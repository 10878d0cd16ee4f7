"""How long what a workspace keeps is kept."""

from pydantic import Field

from features.strict import Strict

DATED, TIMED = ("lists", "reports", "scores", "archive", "runs"), ("calls", "quarantine", "damaged")
"""What is as old as its date, beside the newest published one; and what is as old as its time, by the clock."""


class Retention(Strict):
    """Days for which things are kept, by what they are; null: until a person removes them. Models are not among them."""

    nightly: bool = Field(False, description="collect what is older at the end of each night; else `headwater collect`")
    scores: int | None = Field(None, ge=1, description="days of score files, counted back from the newest date")
    archive: int | None = Field(None, ge=1, description="the same of replaced ones, of which the newest 30 stay anyway")
    lists: int | None = Field(None, ge=1, description="the same of lists, by the date in their name")
    reports: int | None = Field(None, ge=1, description="the same of reports and pages, by the date in their name")
    runs: int | None = Field(None, ge=1, description="the same of records of nights whose score file is gone")
    calls: int | None = Field(None, ge=1, description="days of records of who ran which command, by the clock")
    quarantine: int | None = Field(90, ge=1, description="the same of rows put aside by readings that are gone")
    damaged: int | None = Field(90, ge=1, description="the same of what `headwater doctor --repair` has set aside")

    def days(self) -> dict[str, int]:
        """What is not kept for good -> its days."""
        return {name: days for name in (*DATED, *TIMED) if (days := getattr(self, name)) is not None}
