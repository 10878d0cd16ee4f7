"""How the three targets are defined; values only."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """Values only; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ChurnTarget(Strict):
    """`deactivated`: left in the window. `no_bill`: no bill above zero in it. `labels`: the table of that name."""

    rule: Literal["deactivated", "no_bill", "labels"] = "deactivated"
    gap_days: int = Field(0, ge=0)
    horizon_days: int = Field(90, gt=0, description="the main horizon, the one that lists are made with")
    horizons: tuple[int, ...] = Field((30, 60, 90), description="all horizons with a probability; the main one too")

    @model_validator(mode="before")
    @classmethod
    def _one_horizon(cls, given: Any) -> Any:
        """Without `horizons`, a main horizon of its own brings its thirds."""
        if isinstance(given, dict) and "horizon_days" in given and "horizons" not in given:
            main = int(given["horizon_days"])
            return given | {"horizons": tuple(sorted({max(main // 3, 1), max(main * 2 // 3, 1), main}))}
        return given

    @model_validator(mode="after")
    def _main_is_last(self) -> "ChurnTarget":
        if not self.horizons or list(self.horizons) != sorted(set(self.horizons)):
            raise ValueError("horizons must rise")
        if self.horizons[-1] != self.horizon_days:
            raise ValueError("horizon_days must be the longest of horizons")
        return self

    @property
    def known(self) -> tuple[int, ...]:
        """Horizons with a label. Brought labels come for the main one only; and silence has no curve: nothing bought
        in 30 days is more likely than nothing bought in 90, so it is not a chance of having left that grows."""
        return self.horizons if self.rule == "deactivated" else (self.horizon_days,)


class ValueTarget(Strict):
    """Sum of bill amounts in the window, or the `value` of brought labels."""

    rule: Literal["bills", "labels"] = "bills"
    gap_days: int = Field(0, ge=0)
    horizon_days: int = Field(90, gt=0)


class HighValue(Strict):
    """Who is high-value now: at or above `amount`, or above a percentile of the population.

    `monthly_bill` is the mean over the billing months of the lookback, `spend` its total. With `per_as_of` the
    percentile is taken anew on each as-of date; otherwise it must be fixed once by `fixed`.
    """

    amount: float | None = Field(None, gt=0)
    percentile: float = Field(80, gt=0, lt=100)
    measure: Literal["monthly_bill", "spend"] = "monthly_bill"
    lookback_days: int = Field(91, gt=0)
    per_as_of: bool = False


class Becomes(Strict):
    """`sustained`: mean monthly value and `share_of_months` of the window's months reach the amount.

    `horizon_total`: value of the window above its `percentile` of the whole population on that as-of date.
    """

    rule: Literal["sustained", "horizon_total"] = "sustained"
    share_of_months: float = Field(0.67, gt=0, le=1)
    percentile: float = Field(90, gt=0, lt=100)


class VipTarget(Strict):
    """Becomes, and stays, high-value in the window, among those who are not."""

    gap_days: int = Field(0, ge=0)
    horizon_days: int = Field(90, gt=0)
    high_value: HighValue = HighValue()
    becomes: Becomes = Becomes()

    @model_validator(mode="after")
    def _sustained_needs_months(self) -> "VipTarget":
        monthly = self.high_value.measure == "monthly_bill"
        if self.becomes.rule == "sustained" and not (monthly and not self.high_value.per_as_of):
            raise ValueError("sustained needs measure monthly_bill and one fixed amount; else use horizon_total")
        return self


class TargetSettings(Strict):
    """The three targets of one configuration."""

    churn: ChurnTarget = ChurnTarget()
    value: ValueTarget = ValueTarget()
    vip: VipTarget = VipTarget()

    def window_days(self, target: str) -> int:
        """Gap + horizon of `churn`, `value` or `vip`."""
        chosen: ChurnTarget | ValueTarget | VipTarget = getattr(self, target)
        return chosen.gap_days + chosen.horizon_days

    @property
    def longest(self) -> int:
        return max(self.window_days(t) for t in ("churn", "value", "vip"))
