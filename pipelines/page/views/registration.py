"""A frozen list becomes a campaign, as `headwater campaign register` makes it of one."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import islice
from math import isfinite
from typing import Any, get_args

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from features.errors import HeadwaterError
from pipelines.delivery import registration_words
from pipelines.flows import campaign_registration
from pipelines.flows.campaign_registration import Order
from pipelines.page.visit import STATUS, Asked, Visit
from pipelines.wording import errors
from pipelines.wording.texts import has
from pipelines.workspace import calls, campaigns, frozen_lists
from targeting.campaigns import Outcome

router = APIRouter()
MOST = 20
"""Lists that are offered: the newest."""
LONGEST = {"name": 80, "channel": 40}
"""Characters of what is written in words."""
DEAREST = 1e9
FIELDS = ("name", "channel", "contact_cost", "incentive", "start", "end", "outcome", "late")


class _Unfit(Exception):
    """A field that cannot be what it is called."""

    def __init__(self, field: str):
        super().__init__(field)
        self.field = field


def offered(visit: Visit) -> list[dict[str, str]]:
    """The newest frozen lists that are no campaign yet; none for who may not register them."""
    if not visit.may("marketer"):
        return []
    workspace = visit.project.workspace
    taken = {terms.list_id for _, terms in campaigns.heads(workspace)}
    free = (head for head in frozen_lists.heads(workspace) if head["list_id"] not in taken and head["members"])
    return [_offer(visit, head) for head in islice(free, MOST)]


def _offer(visit: Visit, head: Mapping[str, Any]) -> dict[str, str]:
    return {
        "id": head["list_id"],
        "kind": visit.say(f"list_{head['kind']}"),
        "members": visit.count(head["members"]),
        "drawn": visit.text("registration.drawn", who=head["who"], day=head["when"][:10]),
    }


@router.get("/campaigns/register/{list_id}")
def form(visit: Asked, list_id: str) -> Response:
    """What is asked of a list that is to be registered."""
    visit.require("marketer")
    frozen = frozen_lists.read(visit.project.workspace, list_id)
    today = _today(visit).isoformat()
    outcome = frozen.result.kind if frozen.result.kind in get_args(Outcome) else "churn"
    known = {"start": today, "end": today, "outcome": outcome, "incentive": "0"}
    return _shown(visit, list_id, dict.fromkeys(FIELDS, "") | known)


@router.post("/campaigns/register/{list_id}")
def register(visit: Asked, list_id: str) -> Response:
    """Register it, and log who did; what does not fit is said above the form, and nothing is registered."""
    visit.require("marketer")
    given = {name: visit.form.get(name, "").strip() for name in FIELDS}
    try:
        campaign = _registered(visit, list_id, _order(given))
    except _Unfit as unfit:
        return _shown(visit, list_id, given, 400, [visit.text(f"registration.unfit.{unfit.field}")])
    except HeadwaterError as error:
        if error.problem.code == "E298":
            raise
        return _shown(visit, list_id, given, STATUS.get(error.problem.code, 400), _told(visit, error))
    return RedirectResponse(f"/campaigns/registered/{campaign}", 303)


@router.get("/campaigns/registered/{campaign}")
def registered(visit: Asked, campaign: str) -> Response:
    """What was registered, what is expected of it, and what to do next."""
    found = campaigns.read(visit.project.workspace, campaign)
    told = campaign_registration.registered(visit.project, found).as_dict()
    lines = list(registration_words.registered(told, visit.currency, visit.lang))
    return visit.show("registered.html", title=found.terms.name, lines=lines)


def _today(visit: Visit) -> date:
    """The project's day: before it a campaign has begun."""
    return visit.project.settings.as_of or calls.now().date()


def _order(given: Mapping[str, str]) -> Order:
    """What the form says. Raises _Unfit."""
    if given["outcome"] not in get_args(Outcome):
        raise _Unfit("outcome")
    outcome: Outcome = given["outcome"]  # type: ignore[assignment]
    words = {name: _words(given, name) for name in LONGEST}
    money = {name: _money(given, name) for name in ("contact_cost", "incentive")}
    days = {name: _day(given, name) for name in ("start", "end")}
    return Order(**words, **money, **days, outcome=outcome, late=given["late"] == "yes")  # type: ignore[arg-type]


def _words(given: Mapping[str, str], name: str) -> str:
    value = given[name]
    if not value or len(value) > LONGEST[name] or not value.isprintable():
        raise _Unfit(name)
    return value


def _money(given: Mapping[str, str], name: str) -> float:
    try:
        value = float(given[name])
    except ValueError:
        raise _Unfit(name) from None
    if not (isfinite(value) and 0 <= value <= DEAREST):
        raise _Unfit(name)
    return value


def _day(given: Mapping[str, str], name: str) -> date:
    try:
        return date.fromisoformat(given[name])
    except ValueError:
        raise _Unfit(name) from None


def _registered(visit: Visit, list_id: str, order: Order) -> str:
    """Id of the campaign, which stands in the record of calls and in the log of the page."""
    who, workspace = f"{visit.who} (page)", visit.project.workspace
    with (
        visit.served.drawing,
        calls.recorded(workspace, "campaign register", _command(list_id, order), by=who) as call,
    ):
        found = campaign_registration.register(visit.project, list_id, order, _today(visit), who).campaign
        call.facts |= {"list_id": found.terms.list_id}
    visit.served.audit.note(visit.who, "register", campaign=found.id, list_id=found.terms.list_id)
    return found.id


def _command(list_id: str, order: Order) -> list[str]:
    """The command that does the same."""
    options = {
        "name": order.name,
        "channel": order.channel,
        "cost-per-contact": order.contact_cost,
        "incentive": order.incentive,
        "from": order.start,
        "until": order.end,
        "outcome": order.outcome,
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return ["campaign", "register", list_id, *words, *(["--late"] if order.late else [])]


def _told(visit: Visit, error: HeadwaterError) -> list[str]:
    """What is wrong and what to do, in the words of the form where those of the command would name its options."""
    problem = error.problem
    own = f"registration.fix.{problem.code}"
    fix = visit.text(own) if has(own) else errors.sentence(problem, "fix", visit.lang)
    lines = [errors.sentence(problem, "what", visit.lang), errors.sentence(problem, "found", visit.lang), fix]
    return [line for line in lines if line]


def _shown(
    visit: Visit, list_id: str, given: Mapping[str, str], status: int = 200, wrong: Sequence[str] = ()
) -> Response:
    result = frozen_lists.read(visit.project.workspace, list_id).result
    sizes = {"treated": visit.count(len(result.rows)), "held_out": visit.count(len(result.control))}
    kind = visit.say(f"list_{result.kind}")
    return visit.show(
        "registration.html",
        status,
        title=visit.text("registration.title"),
        list_id=result.list_id,
        facts=visit.text("registration.facts", kind=kind, as_of=result.as_of or "—", **sizes),
        no_control=not len(result.control),
        given=given,
        wrong=wrong,
        longest=LONGEST,
        outcomes=[(name, visit.text(f"campaigns.outcome.{name}")) for name in get_args(Outcome)],
    )
