"""The list that is taken away: drawn, frozen and logged as `headwater list` does it, with the filters of the page."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, Response

from pipelines.delivery import contact_details, export, lists, presets
from pipelines.page.choice import FILTERS, MORE, Choice
from pipelines.page.visit import Asked, Refused, Visit
from pipelines.workspace import calls
from targeting.ranking import ListResult

router = APIRouter()
MOST = 1_000_000
"""Customers of a list, its own holdout included."""
HALF = 50
"""Percent of a list that may be held out at most."""
FORMATS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}


def offer(visit: Visit, choice: Choice) -> dict[str, Any]:
    """What the form shows: kinds of lists, layouts, the usual length, and the filters that only the page knows."""
    kinds = [kind for kind in lists.LISTS if kind in visit.night.publication.models]
    ours = f"excel-{visit.lang}"
    return {
        "kinds": [(kind, visit.say(f"list_{kind}"), kind == choice.kind) for kind in kinds],
        "shapes": [(name, name == ours) for name in sorted(presets.presets(), key=lambda name: (name != ours, name))],
        "top": visit.project.settings.lists.top,
        "contacts": _may_take_contacts(visit),
        "ignored": [visit.text(f"customers.filter_{name}") for name in MORE if name in choice.only],
    }


@router.post("/customers/download")
def download(visit: Asked) -> Response:
    """The file of a list that is drawn now; nobody who is held out or must not be contacted is in it."""
    visit.require("marketer")
    kind, shape, top = visit.form.get("kind", ""), visit.form.get("shape", ""), visit.form.get("top", "")
    if (
        kind not in lists.LISTS
        or shape not in presets.presets()
        or not (top.isascii() and top.isdigit() and 0 < int(top[:8]) <= MOST)
    ):
        raise Refused(400, "parameter")
    held_out = visit.form.get("holdout", "")
    if held_out and not (held_out.isascii() and held_out.isdigit() and int(held_out[:4]) <= HALF):
        raise Refused(400, "parameter")
    contacts = visit.form.get("contacts") == "yes"
    if contacts and not _may_take_contacts(visit):
        visit.served.audit.note(visit.who, "refused", role="contact_details", path=visit.request.url.path)
        raise Refused(403, "role")
    changes = {"top": int(top), "holdout": int(held_out) / 100 if held_out else None}
    only: dict[str, Any] = {
        name: values for name, values in Choice.of(visit.request.query_params).only.items() if name in FILTERS
    }
    with (
        visit.served.drawing,
        calls.recorded(
            visit.project.workspace, f"list {kind}", _words(kind, changes, only, contacts), by=_who(visit)
        ) as call,
    ):
        result, taken = _drawn(visit, kind, shape, changes, only, contacts)
        call.facts |= {"list_id": result.list_id, "outputs": [str(taken.path)]}
    details = {"contact_details": taken.reachable} if contacts else {}
    visit.served.audit.note(visit.who, "download", list_id=result.list_id, preset=shape, rows=taken.rows, **details)
    media = FORMATS.get(presets.preset(shape).format, "text/csv")
    return FileResponse(taken.path, media_type=media, filename=taken.path.name)


def _drawn(
    visit: Visit, kind: str, shape: str, changes: Mapping[str, Any], only: Mapping[str, Any], contacts: bool
) -> tuple[ListResult, export.Exported]:
    project, publication = visit.project, visit.night.publication
    result = lists.draw(project, publication, kind, changes, only)
    path = lists.file_of(project, result, shape, contacts)
    whose = _account(visit) if contacts else None
    return result, lists.write(project, publication, result, shape, path, who=_who(visit), contacts=whose)


def _may_take_contacts(visit: Visit) -> bool:
    """Are there contact details, and is this account named as one that may take them away?"""
    known = visit.project.mapping.contact_details is not None
    return known and visit.may("marketer") and contact_details.may_take(visit.project.settings.contact, _account(visit))


def _account(visit: Visit) -> str:
    """As `contact.details_for` names accounts of the page."""
    return f"page:{visit.who}"


def _who(visit: Visit) -> str:
    """As the log of exports and the record of calls name them."""
    return f"{visit.who} (page)"


def _words(kind: str, changes: Mapping[str, Any], only: Mapping[str, Any], contacts: bool) -> list[str]:
    """The command that does the same."""
    chosen = [
        word for name, values in only.items() for value in values for word in (f"--{name.replace('_', '-')}", value)
    ]
    options = [word for name, value in changes.items() if value is not None for word in (f"--{name}", str(value))]
    return ["list", kind, *options, *chosen, *(["--contacts"] if contacts else [])]
