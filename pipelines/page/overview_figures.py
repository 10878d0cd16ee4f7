"""The figures of the overview, from the rows of a night; the same as those of the report, which makes them of a frame."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.page.night import Night

RISKY = ("high", "critical")
_RISKY = "churn_risk_band IN ('high', 'critical')"
_TOTALS = f"""
SELECT count(*) AS everybody,
       count(*) FILTER (ok) AS scored,
       count(churn_risk_band) FILTER (ok) AS banded,
       count(*) FILTER (ok AND {_RISKY}) AS risky,
       count(*) FILTER (ok AND churn_trend = 'worsening') AS worse,
       count(*) FILTER (ok AND is_potential_vip) AS potential,
       count(vip_probability) FILTER (ok) AS low,
       sum(value_at_risk) FILTER (ok) AS at_risk,
       sum(CAST(value_at_risk AS DOUBLE) / churn_probability) FILTER (ok AND churn_probability > 0) AS staying,
       max(churn_horizon_days) AS days
FROM (SELECT *, score_status = 'ok' AS ok FROM scores)
"""
_SINCE = f"""
SELECT count(*) FILTER (now.risky AND NOT was.risky) AS risen,
       count(*) FILTER (NOT now.risky AND was.risky) AS recovered,
       count(*) FILTER (now.customer_id IS NULL) AS gone,
       count(*) FILTER (now.customer_id IS NULL AND was.risky) AS flagged,
       count(*) FILTER (was.customer_id IS NULL) AS came
FROM (SELECT customer_id, score_status = 'ok' AND {_RISKY} AS risky FROM before) AS was
FULL JOIN (SELECT customer_id, score_status = 'ok' AND {_RISKY} AS risky FROM scores) AS now USING (customer_id)
"""
_GROUPS = {
    "stage": "lifecycle_stage",
    "tier": "tier_current",
    "action": "recommended_action",
    "region": "region",
    "type": "customer_type",
}


@dataclass(frozen=True)
class Figures:
    """What the overview shows.

    Attributes
    ----------
    totals
        Of everybody; those of a target that was not scored are null or 0.
    cells
        Cell of value and risk -> customers `n`, money at risk `money`, and `each`.
    since
        What changed since the publication before; None where there is none.
    groups
        Name of a filter -> rows with `code` (null: unknown), `n`, `bill` (mean), `billed` (sum), `churn` (mean), `at_risk` (sum).
    """

    totals: Mapping[str, Any]
    cells: Mapping[str, Mapping[str, Any]]
    since: Mapping[str, int] | None
    groups: Mapping[str, list[dict[str, Any]]]


def figures(night: Night) -> Figures:
    """Those of a night, worked out once."""
    return night.remembered("overview", lambda: _made(night))


def _made(night: Night) -> Figures:
    cells = night.query(
        "SELECT value_risk_cell AS code, count(*) AS n, sum(value_at_risk) AS money, avg(value_at_risk) AS each "
        "FROM scores WHERE score_status = 'ok' AND value_risk_cell IS NOT NULL GROUP BY 1"
    )
    return Figures(
        totals=night.query(_TOTALS)[0],
        cells={cell["code"]: cell for cell in cells},
        since=night.query(_SINCE)[0] if night.before else None,
        groups={name: _groups(night, column) for name, column in _GROUPS.items()},
    )


def _groups(night: Night, column: str) -> list[dict[str, Any]]:
    """Customers with a score, by the values of a column; the column is one of ours."""
    return night.query(
        f"SELECT {column} AS code, count(*) AS n, avg(arpu_3m) AS bill, sum(arpu_3m) AS billed, "
        "avg(churn_probability) AS churn, sum(value_at_risk) AS at_risk "
        "FROM scores WHERE score_status = 'ok' GROUP BY 1 ORDER BY n DESC, code NULLS LAST"
    )
