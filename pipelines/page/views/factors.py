"""Why: what goes with leaving and with becoming a VIP, each factor beside everybody, and how it is spread over the risk groups."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from starlette.responses import Response

from models.scores.columns import BY_NAME
from pipelines.page.factor_details import BAND, SCORE, SHOWN, Details, details
from pipelines.page.night import Night
from pipelines.page.visit import Asked, Refused, Visit
from pipelines.wording.figures import Figure
from pipelines.wording.reasons import headline

router = APIRouter()
Row = dict[str, Any]
FEWEST = 20
"""Customers with a reason, before it is told how much more likely they are."""
SAME = 0.05
"""A factor that changes less than this is told in neither column."""
BANDS = ("low", "medium", "high", "critical")


@router.get("/factors")
def factors(visit: Asked) -> Response:
    """Two columns per target: what goes with more of it, and with less. What lies behind each is worked out with them."""
    for target in SCORE:
        details(visit.night, target)
    return visit.show(
        "factors.html",
        title=visit.tell("nav_factors"),
        blocks=[block for target in SCORE if (block := _block(visit, target))],
    )


@router.get("/factors/{target}/{code}")
def factor(visit: Asked, target: str, code: str) -> Response:
    """One factor of a target: whom it concerns in each risk group, and the features that it comes from."""
    rows = [row for row in _rows(visit.night, target) if row["code"] == code] if target in SCORE else []
    if not rows:
        raise Refused(404, "missing")
    return visit.show(
        "factor.html",
        title=visit.text("factors.of", factor=headline(code, visit.lang), what=visit.text(f"factors.{target}")),
        told=[_sentence(visit, target, row) for row in reversed(rows)],
        groups=_groups(visit, target, code),
        features=_features(visit, target, code),
        spreads=_spreads(visit, target, code),
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
    score, reasons = SCORE[target], f"{target}_reasons"
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
        "link": f"/factors/{target}/{quote(row['code'], safe='')}",
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
    found, rows = details(visit.night, target), list[Row]()
    for name in _bands(target, found):
        n, (up, down) = found.sizes[name], found.groups.get((code, name), (0, 0))
        shares = {"up": up / n, "down": down / n, "up_words": visit.share(up / n), "down_words": visit.share(down / n)}
        rows.append({"name": _group(visit, target, name), "n": visit.count(n)} | shares)
    return rows


def _bands(target: str, found: Details) -> list[str]:
    """The groups that somebody is in, the lowest first."""
    return [name for name in BANDS if name in found.sizes and name in BY_NAME[BAND[target]].values]


def _group(visit: Visit, target: str, name: str) -> str:
    return visit.say("risk_level" if target == "churn" else "value_level", level=visit.word(BAND[target], name))


def _features(visit: Visit, target: str, code: str) -> list[Row]:
    """The features that the factor comes from, by how many customers they concern."""
    found = details(visit.night, target).features.get(code, ())
    return [{"name": visit.feature(feature), "n": visit.count(n)} for feature, n in found[:8]]


def _spreads(visit: Visit, target: str, code: str) -> list[Row]:
    """How the values of its most frequent features are spread in each group; none of features that are words."""
    found = details(visit.night, target)
    made = [_spread(visit, target, code, feature) for feature, _ in found.features.get(code, ())]
    return [each for each in made if each][:SHOWN]


def _spread(visit: Visit, target: str, code: str, feature: str) -> Row | None:
    """A row per group with its picture: from one in ten to nine in ten, the middle half, the median, all on one axis."""
    found, known = details(visit.night, target), visit.features.get(feature)
    rows = {name: row for name in _bands(target, found) if (row := found.values.get((code, feature, name)))}
    if not rows or (known and known.unit == "text"):
        return None
    low, high = min(row["q"][0] for row in rows.values()), max(row["q"][-1] for row in rows.values())
    unit, measure = (known.unit, known.measure) if known else ("", None)

    def words(value: float) -> str:
        return str(Figure(value, feature, unit, measure, visit.lang, visit.currency).told("", None))

    return {
        "name": visit.feature(feature),
        "rows": [
            {
                "name": _group(visit, target, name),
                "n": visit.count(row["n"]),
                "median": words(row["q"][2]),
                "half": visit.text("factors.from_to", low=words(row["q"][1]), high=words(row["q"][3])),
                "at": [round(100 * (value - low) / ((high - low) or 1.0), 1) for value in row["q"]],
            }
            for name, row in rows.items()
        ],
    }
