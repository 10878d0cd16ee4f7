"""Tiers: who brings how much, the 80/20 check, and who moved between the night and an earlier one; what `headwater tiers` says."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from pipelines.delivery import pyramids
from pipelines.page import changes
from pipelines.page.night import Night
from pipelines.page.visit import Asked, Refused, Visit
from pipelines.wording import tiers as words
from pipelines.workspace import runs

router = APIRouter()
OFFERED = 60
"""Earlier dates to compare with, the newest first."""
UNKNOWN, JOINED, LEFT = "unknown", "joined", "left"
_MOVES = """
SELECT CASE WHEN was.customer_id IS NULL THEN 'joined' ELSE coalesce(was.tier, 'unknown') END AS old,
       CASE WHEN now.customer_id IS NULL THEN 'left' ELSE coalesce(now.tier, 'unknown') END AS new, count(*) AS n
FROM (SELECT customer_id, CAST(tier_current AS VARCHAR) AS tier FROM read_parquet($path)) AS was
FULL JOIN (SELECT customer_id, CAST(tier_current AS VARCHAR) AS tier FROM scores) AS now USING (customer_id)
GROUP BY ALL
"""


@router.get("/tiers")
def tiers(visit: Asked, since: Annotated[str, Query(max_length=10)] = "") -> Response:
    """The pyramid of the night, and who moved since an earlier date; about a month before where none is named."""
    night, settings = visit.night, visit.project.settings.tiers
    found = night.remembered("pyramid", lambda: pyramids.pyramid_of(night.publication.scores, settings))
    rows = found.tiers.to_dict("records")
    day = _day(visit, since)
    return visit.show(
        "tiers.html",
        title=visit.tell("nav_tiers"),
        is_rated=any(row["tier"] for row in rows),
        titles=[visit.text(f"tiers.column.{name}") for name in words.COLUMNS],
        rows=[_tier(visit, row) for row in rows],
        told=[*words.eighty_twenty(found, visit.lang), visit.text("tiers.how")],
        days=_earlier(visit)[:OFFERED],
        since=day,
        moves=_moves(visit, day) if day else None,
    )


def _tier(visit: Visit, row: dict[str, Any]) -> dict[str, Any]:
    """A row in words, its shares as figures, too."""
    name, *cells = words.cells(row, visit.currency, visit.lang)
    shares = [None, row["share_of_customers"], None, row["share_of_revenue"]]
    link = f"/customers?preset=all&tier={row['tier']}" if row["tier"] else ""
    return {"name": name, "link": link, "cells": list(zip(cells, shares, strict=True))}


def _earlier(visit: Visit) -> list[date]:
    """Published dates before the night, the newest first."""
    days = visit.project.workspace.published_dates()
    return [day for day in reversed(days) if day < visit.night.publication.as_of]


def _day(visit: Visit, since: str) -> date | None:
    """The date to compare with. Raises Refused 400 for what is no date, 404 for one that is not published, or damaged."""
    workspace, night = visit.project.workspace, visit.night
    if not since:
        return changes.compared_with(night, workspace)
    day = next((day for day in _earlier(visit) if day.isoformat() == since), None)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", since):
        raise Refused(400, "parameter")
    if day is None or not night.remembered(("whole", day), lambda: runs.is_score_file_intact(workspace, day)):
        raise Refused(404, "missing")
    return day


def _moves(visit: Visit, day: date) -> dict[str, Any]:
    """The table of who went from where to where, highest tier first; who stayed stands on its diagonal."""
    counts = visit.night.remembered(
        ("moves", day), lambda: moved(visit.night, str(visit.project.workspace.score_file(day)))
    )
    names = visit.project.settings.tiers.names
    seen = {side for pair in counts for side in pair}
    order = [*reversed(names), *sorted(seen - {*names, UNKNOWN, JOINED, LEFT}), *({UNKNOWN} & seen)]
    return {
        "lead": visit.text("tiers.moves", before=visit.day(day), after=visit.day(visit.night.publication.as_of)),
        "titles": [_side(visit, name) for name in (*order, LEFT)],
        "rows": [
            {
                "name": _side(visit, old),
                "cells": [
                    {"n": visit.count(counts.get((old, new), 0)), "kind": _kind(order, old, new, counts)}
                    for new in (*order, LEFT)
                ],
            }
            for old in (*order, JOINED)
        ],
    }


def moved(night: Night, path: str) -> Mapping[tuple[str, str], int]:
    """Tier of before and tier of now -> customers; `unknown` is without one, `joined` and `left` are in one of the two alone.

    Parameters
    ----------
    night
        Of now.
    path
        The score file of before.
    """
    return {(row["old"], row["new"]): row["n"] for row in night.query(_MOVES, {"path": path})}


def _kind(order: list[str], old: str, new: str, counts: Mapping[tuple[str, str], int]) -> str:
    """How a cell is shown: nobody, stayed, rose, fell, or neither."""
    if not counts.get((old, new)):
        return "none"
    if old == new:
        return "same"
    if {old, new} & {UNKNOWN, JOINED, LEFT}:
        return ""
    return "rose" if order.index(new) < order.index(old) else "fell"


def _side(visit: Visit, name: str) -> str:
    return visit.text(f"tiers.{name}") if name in (UNKNOWN, JOINED, LEFT) else visit.word("tier_current", name)
