"""What a contact costs and brings. Reading a configuration loads no library that reckons with it."""

from dataclasses import dataclass
from math import sqrt

from pydantic import Field, model_validator

from features.strict import Strict

ACCEPTANCE = 0.30
"""Mean of Beta(6, 14), as in Verbraken et al. (2013)."""


@dataclass(frozen=True)
class Acceptance:
    """The share of would-be leavers who take an offer and stay, as far as it is known: a beta distribution."""

    mean: float
    sd: float

    @property
    def beta(self) -> tuple[float, float]:
        """Parameters of the distribution, by its mean and standard deviation."""
        size = self.mean * (1 - self.mean) / self.sd**2 - 1
        return self.mean * size, (1 - self.mean) * size


class ProfitSettings(Strict):
    """What a contact costs and brings in `headwater list plan`. By default that is what the playbook says of each customer's own
    action; a number here is for everybody on the list, whatever their action, as for a campaign that treats all alike."""

    contact_cost: float | None = Field(
        None, ge=0, description="money per contact, for everybody; null: cost of each customer's action"
    )
    incentive: float | None = Field(
        None, ge=0, description="money that an offer costs whoever takes it, for everybody; null: that of the action"
    )
    acceptance: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of would-be leavers who take the offer and stay; null: save_rate of the action",
    )
    acceptance_sd: float | None = Field(
        None,
        gt=0,
        description="how unsure that is, as a standard deviation; null: a third of it (Verbraken et al. 2013)",
    )

    @model_validator(mode="after")
    def _possible(self) -> "ProfitSettings":
        mean, sd = self.acceptance, self.acceptance_sd
        if mean is not None and sd is not None and sd**2 >= mean * (1 - mean):
            raise ValueError("acceptance_sd: too large for a share with this mean")
        return self

    def around(self, mean: float) -> Acceptance:
        """The distribution of an acceptance of this mean, with the configured spread as far as it is possible there."""
        mean = min(max(mean, 1e-6), 0.99)
        wanted = mean / 3 if self.acceptance_sd is None else self.acceptance_sd
        return Acceptance(mean, min(wanted, 0.9 * sqrt(mean * (1 - mean))))
