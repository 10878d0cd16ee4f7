"""How good the predictions are: the grades and sentences of the report, and what came of what earlier nights promised."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from models.targets.registry import TARGETS
from pipelines.delivery import pages, report_grade, report_models
from pipelines.delivery.report_data import Evaluation
from pipelines.page.visit import Asked, Visit
from pipelines.wording.formats import NOTHING
from pipelines.workspace.paths import Workspace

router = APIRouter()
Row = dict[str, Any]


@router.get("/good")
def good(visit: Asked) -> Response:
    """One block per target as in the report, and the promises that outcomes have caught up with."""
    night = visit.night
    judged = night.remembered("judged", lambda: pages.judged(visit.project.workspace, night.publication.models))
    return visit.show(
        "good.html",
        title=visit.tell("nav_good"),
        lead=visit.say("good_lead_folds" if any(e.folds for e in judged.values()) else "good_lead"),
        few=report_grade.FEW,
        left_out=pages.not_scored(visit.project, night.publication, visit.lang),
        models=night.remembered(("good", visit.lang), lambda: _models(visit, judged)),
        calibrated=report_grade.calibrated(visit, judged["churn"], _days(visit)) if "churn" in judged else "",
        promises=_promises(visit),
    )


def _models(visit: Visit, judged: dict[str, Evaluation]) -> list[Row]:
    """The blocks of the report, with their pictures."""
    known = [target for name, target in TARGETS.items() if name in judged]
    versions = visit.night.publication.models
    return [
        report_models.block(visit, target, judged[target.name], versions[target.name])
        | {"pictures": report_models.pictures(visit, target, judged[target.name])}
        for target in known
    ]


def _days(visit: Visit) -> int | None:
    """The main horizon of churn; None where the data have no dates."""
    rows = visit.night.query("SELECT max(churn_horizon_days) AS days FROM scores")
    return rows[0]["days"]


def _promises(visit: Visit) -> list[Row]:
    """A row per promise whose outcome is known, the newest night first."""
    rows = promises(visit.project.workspace)
    ordered = sorted(rows, key=lambda row: (row["early"], row["as_of"], row["days"]), reverse=True)
    return [_promise(visit, row) for row in sorted(ordered, key=lambda row: row["early"])]


def promises(workspace: Workspace) -> list[Row]:
    """What the newest monitor found out; nothing where none has run, or its figures cannot be read."""
    found = sorted(workspace.reports.glob("monitor-*.json"))
    if not found:
        return []
    try:
        return list(json.loads(found[-1].read_bytes())["promises"])
    except (OSError, ValueError, KeyError):
        return []


def _promise(visit: Visit, row: Row) -> Row:
    """A promise beside what came, in words."""
    money = row["target"] == "value"
    figure = visit.money if money else visit.count
    unknown = row["low"] is None
    return {
        "target": visit.text(f"targets.{row['target']}.name"),
        "version": row["version"],
        "night": row["as_of"],
        "days": visit.count(row["days"]),
        "customers": visit.count(row["n"]),
        "promised": figure(row["promised"]),
        "observed": figure(row["observed"]),
        "interval": NOTHING if unknown else f"{figure(row['low'])} – {figure(row['high'])}",
        "verdict": visit.text("good.broken" if row["broken"] else "good.kept"),
        "broken": row["broken"],
    }
