"""What came of campaigns, by what was written down when they were registered.

Nothing is looked at before the window of the outcome is over, so that nobody stops when the figures look well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from features.spine import population
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from pipelines.flows import campaign_contacts
from pipelines.flows.campaign_contacts import Contacts
from pipelines.flows.dataset import labels_of
from pipelines.ingest.campaigns_on_record import OnRecord, on_record
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace import campaign_records, campaigns
from pipelines.workspace.campaigns import Campaign, Terms
from targeting.campaigns import Costs, Measurement, measure
from targeting.segments import Segment, by_segment


@dataclass(frozen=True)
class Look:
    """One campaign as it stands at a date.

    Attributes
    ----------
    campaign
        As it was registered.
    as_of
        What is known by then counts.
    matures_on
        The first date that may look at the outcome.
    found
        What came of it; None before that date.
    contacts
        On record; None before that date.
    absent
        Customers of its list who were no longer with the company when it began.
    undefined
        Those who were, and whose outcome is not known or not defined for them.
    elsewhere
        Customers who are on the list of another campaign at the same time.
    members
        What became of each customer; None before that date.
    """

    campaign: Campaign
    as_of: date
    matures_on: date
    found: Measurement | None = None
    contacts: Contacts | None = None
    absent: int = 0
    undefined: int = 0
    elsewhere: int = 0
    members: pd.DataFrame | None = None

    @property
    def status(self) -> str:
        """`waiting`, or that of the measurement."""
        return self.found.status if self.found else "waiting"


def look(project: Project, campaign: Campaign, as_of: date) -> Look:
    """What came of a campaign, as far as it may be looked at.

    Parameters
    ----------
    project
        Its tables.
    campaign
        As it was registered; outcomes are those of its own definition, whatever the settings say by now.
    as_of
        What is known by then counts.

    Raises
    ------
    HeadwaterError
        What reading the tables raises, E371 for contacts of a file that are damaged.
    """
    terms = campaign.terms
    matures_on = terms.matures_on(project.settings.protocol.reporting_delay_days)
    if as_of < matures_on:
        return Look(campaign, as_of, matures_on)
    tables = project.tables(as_of)
    contacts = campaign_contacts.found(project, campaign, tables.tables)
    came = outcomes(project, campaign, tables, as_of)
    members = _members(campaign, came, contacts)
    found = measure(members, terms.outcome, Costs(terms.contact_cost, terms.incentive), terms.share)
    absent = int((~members["customer_id"].isin(came["customer_id"])).sum())
    undefined = int(members["came"].isna().sum()) - absent
    also = campaigns.elsewhere(project.workspace, campaign)
    return Look(campaign, as_of, matures_on, found, contacts, absent, undefined, also, members)


def outcomes(project: Project, campaign: Campaign, tables: Tables, as_of: date) -> pd.DataFrame:
    """What came of the customers of a campaign who were with the company on its first day.

    Parameters
    ----------
    project
        Its protocol and time zone.
    campaign
        As it was registered.
    tables
        The canonical tables as of the date.
    as_of
        What is known by then counts.

    Returns
    -------
    pandas.DataFrame
        customer_id, came (the outcome), money (of the window), left (1.0 or 0.0): null where they are not known.
    """
    terms = campaign.terms
    targets = TargetSettings.model_validate(terms.definition)
    rows = population(tables.tables, [terms.start], project.mapping.timezone, project.settings.population)
    spine = project.connection.create_table("campaign", rows, temp=True, overwrite=True)
    labels = labels_of(project, tables, spine, targets, as_of)
    holders = spine.select("customer_id", "activated_on").to_pyarrow().to_pandas(date_as_object=True)
    same = holders["activated_on"].isna() | (holders["activated_on"] < terms.list_as_of)  # not whoever has the id now
    mine = set(campaign.members["customer_id"]) & set(holders.loc[same, "customer_id"])
    own = labels[labels["customer_id"].isin(mine)].reset_index(drop=True)
    return pd.DataFrame(
        {
            "customer_id": own["customer_id"],
            "came": _numbers(own, terms.outcome, targets),
            "money": _numbers(own, "value", targets),
            "left": _numbers(own, "churn", targets),
        }
    )


def _numbers(labels: pd.DataFrame, name: str, targets: TargetSettings) -> pd.Series:
    """The main label of a target as numbers; null where nothing tells it."""
    label = TARGETS[name].label.format(targets.of(name).horizon_days)
    if label not in labels:
        return pd.Series(float("nan"), index=labels.index)
    return pd.to_numeric(labels[label].astype("Float64")).astype(float)


def _members(campaign: Campaign, came: pd.DataFrame, contacts: Contacts) -> pd.DataFrame:
    """Everybody on the list with what came of them, as `targeting.campaigns.measure` takes it."""
    members = campaign.members.merge(came, on="customer_id", how="left", validate="one_to_one")
    members["unit"] = members["account_id"].fillna(members["customer_id"])
    facts = campaign_contacts.per_customer(contacts, members["customer_id"])
    return members.assign(**{name: facts[name].to_numpy() for name in facts})


def weak(one: Look) -> bool:
    """Is what a campaign shows weak evidence: registered late, without a control, or with arms that are not as drawn?"""
    if one.campaign.terms.late:
        return True
    return one.found is not None and (one.found.status == "no_control" or "not_as_drawn" in one.found.doubts)


def as_dict(one: Look) -> dict[str, Any]:
    """A look as JSON has it: figures, and nobody's id."""
    terms, found = one.campaign.terms, one.found
    head = _promised(one.campaign.id, terms, one.as_of, one.matures_on)
    head |= {"status": one.status, "weak": weak(one), "erased": one.campaign.erased}
    if found is None or one.contacts is None:
        return head
    figures = ("effect", "unadjusted", "people", "revenue", "net", "roi")
    told: dict[str, Any] = {name: interval(getattr(found, name)) for name in figures}
    arms = {"treated": vars(found.treated), "control": vars(found.control)}
    counts = {"absent": one.absent, "undefined": one.undefined, "elsewhere": one.elsewhere}
    record = {"strangers": one.contacts.strangers, "outside": one.contacts.outside, "on_record": one.contacts.on_record}
    rest = {"cost": found.cost, "expected": found.expected, "doubts": list(found.doubts)}
    segments = [] if one.members is None or not found.effect else by_segment(one.members, terms.outcome)
    return head | arms | told | rest | counts | {"contacts": record, "segments": segments_as_dict(segments)}


