"""What lists have brought: every registered campaign with its verdict and figures, and those that were never registered."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.delivery import campaign_words as words
from pipelines.delivery import uplift_words
from pipelines.flows import campaigns
from pipelines.page.unregistered import unregistered
from pipelines.page.views import registration
from pipelines.page.visit import Asked, Visit
from pipelines.workspace import campaign_records

router = APIRouter()


@router.get("/campaigns")
def overview(visit: Asked) -> Response:
    """All campaigns, the last to begin first."""
    found = [_shown(visit, row) for row in campaigns.overview(visit.project)]
    others = list(unregistered(visit).values())
    known: dict[str, Any] = {
        "titles": words.unregistered_titles(visit.lang),
        "others": words.unregistered(others, visit.lang),
        "together": _together(visit),
        "lists": registration.offered(visit),
        "most": registration.MOST,
    }
    return visit.show("campaigns.html", title=visit.tell("nav_campaigns"), campaigns=found, **known)


def _shown(visit: Visit, row: Mapping[str, Any]) -> dict[str, Any]:
    """One campaign in words; nothing is measured here."""
    told, lang, currency = row["figures"], visit.lang, visit.currency
    days = visit.text("campaigns.range", start=row["start"], end=row["end"])
    outcome = visit.text(f"campaigns.outcome.{row['outcome']}")
    sizes = {"treated": visit.count(row["treated"]), "held_out": visit.count(row["control"])}
    measured = row["measured"]
    return {
        "id": row["campaign"],
        "name": row["name"],
        "facts": visit.text("campaigns.facts", days=days, outcome=outcome, **sizes),
        "status": row["status"],
        "status_words": words.status(row, lang),
        "verdict": _verdict(visit, row),
        "measured_on": visit.text("campaigns.measured_on", as_of=told["as_of"]) if measured else "",
        "titles": words.arm_titles(row["outcome"], lang) if measured else [],
        "arms": words.arms(told, currency, lang) if measured else [],
        "figures": words.figures(told, currency, lang) if measured and told["effect"] else [],
        "segments": uplift_words.segments(told.get("segments", ()), row["outcome"], currency, lang),
        "segment_titles": uplift_words.segment_titles(lang),
        "remarks": list(words.remarks(told, currency, lang)),
    }


def _together(visit: Visit) -> dict[str, Any]:
    """What all campaigns show together, as it was measured last; empty where nothing was."""
    told = campaign_records.measurement(visit.project.workspace, campaign_records.TOGETHER)
    if told is None:
        return {}
    lang, currency = visit.lang, visit.currency
    return {
        "pools": [_pool(visit, name, pooled) for name, pooled in told["together"].items()],
        "trials": [
            {"verdict": uplift_words.verdict(one, lang), "orders": list(uplift_words.orders(one, currency, lang))}
            for one in told["uplift"]
        ],
        "order_titles": uplift_words.order_titles(lang),
        "segment_titles": uplift_words.segment_titles(lang),
        "measured_on": visit.text("campaigns.measured_on", as_of=told["as_of"]),
    }


def _pool(visit: Visit, outcome: str, pooled: Mapping[str, Any]) -> dict[str, Any]:
    """Campaigns of one outcome together: a sentence, and a row per segment."""
    fixed = words.difference(pooled["fixed"], outcome, visit.currency, visit.lang)
    names = {"n": pooled["campaigns"], "outcome": visit.text(f"campaigns.outcome.{outcome}")}
    rows = uplift_words.segments(pooled["segments"], outcome, visit.currency, visit.lang)
    return {"told": visit.text("campaigns.together", fixed=fixed, **names), "segments": rows}


def _verdict(visit: Visit, row: Mapping[str, Any]) -> str:
    """One sentence; where the outcome is known by now and nobody has measured it, that."""
    matures = date.fromisoformat(row["matures_on"])
    if row["status"] == "waiting" and matures <= visit.night.publication.as_of:
        return visit.text("campaigns.unmeasured", matures=row["matures_on"])
    return words.verdict(row["figures"], visit.currency, visit.lang)
