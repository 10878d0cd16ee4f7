"""What has run lately, failed runs included, for who asks why today's list is of yesterday."""

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.delivery import report_runs
from pipelines.page.visit import Asked
from pipelines.workspace.history import history

router = APIRouter()

SHOWN = 60
"""Runs, the newest by the clock."""


@router.get("/runs")
def runs(visit: Asked) -> Response:
    """The newest runs first."""
    calls = history(visit.project.workspace)
    return visit.show(
        "runs.html",
        title=visit.tell("nav_runs"),
        rows=[report_runs.told(visit, call) for call in calls[:SHOWN]],
        left=max(0, len(calls) - SHOWN),
    )
