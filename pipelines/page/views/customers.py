"""The list: presets, filters, order, pages; somebody looked up by short name or id; and the list that is taken away."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from models.scores.columns import BY_NAME
from pipelines.page import short_names
from pipelines.page.choice import DEEPEST, FILTERS, MORE, ORDERS, PRESETS, ROWS, Choice, number, places, rows, values
from pipelines.page.people import COLUMNS, person
from pipelines.page.views.take_away import offer
from pipelines.page.visit import Asked, Visit
from pipelines.wording.reasons import headline

router = APIRouter()


@router.get("/customers")
def customers(visit: Asked) -> Response:
    """The customers of a choice, under their short names."""
    return _list(visit, Choice.of(visit.request.query_params), shown=False)


@router.post("/customers/ids")
def ids(visit: Asked) -> Response:
    """The same with their ids, for those who may see them; who saw how many is logged."""
    visit.require("marketer")
    choice = Choice.of(visit.request.query_params)
    found = len(places(visit.night, choice))
    visit.served.audit.note(visit.who, "unmask", customers=found, preset=choice.preset, page=choice.page)
    return _list(visit, choice, shown=True)


@router.post("/customers/find")
def find(visit: Asked) -> Response:
    """To the card of somebody, by short name or, for those who may see ids, by id."""
    given = visit.form.get("who", "").strip()[:64]
    found = by_name(visit, short_names.written(given)) or _by_id(visit, given)
    if len(found) == 1:
        return RedirectResponse(f"/customers/{found[0]}", 303)
    return visit.show(
        "found.html", 200 if found else 404, title=visit.text("customers.found"), given=given, names=found
    )


def by_name(visit: Visit, name: str) -> list[str]:
    """The short names that begin so, the shortest that tell them apart; none for what is no name."""
    try:
        first, last = short_names.bounds(name)
    except ValueError:
        return []
    found = visit.night.query(
        "SELECT digest, length FROM beside WHERE digest BETWEEN ? AND ? ORDER BY 1", [first, last]
    )
    return [short_names.name(row["digest"], row["length"]) for row in found]


def _by_id(visit: Visit, given: str) -> list[str]:
    """Whoever may see ids may ask by one; that somebody did is logged, and not by which."""
    if not given or not visit.may("marketer"):
        return []
    found = visit.night.query(
        "SELECT b.digest, b.length FROM scores AS s JOIN beside AS b ON b.row = s.file_row_number WHERE customer_id = ?",
        [given],
    )
    names = [short_names.name(row["digest"], row["length"]) for row in found]
    visit.served.audit.note(visit.who, "look_up", customers=names)
    return names


def _list(visit: Visit, choice: Choice, shown: bool) -> Response:
    night = visit.night
    where = places(night, choice)
    total = number(night, choice)
    found = rows(night, where, [*COLUMNS, f"{choice.kind}_reasons"])
    return visit.show(
        "customers.html",
        title=visit.tell("nav_customers"),
        choice=choice,
        shown=shown,
        presets=[_preset(visit, choice, name) for name in PRESETS if name != "new" or night.before],
        filters=[_filter(visit, choice, name) for name in (*FILTERS, *MORE)],
        orders=[(name, _label(visit, column), name == choice.order) for name, column in ORDERS.items()],
        people=[person(visit, row, choice.kind, shown) for row in found],
        counted=visit.text("customers.counted", n=visit.count(total)),
        pages=_pages(visit, choice, total),
        query=visit.request.url.query,
        offer=offer(visit, choice),
    )


def _preset(visit: Visit, choice: Choice, name: str) -> dict[str, Any]:
    link = visit.link(preset=name, page=None, order=None, cell=None, band=None)
    return {"label": visit.text(f"customers.preset_{name}"), "link": link, "chosen": name == choice.preset}


def _filter(visit: Visit, choice: Choice, name: str) -> dict[str, Any]:
    """What somebody has, and what the address names; of several values several can be chosen."""
    chosen = choice.only.get(name, ())
    known = list(dict.fromkeys([*values(visit.night, name), *chosen]))
    return {
        "name": name,
        "label": visit.text(f"customers.filter_{name}"),
        "options": [(value, _value(visit, name, value), value in chosen) for value in known],
        "several": len(chosen) > 1,
    }


def _value(visit: Visit, name: str, value: str) -> str:
    if name == "reason":
        return headline(value, visit.lang)
    if name == "cell":
        return visit.text("customers.cell", **dict(zip(("value", "risk"), _levels(visit, value), strict=True)))
    columns = {
        "tier": "tier_current",
        "type": "customer_type",
        "stage": "lifecycle_stage",
        "action": "recommended_action",
    }
    return visit.word(columns.get(name, MORE.get(name, name)), value)


def _levels(visit: Visit, cell: str) -> tuple[str, str]:
    value, _, risk = cell.partition("_")
    return visit.word("value_band", value), visit.word("churn_risk_band", risk)


def _label(visit: Visit, column: str) -> str:
    return BY_NAME[column].zh if visit.lang == "zh" else BY_NAME[column].en


def _pages(visit: Visit, choice: Choice, total: int) -> Mapping[str, Any]:
    """Where one stands, and the addresses of the page before and of the one after."""
    last = max(1, -(-total // ROWS))
    return {
        "told": visit.text("customers.page", page=visit.count(choice.page), pages=visit.count(last)),
        "before": visit.link(page=choice.page - 1) if choice.page > 1 else None,
        "after": visit.link(page=choice.page + 1) if choice.page < min(last, DEEPEST) else None,
        "deepest": visit.text("customers.deepest", n=visit.count(ROWS * DEEPEST)) if last > DEEPEST else "",
    }
