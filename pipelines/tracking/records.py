"""What a training leaves in MLflow, before MLflow is asked: plain objects that the flows fill."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Session:
    """One training of one or more targets: the run above theirs.

    Attributes
    ----------
    name
        Of the run; begins with the as-of date, so that runs sort.
    description
        Markdown.
    tags
        What came of it.
    metrics
        The headline of each target that was registered; none is null.
    """

    name: str
    description: str
    tags: dict[str, str]
    metrics: dict[str, float]


@dataclass(frozen=True)
class CandidateRecord:
    """One candidate of a target, or one trial of a search: the runs below that of the target.

    Attributes
    ----------
    name
        Of the run.
    metrics
        Figures with their intervals; none is null.
    tags
        Who it is, and whether it was chosen.
    params
        What it was made with, where that is its own.
    """

    name: str
    metrics: dict[str, float]
    tags: dict[str, str]
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataUsed:
    """Snapshots that a run has used.

    Attributes
    ----------
    name
        As it is listed.
    digest
        At most 36 characters; the same for the same rows.
    context
        `training` or `evaluation`.
    source
        The configuration that they are made by.
    profile
        JSON-ready: `num_rows`, the as-of dates, and what they are made from.
    """

    name: str
    digest: str
    context: str
    source: str
    profile: Mapping[str, Any]


@dataclass(frozen=True)
class Training:
    """What the training of one target leaves in MLflow.

    Attributes
    ----------
    target
        Names the registered model.
    name
        Of the run; begins with the as-of date.
    description
        Markdown: what was learnt from and judged on, and the decision in one sentence per language.
    params
        Settings and sizes.
    metrics
        The headline with its interval, today's rule, and the lead over it; none is null.
    tags
        Fingerprints, and why it was decided as it was.
    version_tags
        Those that the registered version carries too.
    files
        The model as text, by file name.
    inputs
        Name and MLflow type of each feature, in order.
    outputs
        Names of the predictions.
    table
        Every figure of every candidate, as the table `figures.json`.
    candidates
        Runs below this one.
    data
        What was learnt from and judged on.
    figures
        SVG texts by name.
    reports
        JSON-ready documents by name.
    card
        The model card, one HTML page; empty for none.
    """

    target: str
    name: str
    description: str
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: dict[str, str]
    version_tags: dict[str, str]
    files: dict[str, str]
    inputs: list[tuple[str, str]]
    outputs: list[str]
    table: pd.DataFrame
    candidates: tuple[CandidateRecord, ...] = ()
    data: tuple[DataUsed, ...] = ()
    figures: dict[str, str] = field(default_factory=dict)
    reports: dict[str, Any] = field(default_factory=dict)
    card: str = ""
