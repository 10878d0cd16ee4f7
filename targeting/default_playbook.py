"""The playbook of a project that has none of its own. Money is in shares of the mean 12-month value, for no amount suits every business;
all figures are assumptions until campaigns with a holdout have measured them."""

from typing import Any

from targeting.playbook import Action, Condition

Whom = dict[str, Any]
RISKY = ("high", "critical")
POTENTIAL: Whom = {"is_potential_vip": True}
HIGH: Whom = {"is_high_value_now": True}
USE, AGREEMENT, TROUBLE = ("usage_trend", "usage_level"), ("plan", "contract"), ("complaints", "satisfaction")


def _rules(purpose: str, *rules: tuple[str, Whom, str, dict[str, Any]]) -> tuple[Action, ...]:
    """Rules of one purpose from code, whom, channel and the rest."""
    return tuple(
        Action.model_validate({"code": code, "purpose": purpose, "when": Condition(**when), "channel": channel} | rest)
        for code, when, channel, rest in rules
    )


def _rest(cost: str, save_rate: float, **more: Any) -> dict[str, Any]:
    return {"cost": cost, "save_rate": save_rate} | more


_RECOVERY = _rules(
    "recover",
    (
        "find_the_cause",
        {"complaint_open": True, "complaints_at_least": 2},
        "call",
        _rest("1.2%", 0.25, owner="complaint_lead"),
    ),
    ("recover_complaint", {"complaint_open": True}, "call", _rest("0.8%", 0.20, owner="first_contact")),
)
_RETENTION = _rules(
    "retain",
    (
        "retain_potential_vip",
        POTENTIAL | {"churn_risk_band": RISKY},
        "call",
        _rest("1.2%", 0.15, owner="vip_manager"),
    ),
    ("retain_personally", {"churn_risk_band": RISKY, "value_band": ("high",)}, "call", _rest("1.2%", 0.15)),
    (
        "renew_contract",
        {"churn_risk_band": RISKY, "contract_ends_within": 60},
        "call",
        _rest("0.5%", 0.12, incentive="2%", least_benefit=0.0),
    ),
    ("retain_offer", {"churn_risk_band": RISKY, "value_band": ("medium",)}, "call", _rest("0.5%", 0.10)),
    ("retain_low_cost", {"churn_risk_band": RISKY}, "message", _rest("0.05%", 0.05)),
)
_POTENTIAL = (
    *_rules(
        "care",
        (
            "vip_in_service",
            POTENTIAL | {"consent": ("no", "unknown")},
            "inbound",
            _rest("0.2%", 0.05, growth_rate=0.005, owner="service_desk"),
        ),
        ("vip_payment_help", POTENTIAL | {"overdue": True}, "call", _rest("0.3%", 0.08)),
        ("vip_listen", POTENTIAL | {"complaints_at_least": 1}, "call", _rest("0.5%", 0.12)),
        ("vip_listen", POTENTIAL | {"churn_reason": TROUBLE}, "call", _rest("0.5%", 0.10, rule="vip_listen_silent")),
        ("vip_manager", POTENTIAL, "visit", _rest("1%", 0.12, growth_rate=0.02, owner="vip_manager", quota="0.5%")),
    ),
    *_rules(
        "sell", ("vip_usage_offer", POTENTIAL | {"vip_reason": USE}, "call", _rest("0.4%", 0.05, growth_rate=0.03))
    ),
    *_rules(
        "care",
        ("vip_first_steps", POTENTIAL | {"vip_early": True}, "call", _rest("0.4%", 0.08, growth_rate=0.015)),
        ("vip_plan_review", POTENTIAL | {"vip_reason": AGREEMENT}, "call", _rest("0.4%", 0.08, growth_rate=0.01)),
        ("vip_care_now", POTENTIAL, "call", _rest("0.6%", 0.10, growth_rate=0.01)),
    ),
)
_HIGH_VALUE = (
    *_rules(
        "care",
        ("core_review", {"tier_review": True}, "call", _rest("0.5%", 0.12, owner="vip_manager")),
        ("vip_check_in", HIGH | {"lifecycle_stage": ("declining",)}, "call", _rest("0.4%", 0.12, owner="vip_manager")),
    ),
    *_rules(
        "sell", ("renew_early", HIGH | {"contract_ends_within": 60}, "call", _rest("0.5%", 0.12, owner="vip_manager"))
    ),
    *_rules("care", ("vip_care", HIGH, "app", _rest("0.4%", 0.10, owner="vip_manager"))),
)
_EVERYBODY = (
    *_rules(
        "care",
        ("welcome", {"lifecycle_stage": ("onboarding",)}, "message", _rest("0.1%", 0.05)),
        ("win_back", {"lifecycle_stage": ("dormant",)}, "message", _rest("0.1%", 0.05)),
        ("check_in", {"lifecycle_stage": ("declining",)}, "message", _rest("0.05%", 0.05)),
    ),
    *_rules(
        "sell",
        ("grow", {"lifecycle_stage": ("growing",)}, "app", _rest("0.1%", 0.02, growth_rate=0.01, quiet_days=14)),
    ),
    *_rules(
        "care",
        (
            "group_review",
            {"customer_type": ("group",), "value_band": ("medium", "high")},
            "call",
            _rest("0.15%", 0.05, quota="1%"),
        ),
        (
            "family_event",
            {"customer_type": ("family",), "value_band": ("medium", "high")},
            "message",
            _rest("0.05%", 0.03, quota="2%"),
        ),
        ("care_basic", {}, "message", _rest("0.01%", 0.01)),
    ),
)
PLAYBOOK = (*_RECOVERY, *_RETENTION, *_POTENTIAL, *_HIGH_VALUE, *_EVERYBODY)
