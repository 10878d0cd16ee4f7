"""What changed for one customer since about a month ago, from the scores that were published then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pipelines.page.night import Night
from pipelines.workspace import runs
from pipelines.workspace.paths import Workspace

MONTH, SOONEST = 30, 20
"""Days: the publication nearest to the first is taken, of those that are at least the second old."""
COLUMNS = (
    "churn_probability",
    "churn_risk_band",
    "value_12m_pred",
    "arpu_3m",
    "vip_probability",
    "tier_current",
    "lifecycle_stage",
    "complaints_90d",
    "recommended_action",
)

_COMPARED = ", ".join(f"'{name}'" for name in (*COLUMNS, "tenure_months", "churn_reasons"))
"""All that is read of the publication of before, as far as it has them: every further column costs as much as these."""


@dataclass(frozen=True)
class Changes:
    """What was then, beside what is now.

    Attributes
    ----------
    since
        The date of the publication of before.
    before, now
        Columns that differ, as they were and as they are.
    came, went
        Codes of the reasons that speak for leaving now and did not then, and the other way round.
    """

    since: date
    before: Mapping[str, Any]
    now: Mapping[str, Any]
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()


def compared_with(night: Night, workspace: Workspace) -> date | None:
    """The publication that a night is compared with, one that is whole; looked for once a night."""

    def found() -> date | None:
        earlier = [day for day in workspace.published_dates() if day < night.publication.as_of]
        while (day := day_before(earlier, night.publication.as_of)) and not runs.is_score_file_intact(workspace, day):
            earlier.remove(day)
        return day

    return night.remembered("compared with", found)


def day_before(earlier: Sequence[date], as_of: date) -> date | None:
    """Of earlier dates the one about a month before, or else the newest one; None without any."""
    old = [day for day in earlier if (as_of - day).days >= SOONEST]
    if not old:
        return max(earlier, default=None)
    return min(old, key=lambda day: abs(day - (as_of - timedelta(days=MONTH))))


def changes(night: Night, workspace: Workspace, row: Mapping[str, Any]) -> Changes | None:
    """Those of a customer.

    Parameters
    ----------
    night
        That is shown.
    workspace
        Where earlier publications lie.
    row
        Their row of the score table.

    Returns
    -------
    Changes or None
        None where nothing was published before, or they were not in it: the holder of a number before them is somebody else.
    """
    since = compared_with(night, workspace)
    if since is None:
        return None
    found = night.query(
        f"SELECT COLUMNS(lambda name: name IN ({_COMPARED})) FROM read_parquet($path) WHERE customer_id = $who",
        {"path": str(workspace.score_file(since)), "who": row["customer_id"]},
    )
    if not found or _is_younger(row["tenure_months"], found[0].get("tenure_months")):
        return None
    then = found[0]
    differing = [name for name in COLUMNS if then.get(name) != row.get(name)]
    was, has = (_pushing(each) for each in (then, row))
    return Changes(
        since,
        {name: then.get(name) for name in differing},
        {name: row.get(name) for name in differing},
        tuple(code for code in has if code not in was),
        tuple(code for code in was if code not in has),
    )


def _is_younger(now: int | None, then: int | None) -> bool:
    """Is a customer with us for less time than the one of then was?"""
    return now is not None and then is not None and now < then


def _pushing(row: Mapping[str, Any]) -> list[str]:
    """Codes of the reasons that speak for leaving."""
    return [reason["code"] for reason in row.get("churn_reasons") or () if reason["direction"] > 0]
