"""The card of one customer: how likely, worth what, why, since when, what happened, and what nobody knows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from features.contracts import CONTRACTS
from models.scores.columns import BY_NAME
from pipelines.page import changes, short_names, timeline, waterfall
from pipelines.page.histories import EVENTS
from pipelines.page.night import Night
from pipelines.page.people import contact, top
from pipelines.page.views.customers import by_name
from pipelines.page.visit import Asked, Refused, Visit
from pipelines.wording import errors, playbooks
from pipelines.wording.reasons import headline, sentence

router = APIRouter()
BINS = 24
Row = Mapping[str, Any]


@router.get("/customers/{name}")
def customer(visit: Asked, name: str) -> Response:
    """The card under their short name."""
    return _card(visit, name, shown=False)


@router.post("/customers/{name}/id")
def unmasked(visit: Asked, name: str) -> Response:
    """The card with their id, for those who may see it; that they saw it is logged."""
    visit.require("marketer")
    row = _row(visit, name)
    visit.served.audit.note(visit.who, "unmask", customers=[short_names.name(row["digest"], row["length"])])
    return _card(visit, name, shown=True)


def _row(visit: Visit, name: str) -> dict[str, Any]:
    """Their row of the score table. Raises Refused 404 where nobody of the night, or more than one, goes by that name."""
    known = by_name(visit, name)
    if len(known) != 1:
        raise Refused(404, "nobody")
    first, last = short_names.bounds(name)
    return visit.night.query(
        "SELECT s.*, b.digest, b.length FROM (SELECT * FROM beside WHERE digest BETWEEN ? AND ?) AS b "
        "JOIN scores AS s ON s.file_row_number = b.row "
        "WHERE s.file_row_number = (SELECT row FROM beside WHERE digest BETWEEN ? AND ?)",
        [first, last, first, last],
    )[0]


def _card(visit: Visit, name: str, shown: bool) -> Response:
    row, night = _row(visit, name), visit.night
    as_of = night.publication.as_of
    histories = visit.served.histories.at(as_of)
    history = histories.of(row["customer_id"])
    shortest = short_names.name(row["digest"], row["length"])
    return visit.show(
        "customer.html",
        title=visit.text("customer.title", name=shortest),
        name=shortest,
        id=row["customer_id"] if shown else "",
        facts=_facts(visit, row),
        figures=_figures(visit, row),
        steps=_steps(visit, row),
        vip=_vip(visit, row),
        places=_distribution(visit, row),
        changed=_changed(visit, row),
        strips=timeline.strips(visit, history, as_of),
        events=timeline.events(visit, history, as_of),
        months=timeline.months(as_of),
        unknown=_unknown(visit, row, histories.known),
    )


def _facts(visit: Visit, row: Row) -> list[tuple[str, str]]:
    """Who they are to us."""
    months = row["tenure_months"]
    tenure = visit.text("customer.tenure", years=months // 12, months=months % 12) if months is not None else "–"
    words = ("tier_current", "customer_type", "region", "lifecycle_stage", "recommended_action")
    known = [(_label(visit, column), visit.word(column, row[column])) for column in words]
    told = [(visit.text("customer.with_us"), tenure), (visit.text("customers.group"), contact(visit, row))]
    return [*known, *_action(visit, row), *told]


def _action(visit: Visit, row: Row) -> list[tuple[str, str]]:
    """By which rule, how and by whom; nothing in publications of before there were playbooks."""
    rule = row.get("action_rule")
    if rule is None:
        return []
    because = playbooks.why(visit.night.publication.meta.get("playbook"), rule, visit.lang)
    words = [(_label(visit, column), visit.word(column, row[column])) for column in ("action_channel", "owner")]
    return [(visit.text("customer.because"), because), *words]


def _label(visit: Visit, column: str) -> str:
    return BY_NAME[column].zh if visit.lang == "zh" else BY_NAME[column].en


def _figures(visit: Visit, row: Row) -> list[dict[str, str]]:
    """The figures of the card; a dash is unknown."""
    low, high = row["churn_probability_low"], row["churn_probability_high"]
    between = visit.text("customer.between", low=visit.share(low), high=visit.share(high)) if low is not None else ""
    days = visit.text("customer.within", days=row["churn_horizon_days"]) if row["churn_horizon_days"] else ""
    churn = " · ".join(filter(None, [top(visit, row["churn_percentile"]), days, between]))
    ten, ninety = row["value_p10"], row["value_p90"]
    soon = {"days": row["value_horizon_days"], "value": visit.money(row["value_pred"])}
    span = visit.text("customer.span", low=visit.money(ten), high=visit.money(ninety), **soon)
    vip = visit.text("customer.high_now") if row["is_high_value_now"] else top(visit, row["vip_percentile"])
    trend = visit.share(row["arpu_trend_pct"] / 100, 0) if row["arpu_trend_pct"] is not None else "–"
    return [
        _figure(_label(visit, "churn_probability"), visit.share(row["churn_probability"]), churn),
        _figure(_label(visit, "vip_probability"), visit.share(row["vip_probability"]), vip),
        _figure(_label(visit, "value_12m_pred"), visit.money(row["value_12m_pred"]), span if ten is not None else ""),
        _figure(_label(visit, "value_at_risk"), visit.money(row["value_at_risk"], 2), days),
        _figure(_label(visit, "arpu_3m"), visit.money(row["arpu_3m"], 2), visit.text("customer.trend", share=trend)),
    ]


def _figure(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}


def _steps(visit: Visit, row: Row) -> list[dict[str, Any]]:
    """The waterfall: bars between the usual probability and theirs, on an axis that both are on."""
    curve = waterfall.curve(visit.night)
    made = waterfall.steps(row, curve) if curve else []
    most = max([0.01, *(max(step.start, step.end) for step in made)])
    return [
        {
            "name": headline(step.reason["code"], visit.lang) if step.reason else visit.text("customer.rest"),
            "why": sentence(step.reason, visit.wording) or "" if step.reason else "",
            "points": visit.text("customer.points", n=f"{100 * (step.end - step.start):+.1f}"),
            "odds": visit.text("customer.odds", n=f"{step.contribution:+.2f}"),
            "up": step.end >= step.start,
            "x": 100 * min(step.start, step.end) / most,
            "width": max(100 * abs(step.end - step.start) / most, 0.6),
            "from": visit.share(step.start),
            "to": visit.share(step.end),
        }
        for step in made
    ]


def _vip(visit: Visit, row: Row) -> list[dict[str, Any]]:
    """What speaks for and against becoming a VIP, the weightiest first; nothing where that was not scored."""
    told = [
        {
            "name": headline(reason["code"], visit.lang),
            "why": sentence(reason, visit.wording) or "",
            "up": reason["direction"] > 0,
            "odds": visit.text("customer.odds", n=f"{reason['contribution']:+.2f}"),
        }
        for reason in row["vip_reasons"] or ()
    ]
    return told if row["vip_probability"] is not None else []


def _distribution(visit: Visit, row: Row) -> dict[str, Any] | None:
    """How all customers are spread over the probability, and where this one is."""
    own = row["churn_probability"]
    if own is None:
        return None
    counts, edge = visit.night.remembered("spread", lambda: _spread(visit.night))
    tallest = float(np.sqrt(counts.max()))
    mine = min(int(own / edge * BINS), BINS - 1)
    bars = [
        {"x": n, "height": round(100 * float(np.sqrt(count)) / tallest, 1), "own": n == mine}
        for n, count in enumerate(counts)
    ]
    told = visit.text("customer.riskier", share=visit.share(min(row["churn_percentile"] / 100, 0.999)))
    return {"bars": bars, "edge": visit.share(edge, 0), "told": told}


def _spread(night: Night) -> tuple[np.ndarray, float]:
    """Customers by their churn probability in equal steps up to that of one in two hundred; the last has those above, too."""
    edge = night.query("SELECT quantile_cont(churn_probability, 0.995) AS edge FROM scores")[0]["edge"] or 1.0
    found = night.query(
        "SELECT least(CAST(floor(churn_probability / ? * ?) AS INTEGER), ?) AS bin, count(*) AS n FROM scores "
        "WHERE churn_probability IS NOT NULL GROUP BY 1",
        [edge, BINS, BINS - 1],
    )
    counts = np.zeros(BINS)
    for part in found:
        counts[part["bin"]] = part["n"]
    return counts, float(edge)


def _changed(visit: Visit, row: Row) -> dict[str, Any]:
    """What differs from about a month ago."""
    found = changes.changes(visit.night, visit.project.workspace, row)
    if found is None:
        since = changes.compared_with(visit.night, visit.project.workspace)
        return {
            "lead": visit.text("customer.no_before" if since is None else "customer.not_before"),
            "rows": [],
            "came": [],
            "went": [],
        }
    rows = [
        (_label(visit, name), _told(visit, name, found.before[name]), _told(visit, name, found.now[name]))
        for name in found.before
    ]
    return {
        "lead": visit.text("customer.since", day=visit.day(found.since)),
        "rows": [row for row in rows if row[1] != row[2]],
        "came": [headline(code, visit.lang) for code in found.came],
        "went": [headline(code, visit.lang) for code in found.went],
    }


def _told(visit: Visit, column: str, value: Any) -> str:
    unit = BY_NAME[column].unit
    if unit == "probability":
        return visit.share(value)
    if unit.startswith("currency"):
        return visit.money(value, 2)
    return visit.count(value) if unit == "count" else visit.word(column, value)


def _unknown(visit: Visit, row: Row, tables: frozenset[str]) -> list[str]:
    """What the model cannot know of them, sentence by sentence."""
    told = (
        [visit.text("customer.status", status=visit.word("score_status", row["score_status"]))]
        if row["score_status"] != "ok"
        else []
    )
    told += [visit.word("data_quality_flags", flag) for flag in row["data_quality_flags"] or ()]
    lacking = [visit.text(f"terms.table.{name}") for name in CONTRACTS if name in EVENTS and name not in tables]
    if lacking:
        told.append(visit.text("customer.lacking", tables=visit.text("lists.and_so_on").join(lacking)))
    for column in ("satisfaction_index", "contract_end_date", "churn_probability_low"):
        if row[column] is None:
            told.append(visit.text(f"customer.unknown_{column}"))
    told += [errors.sentence(problem, "what", visit.lang) for problem in visit.project.settings.left_out.values()]
    return [*told, visit.text("customer.outside")]
