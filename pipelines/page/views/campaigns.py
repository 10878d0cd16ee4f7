"""What lists have brought: every registered campaign with its verdict and figures, and those that were never registered."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.delivery import campaign_words as words
from pipelines.flows import campaigns
from pipelines.page.views import registration
from pipelines.page.visit import Asked, Visit

router = APIRouter()


@router.get("/campaigns")
def overview(visit: Asked) -> Response:
    """All campaigns, the last to begin first."""
    found = [_shown(visit, row) for row in campaigns.overview(visit.project)]
    others = visit.night.remembered("campaigns on record", lambda: campaigns.unregistered(visit.project))
    known: dict[str, Any] = {
        "titles": words.unregistered_titles(visit.lang),
        "others": words.unregistered(others, visit.lang),
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
        "remarks": list(words.remarks(told, currency, lang)),
    }


def _verdict(visit: Visit, row: Mapping[str, Any]) -> str:
    """One sentence; where the outcome is known by now and nobody has measured it, that."""
    matures = date.fromisoformat(row["matures_on"])
    if row["status"] == "waiting" and matures <= visit.night.publication.as_of:
        return visit.text("campaigns.unmeasured", matures=row["matures_on"])
    return words.verdict(row["figures"], visit.currency, visit.lang)
