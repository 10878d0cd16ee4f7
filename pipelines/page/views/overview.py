"""The first page: how many customers, how many at risk, how many on the way up, and what is at stake."""

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.page.visit import Asked

router = APIRouter()


@router.get("/")
def overview(visit: Asked) -> Response:
    """The figures of the night."""
    counts = visit.night.query("SELECT count(*) AS n FROM scores")[0]
    return visit.show("overview.html", title=visit.tell("nav_overview"), n=visit.count(counts["n"]))
