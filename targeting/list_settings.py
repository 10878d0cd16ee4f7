"""How lists are drawn: length, holdout, order, and whom they are narrowed to."""

from typing import Literal

from pydantic import Field

from features.strict import Strict
from targeting.filters import ListFilters

ListKind = Literal["vip", "churn"]


class ListSettings(Strict):
    """How lists are drawn. All figures are assumptions."""

    top: int = Field(500, gt=0, description="customers that can be worked on, the list's own holdout included")
    holdout: float = Field(0.10, ge=0, lt=1, description="share of them that stays untouched, to measure the effect")
    min_value: float = Field(0.0, ge=0, description="least predicted value over the value horizon, in money")
    min_probability: float = Field(0.0, ge=0, le=1, description="least probability of what the list is about")
    potential_only: bool = Field(True, description="vip list: only those whom the rule of potential VIPs names")
    churn_order: Literal["action_priority", "value_at_risk", "churn_probability"] = Field(
        "value_at_risk", description="churn list: the column by which it is ranked, highest first"
    )
    one_per_account: bool = Field(True, description="one contact per family or account: its first on the list")
    only: ListFilters = ListFilters()
