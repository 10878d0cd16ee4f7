"""Customers of a night in the words of a page."""

from collections.abc import Mapping
from typing import Any

from pipelines.page import short_names
from pipelines.page.visit import Visit
from pipelines.wording.reasons import sentences

COLUMNS = (
    "customer_id",
    "score_status",
    "region",
    "tier_current",
    "lifecycle_stage",
    "churn_probability",
    "churn_percentile",
    "churn_risk_band",
    "churn_trend",
    "vip_probability",
    "vip_percentile",
    "vip_gap",
    "arpu_3m",
    "value_12m_pred",
    "value_at_risk",
    "recommended_action",
    "action_priority",
    "contact_allowed",
    "suppress_reason",
    "is_holdout",
)
"""What a row of a list needs, beside the reasons of its kind."""


def person(visit: Visit, row: Mapping[str, Any], kind: str, shown: bool) -> dict[str, Any]:
    """A row of a list, finished words only.

    Parameters
    ----------
    visit
        Language and formats.
    row
        With `COLUMNS` and the reasons of its kind.
    kind
        Of the list.
    shown
        Its id, too: only for those who may see it.
    """
    probability = "churn_probability" if kind == "churn" else "vip_probability"
    return {
        "name": short_names.name(row["digest"], row["length"]),
        "id": row["customer_id"] if shown else "",
        "tier": visit.word("tier_current", row["tier_current"]),
        "region": visit.word("region", row["region"]),
        "stage": visit.word("lifecycle_stage", row["lifecycle_stage"]),
        "probability": visit.share(row[probability], 1),
        "top": top(visit, row[f"{kind}_percentile"]),
        "band": row["churn_risk_band"],
        "band_word": visit.word("churn_risk_band", row["churn_risk_band"]),
        "trend": visit.word("churn_trend", row["churn_trend"]),
        "value": visit.money(row["value_12m_pred"]),
        "at_risk": visit.money(row["value_at_risk"]),
        "bill": visit.money(row["arpu_3m"], 2),
        "gap": visit.money(row["vip_gap"], 2),
        "reasons": sentences(row[f"{kind}_reasons"], visit.wording),
        "action": visit.word("recommended_action", row["recommended_action"]),
        "held": bool(row["is_holdout"]),
        "contact": contact(visit, row),
    }


def top(visit: Visit, percentile: float | None) -> str:
    """Among which first share of the customers somebody is; a dash where they have no rank."""
    if percentile is None:
        return visit.share(None)
    return visit.say("top", share=visit.share(max(1 - percentile / 100, 0.001), 1))


def contact(visit: Visit, row: Mapping[str, Any]) -> str:
    """May somebody be contacted, and if not, why not?"""
    if row["is_holdout"]:
        return visit.text("customers.held")
    if row["contact_allowed"]:
        return visit.text("customers.may")
    return visit.text(
        "customers.may_not", reason=visit.word("suppress_reason", row["suppress_reason"] or "not_allowed")
    )
