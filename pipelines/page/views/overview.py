"""The first page: how many customers, how many at risk, how many on the way up, what is at stake, and whom to look at first."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.responses import Response

from models.scores.columns import STAGES
from pipelines.page.overview_figures import RISKY, Figures, figures
from pipelines.page.visit import Asked, Visit

router = APIRouter()
LEVELS = ("high", "medium", "low")
SHADES = 9
"""Of the cells of the matrix, in the stylesheet."""
Row = dict[str, Any]


@router.get("/")
def overview(visit: Asked) -> Response:
    """The figures of the night; each leads to the customers behind it."""
    found = figures(visit.night)
    return visit.show(
        "overview.html",
        title=visit.tell("nav_overview"),
        cards=_cards(visit, found.totals),
        matrix=_matrix(visit, found) if found.cells else None,
        risk_levels=[visit.say("risk_level", level=visit.word("churn_risk_band", level)) for level in reversed(LEVELS)],
        since=_since(visit, found),
        tables=[table for name in ("tier", "stage", "action") if (table := _table(visit, found, name))],
    )


def customers(**choice: Any) -> str:
    """The address of the customers of a choice."""
    return f"/customers?{urlencode(choice, doseq=True)}"


def _cards(visit: Visit, totals: Mapping[str, Any]) -> list[Row]:
    scored, low = totals["scored"], totals["low"]
    risky = totals["risky"] if totals["banded"] else None
    potential = totals["potential"] if low else None
    note = visit.say("high_risk_note", share=visit.share(_ratio(risky, scored)), n=visit.count(totals["worse"]))
    at_risk = visit.say("at_risk", days=totals["days"]) if totals["days"] else visit.say("at_risk_plain")
    held = visit.say("at_risk_note", share=visit.share(_ratio(totals["at_risk"], totals["staying"])))
    vips = visit.say("potential_note", share=visit.share(_ratio(potential, low)))
    active = visit.say("active_note", n=visit.count(scored))
    return [
        _card("active", visit.say("active"), visit.count(totals["everybody"]), active, customers(preset="all")),
        _card("high_risk", visit.say("high_risk"), visit.count(risky), note, customers(preset="all", band=RISKY)),
        _card("potential", visit.say("potential"), visit.count(potential), vips, customers(preset="vip")),
        _card("at_risk", at_risk, visit.big_money(totals["at_risk"]), held, customers(preset="churn")),
    ]


def _card(kind: str, label: str, value: str, note: str, link: str) -> Row:
    return {"kind": kind, "label": label, "value": value, "note": note, "link": link}


def _matrix(visit: Visit, found: Figures) -> list[Row]:
    """Rows by value, high first; cells by risk, low first; the darker, the more money at risk per customer."""
    most = max(float(cell["each"] or 0) for cell in found.cells.values())
    return [
        {
            "value": visit.say("value_level", level=visit.word("value_band", value)),
            "cells": [_cell(visit, found, f"{value}_{risk}", most) for risk in reversed(LEVELS)],
        }
        for value in LEVELS
    ]


def _cell(visit: Visit, found: Figures, name: str, most: float) -> Row:
    cell = found.cells.get(name, {"n": 0, "money": 0, "each": 0})
    depth = float(cell["each"] or 0) / most if most else 0.0
    each = visit.text("overview.each", money=visit.money(cell["each"]))
    return {
        "advice": visit.say(f"cell_{name}"),
        "count": visit.say("matrix_cell", n=visit.count(cell["n"])),
        "money": visit.big_money(cell["money"]),
        "each": each,
        "shade": round(SHADES * depth),
        "link": customers(preset="all", cell=name),
    }


def _since(visit: Visit, found: Figures) -> str:
    """What changed since the publication before, in one sentence."""
    if found.since is None:
        return visit.text("overview.first")
    counts = {name: visit.count(n) for name, n in found.since.items()}
    share = visit.share(_ratio(found.since["flagged"], found.since["gone"]), 0)
    told = visit.text("overview.since", day=visit.day(visit.night.before), **counts)
    return told + (visit.text("overview.flagged", share=share) if found.since["gone"] else "")


def _table(visit: Visit, found: Figures, name: str) -> Row | None:
    """Customers by the values of a filter; None where nobody has one."""
    rows = found.groups[name]
    if all(row["code"] is None for row in rows):
        return None
    if name == "stage":
        rows = sorted(rows, key=lambda row: STAGES.index(row["code"]) if row["code"] else len(STAGES))
    column = {"stage": "lifecycle_stage", "tier": "tier_current", "action": "recommended_action"}[name]
    everybody, billed = sum(row["n"] for row in rows), sum(row["billed"] or 0 for row in rows)
    return {
        "name": visit.text(f"overview.by_{name}"),
        "head": visit.text(f"customers.filter_{name}"),
        "rows": [_group(visit, row, name, column, everybody, billed) for row in rows],
    }


def _group(visit: Visit, row: Row, name: str, column: str, everybody: int, billed: Any) -> Row:
    known = row["code"] is not None
    return {
        "name": visit.word(column, row["code"]) if known else visit.say("stage_unknown"),
        "link": customers(preset="all", **{name: row["code"]}) if known else None,
        "count": visit.count(row["n"]),
        "portion": row["n"] / everybody,
        "share": visit.share(row["n"] / everybody),
        "billed": visit.share(_ratio(row["billed"], billed)),
        "bill": visit.money(row["bill"], 2),
        "churn": visit.share(row["churn"]),
        "at_risk": visit.big_money(row["at_risk"]),
    }


def _ratio(part: Any, whole: Any) -> float | None:
    return float(part) / float(whole) if part is not None and whole else None
