"""Why: what goes with leaving and with becoming a VIP, each factor beside everybody, and how it is spread over the risk groups."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from models.scores.columns import BY_NAME
from pipelines.page.night import Night
from pipelines.page.visit import Asked, Refused, Visit
from pipelines.wording.reasons import headline

router = APIRouter()
Row = dict[str, Any]
FEWEST = 20
"""Customers with a reason, before it is told how much more likely they are."""
OF = {"churn": "churn_probability", "vip": "vip_probability"}
"""Target -> the column whose mean is compared."""
SAME = 0.05
"""A factor that changes less than this is told in neither column."""
BANDS = ("low", "medium", "high", "critical")


@router.get("/factors")
def factors(visit: Asked) -> Response:
    """Two columns per target: what goes with more of it, and with less."""
    return visit.show(
        "factors.html",
        title=visit.tell("nav_factors"),
        blocks=[block for target in OF if (block := _block(visit, target))],
    )


@router.get("/factors/{target}/{code}")
def factor(visit: Asked, target: str, code: str) -> Response:
    """One factor of a target: whom it concerns in each risk group, and the features that it comes from."""
    rows = [row for row in _rows(visit.night, target) if row["code"] == code] if target in OF else []
    if not rows:
        raise Refused(404, "missing")
    return visit.show(
        "factor.html",
        title=visit.text("factors.of", factor=headline(code, visit.lang), what=visit.text(f"factors.{target}")),
        told=[_sentence(visit, target, row) for row in reversed(rows)],
        groups=visit.night.remembered(("groups", target, code, visit.lang), lambda: _groups(visit, target, code)),
        features=visit.night.remembered(("features", target, code, visit.lang), lambda: _features(visit, target, code)),
    )


def _block(visit: Visit, target: str) -> Row | None:
    """The factors of a target in words; None where nothing scored it."""
    rows = _rows(visit.night, target)
    if not rows:
        return None
    more, less = ([_factor(visit, target, row) for row in side] for side in _sides(rows))
    return {"title": visit.text(f"factors.{target}"), "more": more, "less": less, "overall": _overall(visit, target)}


def _sides(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Those that go with more, the strongest first, and those that go with less."""
    up = [row for row in rows if row["direction"] > 0 and row["ratio"] >= 1 + SAME]
    down = [row for row in rows if row["direction"] < 0 and row["ratio"] <= 1 - SAME]
    return sorted(up, key=lambda row: -row["ratio"]), sorted(down, key=lambda row: row["ratio"])


def _rows(night: Night, target: str) -> list[Row]:
    """Reason and direction -> customers, their mean probability and that beside everybody's; worked out once a night.

    A customer has each reason at most once.
    """
    return night.remembered(("factors", target), lambda: _counted(night, target))


def _counted(night: Night, target: str) -> list[Row]:
    score, reasons = OF[target], f"{target}_reasons"
    rows = night.query(
        f"""WITH ok AS (SELECT {score} AS p, {reasons} AS reasons FROM scores WHERE {score} IS NOT NULL),
        everybody AS (SELECT avg(p) AS everybody, count(*) AS scored FROM ok)
        SELECT reason.code AS code, reason.direction AS direction, count(*) AS n, avg(p) AS mean, everybody, scored
        FROM (SELECT p, UNNEST(reasons) AS reason FROM ok), everybody
        GROUP BY ALL HAVING count(*) >= {FEWEST} ORDER BY code, direction"""
    )
    return [row | {"ratio": row["mean"] / row["everybody"]} for row in rows if row["everybody"]]


def _overall(visit: Visit, target: str) -> str:
    first = _rows(visit.night, target)[0]
    return visit.text("factors.overall", share=visit.share(first["everybody"]), n=visit.count(first["scored"]))


def _factor(visit: Visit, target: str, row: Row) -> Row:
    return {
        "name": headline(row["code"], visit.lang),
        "link": f"/factors/{target}/{row['code']}",
        "times": visit.text("factors.times", n=f"{row['ratio']:.1f}"),
        "note": visit.text("factors.note", share=visit.share(row["mean"]), n=visit.count(row["n"])),
        "share": row["n"] / row["scored"],
    }


def _sentence(visit: Visit, target: str, row: Row) -> str:
    """How much more or less likely customers with the factor are, in one sentence."""
    told = {"n": visit.count(row["n"]), "mean": visit.share(row["mean"]), "all": visit.share(row["everybody"])}
    key = "raises" if row["direction"] > 0 else "lowers"
    return visit.text(f"factors.{key}_{target}", times=f"{row['ratio']:.1f}", **told)


def _groups(visit: Visit, target: str, code: str) -> list[Row]:
    """Risk group -> how many of it have the factor on its rising side, and on its falling one."""
    band = "churn_risk_band" if target == "churn" else "value_band"
    reasons = f"{target}_reasons"
    rows = visit.night.query(
        f"""SELECT CAST({band} AS VARCHAR) AS band, count(*) AS n,
        count(*) FILTER (list_contains([r.direction FOR r IN {reasons} IF r.code = $code], 1)) AS up,
        count(*) FILTER (list_contains([r.direction FOR r IN {reasons} IF r.code = $code], -1)) AS down
        FROM scores WHERE {OF[target]} IS NOT NULL AND {band} IS NOT NULL GROUP BY ALL""",
        {"code": code},
    )
    known = {row["band"]: row for row in rows}
    return [
        {
            "name": visit.say("risk_level" if target == "churn" else "value_level", level=visit.word(band, name)),
            "n": visit.count(known[name]["n"]),
            "up": known[name]["up"] / known[name]["n"],
            "down": known[name]["down"] / known[name]["n"],
            "up_words": visit.share(known[name]["up"] / known[name]["n"]),
            "down_words": visit.share(known[name]["down"] / known[name]["n"]),
        }
        for name in BANDS
        if name in known and name in BY_NAME[band].values
    ]


def _features(visit: Visit, target: str, code: str) -> list[Row]:
    """The features that the factor comes from, by how many customers they concern; own and usual values are medians."""
    rows = visit.night.query(
        f"""SELECT r.feature AS feature, count(*) AS n FROM
        (SELECT UNNEST({target}_reasons) AS r FROM scores WHERE {OF[target]} IS NOT NULL)
        WHERE r.code = $code GROUP BY feature ORDER BY n DESC, feature LIMIT 8""",
        {"code": code},
    )
    return [{"name": visit.feature(row["feature"]), "n": visit.count(row["n"])} for row in rows]
