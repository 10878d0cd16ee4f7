"""Whom registered campaigns have treated: known from their lists, also where there is no contacts table."""

import hashlib
from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.spine import cutoff
from pipelines.project import Project
from pipelines.workspace import campaigns

DIGITS = 16
NEEDED = {
    "customer_id": "string",
    "happened_at": "timestamp(6)",
    "happened_on": "date",
    "known_at": "timestamp(6)",
    "campaign_id": "string",
    "arm": "string",
}
"""Columns of contacts that tell whom a campaign treated."""


def fingerprint(project: Project) -> str:
    """What is known of whom registered campaigns treated, in short: it changes when a campaign is registered and when somebody of
    one is erased; empty where none is registered. Raises E371 (exit 3) for a campaign that is damaged."""
    known = [f"{one.id} {one.erased}" for one in campaigns.everything(project.workspace)]
    return hashlib.sha256("\n".join(known).encode()).hexdigest()[:DIGITS] if known else ""


def with_registered(project: Project, tables: Mapping[str, ir.Table]) -> dict[str, ir.Table]:
    """The tables as labels are made from them: everybody on the list of a registered campaign was listed by it on its first day,
    in the arm that was drawn, whatever the contacts table says of that campaign or if there is none.

    Parameters
    ----------
    project
        Its workspace and time zone.
    tables
        The canonical tables; features go on seeing these.

    Returns
    -------
    dict
        The same, `contacts` with the columns of `NEEDED` where any campaign is registered.

    Raises
    ------
    HeadwaterError
        E371 (exit 3) for a campaign that is damaged: whom it treated is not known, and would be learnt from.
    """
    known = list(campaigns.everything(project.workspace))
    if not known:
        return dict(tables)
    names = sorted(set().union(*(one.names for one in known)))
    listed = ibis.memtable(pd.concat([_listed(project, one) for one in known]), schema=ibis.schema(NEEDED))
    if "contacts" in tables:
        others = tables["contacts"]
        others = others.filter(others.campaign_id.isnull() | others.campaign_id.notin(names))
        if "superseded_at" in others.columns:
            listed = listed.mutate(superseded_at=ibis.null("timestamp(6)"))
        listed = others.select(*listed.columns).union(listed)
    return dict(tables) | {"contacts": listed}


def _listed(project: Project, campaign: campaigns.Campaign) -> pd.DataFrame:
    """A row per customer of a campaign."""
    start = campaign.terms.start
    first, known = (pd.Timestamp(cutoff(day, project.mapping.timezone)) for day in (start, campaign.terms.known_on))
    rows = campaign.members[["customer_id", "arm"]]
    told = rows.assign(happened_at=first, happened_on=start, known_at=known, campaign_id=campaign.id)
    return told[list(NEEDED)]
