"""Campaigns that only the contacts table knows, and what each is worth as evidence: on the page of campaigns and on every card."""

from collections.abc import Mapping

from pipelines.flows import campaigns
from pipelines.ingest.campaigns_on_record import OnRecord
from pipelines.page.visit import Visit
from pipelines.workspace import campaigns as kept

ON_RECORD = "campaigns on record"


def unregistered(visit: Visit) -> Mapping[str, OnRecord]:
    """Name -> campaign, the last to begin first; read once a night and registration. Raises E331 where what was read is altered."""
    registered = tuple(kept.ids(visit.project.workspace))  # one that was registered meanwhile is none of these any more
    found: Mapping[str, OnRecord] = visit.night.remembered(
        (ON_RECORD, registered), lambda: {one.name: one for one in campaigns.unregistered(visit.project)}
    )
    return found


def evidence(visit: Visit, name: str) -> str:
    """That a campaign was not drawn by chance, or not registered beforehand; empty for one that was registered."""
    one = unregistered(visit).get(name)
    if one is None:
        return ""
    return visit.text(f"customer.{'not_registered' if one.held_out else 'not_randomised'}")
