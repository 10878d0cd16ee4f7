"""One thing that is predicted, as one object; `registry` lists them all.

Reading a configuration imports this, so that nothing here imports a library that learns.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
from pydantic import Field

from features.strict import Strict
from models.scores.score_column import ScoreColumn
from models.targets.candidate import Candidate
from models.targets.follow_up import FollowUp
from models.targets.task import Task


class Definition(Strict):
    """Where the label window of a target lies: `[as_of + gap_days, as_of + gap_days + horizon_days)`."""

    enabled: bool = Field(True, description="is it predicted? null instead of the section says no as well")
    gap_days: int = Field(0, ge=0, description="days between the as-of date and the label window")
    horizon_days: int = Field(90, gt=0, description="days of the label window")

    @property
    def window_days(self) -> int:
        """Days from the as-of date to the end of the label window."""
        return self.gap_days + self.horizon_days

    @property
    def dated(self) -> bool:
        """Does a window of days belong to the answer?"""
        return True

    @property
    def known(self) -> tuple[int, ...]:
        """Horizons, in days, that have a label; rising."""
        return (self.horizon_days,)


class RuleSettings(Strict):
    """The rule of today for one target: a feature column, as people rank by it."""

    column: str = Field(description="the feature that people rank by")
    factor: float = Field(1.0, gt=0, description="turns the column into money of the horizon; amounts only")
    higher: bool = Field(True, description="more of the column means more of the target")


def _nothing(_: Any) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Target:
    """Everything that is particular to one thing that is predicted. Words are found by its name.

    Attributes
    ----------
    name
        As in configurations, commands, file names and columns.
    task
        Yes or no, or an amount.
    definition
        The settings class of its label.
    label
        Its label column; `{}` stands for a horizon in days.
    labels
        Key and label columns of the rows that are followed up, null where undefined.
    asks
        Tables that its labels are made from by a definition: `bills`, or with a column as `labels.value`.
    estimator
        Module and class of its estimator, imported when a model is made or read.
    candidates
        Who competes, in the order of preference between equals.
    further
        Who competes, too, where a configuration names them: not for every business.
    rule
        The rule of today, unless a configuration says otherwise.
    metric
        The figure that chooses among candidates, and judges the chosen one.
    score
        The output that is judged.
    outputs
        Output of the estimator to column of the score table; a column that begins with `_` only helps.
    curve
        Column for the probability by horizon; none for one horizon.
    ranked
        Columns of `outputs` that are compared among everybody.
    facts
        Other columns of `labels`, which are known whatever the window.
    apart
        The one of `facts` whose customers are also judged by themselves.
    weight
        The one of `facts` that says how often a row counts in learning; 0 is not at all, null once.
    fixed
        Its settings with what is fixed once per training; from rows of a spine, tables, its settings and those of
        features.
    everybody
        False: who is high-value, or objects to marketing, gets no score.
    learnt_where
        The label column whose known rows are learnt from; its own when left out.
    beside
        Further labels for the estimator: their name there, and the target whose main label they are.
    stake
        The target whose rule of today tells the money at stake in a positive; without it realised value counts.
    interval
        The outputs between which 80 % of the truth lie.
    reasons
        Are reasons published, as `<name>_reasons`?
    figures
        The metrics that a backtest prints.
    report_figures
        The metrics that the report shows.
    sold_figures
        The metrics that the grade comes from: how good the top of a list is, and the money it holds.
    counted
        Facts of a night that are unknown where nothing scored this target.
    money, counts
        Columns of the score table whose mean, or number, must not jump from night to night.
    columns
        Columns for the score table that its contract does not name; they come last.
    """

    name: str
    task: Task
    definition: type[Definition]
    label: str
    labels: Callable[[FollowUp, Any], ir.Table]
    estimator: tuple[str, str]
    candidates: tuple[Candidate, ...]
    rule: RuleSettings
    metric: str
    score: str
    outputs: Mapping[str, str]
    figures: tuple[str, ...]
    report_figures: tuple[str, ...]
    sold_figures: tuple[str, ...]
    further: tuple[Candidate, ...] = ()
    asks: Callable[[Any], tuple[str, ...]] = _nothing
    curve: str | None = None
    ranked: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    apart: str | None = None
    weight: str | None = None
    fixed: Callable[[ir.Table, Mapping[str, ir.Table], Any, Any], Any] | None = None
    everybody: bool = True
    learnt_where: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    stake: str | None = None
    interval: tuple[str, str] | None = None
    reasons: bool = False
    counted: tuple[str, ...] = ()
    money: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    columns: tuple[ScoreColumn, ...] = ()

    @property
    def declared(self) -> tuple[Candidate, ...]:
        """Everybody who may compete."""
        return (*self.candidates, *self.further)

    def label_columns(self, definition: Definition) -> tuple[str, ...]:
        """The label columns of a configuration, shortest horizon first."""
        return tuple(dict.fromkeys(self.label.format(days) for days in definition.known))

    def horizons(self, columns: Iterable[str]) -> tuple[int, ...]:
        """Days of this target's labels among some columns, rising; the last is the main one. `(0,)` without days."""
        head, days, _ = self.label.partition("{}")
        if not days:
            return (0,)
        return tuple(sorted(int(c.removeprefix(head)) for c in columns if c.startswith(head)))

    def labels_among(self, columns: Iterable[str]) -> list[str]:
        """This target's labels among some columns, the main one last; empty where there is none."""
        names = set(columns)
        return [label for label in map(self.label.format, self.horizons(names)) if label in names]

    @property
    def apart_group(self) -> str:
        """What those are called who are judged by themselves, in wording and as a group of figures; empty: nobody is."""
        return (self.apart or "").removeprefix(f"{self.name}_")

    @property
    def version_column(self) -> str:
        """The column of the score table that names its model."""
        return f"{self.name}_model_version"

    @property
    def reasons_column(self) -> str:
        """The column of the score table that holds its reasons."""
        return f"{self.name}_reasons"

    @property
    def published(self) -> str:
        """The column of the score table that holds the judged output."""
        return self.outputs[self.score]
