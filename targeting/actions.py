"""One action per customer by a configured table, and the money that it should bring."""

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.strict import Strict


class Condition(Strict):
    """Holds where every part that is set holds. Names and values are those of the score table."""

    lifecycle_stage: tuple[str, ...] | None = Field(None, description="any of these; null: whatever it is")
    churn_risk_band: tuple[str, ...] | None = Field(None, description="any of low, medium, high and critical")
    value_band: tuple[str, ...] | None = Field(None, description="any of low, medium and high")
    is_potential_vip: bool | None = Field(None, description="named by the rule of potential VIPs, or not")
    is_high_value_now: bool | None = Field(None, description="at or above the high-value threshold today, or not")
    complaint_open: bool | None = Field(None, description="a complaint waits for its resolution, or none does")

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        mask = np.ones(len(frame), dtype=bool)
        for column, allowed in self.model_dump(exclude_none=True).items():
            known = frame[column] if column in frame else pd.Series(None, index=frame.index, dtype=object)
            mask &= known.isin(allowed if isinstance(allowed, tuple) else (allowed,)).to_numpy()
        return mask


class Action(Strict):
    """What to do, when, what it costs, and the share of would-be leavers whom it keeps."""

    code: str = Field(description="recommended_action of the score table")
    when: Condition = Field(Condition(), description="for whom; empty: for everybody who is left")
    cost: float = Field(0.0, ge=0, description="money per customer")
    save_rate: float = Field(0.0, ge=0, le=1, description="share of would-be leavers who stay because of it")


RISKY = ("high", "critical")
PLAYBOOK = (
    Action(code="recover_complaint", when=Condition(complaint_open=True), cost=8.0, save_rate=0.20),
    Action(
        code="retain_personally", when=Condition(churn_risk_band=RISKY, value_band=("high",)), cost=12.0, save_rate=0.15
    ),
    Action(
        code="retain_offer", when=Condition(churn_risk_band=RISKY, value_band=("medium",)), cost=5.0, save_rate=0.10
    ),
    Action(code="vip_care_now", when=Condition(is_potential_vip=True), cost=6.0, save_rate=0.10),
    Action(code="retain_low_cost", when=Condition(churn_risk_band=RISKY), cost=0.5, save_rate=0.05),
    Action(code="vip_care", when=Condition(is_high_value_now=True), cost=4.0, save_rate=0.10),
    Action(code="welcome", when=Condition(lifecycle_stage=("onboarding",)), cost=1.0, save_rate=0.05),
    Action(code="win_back", when=Condition(lifecycle_stage=("dormant",)), cost=2.0, save_rate=0.05),
    Action(code="check_in", when=Condition(lifecycle_stage=("declining",)), cost=2.0, save_rate=0.05),
    Action(code="grow", when=Condition(lifecycle_stage=("growing",)), cost=1.0, save_rate=0.02),
    Action(code="care_basic", cost=0.1, save_rate=0.01),
)


class ActionSettings(Strict):
    """The playbook: the first action whose condition holds is taken. Costs and save rates are assumptions until
    campaigns with a holdout have measured them."""

    playbook: tuple[Action, ...] = Field(PLAYBOOK, description="tried from first to last; the last has no condition")

    @model_validator(mode="after")
    def _for_everybody(self):
        if not self.playbook or self.playbook[-1].when != Condition():
            raise ValueError("playbook: the last action must have no condition, so that every customer gets one")
        return self


def actions(frame: pd.DataFrame, settings: ActionSettings) -> pd.DataFrame:
    """recommended_action and action_priority, one row per row of `frame`, same index.

    `frame` holds columns of the score table and, where known, complaint_open (bool). The priority is the expected net
    benefit in money: churn probability x 12-month value if retained x save rate - cost; null without a score.
    """
    chosen = np.select([action.when.holds(frame) for action in settings.playbook], range(len(settings.playbook)))
    saved = np.array([action.save_rate for action in settings.playbook])[chosen]
    cost = np.array([action.cost for action in settings.playbook])[chosen]
    codes = np.array([action.code for action in settings.playbook], dtype=object)[chosen]
    benefit = frame["churn_probability"] * frame["value_if_retained_12m"].astype(float) * saved - cost
    return pd.DataFrame({"recommended_action": codes, "action_priority": benefit}, index=frame.index)