def _promised(name: str, terms: Terms, as_of: date, matures_on: date) -> dict[str, Any]:
    """What is said of a campaign before anything is measured."""
    return {
        "campaign": name,
        "name": terms.name,
        "outcome": terms.outcome,
        "start": terms.start.isoformat(),
        "end": terms.end.isoformat(),
        "as_of": as_of.isoformat(),
        "matures_on": matures_on.isoformat(),
        "incentive": terms.incentive,
        "margin": float(terms.definition.get("value", {}).get("margin", 1.0)),
        "status": "waiting",
        "late": terms.late,
        "weak": terms.late,
        "erased": 0,
    }


def segments_as_dict(found: Sequence[Segment]) -> list[dict[str, Any]]:
    """Effects by segment as JSON has them, with the intervals that hold at once."""
    return [
        {"by": one.by, "value": one.value, "status": one.status}
        | {"effect": {"value": one.effect.estimate, "low": one.low, "high": one.high}}
        for one in found
    ]


def interval(found: Any) -> Mapping[str, float | None] | None:
    """A figure with its interval as JSON has it; None for none."""
    if found is None:
        return None
    value = found.value if hasattr(found, "value") else found.estimate
    return {"value": value, "low": found.low, "high": found.high}


def measured(project: Project, chosen: Sequence[Campaign], as_of: date) -> list[Look]:
    """Look at campaigns, and keep what was measured of each.

    Parameters
    ----------
    project
        Its tables and workspace.
    chosen
        Campaigns.
    as_of
        What is known by then counts.
    """
    looks = [look(project, campaign, as_of) for campaign in chosen]
    for one in looks:
        if one.members is not None:
            campaign_records.keep_facts(project.workspace, one.campaign.id, one.members)
            campaign_records.keep_measurement(project.workspace, one.campaign.id, as_dict(one))
    return looks


def overview(project: Project) -> list[dict[str, Any]]:
    """What is registered, the last to begin first, with what was measured last; nothing is measured for it.

    Parameters
    ----------
    project
        Its workspace.

    Returns
    -------
    list of dict
        As `as_dict` has it, with the size of each arm as it was registered, and how many are gone by erasure.
    """
    delay, rows = project.settings.protocol.reporting_delay_days, []
    for name, terms in campaigns.heads(project.workspace):
        waiting = _promised(name, terms, terms.registered_on, terms.matures_on(delay))
        told = waiting | (campaign_records.measurement(project.workspace, name) or {})
        sizes = {"treated": terms.treated, "control": terms.control}
        rows.append({"measured": "treated" in told, "figures": told} | _head(told) | sizes)
    return rows


def unregistered(project: Project) -> list[OnRecord]:
    """Campaigns that only the contacts table knows, the last to begin first. Raises E331 where what was read is altered.

    Parameters
    ----------
    project
        Its workspace, as the newest reading left it.
    """
    known = {n for name, terms in campaigns.heads(project.workspace) for n in (name, terms.name)}
    return [one for one in on_record(project.workspace.root) if one.name not in known]


def _head(told: Mapping[str, Any]) -> dict[str, Any]:
    names = ("campaign", "name", "outcome", "start", "end", "matures_on", "status", "late", "weak")
    return {name: told[name] for name in names}
