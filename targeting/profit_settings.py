"""What a contact costs and brings. Reading a configuration loads no library that reckons with it."""

from pydantic import Field, model_validator

from features.strict import Strict


class ProfitSettings(Strict):
    """What a contact costs and brings. Defaults are those of Verbraken et al. (2013), not yours: set your own."""

    contact_cost: float | None = Field(
        None, ge=0, description="money per contact; null: 0.5 % of the mean 12-month value (Verbraken et al. 2013)"
    )
    incentive: float | None = Field(
        None, ge=0, description="money that the offer costs whoever takes it; null: 5 % of the mean 12-month value"
    )
    acceptance: float = Field(
        0.30, gt=0, lt=1, description="share of would-be leavers who take the offer and stay (Verbraken et al. 2013)"
    )
    acceptance_sd: float = Field(
        0.10, gt=0, description="how unsure that is, as a standard deviation; 0.1 around 0.3 is Beta(6, 14)"
    )

    @model_validator(mode="after")
    def _possible(self) -> "ProfitSettings":
        if self.acceptance_sd**2 >= self.acceptance * (1 - self.acceptance):
            raise ValueError("acceptance_sd: too large for a share with this mean")
        return self

    @property
    def beta(self) -> tuple[float, float]:
        """Parameters of the distribution of the acceptance, by its mean and standard deviation."""
        size = self.acceptance * (1 - self.acceptance) / self.acceptance_sd**2 - 1
        return self.acceptance * size, (1 - self.acceptance) * size
