"""Everybody gets one action; trouble comes before selling; low payers are not forgotten."""

import itertools

import pandas as pd
import pytest
from pydantic import ValidationError

from models.scores.columns import RISK_BANDS, STAGES, VALUE_BANDS
from targeting.actions import Action, ActionSettings, Condition, actions

CALM = {
    "lifecycle_stage": "steady",
    "churn_risk_band": "low",
    "value_band": "low",
    "is_potential_vip": False,
    "is_high_value_now": False,
    "complaint_open": False,
    "churn_probability": 0.02,
    "value_if_retained_12m": 240.0,
}


def action(**values):
    return actions(pd.DataFrame([CALM | values]), ActionSettings()).iloc[0]


def test_a_low_payer_without_trouble_gets_basic_care():
    assert action()["recommended_action"] == "care_basic"


def test_every_combination_gets_exactly_one_action():
    flags = (True, False, None)
    combinations = itertools.product((*STAGES, None), (*RISK_BANDS, None), (*VALUE_BANDS, None), flags, flags, flags)
    told = actions(pd.DataFrame([CALM | dict(zip(CALM, c, strict=False)) for c in combinations]), ActionSettings())
    assert told["recommended_action"].notna().all()
    assert set(told["recommended_action"]) == {action.code for action in ActionSettings().playbook}


def test_an_open_complaint_comes_first():
    assert (
        action(complaint_open=True, is_potential_vip=True, churn_risk_band="high")["recommended_action"]
        == "recover_complaint"
    )


def test_potential_vips_get_the_care_of_high_value_customers():
    assert action(is_potential_vip=True)["recommended_action"] == "vip_care_now"


def test_same_bill_three_directions_three_cares():
    told = {action(lifecycle_stage=stage)["recommended_action"] for stage in ("growing", "steady", "declining")}
    assert len(told) == 3


def test_the_priority_is_the_expected_net_benefit():
    told = action(churn_risk_band="high", value_band="high", churn_probability=0.4, value_if_retained_12m=1_000.0)
    assert told["action_priority"] == pytest.approx(0.4 * 1_000 * 0.15 - 12)


def test_without_a_score_there_is_care_but_no_priority():
    told = action(churn_probability=float("nan"), churn_risk_band=None, value_band=None)
    assert told["recommended_action"] == "care_basic"
    assert pd.isna(told["action_priority"])


def test_a_playbook_that_leaves_somebody_out_is_refused():
    with pytest.raises(ValidationError, match="every customer"):
        ActionSettings(playbook=(Action(code="grow", when=Condition(lifecycle_stage=("growing",))),))
