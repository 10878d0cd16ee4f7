"""A frozen list becomes a campaign, before anybody is contacted.

What is to be measured is written down beforehand: the list with its arms, the outcome with its window and definition, the scores
by which the effect is adjusted, the costs.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.errors import HeadwaterError
from pipelines.engine import scoring
from pipelines.project import Project
from pipelines.workspace import bundles, calls, campaigns, frozen_lists
from pipelines.workspace.campaigns import MEMBERS, Campaign, Terms
from pipelines.workspace.frozen_lists import FrozenList
from targeting.campaigns import COVARIATES, Outcome
from targeting.known_before import NUMBERS, WORDS
from targeting.power import detectable_effect


@dataclass(frozen=True)
class Order:
    """What is to be registered; attributes as in `campaigns.Terms`. `late`: also where it has begun already."""

    name: str
    channel: str
    contact_cost: float
    incentive: float
    start: date
    end: date
    outcome: Outcome
    late: bool = False


@dataclass(frozen=True)
class Registered:
    """A campaign that has just been registered.

    Attributes
    ----------
    campaign
        With its id.
    treated, control
        Customers in each arm.
    matures_on
        The first date that may look at the outcome.
    expected
        Mean score of those listed for contact: the share that is expected to leave or become VIPs without the campaign, or
        the money; None where it is not known.
    detectable
        Of churn: the smallest drop of the share that leaves which its control shows with a power of 80 %; None where none.
    running
        Customers of its list who are on the list of another campaign whose window overlaps with this one's.
    """

    campaign: Campaign
    treated: int
    control: int
    matures_on: date
    expected: float | None
    detectable: float | None
    running: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        terms = self.campaign.terms
        days = {"start": terms.start.isoformat(), "matures_on": self.matures_on.isoformat()}
        sizes = {"treated": self.treated, "control": self.control, "window_days": terms.window_days}
        told = {"campaign": self.campaign.id, "name": terms.name, "list_id": terms.list_id, "outcome": terms.outcome}
        found = {"expected": self.expected, "detectable": self.detectable, "running": self.running}
        return told | {"late": terms.late} | days | sizes | found


def register(project: Project, list_id: str, order: Order, today: date, who: str = "") -> Registered:
    """Make a campaign of a frozen list.

    Parameters
    ----------
    project
        Its workspace and settings.
    list_id
        Of the list, or its beginning.
    order
        What is meant to be done.
    today
        The project's day: who begins before it is late.
    who
        Registers it; whoever the system says is calling, if empty.

    Raises
    ------
    HeadwaterError
        E298 for an id that no list has, E346 for a damaged one, E207 for a list or a name that is registered already, E238 for
        an outcome that is not predicted, E290 for one without a window, E200 for days that do not fit or are in the past,
        E521 where there is no champion.
    """
    workspace = project.workspace
    frozen = frozen_lists.read(workspace, list_id)
    other = campaigns.registered(workspace, frozen.result.list_id, order.name)
    if other:
        raise HeadwaterError("E207", list=frozen.result.list_id, name=order.name, campaign=other)
    terms = _terms(project, frozen, order, today)
    members = pd.concat([frozen.result.rows, frozen.result.control]).sort_values("rank", ignore_index=True)
    numbers = {name: members[name].astype(float) for name in NUMBERS}
    when = calls.now().isoformat(timespec="seconds")
    words = {name: members[name].astype("string") for name in WORDS}
    kept = Campaign("", terms, members.assign(**numbers | words)[MEMBERS.names], who or calls.user(), when)
    return registered(project, campaigns.save(workspace, kept))


def _terms(project: Project, frozen: FrozenList, order: Order, today: date) -> Terms:
    """What is written down, after its days were looked at."""
    project.targets(order.outcome)
    targets = scoring.targets_of(bundles.champions(project.workspace), project.settings)
    definition = targets.of(order.outcome)
    if not definition.dated:
        raise HeadwaterError("E290", outcome=order.outcome)
    as_of = frozen.result.as_of or order.start
    last = order.start + timedelta(days=definition.window_days - 1)
    early = min(order.start, today) if order.late else today
    if not max(as_of, early) <= order.start <= order.end <= last:
        days = {"start": order.start, "end": order.end, "last": last}
        raise HeadwaterError("E200", **days, today=today, as_of=as_of)
    asked = {name: value for name, value in vars(order).items() if name != "late"}
    return Terms(
        **asked,
        window_days=definition.window_days,
        definition=targets.model_dump(mode="json"),
        list_id=frozen.result.list_id,
        kind=frozen.result.kind,
        list_as_of=as_of,
        share=float(frozen.result.filters["holdout"]),
        basis=frozen.basis,
        registered_on=today,
        treated=len(frozen.result.rows),
        control=len(frozen.result.control),
    )


def registered(project: Project, campaign: Campaign) -> Registered:
    """What is to be known of a campaign when it is registered.

    Parameters
    ----------
    project
        Its workspace and settings.
    campaign
        With its id.
    """
    terms, members = campaign.terms, campaign.members
    treated = members[members["arm"] == "treated"]
    score = treated[COVARIATES[terms.outcome]].mean()
    expected = None if pd.isna(score) else float(score)
    seen = None
    if terms.outcome == "churn" and expected is not None:
        seen = detectable_effect(expected, terms.treated, terms.control)
    matures_on = terms.matures_on(project.settings.protocol.reporting_delay_days)
    return Registered(
        campaign,
        terms.treated,
        terms.control,
        matures_on,
        expected,
        seen,
        campaigns.elsewhere(project.workspace, campaign),
    )
