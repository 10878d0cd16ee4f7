"""Rules of a playbook in words: every part of a condition, in both languages."""

import json

import pytest

from models.scores.columns import RISK_BANDS
from pipelines.wording import playbooks
from targeting.default_playbook import PLAYBOOK
from targeting.playbook import Action, Condition

EVERY = Condition(
    lifecycle_stage=("growing",), lifecycle_direction=("worsening",), churn_risk_band=RISK_BANDS, churn_trend=("new",),
    value_band=("high",), customer_type=("group",), tier_current=("gold",), tier_predicted=("silver",), tier_review=True,
    is_potential_vip=False, is_high_value_now=True, vip_early=True, complaint_open=False, complaints_at_least=2, overdue=False,
    contract_ends_within=60, churn_reason=("complaints",), vip_reason=("plan",), consent=("yes", "unknown"),
)  # fmt: skip


def test_every_part_has_words():
    assert all(value is not None for value in EVERY.model_dump().values())
    zh, en = (playbooks.condition(EVERY, lang) for lang in ("zh", "en"))
    assert zh.count("，") == en.count(", ") == len(Condition.model_fields) - 1
    assert "金卡" in zh and "近90天投诉至少 2 次" in zh and "contract ends within 60 days" in en
    assert playbooks.condition(Condition(), "en") == "everybody who is left"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_rules_that_ship_are_told_whole(lang):
    for action in PLAYBOOK:
        told = " ".join(
            [
                playbooks.condition(action.when, lang),
                playbooks.limits(action, lang),
                playbooks.amount(action.cost, lang),
            ]
        )
        assert "_" not in told and "None" not in told and (lang == "en" or "True" not in told)


def test_why_is_that_of_the_night_and_unknown_where_nothing_is_on_record():
    rules = [a.model_dump(mode="json", exclude_defaults=True) | {"rule": a.name, "paid": {}} for a in PLAYBOOK]
    told = json.dumps({"rules": rules, "mean_value": None})
    assert playbooks.why(told, "vip_payment_help", "zh") == "潜在VIP，有逾期欠费"
    assert playbooks.why(told, "care_basic", "en") == "everybody who is left"
    assert {playbooks.why(None, "care_basic", "en"), playbooks.why(told, "gone", "en")} == {"–"}
    own = Action(code="own", quota=3, quiet_days=7, least_benefit=1.5)
    assert (
        playbooks.limits(own, "en")
        == "at most 3, not within 7 days of our last contact, expected net benefit of at least 1.50"
    )
