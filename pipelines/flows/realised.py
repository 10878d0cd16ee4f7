"""What came of the customers of earlier nights, as far as their outcomes are known: after 7, 14 and 30 days, and in full."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from features.definition import ROW
from features.spine import population
from models.evaluation import monitoring
from models.evaluation.judging import Outcome
from models.evaluation.monitoring import Realised
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from models.targets.target import Target
from pipelines.engine import scoring
from pipelines.flows.dataset import labels_of
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace import bundles, evaluations
from pipelines.workspace.score_files import ScoreFile

EARLY = (7, 14)
"""Days after which churn is looked at, beside its horizons: long before labels mature."""
MOST = 200_000
"""Rows whose outcomes are looked for, over all nights; of more, those of each so many-th customer."""
FEWEST = 5
"""Customers to whom it must have happened, and as many to whom not, before an order is judged."""


@dataclass(frozen=True)
class Kept:
    """What came of one promise of one night.

    Attributes
    ----------
    target
        What was promised.
    version
        By which model.
    as_of
        The date of the night.
    days
        After how many days; the target's horizon, or an earlier look.
    early
        Is it such an earlier look?
    result
        Promised and observed.
    announced
        Interval of what the model is judged by, as its training announced it for so many days; None where that is not
        known.
    calibration
        By tenth, as `monitoring.calibration` gives it; empty for money.
    learnt
        Was the model trained after this night, which it scored in a backfill? It may have learnt from what came of it.
    """

    target: str
    version: str
    as_of: date
    days: int
    early: bool
    result: Realised
    announced: tuple[float, float] | None
    calibration: pd.DataFrame
    learnt: bool = False

    @property
    def order_broken(self) -> bool:
        """Is the order of customers worse than announced, beyond chance of either?"""
        return self.announced is not None and self.result.figure.high < self.announced[0]


def kept(project: Project, tables: Tables, files: Sequence[ScoreFile], as_of: date) -> list[Kept]:
    """What came of some publications by a date, oldest night first.

    Parameters
    ----------
    project
        Its settings and workspace.
    tables
        The canonical tables as of the date.
    files
        The publications.
    as_of
        What is known before it counts.
    """
    dates = sorted(date.fromisoformat(file.meta["as_of"]) for file in files)
    champions = bundles.champions(project.workspace)
    targets = _looked_at_early(scoring.targets_of(champions, project.settings))
    dates = [day for day in dates if day + timedelta(days=min(waits(project), default=0)) <= as_of]
    if not dates:
        return []
    labels = _labels(project, tables, targets, dates, as_of)
    found = []
    for file in sorted(files, key=lambda file: file.meta["as_of"]):
        own = labels[labels["as_of"] == date.fromisoformat(file.meta["as_of"])]
        if len(own):
            found += list(_of_night(project, file, own.drop(columns="as_of"), targets))
    return found


def _looked_at_early(targets: TargetSettings) -> TargetSettings:
    """The same targets, churn with the early looks among its horizons where leaving has a day."""
    churn = targets.churn
    if churn.rule != "deactivated":
        return targets
    horizons = tuple(sorted({*(d for d in EARLY if d < churn.horizon_days), *churn.known}))
    return targets.model_copy(update={"churn": churn.model_copy(update={"horizons": horizons})})


def waits(project: Project) -> list[int]:
    """Days from a night until the outcome of each of its looks is known, rising; none where no answer has a date."""
    targets = _looked_at_early(project.settings.targets)
    definitions = [targets.of(name) for name in project.settings.predicted]
    windows = {one.gap_days + days for one in definitions if one.dated for days in one.known}
    return sorted(window + project.settings.protocol.reporting_delay_days for window in windows)


def _labels(
    project: Project, tables: Tables, targets: TargetSettings, dates: Sequence[date], as_of: date
) -> pd.DataFrame:
    """Outcomes of the population of some dates, or of each so many-th row of it."""
    rows = population(tables.tables, dates, project.mapping.timezone, project.settings.population)
    spine = project.connection.create_table("monitored", rows, temp=True, overwrite=True)
    step = -(-int(spine.count().to_pyarrow().as_py()) // MOST)
    if step > 1:
        few = spine.filter(spine[ROW] % step == 0).to_pyarrow()
        spine = project.connection.create_table("monitored_few", few, temp=True, overwrite=True)
    return labels_of(project, tables, spine, targets, as_of)


def _of_night(project: Project, file: ScoreFile, labels: pd.DataFrame, targets: TargetSettings) -> Iterator[Kept]:
    """What came of each promise of a night."""
    columns = [c for t in TARGETS.values() for c in (t.published, t.curve) if c and c in file.column_names]
    told = file.select(["customer_id", *dict.fromkeys(columns)]).to_pandas()
    rows = labels.merge(told, on="customer_id", validate="one_to_one")
    versions = {name: model["version"] for name, model in json.loads(file.meta["models"]).items()}
    for name, version in versions.items():
        target = TARGETS[name]
        definition = targets.of(name)
        for days in definition.known if definition.dated else ():
            label = target.label.format(days)
            if label in rows:
                asked = rows[rows[label].notna()]
                promise = _promise(asked, target, days)
                outcome = _outcome(asked[~np.isnan(promise)], target, label)
                promise = promise[~np.isnan(promise)]
                if len(promise) and _tells(outcome):
                    main = days == project.settings.targets.of(name).horizon_days
                    yield _kept(project, target, version, file, days, main, outcome, promise)


def _kept(
    project: Project,
    target: Target,
    version: str,
    file: ScoreFile,
    days: int,
    main: bool,
    outcome: Outcome,
    promise: np.ndarray,
) -> Kept:
    result = monitoring.realised(outcome, promise, target.metric, project.settings.seed)
    binary = target.task.objective == "binary"
    table = monitoring.calibration(promise, outcome.y) if binary else pd.DataFrame()
    night, facts = date.fromisoformat(file.meta["as_of"]), _training(project, version)
    announced = _announced(facts, target.metric if main else f"{target.metric}_{days}")
    learnt = night.isoformat() < str(facts.get("as_of", ""))
    return Kept(target.name, version, night, days, not main, result, announced, table, learnt)


def _promise(rows: pd.DataFrame, target: Target, days: int) -> np.ndarray:
    """What was promised by so many days: the point of the curve, or before its first point at the pace until there."""
    told = pd.to_numeric(rows[target.published]).to_numpy(dtype=float, na_value=np.nan)
    if target.curve is None or target.curve not in rows or not len(rows):
        return told
    known = rows[target.curve].map(lambda points: dict(_points(points)), na_action="ignore")
    offered = sorted({d for curve in known.dropna().head(1) for d in curve})
    if not offered:
        return told
    nearest = min((d for d in offered if d >= days), default=offered[-1])
    values = known.map(lambda curve: curve.get(nearest, np.nan), na_action="ignore").to_numpy(dtype=float)
    return values if nearest == days else monitoring.early(values, days, nearest)


def _points(points: Any) -> Iterator[tuple[int, float]]:
    for point in points:
        days, probability = point.values() if isinstance(point, dict) else point
        yield int(days), float(probability)


def _outcome(rows: pd.DataFrame, target: Target, label: str) -> Outcome:
    y = rows[label].astype(float).to_numpy()
    money = rows["value"].astype(float).to_numpy() if "value" in rows else np.zeros(len(rows))
    return Outcome(target.task, y, money, rows["customer_id"].to_numpy())


def _tells(outcome: Outcome) -> bool:
    """Are there enough of either kind, or any money at all?"""
    if outcome.task.objective != "binary":
        return bool(outcome.y.sum() > 0)
    return bool(FEWEST <= outcome.y.sum() <= len(outcome.y) - FEWEST)


def _training(project: Project, version: str) -> dict[str, Any]:
    """What was recorded of the training of a version; nothing where that was not kept."""
    known = evaluations.load(project.workspace, version)
    return known[0] if known else {}


def _announced(facts: Mapping[str, Any], metric: str) -> tuple[float, float] | None:
    """The interval of a figure of everybody, as the training of the winner announced it."""
    told = [*facts.get("metrics", ()), *facts.get("survival", ())]
    rows = [m for m in told if m["model"] == facts["winner"] and m["metric"] == metric and m.get("group") is None]
    return (rows[0]["low"], rows[0]["high"]) if rows and rows[0]["low"] is not None else None
