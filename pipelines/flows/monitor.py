"""Do inputs and scores drift, do promises come true, and how old are the champions? Reads what nights have published."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from features.errors import HeadwaterError, Problem
from models.evaluation import monitoring, movers
from models.evaluation.drift import stability
from models.evaluation.monitoring import Drift
from models.evaluation.movers import Mover
from models.targets.registry import TARGETS
from pipelines.flows import causes, looks, realised, seen
from pipelines.flows.realised import Kept
from pipelines.flows.seen import Seen
from pipelines.ingest import months
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.workspace import bundles, evaluations, runs
from pipelines.workspace.score_files import ScoreFile


@dataclass(frozen=True)
class InputDrift:
    """A feature that may have moved, with the tables that it is made from and their inputs that are new."""

    drift: Drift
    tables: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True)
class ScoreDrift:
    """How far the scores of a target have moved from the nearest earlier night, and what moved them.

    Attributes
    ----------
    target
        Whose.
    version
        The model that scored the newest night.
    before
        Mean score of the night before.
    now
        Of the newest night.
    psi
        Population stability index against the nearest earlier night.
    movers
        The features that moved the mean since the night before, the strongest first.
    same_model
        Did one model score both?
    """

    target: str
    version: str
    before: float
    now: float
    psi: float
    movers: tuple[Mover, ...]
    same_model: bool


@dataclass(frozen=True)
class Age:
    """How old a champion is: `learnt` is the newest date that it learnt from, None where that is not recorded."""

    target: str
    version: str
    learnt: date | None
    days: int | None
    old: bool


@dataclass(frozen=True)
class Monitoring:
    """Everything that the monitor has found.

    Attributes
    ----------
    as_of
        The newest night, which is looked at.
    since
        The first day that is looked at.
    nights
        Dates that it is compared with.
    inputs
        Every feature that a champion goes by, the most important drift first.
    scores
        Per target.
    kept
        What came of earlier nights, oldest first.
    estimates
        Target -> how good its newest scores would be if every probability were right.
    ages
        Per champion.
    problems
        W572 to W575.
    """

    as_of: date
    since: date
    nights: tuple[date, ...] = ()
    inputs: Sequence[InputDrift] = ()
    scores: Sequence[ScoreDrift] = ()
    kept: Sequence[Kept] = ()
    estimates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    ages: Sequence[Age] = ()
    problems: Sequence[Problem] = ()


def monitor(project: Project, as_of: date, since: date | None = None) -> Monitoring:
    """Look at the newest publication before or at a date.

    Parameters
    ----------
    project
        Its workspace and settings.
    as_of
        What is known before it counts; later nights are not looked at.
    since
        The first day whose nights are looked at; if None 35 days before the newest night, and for outcomes 35 days
        before the newest night of which all can be known.

    Returns
    -------
    Monitoring
        What was found. Writes nothing.

    Raises
    ------
    HeadwaterError
        E431 (exit 4) where nothing is published by then; E340 where the newest night is damaged.
    """
    workspace = project.workspace
    days = [day for day in workspace.published_dates() if day <= as_of]
    newest = runs.verified_score_file(workspace, days[-1] if days else as_of)
    day = date.fromisoformat(newest.meta["as_of"])
    first = since or day - timedelta(days=looks.DAYS)
    before = _intact(project, [other for other in days if first <= other < day])
    tables = project.tables(as_of)
    looked_at = looks.compared(before, day, project.settings.monitor.nights)
    inputs = input_drifts(project, tables, newest, looked_at)
    scores = score_drifts(project, newest, looked_at)
    until = months.told_until(tables, project.mapping, as_of)
    nights = looks.with_outcomes(days, realised.waits(project), until, since, project.settings.monitor.nights)
    kept = realised.kept(project, tables, _intact(project, nights), as_of)
    ages = champion_ages(project, as_of)
    compared = tuple(date.fromisoformat(file.meta["as_of"]) for file in looked_at)
    champions = {age.target: age.version for age in ages}
    problems = [*_drifted(inputs, day), *looks.broken(kept, champions), *_old(ages)]
    return Monitoring(day, first, compared, inputs, scores, kept, _estimates(newest), ages, problems)


def _intact(project: Project, days: Sequence[date]) -> list[ScoreFile]:
    """The publications of some days, but for damaged ones, which `nightly` and `doctor` tell of."""
    found = []
    for day in days:
        try:
            found.append(runs.verified_score_file(project.workspace, day))
        except HeadwaterError as error:
            if error.problem.code != "E340":
                raise
    return found


def input_drifts(project: Project, tables: Tables, newest: ScoreFile, before: Sequence[ScoreFile]) -> list[InputDrift]:
    """Every feature that a champion goes by against the nearest of earlier nights, the most important drift first."""
    now = seen.load(project.workspace, newest.meta["run_id"])
    past = [known for file in before if (known := seen.load(project.workspace, file.meta["run_id"]))]
    if now is None or not past:
        return []
    money = frozenset(f.column for f in project.features if f.unit.startswith("currency"))
    found = monitoring.drifts([one.inputs for one in past], now.inputs, _weights(now), money, project.settings.monitor)
    sources = causes.sources(project.features)
    old, new = (json.loads(file.meta["input_files"]) for file in (before[-1], newest))
    return [_of_files(d, sources.get(d.feature, ()), old, new) for d in found]


def _of_files(found: Drift, tables: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> InputDrift:
    """With the files that are new since the night before. Where none is, only time went on: that is no fault of data."""
    files = tuple(causes.new_files(old, new, tables))
    came = bool(files) or not any(name in new for name in tables)
    return InputDrift(replace(found, alarm=found.alarm and came), tables, files)


def _weights(now: Seen) -> dict[str, float]:
    """Feature -> largest share that it has in what moves the scores of any target."""
    shares = [movers.weights(now.uses, target) for target in now.uses["target"].unique()]
    found: dict[str, float] = {}
    for one in shares:
        for name, share in one.items():
            found[str(name)] = max(found.get(str(name), 0.0), float(share))
    return found


def score_drifts(project: Project, newest: ScoreFile, before: Sequence[ScoreFile]) -> list[ScoreDrift]:
    """Scores of each target against the nearest of earlier nights, and the features that moved their mean since the last."""
    if not before:
        return []
    last, models = before[-1], json.loads(newest.meta["models"])
    sights = [seen.load(project.workspace, file.meta["run_id"]) for file in (last, newest)]
    found = []
    for name, model in models.items():
        column = TARGETS[name].published
        past = [_known(file, column) for file in before]
        now, past = _known(newest, column), [values for values in past if len(values)]
        if not (len(now) and past):
            continue
        same = json.loads(last.meta["models"]).get(name, {}).get("version") == model["version"]
        old, new = sights
        moved = new.movers_since(old, name, same_model=same) if old and new else []
        psi = min(stability(values, now) for values in past)
        means = float(past[-1].mean()), float(now.mean())
        found.append(ScoreDrift(name, model["version"], *means, psi, tuple(moved), same))
    return found


def _known(file: ScoreFile, column: str) -> np.ndarray:
    """The known values of a column of scores."""
    if column not in file.column_names:
        return np.empty(0)
    values = file.select([column])[column].cast("float64").to_numpy()
    return values[~np.isnan(values)]


def _estimates(newest: ScoreFile) -> dict[str, dict[str, float]]:
    """How good the probabilities of the newest night would be if every one were right."""
    known = {t.name: _known(newest, t.published) for t in TARGETS.values() if t.task.objective == "binary"}
    return {name: monitoring.estimated(values) for name, values in known.items() if len(values)}


def champion_ages(project: Project, as_of: date) -> list[Age]:
    """How long ago each champion's newest outcomes began."""
    ages = []
    for name, entry in bundles.champion_entries(project.workspace).items():
        known = evaluations.load(project.workspace, entry["version"])
        learnt = [date.fromisoformat(day) for day in known[0]["dates"]["learnt"]] if known else []
        newest = max(learnt, default=None)
        days = (as_of - newest).days if newest else None
        horizon = project.settings.targets.of(name).window_days
        old = days is not None and days - horizon > project.settings.monitor.age_days
        ages.append(Age(name, entry["version"], newest, days, old))
    return ages


