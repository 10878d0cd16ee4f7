"""`headwater campaign register | list | contacts | measure`: what a list has brought."""

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import HeadwaterError
from pipelines.cli.nights import AsOf
from pipelines.cli.run import Run, command

if TYPE_CHECKING:
    from pipelines.flows.campaigns import Look
    from targeting.campaigns import Outcome

campaign_app = typer.Typer(
    name="campaign", help="Lists that are carried out and measured against their control.", no_args_is_help=True
)
Id = Annotated[str, typer.Argument(metavar="ID", help="As `campaign list` prints it, its beginning, or its name.")]
DAY = ["%Y-%m-%d"]


class Goal(StrEnum):
    """What a campaign is to change."""

    churn = "churn"
    value = "value"
    vip = "vip"


@command(campaign_app, "register", recorded=True)
def register(
    run: Run,
    list_id: Annotated[str, typer.Argument(metavar="LIST_ID", help="A frozen list, as `list show` prints it.")],
    name: Annotated[str, typer.Option(help="What people, and the contacts table, call it.")],
    channel: Annotated[str, typer.Option(help="How customers are contacted: call, sms, app ...")],
    contact_cost: Annotated[float, typer.Option("--cost-per-contact", min=0, help="Money per contact.")],
    start: Annotated[datetime, typer.Option("--from", formats=DAY, help="Day of the first contact.")],
    end: Annotated[datetime, typer.Option("--until", formats=DAY, help="Day of the last contact.")],
    outcome: Annotated[Goal, typer.Option(help="What it is to change.")],
    incentive: Annotated[float, typer.Option(min=0, help="Money that the offer costs per customer who gets it.")] = 0.0,
    late: Annotated[bool, typer.Option("--late", help="Also where it has begun already: weak evidence.")] = False,
) -> None:
    """Make a campaign of a frozen list, before anybody is contacted: arms, costs, and what will be measured when."""
    from pipelines.cli import campaign_words
    from pipelines.flows import campaign_registration
    from pipelines.flows.campaign_registration import Order

    goal: Outcome = outcome.value
    order = Order(name, channel, contact_cost, incentive, start.date(), end.date(), goal, late)
    found = campaign_registration.register(run.project, list_id, order, run.as_of(None))
    facts = {"treated": found.treated, "control": found.control, "matures_on": found.matures_on.isoformat()}
    run.tell(campaign=found.campaign.id, list_id=found.campaign.terms.list_id, late=found.campaign.terms.late, **facts)
    run.tell(expected=found.expected, detectable=found.detectable, also_in_others=found.running)
    campaign_words.say_registered(run, found)


@command(campaign_app, "list")
def show(run: Run) -> None:
    """Campaigns that are registered, with what was measured of them, and those that only the contacts table knows."""
    from pipelines.cli import campaign_words
    from pipelines.flows import campaigns

    rows, others = campaigns.overview(run.project), campaigns.unregistered(run.project)
    run.tell(campaigns=rows, unregistered=[vars(one) for one in others])
    campaign_words.say_overview(run, rows)
    campaign_words.say_unregistered(run, others)


@command(campaign_app, "contacts", recorded=True)
def contacts(
    run: Run,
    campaign: Id,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: customer_id,happened_on,channel,result,cost.")],
) -> None:
    """Read who was contacted from a CSV file, where the contacts table does not tell it; replaces an earlier file."""
    from pipelines.cli import campaign_words
    from pipelines.flows import campaign_contacts
    from pipelines.workspace import campaign_records, campaigns

    workspace = run.project.workspace
    registered = campaigns.read(workspace, campaign)
    rows = campaign_contacts.read_file(file)
    own = campaign_contacts.of_list(registered, rows)
    campaign_records.keep_contacts(workspace, registered.id, own.rows)
    told = {"rows": len(own.rows), "customers": own.rows["customer_id"].nunique(), "strangers": own.strangers}
    run.tell(campaign=registered.id, contacts=told | {"outside": own.outside})
    campaign_words.say_contacts(run, registered, own)


@command(campaign_app, "measure", recorded=True)
def measure(
    run: Run,
    campaign: Annotated[str | None, typer.Argument(metavar="[ID]", help="One campaign; --all for every one.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every campaign, and those of one outcome together.")] = False,
    as_of: AsOf = None,
) -> None:
    """What came of a campaign: the difference to its control with its interval, in people and in money; not before it is known."""
    from pipelines.cli import campaign_words
    from pipelines.flows import campaigns as flow
    from pipelines.workspace import campaigns

    if every == (campaign is not None):
        raise HeadwaterError("E205", given=campaign or "", known="--all")
    workspace = run.project.workspace
    chosen = list(campaigns.everything(workspace)) if campaign is None else [campaigns.read(workspace, campaign)]
    day = run.as_of(as_of)
    looks = flow.measured(run.project, chosen, day)
    run.tell(campaigns=[flow.as_dict(one) for one in looks])
    for one in looks:
        campaign_words.say_look(run, flow.as_dict(one))
    if every:
        _pool(run, looks, day)


def _pool(run: Run, looks: "list[Look]", as_of: date) -> None:
    """Campaigns of one outcome together, and whom those of one action help."""
    from pipelines.cli import campaign_words
    from pipelines.flows import campaigns_together

    told = campaigns_together.measured_together(run.project, looks, as_of)
    run.tell(together=told["together"], uplift=told["uplift"])
    campaign_words.say_together(run, looks, told["together"])
    campaign_words.say_uplift(run, told["uplift"])
