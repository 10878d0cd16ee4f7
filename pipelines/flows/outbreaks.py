"""Who left since an earlier publication, by the groups that its customers were in: does one of them leave faster?

Labels mature after a whole horizon; an attack on one city shows in the first two weeks.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.build import closure
from features.errors import Problem
from features.spine import cutoff
from models.evaluation.outbreaks import Outbreak, outbreaks
from models.targets.churn import ChurnTarget, labels
from models.targets.follow_up import FollowUp
from pipelines.engine.assembly import Assembly
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.wording.texts import text
from pipelines.workspace import runs
from pipelines.workspace.progress import Steps
from pipelines.workspace.score_files import ScoreFile

FEWEST_DAYS = 14
"""Days that customers must have had to leave, reported since."""
MOST = 1_000_000
"""Customers who are looked at; of more, each n-th."""
GROUPED = ("customers", "subscriptions")
"""Blocks whose categories are the groups: region, plan, customer type and what else is on record."""


@dataclass(frozen=True)
class Followed:
    """What became of the customers of an earlier publication.

    Attributes
    ----------
    since
        Its date.
    customers, left
        Whom it scored and of whom is known whether they left, and how many of them did.
    outbreaks
        The groups that leave faster than all others.
    """

    since: date
    customers: int
    left: int
    outbreaks: list[Outbreak]

    @property
    def problems(self) -> list[Problem]:
        """W571 for each of those groups."""
        return [Problem("W571", column=each.column, values=self._values(each)) for each in self.outbreaks]

    def _values(self, found: Outbreak) -> dict[str, Any]:
        values = {"group": found.value, "customers": found.customers, "since": self.since.isoformat()}
        return values | {"observed": found.observed, "expected": round(found.expected)}

    def sentence(self, lang: str) -> str:
        """The same in a line."""
        values = {"since": self.since, "customers": self.customers, "left": self.left, "n": len(self.outbreaks)}
        return text("steps.followed", lang, **values)


def follow(project: Project, tables: Tables, as_of: date, steps: Steps) -> list[Problem]:
    """`followed` as a step of a night or a training, and W571 for each group that leaves faster than all others.

    Where leaving has no day there is no such step: nothing will ever be old enough.
    """
    if not _has_day(project):
        return []
    with steps.step("outcomes") as facts:
        found = followed(project, tables, as_of)
        facts["said"] = found.sentence(steps.lang) if found else text("steps.not_followed", steps.lang)
        if found:
            facts.update(since=found.since.isoformat(), left=found.left, outbreaks=len(found.outbreaks))
    return found.problems if found else []


def followed(project: Project, tables: Tables, as_of: date) -> Followed | None:
    """The customers of the newest publication that is old enough, by a date.

    None where leaving has no day (churn is silence, or a label that is brought), or nothing old enough was published.

    Parameters
    ----------
    project
        Its settings and workspace.
    tables
        The canonical tables as of the date.
    as_of
        What is known before it counts.
    """
    earlier = _earlier(project, project.settings.targets.churn, as_of) if _has_day(project) else None
    if earlier is None:
        return None
    since, scores = earlier
    rows = _rows(project, tables, scores, since, as_of)
    groups = rows.drop(columns=["customer_id", "churn_probability", "left"])
    left = rows["left"].to_numpy(dtype=float)
    return Followed(since, len(rows), int(left.sum()), outbreaks(rows["churn_probability"].to_numpy(), left, groups))


def _has_day(project: Project) -> bool:
    """Is churn predicted, and a day of leaving what it means?"""
    target = project.settings.targets.churn
    return bool(target.enabled and target.rule == "deactivated")


def _earlier(project: Project, target: ChurnTarget, as_of: date) -> tuple[date, ScoreFile] | None:
    """The newest intact publication whose customers had days enough to leave, and no more than were promised."""
    newest = as_of - timedelta(days=target.gap_days + FEWEST_DAYS + _delay(project))
    oldest = as_of - timedelta(days=target.window_days + _delay(project))
    scores = runs.previous_scores(project.workspace, newest + timedelta(days=1))
    if scores is None or (since := date.fromisoformat(scores.meta["as_of"])) < oldest:
        return None
    return since, scores


def _delay(project: Project) -> int:
    return project.settings.protocol.reporting_delay_days


def _rows(project: Project, tables: Tables, scores: ScoreFile, since: date, as_of: date) -> pd.DataFrame:
    """Everybody who was scored then, or of each n-th customer, of whom is known whether they left: what was promised,
    `left`, and the categories that were on record then."""
    target = project.settings.targets.churn
    days = (as_of - since).days - target.gap_days - _delay(project)
    asked = target.model_copy(update={"horizon_days": days, "horizons": (days,)})
    named = [f for f in project.features if f.unit == "text" and f.source in GROUPED]
    made = closure(project.features, named)
    with Assembly(project, tables, [since], features=made, few=True, most=MOST) as assembly:
        groups = pd.concat(assembly.snapshots(), ignore_index=True)[["customer_id", *[f.column for f in named]]]
        until = cutoff(as_of, project.mapping.timezone)
        answers = labels(FollowUp(assembly.spine, tables.tables, until, project.settings.features), asked)
        left = answers.select("customer_id", left=answers[f"churned_{days}"]).filter(ibis._.left.notnull()).to_pandas()
    rows = groups.merge(left, on="customer_id", validate="one_to_one")
    return rows.merge(_promised(scores, groups["customer_id"]), on="customer_id", validate="one_to_one")


def _promised(scores: ScoreFile, customers: pd.Series) -> pd.DataFrame:
    """What was promised of some customers; who had no score is left out."""
    wanted = pa.array(customers)
    pieces = scores.pieces(["customer_id", "churn_probability"])
    found = [piece.filter(pc.is_in(piece["customer_id"].cast(wanted.type), wanted)) for piece in pieces]
    return pa.concat_tables(found).to_pandas().dropna()
