"""How many to call, in money: the plan of `headwater list plan` at the length that is asked for, narrowed by filters."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from pipelines.delivery import lists, plan_words, presets
from pipelines.delivery.list_filters import option_word
from pipelines.page.night import Night
from pipelines.page.visit import Asked, Visit
from targeting import filters
from targeting.filters import FILTERS
from targeting.plan import Plan

router = APIRouter()

MOST_KEPT = 1_500_000
"""Customers of all the plans together that are kept of a night: each takes about 100 bytes."""
HOLDOUTS = (0, 5, 10, 15, 20, 30, 40, 50)
"""Shares of holdout that are offered, in percent."""
WIDTH, HEIGHT, EDGE = 640, 200, 8
"""Of the curve, in its own units."""
Choice = Annotated[str, Query(max_length=100)]


@router.get("/audience")
def audience(
    visit: Asked,
    top: Annotated[int | None, Query(ge=1, le=100_000_000)] = None,
    holdout: Annotated[int | None, Query(ge=0, le=50)] = None,
    region: Choice = "",
    tier: Choice = "",
    type: Choice = "",
    stage: Choice = "",
    reason: Choice = "",
    action: Choice = "",
    value_band: Choice = "",
) -> Response:
    """The list of the first `top`, with what it costs, brings and could show."""
    given = (region, tier, type, stage, reason, action, value_band)
    chosen: dict[str, str] = {name: value for name, value in zip(FILTERS, given, strict=True) if value}
    found = _plan(visit, chosen, holdout)
    most = len(found.audience.probability)
    length = min(top, most) if top else found.recommended or found.asked
    return visit.show(
        "audience.html",
        title=visit.tell("nav_audience"),
        length=length,
        most=most,
        holdout=_holdout(visit, holdout),
        holdouts=HOLDOUTS,
        choices=_choices(visit, chosen),
        cards=_cards(visit, found, length),
        told=_told(visit, found, length),
        left_out=_left_out(visit, found),
        rows=_rows(visit, found, length),
        columns=[visit.text(f"plan.column.{name}") for name in plan_words.COLUMNS],
        curve=_curve(found, length),
        recommended=found.recommended,
        take=f"/customers/download?{urlencode(chosen)}" if visit.may("marketer") and length else "",
        shapes=sorted(presets.presets(), key=lambda name: (name != f"excel-{visit.lang}", name)),
    )


def _holdout(visit: Visit, holdout: int | None) -> int:
    return round(100 * visit.project.settings.lists.holdout) if holdout is None else holdout


def _plan(visit: Visit, chosen: Mapping[str, str], holdout: int | None) -> Plan:
    """The plan of these filters, made once a night; the oldest of several goes."""
    night, key = visit.night, (tuple(sorted(chosen.items())), holdout)
    with night.lock("plans"):
        kept: OrderedDict[Hashable, Plan] = night.remembered("plans", OrderedDict)
        if key not in kept:
            changes: dict[str, Any] = {"holdout": None if holdout is None else holdout / 100}
            wanted = {name: [value] for name, value in chosen.items()}
            kept[key] = lists.planned(visit.project, night.publication, changes, wanted)
            while len(kept) > 1 and sum(map(_size, kept.values())) > MOST_KEPT:
                kept.popitem(last=False)
        kept.move_to_end(key)
        return kept[key]


def _size(found: Plan) -> int:
    """How many customers a plan is about."""
    return len(found.audience.probability)


def _choices(visit: Visit, chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """The filters with the values that customers of this night have."""
    return [
        {
            "name": name,
            "title": visit.text(f"terms.filter.{name}"),
            "options": [(code, option_word(name, code, "churn", visit.lang)) for code in codes],
            "chosen": chosen.get(name, ""),
        }
        for name, codes in visit.night.remembered("values", lambda: _values(visit.night)).items()
        if codes
    ]


def _values(night: Night) -> dict[str, list[str]]:
    """Filter -> the codes that occur."""
    known: dict[str, list[str]] = {}
    for name in FILTERS:
        column = filters.column(name, "churn")
        each = f"UNNEST({column}).code" if name == "reason" else column
        rows = night.query(f"SELECT DISTINCT CAST({each} AS VARCHAR) AS code FROM scores ORDER BY code")
        known[name] = [row["code"] for row in rows if row["code"] is not None]
    return known


def _cards(visit: Visit, found: Plan, length: int) -> list[dict[str, str]]:
    """What a list of this length is, in five figures."""
    row = found.at(length)
    low, high = (visit.money(row[name]) for name in ("net_low", "net_high"))
    reached, contacted = visit.count(row["reached"]), visit.count(row["contacted"])
    notes = {
        "contacted": visit.text("audience.of", n=visit.count(found.audience.eligible)),
        "held_out": visit.text("audience.untouched"),
        "reached": visit.text("audience.leavers", n=visit.count(found.audience.leavers)),
        "in_vain": visit.text("audience.stayers"),
        "cost": visit.text("audience.saved", saved=visit.money(row["saved"])),
        "net": visit.text("audience.interval", low=low, high=high),
    }
    figures = {
        "contacted": contacted,
        "held_out": visit.count(row["held_out"]),
        "reached": reached,
        "in_vain": visit.count(row["in_vain"]),
        "cost": visit.money(row["cost"]),
        "net": visit.money(row["net"]),
    }
    return [
        {"kind": name, "label": visit.text(f"audience.{name}"), "figure": figures[name], "note": note}
        for name, note in notes.items()
    ]


def _told(visit: Visit, found: Plan, length: int) -> list[str]:
    """Whether this length pays and could be measured, and what is reckoned with."""
    seen = plan_words.measurable(found, length, found.measurable(length), visit.lang)
    said = [plan_words.worth_it(found, visit.lang), seen]
    said.append(plan_words.basis(found, visit.project.settings.profit, visit.currency, visit.lang))
    if found.audience.unknown:
        said.append(visit.text("plan.unknown", n=found.audience.unknown))
    return said


def _left_out(visit: Visit, found: Plan) -> list[tuple[str, str]]:
    """Why others may not be contacted, with how many they are."""
    people = found.audience
    rows = [(visit.word("suppress_reason", reason), visit.count(n)) for reason, n in people.suppressed.items()]
    return [*rows, (visit.text("lists.held_out_always"), visit.count(people.held_out))]


def _rows(visit: Visit, found: Plan, length: int) -> list[dict[str, Any]]:
    """The table of cut-offs; each length is a link to it."""
    return [
        {
            "link": visit.link(top=int(row["customers"])),
            "mark": _mark(visit, int(row["customers"]), found, length),
            "here": int(row["customers"]) == length,
            "cells": plan_words.cells(row, visit.currency, visit.lang),
        }
        for row in found.table.to_dict("records")
    ]


def _mark(visit: Visit, customers: int, found: Plan, length: int) -> str:
    """What a length is: recommended, chosen, both or neither."""
    marks = {"plan.recommended": found.recommended, "audience.here": length}
    return visit.text("plan.and").join(visit.text(key) for key, k in marks.items() if k == customers)


def _curve(found: Plan, length: int) -> dict[str, Any]:
    """Net benefit at every length as the points of a line, with its interval, the recommended length and the chosen one."""
    table, most = found.table, max(len(found.audience.probability), 1)
    low, high = min(0.0, float(table["net_low"].min())), max(0.0, float(table["net_high"].max()))
    span = (high - low) or 1.0

    def place(k: float, money: float) -> tuple[float, float]:
        x = EDGE + (WIDTH - 2 * EDGE) * k / most
        return round(x, 1), round(EDGE + (HEIGHT - 2 * EDGE) * (high - money) / span, 1)

    lengths = [0, *table["customers"].astype(int)]
    lines = {name: [0.0, *table[name].astype(float)] for name in ("net", "net_low", "net_high")}
    points = {name: [place(k, m) for k, m in zip(lengths, line, strict=True)] for name, line in lines.items()}
    band = [*points["net_high"], *reversed(points["net_low"])]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "zero": place(0, 0.0)[1],
        "line": _path(points["net"]),
        "band": _path(band),
        "chosen": place(length, 0)[0],
        "best": place(found.recommended, 0)[0] if found.recommended else None,
    }


def _path(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)
