"""Retraining: snapshots -> train -> register the challenger -> gate -> promote. Plain functions; a flow wraps them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from features.definition import KEY
from models import targets as outcomes
from models.snapshots import ordered
from models.splits import Split, plan
from models.target_settings import TargetSettings
from models.training import Trained, train
from pipelines import delivery, evaluations, promotion, storage, tracking
from pipelines.assembly import Assembly
from pipelines.progress import Steps
from pipelines.texts import text
from pipelines.tracking import Version

if TYPE_CHECKING:
    from pipelines.command import Run
    from pipelines.project import Project

HISTORY_DAYS = 150
"""Assumption: an as-of date with less history behind it teaches little; the first bills bound the dates learnt from."""


@dataclass(frozen=True)
class Dataset:
    """Labelled snapshots of every date that some target needs, and the split of each target."""

    frame: pd.DataFrame
    splits: dict[str, Split]
    targets: TargetSettings
    features: tuple[str, ...]
    inputs: str


def dataset(project: Project, as_of: date, names: Sequence[str], steps: Steps) -> Dataset:
    """Features and labels as they were known at `as_of`; customers with too little history are left out."""
    settings = project.settings
    with steps.step("check") as facts:
        tables = project.tables(as_of)
        facts["said"] = delivery.rows_said(tables, steps.lang)
    splits = {n: split(project, as_of, n, settings.targets, earliest(tables)) for n in names}
    return snapshots(project, as_of, tables, splits, steps)


def split(project: Project, as_of: date, name: str, targets: TargetSettings, first: date) -> Split:
    return plan(as_of, project.settings.protocol, targets.window_days(name), first)


def earliest(tables: Any) -> date:
    """The first date with enough history behind it."""
    first = tables["bills"].happened_on.min().to_pyarrow().as_py()
    return first + timedelta(days=HISTORY_DAYS)


def snapshots(project: Project, as_of: date, tables: Any, splits: dict[str, Split], steps: Steps) -> Dataset:
    """One frame for all targets and dates, built as on any night; of each n-th customer where rows would be too many."""
    settings = project.settings
    dates = sorted({day for split in splits.values() for day in split.dates})
    with steps.step("snapshots") as facts:
        learnt = max(day for split in splits.values() for day in split.every)
        with Assembly(project, tables, dates, steps, most=settings.training.most_rows) as made:
            everybody = made.everybody
            targets = outcomes.fixed(everybody.filter(everybody.as_of <= learnt), tables.tables, settings.targets)
            wide = pd.concat(list(made.snapshots()), ignore_index=True)
            labels = project.labels(tables, made.spine, targets, as_of).drop(columns=KEY)
        frame = ordered(pd.concat([wide, labels], axis=1))
        if settings.population.min_history_days:
            frame = frame[frame["tenure_days"] >= settings.population.min_history_days]
        facts |= {"rows": len(frame), "dates": len(dates), "one_customer_in": made.one_in}
        facts["said"] = f"{len(frame):,} × {len(project.features)} · {dates[0]} … {dates[-1]}"
        if made.one_in > 1:
            facts["said"] += " · " + text("steps.drawn", steps.lang, n=made.one_in)
    columns = tuple(feature.column for feature in project.features)
    return Dataset(frame, splits, targets, columns, tables.fingerprint)


def learn(project: Project, data: Dataset, name: str, steps: Steps) -> Trained:
    """Train one target and judge it on its final window."""
    settings = project.settings
    chosen = settings.training.model_copy(update={"threads": settings.threads, "seed": settings.seed})
    with steps.step(f"train_{name}") as facts:
        trained = train(name, data.frame, data.splits[name], chosen, data.features)
        trained.model.facts_ |= {
            "feature_set_hash": project.feature_set_hash,
            "targets": data.targets.model_dump(mode="json"),
            "inputs": data.inputs,
        }
        facts |= {"winner": trained.winner, "beats_rule": trained.beats_rule}
        facts["said"] = trained.sentence(steps.lang)
    return trained


def run(project: Project, as_of: date, names: Sequence[str], steps: Steps, *, promote: bool) -> list[dict[str, Any]]:
    """Train, register, gate, and promote what passes when asked to. One summary per target."""
    with storage.exclusive(project.workspace, f"retrain {as_of}"):
        promotion.ready(project, steps)
        data = dataset(project, as_of, names, steps)
        return [register(project, data, learn(project, data, name, steps), steps, promote=promote) for name in names]


def register(project: Project, data: Dataset, trained: Trained, steps: Steps, *, promote: bool) -> dict[str, Any]:
    """Log and register one model, decide its gate on the champion's same rows, and promote it if it passes.

    Where it does not pass and there is no champion that could score, today's rule becomes the first champion: the
    night needs one, and nothing better has been shown.
    """
    with steps.step(f"register_{trained.target}") as facts:
        decision = promotion.decide(project, data.frame, trained)
        version = logged(project, data, trained, decision)
        facts["said"] = f"{version.name} · " + promotion.sentence(decision, steps.lang)
        champion = None
        if promote and decision["passed"]:
            champion = version
            promotion.install(project.workspace, version, trained.model.to_files())
        elif promote and not promotion.usable(project, trained.target):
            champion = rule_as_champion(project, data, trained, decision)
        if champion:
            facts["said"] += " · " + text("steps.champion", steps.lang, version=champion.name)
        if champion and champion != version:
            facts["said"] += " · " + text("steps.rule_champion", steps.lang)
        facts |= {"version": version.name, "passed": decision["passed"]}
    return summary(trained, version, decision, champion)


def logged(project: Project, data: Dataset, trained: Trained, decision: dict[str, Any]) -> Version:
    """The registered version of a training, with its figures kept beside the models."""
    weights = evaluations.importance(project, trained, data.frame)
    version = tracking.log(project.workspace, evaluations.training_record(project, trained, decision, weights))
    evaluations.keep(project.workspace, version, trained)
    return version


def rule_as_champion(project: Project, data: Dataset, trained: Trained, decision: dict[str, Any]) -> Version:
    """Register the rule that competed, with the figures it had on the same window, and make it the champion."""
    rule = trained.candidates["rule"]
    rule.facts_ = trained.model.facts_ | {"learner": "rule"}
    as_rule = dataclasses.replace(trained, model=rule, winner="rule", beats_rule=False)
    version = logged(project, data, as_rule, decision | {"passed": True, "checks": []})
    promotion.install(project.workspace, version, rule.to_files())
    return version


def summary(trained: Trained, version: Version, decision: dict[str, Any], champion: Version | None) -> dict[str, Any]:
    figure = trained.figure(trained.winner, trained.judged_by)
    return {
        "target": trained.target,
        "version": version.name,
        "winner": trained.winner,
        "beats_rule": trained.beats_rule,
        "metric": trained.judged_by,
        "value": round(figure.value, 4),
        "interval": [round(figure.low, 4), round(figure.high, 4)],
        "gate_passed": decision["passed"],
        "failed_checks": [c["name"] for c in decision["checks"] if not c["passed"]],
        "promoted": champion == version,
        "champion": champion.name if champion else None,
    }


def command(run_: Run, as_of: date, names: list[str], *, promote: bool) -> None:
    """`headwater train` and `headwater retrain`. A refused promotion is told, and is exit 5 when all were refused."""
    found = run(run_.project, as_of, names, run_.steps, promote=promote)
    run_.tell(as_of=as_of.isoformat(), models=found)
    run_.say(evaluations.table(found, run_.language))
    if promote:
        promotion.refuse_when_none(found)
