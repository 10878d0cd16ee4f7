"""Columns that may know too much: which they are, what becomes of them, and what is told of it.

Our own features are cut by time in one place and cannot see an outcome: however well one tells it, it is learnt from,
and named by training. What customers are recorded with, and what a project computes itself, has no such proof.
"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from features.catalogue import FAMILIES
from features.definition import Feature
from features.errors import HeadwaterError, Problem
from models.evaluation import leaks
from models.evaluation.leaks import Leak
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from pipelines.config.validation import nearest
from pipelines.project import Project

OURS = frozenset(family.__name__.rpartition(".")[2] for family in FAMILIES)
CLOCKED = ("changes", "months")
"""Histories of customers that say what was on record on every past date."""


def check_confirmed(project: Project) -> None:
    """Raises E284 for a name in `training.confirmed` that is neither a column nor an attribute of customers."""
    known = sorted({name for feature in project.features for name in _names(feature)})
    for name in project.settings.training.confirmed:
        if name not in known:
            raise HeadwaterError("E284", file=_file(project), name=name, nearest=nearest(name, known) or "—")


def found(project: Project, frame: pd.DataFrame, columns: Sequence[str], targets: TargetSettings) -> dict[str, Leak]:
    """The columns that know too much of any yes/no outcome, and that nobody has confirmed.

    Parameters
    ----------
    project
        Its features, how customers are delivered, and what was confirmed.
    frame
        Labelled snapshots of every date.
    columns
        Of the features in it.
    targets
        Whose labels are looked at.
    """
    suspects = [f for f in project.features if f.column in columns and _is_suspect(project, f)]
    recorded = [f.column for f in suspects if _recorded(project, f)]
    timed = [f.column for f in suspects if f.column not in recorded]
    told = (t.label_columns(targets.of(t.name))[-1] for t in TARGETS.values() if t.task.leaks)
    labels = [label for label in told if label in frame]
    return leaks.found(frame, labels, recorded, timed, project.settings.gates.leak)


def problems(project: Project, left_out: Mapping[str, Leak]) -> Iterator[Problem]:
    """A warning for each column that is left out: why, and how to confirm it."""
    for name, leak in left_out.items():
        yield Problem("W563", _file(project), values={"name": name, "auc": leak.auc, "why": f"@leak.{leak.why}"})


def _file(project: Project) -> str | None:
    return str(project.config) if project.config else None


def _is_suspect(project: Project, feature: Feature) -> bool:
    """Neither confirmed, nor what people rank by today, nor cut by time by code of ours."""
    training = project.settings.training
    ranked_by = {rule.column for _, rule in training.candidates.rules}
    if not _names(feature).isdisjoint(training.confirmed) or feature.column in ranked_by:
        return False
    return feature.family not in OURS or _on_record(feature)


def _names(feature: Feature) -> set[str]:
    """What it is confirmed by: its column, or the attribute that it is made from."""
    return {feature.column, *([feature.measure] if feature.source == "attributes" and feature.measure else [])}


def _on_record(feature: Feature) -> bool:
    """Is it an attribute of customers? When they joined is none: it is where their time begins."""
    return feature.source == "attributes" or (feature.source == "customers" and feature.unit == "text")


def _recorded(project: Project, feature: Feature) -> bool:
    """Does every date see what is on record today?"""
    mapping = project.mapping
    return _on_record(feature) and (mapping.clockless or mapping.tables["customers"].kept not in CLOCKED)