def _drifted(inputs: Sequence[InputDrift], day: date) -> list[Problem]:
    """W572 for the most important features that have moved, one for each set of tables."""
    told: dict[tuple[str, ...], list[InputDrift]] = {}
    for one in inputs:
        if one.drift.alarm:
            told.setdefault(one.tables, []).append(one)
    return [_told(group, day) for group in told.values()]


def _told(group: Sequence[InputDrift], day: date) -> Problem:
    strongest = group[0]
    named = ", ".join(
        f"{one.drift.feature} ({causes.shown(one.drift.shift.before)} → {causes.shown(one.drift.shift.now)})"
        for one in group[: causes.TOLD]
    )
    values: dict[str, Any] = {"features": named, "n": len(group), "tables": ", ".join(strongest.tables) or "—"}
    values |= {"files": ", ".join(strongest.files[: causes.TOLD]) or "—", "as_of": day.isoformat()}
    return Problem("W572", strongest.files[0] if strongest.files else "", column=strongest.drift.feature, values=values)


def _old(ages: Sequence[Age]) -> list[Problem]:
    """W575 for each champion that has not learnt for long."""
    return [
        Problem("W575", values={"target": a.target, "version": a.version, "learnt": str(a.learnt), "days": a.days})
        for a in ages
        if a.old
    ]
