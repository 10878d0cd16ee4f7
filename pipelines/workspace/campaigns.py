"""Campaigns as they were registered: `campaigns/<id>.parquet`, one file that is there whole or not at all.

It holds everybody on the list, the control too, with arm and the scores of before, so that it outlives the list and the
night that it came from; and says what was meant to be done, when, at what cost, and what is to be measured, in the definition of
that day. What is told of it later lies beside it (`campaign_records`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from features.errors import HeadwaterError
from pipelines.workspace import sealed
from pipelines.workspace.paths import Workspace
from targeting.campaigns import Outcome
from targeting.known_before import NUMBERS, WORDS

META, DAMAGED = b"headwater.campaign", "E371"
MEMBERS = pa.schema(
    [("customer_id", pa.string()), ("account_id", pa.string()), ("arm", pa.string()), ("rank", pa.int64())]
    + [(name, pa.float64()) for name in NUMBERS]
    + [(name, pa.string()) for name in WORDS]
)
"""Everybody on the list, and what was known of them when it was drawn."""


@dataclass(frozen=True)
class Terms:
    """What a campaign is, as it was registered.

    Attributes
    ----------
    name, channel
        In the words of who registered it; `name` is what the contacts table may call it.
    contact_cost, incentive
        Money per contact, and per customer who gets the offer.
    start, end
        Days of the first and of the last contact.
    outcome
        What is measured.
    window_days
        Days from the start until the outcome is over.
    definition
        What the outcomes are, as the models were trained for them: settings of targets.
    list_id, kind, list_as_of
        Of the list.
    share
        Of the control, as the list was drawn.
    basis
        What the list was drawn from: run, models, buckets.
    registered_on
        The project's day of the registration.
    treated, control
        Customers in each arm.
    """

    name: str
    channel: str
    contact_cost: float
    incentive: float
    start: date
    end: date
    outcome: Outcome
    window_days: int
    definition: Mapping[str, Any]
    list_id: str
    kind: str
    list_as_of: date
    share: float
    basis: Mapping[str, Any]
    registered_on: date
    treated: int
    control: int

    @property
    def late(self) -> bool:
        """Was it registered when it had begun?"""
        return self.start < self.registered_on

    @property
    def known_on(self) -> date:
        """The day from which whoever looks back knows that it took place."""
        return max(self.start, self.registered_on)

    def matures_on(self, delay_days: int) -> date:
        """The first date that may look at the outcome, so many days after its window."""
        return self.start + timedelta(days=self.window_days + delay_days)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        days = ("start", "end", "list_as_of", "registered_on")
        return asdict(self) | {name: getattr(self, name).isoformat() for name in days}

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Terms":
        """From what `as_dict` gives."""
        days = ("start", "end", "list_as_of", "registered_on")
        return cls(**dict(told) | {name: date.fromisoformat(told[name]) for name in days})


@dataclass(frozen=True)
class Campaign:
    """A campaign of before.

    Attributes
    ----------
    id
        `campaign-<start>-` and ten digits of its content.
    terms
        What it is.
    members
        A row per customer of the list, by rank: the columns of `MEMBERS`.
    who, when
        Registered it, by the clock.
    erased
        Customers who were on it and have been erased since.
    """

    id: str
    terms: Terms
    members: pd.DataFrame
    who: str
    when: str
    erased: int = 0

    @property
    def names(self) -> set[str]:
        """What the contacts table may call it."""
        return {self.id, self.terms.name}


def save(workspace: Workspace, campaign: Campaign) -> Campaign:
    """Keep a campaign; gives it with the id of its content. Raises HeadwaterError E703 to E705 (exit 7) for what the disk refuses."""
    table = pa.Table.from_pandas(campaign.members[MEMBERS.names], schema=MEMBERS, preserve_index=False)
    content = campaign.terms.as_dict() | {"members": table.num_rows}
    name = f"campaign-{campaign.terms.start}-{sealed.digits(table, content)}"
    sealed.save(workspace.campaign(name), table, META, content, campaign.who, campaign.when)
    return replace(campaign, id=name)


def read(workspace: Workspace, given: str) -> Campaign:
    """A campaign by its id or name, or by the beginning of its id or of its last digits. Raises E205 (exit 2) for none or
    several, E371 (exit 3) for a damaged one."""
    known = ids(workspace)
    named = [name for name in known if _content(workspace, name)["name"] == given]
    begin = [name for name in known if given and (name.startswith(given) or name.rpartition("-")[2].startswith(given))]
    found = [given] if given in known else named or begin
    if len(found) != 1:
        raise HeadwaterError("E205", given=given, known=", ".join(found or known[:5]) or "—")
    return _read(workspace, found[0])


def everything(workspace: Workspace) -> Iterator[Campaign]:
    """All campaigns, the last to begin first. Raises E371."""
    for name in ids(workspace):
        yield _read(workspace, name)


def heads(workspace: Workspace) -> Iterator[tuple[str, Terms]]:
    """Id and terms of all campaigns, the last to begin first; nobody's row is read. Raises E371."""
    for name in ids(workspace):
        yield name, _terms(_content(workspace, name))


def elsewhere(workspace: Workspace, campaign: Campaign) -> int:
    """Customers of a campaign who are on the list of another one whose window overlaps with its own."""
    begins, ends, running = campaign.terms.start, campaign.terms.matures_on(0), set[str]()
    for name, other in heads(workspace):
        if name != campaign.id and other.start < ends and begins < other.matures_on(0):
            running |= set(_read(workspace, name).members["customer_id"])
    return int(campaign.members["customer_id"].isin(running).sum())


def ids(workspace: Workspace) -> list[str]:
    """Their ids, the last to begin first."""
    return sorted((path.stem for path in workspace.campaigns.glob("campaign-*.parquet")), reverse=True)


def registered(workspace: Workspace, list_id: str, name: str) -> str | None:
    """The id of the campaign that a list, or a name, was registered as; None where neither was."""
    for one in ids(workspace):
        content = _content(workspace, one)
        if content["list_id"] == list_id or content["name"] == name:
            return one
    return None


def damaged(workspace: Workspace) -> Iterator[Path]:
    """Campaigns that do not fit their names, or cannot be read."""
    for name in ids(workspace):
        path = workspace.campaign(name)
        if not sealed.is_whole(path, META, DAMAGED):
            yield path


def _content(workspace: Workspace, name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = sealed.said(workspace.campaign(name), META, DAMAGED)["content"]
    return content


def _read(workspace: Workspace, name: str) -> Campaign:
    kept = sealed.read(workspace.campaign(name), META, DAMAGED)
    members = kept.table.to_pandas().reindex(columns=MEMBERS.names)  # one of before a column knows nothing of it
    return Campaign(name, _terms(kept.content), members, kept.who, kept.when, kept.erased)


def _terms(content: Mapping[str, Any]) -> Terms:
    return Terms.of({key: value for key, value in content.items() if key != "members"})
