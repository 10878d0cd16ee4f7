"""Everybody gets one action; trouble comes before selling; quotas go to those whom they bring most; low payers are not forgotten."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from models.scores.columns import RISK_BANDS, STAGES, VALUE_BANDS
from targeting.action_settings import ActionSettings
from targeting.actions import actions, choose, costs, expected_benefit, matches, money_of
from targeting.default_playbook import PLAYBOOK
from targeting.playbook import Action, Condition, flaw, in_order
from tests.scores_sample import AS_OF, sample_frame

CALM = {
    "as_of": AS_OF,
    "lifecycle_stage": "steady",
    "churn_risk_band": "low",
    "value_band": "low",
    "is_potential_vip": False,
    "is_high_value_now": False,
    "complaints_open": 0,
    "consent": True,
    "churn_probability": 0.02,
    "value_if_retained_12m": 240.0,
    "value_12m_pred": 230.0,
}
RULE = {action.name: action for action in PLAYBOOK}
BASIC = Action(code="care_basic")


def action(**values):
    return actions(pd.DataFrame([CALM | values]), ActionSettings()).iloc[0]


def code(**values):
    return action(**values)["recommended_action"]


def why(*codes, direction=1):
    return [{"code": c, "rank": k, "direction": direction} for k, c in enumerate(codes, start=1)]


def test_a_low_payer_without_trouble_gets_basic_care():
    assert code() == "care_basic"


def test_every_combination_gets_exactly_one_action():
    flags = (True, False, None)
    combinations = itertools.product((*STAGES, None), (*RISK_BANDS, None), (*VALUE_BANDS, None), flags, flags, (0, 1))
    names = (
        "lifecycle_stage",
        "churn_risk_band",
        "value_band",
        "is_potential_vip",
        "is_high_value_now",
        "complaints_open",
    )
    told = actions(pd.DataFrame([CALM | dict(zip(names, c, strict=True)) for c in combinations]), ActionSettings())
    assert told[["recommended_action", "action_rule", "action_channel", "owner"]].notna().all(axis=None)
    assert len(set(told["recommended_action"])) >= 10


def test_an_open_complaint_comes_first_and_nothing_is_sold_meanwhile():
    assert code(complaints_open=1, is_potential_vip=True, churn_risk_band="high") == "recover_complaint"
    assert code(complaints_open=2, complaints_90d=3) == "find_the_cause"
    sale = Action(code="grow", purpose="sell", when=Condition(lifecycle_stage=("growing",)))
    for playbook in [(sale, BASIC), (sale, RULE["recover_complaint"], BASIC)]:
        frame = pd.DataFrame([CALM | {"lifecycle_stage": "growing", "complaints_open": n} for n in (0, 1)])
        told = actions(frame, ActionSettings(playbook=playbook))["recommended_action"].tolist()
        assert told == ["grow", playbook[-2].code if len(playbook) == 3 else "care_basic"]


@pytest.mark.parametrize(
    ("consent", "unasked", "sold"),
    [(True, False, True), (None, False, False), (None, True, True), (False, True, False)],
)
def test_only_who_consented_is_sold_to(consent, unasked, sold):
    frame = pd.DataFrame([CALM | {"lifecycle_stage": "growing", "consent": consent}])
    told = actions(frame, ActionSettings(), unasked=unasked).iloc[0]["recommended_action"]
    assert told == ("grow" if sold else "care_basic")


def test_potential_vips_are_cared_for_by_their_evidence():
    evidence = [
        {"consent": None},
        {"overdue_amount": 12.0},
        {"complaints_90d": 1},
        {"vip_reasons": why("bill_level", "usage_trend")},
        {"vip_early": True},
        {"vip_reasons": why("plan")},
        {"churn_risk_band": "high"},
        {},
    ]
    told = [code(is_potential_vip=True, **known) for known in evidence]
    assert len(set(told)) == len(told) and all(code.startswith("vip_") or "vip" in code for code in told)


def test_only_the_first_reasons_that_push_the_score_up_are_evidence():
    assert code(is_potential_vip=True, vip_reasons=why("a", "b", "c", "usage_trend")) == "vip_care_now"
    assert code(is_potential_vip=True, vip_reasons=why("usage_trend", direction=-1)) == "vip_care_now"
    mixed = [*why("x", "y", direction=-1), *why("a", "b", "usage_trend")]
    assert code(is_potential_vip=True, vip_reasons=mixed) == "vip_usage_offer"


def test_same_bill_three_directions_three_cares():
    told = {code(lifecycle_stage=stage) for stage in ("growing", "steady", "declining")}
    assert len(told) == 3


def test_the_priority_is_the_expected_net_benefit():
    """p s (v - d) - (1 - p) d - f + g v12, shares being of the mean value: 1.2 % of 1,000 is 12."""
    told = action(churn_risk_band="high", value_band="high", churn_probability=0.5, value_if_retained_12m=1_000.0)
    assert told["action_priority"] == pytest.approx(0.5 * 1_000 * 0.15 - 12)
    offer = Action(code="offer", cost=2, incentive=10, save_rate=0.2, growth_rate=0.01)
    money = pd.DataFrame({"churn_probability": [0.5], "value_if_retained_12m": [100.0], "value_12m_pred": [90.0]})
    assert expected_benefit(money, offer, 100.0) == pytest.approx(0.5 * 0.2 * 90 - 0.5 * 10 - 2 + 0.9)


def test_without_a_score_there_is_care_but_no_priority():
    told = action(churn_probability=float("nan"), churn_risk_band=None, value_band=None)
    assert told["recommended_action"] == "care_basic" and pd.isna(told["action_priority"])


def test_who_looks_after_whom():
    assert action()["owner"] == "service_desk" and action(is_high_value_now=True)["owner"] == "vip_manager"
    assert action(customer_type="group")["owner"] == "group_manager"
    assert action(customer_type="family")["owner"] == "community_manager"
    assert action(customer_type="group", complaints_open=1)["owner"] == "first_contact"


def test_a_full_quota_passes_customers_on_and_quiet_days_keep_distance():
    best = Action(code="visit", when=Condition(value_band=("low",)), save_rate=0.5, quota=2)
    rest = Action(code="call", when=Condition(value_band=("low",)), quiet_days=10, least_benefit=0.0, save_rate=0.1)
    frame = pd.DataFrame([CALM] * 5).assign(
        churn_probability=[0.1, 0.5, 0.3, np.nan, 0.2],
        last_contact_on=[None, None, None, None, AS_OF - pd.Timedelta(days=9)],
    )
    told = actions(frame, ActionSettings(playbook=(best, rest, BASIC)))
    assert told["recommended_action"].tolist() == ["call", "visit", "visit", "care_basic", "care_basic"]


@pytest.mark.parametrize(
    ("playbook", "number", "what"),
    [
        ((Action(code="grow", when=Condition(lifecycle_stage=("growing",))),), 0, "last"),
        ((), 0, "last"),
        ((BASIC.model_copy(update={"quota": 3}),), 0, "last"),
        ((BASIC, Action(code="grow")), 1, "unreachable"),
        ((RULE["grow"], RULE["grow"], BASIC), 1, "twice"),
        ((RULE["recover_complaint"].model_copy(update={"quota": 1}), BASIC), 0, "recovery"),
        ((Action(code="recover", purpose="recover"), BASIC), 0, "recovery"),
        (tuple(Action(code=f"a{n}", quota=1) for n in range(64)), 63, "many"),
    ],
)
def test_a_playbook_that_does_not_hold_is_refused_with_its_rule(playbook, number, what):
    found = flaw(playbook)
    assert (found.number, found.what) == (number, what)
    with pytest.raises(ValidationError, match=what):
        ActionSettings(playbook=playbook)


def test_a_value_that_no_stage_has_is_refused():
    with pytest.raises(ValidationError, match="take one of onboarding"):
        Condition(lifecycle_stage=("growin",))


def crowd(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = sample_frame(n, seed).drop(
        columns=["recommended_action", "action_rule", "action_channel", "owner", "action_priority"]
    )
    contacts = [AS_OF - pd.Timedelta(days=int(d)) if d < 60 else None for d in rng.integers(1, 120, n)]
    overdue = np.where(rng.random(n) < 0.1, 20.0, 0.0)
    return frame.assign(last_contact_on=contacts, overdue_amount=overdue)


def twin(frame: pd.DataFrame, playbook) -> list[str]:
    """The rule of each customer, rule by rule and customer by customer, in plain Python."""
    money, told = money_of(frame), {}
    mean = money["value_if_retained_12m"].mean()
    rows = frame.to_dict("index")
    for number in in_order(playbook):
        rule, reached = playbook[number], []
        for place, row in rows.items():
            if place not in told and fits(rule, row):
                benefit = expected_benefit(money.loc[[place]], rule, mean)[0]
                if rule.least_benefit is None or benefit >= rule.least_benefit:
                    reached.append((place, benefit))
        reached.sort(key=lambda pair: -pair[1] if pair[1] == pair[1] else np.inf)
        room = len(frame) if rule.quota is None else rule.quota
        if isinstance(room, str):
            room = int(float(room.rstrip("%")) / 100 * len(frame) + 1e-9)
        told |= {place: rule.name for place, _ in reached[:room]}
    return [told[place] for place in frame.index]


def fits(rule: Action, row: dict) -> bool:
    known = {k: v for k, v in row.items() if not (np.isscalar(v) and pd.isna(v)) and v is not None}
    waits, consent = known.get("complaints_open", 0) > 0, known.get("consent")
    if rule.purpose == "sell" and (waits or consent is not True):
        return False
    if rule.quiet_days and "last_contact_on" in known and (AS_OF - known["last_contact_on"]).days < rule.quiet_days:
        return False
    derived = {
        "complaint_open": waits if "complaints_open" in known else None,
        "overdue": known["overdue_amount"] > 0,
        "consent": {True: "yes", False: "no", None: "unknown"}[consent],
    }
    for name, wanted in rule.when.model_dump(exclude_none=True).items():
        if name == "complaints_at_least":
            fine = known.get("complaints_90d", 0) >= wanted
        elif name == "contract_ends_within":
            fine = "contract_end_date" in known and 0 <= (known["contract_end_date"] - AS_OF).days <= wanted
        elif name.endswith("_reason"):
            up = [reason["code"] for reason in known[f"{name}s"] if reason["direction"] > 0][:3]
            fine = bool(set(up) & set(wanted))
        else:
            value = derived.get(name, known.get(name))
            fine = value in wanted if isinstance(wanted, tuple) else value == wanted
        if not fine:
            return False
    return True


@pytest.mark.parametrize("seed", [1, 2])
def test_laws_of_any_crowd(seed):
    """Equal to the slow twin; no quota exceeded; nothing sold beside a complaint; whatever the order of the rows."""
    frame = crowd(seed)
    told = actions(frame, ActionSettings())
    assert told["action_rule"].tolist() == twin(frame, PLAYBOOK)
    counts = told["action_rule"].value_counts()
    assert counts["vip_manager"] == int(0.005 * 300) and counts["family_event"] <= 6 and counts["group_review"] <= 3
    waiting = frame["complaints_open"] > 0
    assert waiting.any() and {RULE[r].purpose for r in told.loc[waiting, "action_rule"]} == {"recover"}
    shuffled = frame.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(actions(shuffled, ActionSettings()).loc[frame.index], told)


def test_parts_of_a_crowd_are_chosen_among_together():
    """Conditions may be looked at chunk by chunk; quotas are of everybody."""
    frame = crowd(5)
    reasons = {name: frame[name] for name in ("churn_reasons", "vip_reasons")}
    whole = choose(matches(frame, reasons, PLAYBOOK, unasked=False), money_of(frame), PLAYBOOK)
    parts = [frame.iloc[:120], frame.iloc[120:]]
    masks = [matches(p, {c: p[c] for c in reasons}, PLAYBOOK, unasked=False) for p in parts]
    money = pd.concat([money_of(part) for part in parts])
    again = choose(np.concatenate(masks), money, PLAYBOOK)
    assert (again.rule == whole.rule).all() and whole.part(120, 50).rule.tolist() == whole.rule[120:170].tolist()
    assert dataclasses.astuple(costs(RULE["renew_contract"], 200.0)) == (1.0, 4.0)
