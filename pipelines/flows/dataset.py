"""Labelled snapshots for training: features as on any night, outcomes as far as they were known at a date."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from features.contracts import CHURNED
from features.definition import KEY
from features.errors import HeadwaterError
from models.evaluation.leaks import Leak
from models.settings import Rules
from models.snapshots import ordered
from models.splits import Protocol, Split, plan
from models.targets import outcomes
from models.targets.registry import TARGETS
from models.targets.settings import TargetSettings
from pipelines.engine.assembly import Assembly
from pipelines.engine.scoring_run import nobody
from pipelines.flows import sentences, suspects, treated
from pipelines.ingest import months
from pipelines.ingest.canonical import newest_day
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace.progress import Steps

FEW = 6
"""Names that are told of many."""


@dataclass(frozen=True)
class Dataset:
    """Labelled snapshots of every date that some target needs, and the split of each target.

    Attributes
    ----------
    frame
        A row per customer and date: features, labels (null where not known yet), ordered by both.
    splits
        Target -> the dates that it is fitted, calibrated and judged on.
    targets
        Settings of the targets, the high-value amount fixed.
    features
        Columns that may be learnt from: those that differ between rows, and do not know too much.
    inputs
        Fingerprint of the tables, and after a hyphen that of the registered campaigns, whom training weighs by, where there are any.
    as_of
        What was known by then was used.
    tables
        Their names.
    left_out
        The columns that know too much.
    """

    frame: pd.DataFrame
    splits: dict[str, Split]
    targets: TargetSettings
    features: tuple[str, ...]
    inputs: str
    as_of: date
    tables: tuple[str, ...] = ()
    left_out: Mapping[str, Leak] = field(default_factory=dict)


def dataset(project: Project, as_of: date, names: Sequence[str], steps: Steps) -> Dataset:
    """Features and labels as they were known at a date; customers with too little history are left out.

    Parameters
    ----------
    project
        Its settings and tables.
    as_of
        What is known by then is used.
    names
        Targets.
    steps
        Shows how far it is.

    Returns
    -------
    Dataset
        Snapshots of every date that some target needs.

    Raises
    ------
    HeadwaterError
        The problem of each target that cannot be learnt, if there is one.
    """
    tables = read_tables(project, as_of, steps)
    splits, failures = split_plans(project, as_of, names, tables)
    if failures:
        raise HeadwaterError.of([error.problem for error in failures.values()])
    return snapshots(project, as_of, tables, splits, steps)


def read_tables(project: Project, as_of: date, steps: Steps) -> Tables:
    """The canonical tables as of a date, and a line of how many rows were used."""
    with steps.step("check") as facts:
        tables = project.tables(as_of)
        facts["said"] = sentences.rows_read(tables, steps.lang)
    return tables


def split_plans(
    project: Project, as_of: date, names: Sequence[str], tables: Tables
) -> tuple[dict[str, Split], dict[str, HeadwaterError]]:
    """The split of each target, or why there is none."""
    settings, splits, failures = project.settings, dict[str, Split](), dict[str, HeadwaterError]()
    first = earliest_date(tables.tables, settings.protocol)
    until = months.told_until(tables, project.mapping, as_of)
    for name in names:
        try:
            days = settings.targets.of(name).window_days
            splits[name] = plan(until, settings.protocol, days, first, shortest_days(project, name))
        except HeadwaterError as error:
            failures[name] = error
    return splits, failures


def shortest_days(project: Project, name: str) -> int | None:
    """Days until the shortest horizon of a target is over, where somebody who competes learns from that; else None."""
    target, definition = TARGETS[name], project.settings.targets.of(name)
    learnt = project.settings.training.candidates.by_period(target, definition.known)
    return definition.gap_days + definition.known[0] if learnt else None


def dates_learnt_from(project: Project, as_of: date, tables: Tables) -> list[date]:
    """The as-of dates that a training at a date looks at, of all targets; none where there is too little history."""
    splits, _ = split_plans(project, as_of, project.targets(), tables)
    return sorted({day for split in splits.values() for day in split.dates})


def earliest_date(tables: Mapping[str, ir.Table], protocol: Protocol) -> date | None:
    """The first date with enough history behind it: the first bills bound the dates learnt from.

    Without bills the first use does, then the first event of any table; where there is none, the first activation, but
    not before customers were on record. None where nothing has a date.
    """
    ordered = [tables[name] for name in ("bills", "usage", *tables) if name in tables]
    days = [rows.happened_on for rows in ordered if "happened_on" in rows.columns]
    first = (days or [tables["customers"].activated_on])[0]
    day = first.min().to_pyarrow().as_py()
    if day and not days and "known_at" in tables["customers"].columns:
        day = max(day, tables["customers"].known_at.min().to_pyarrow().as_py().date())  # nobody was on record before
    return day and day + timedelta(days=protocol.history_days)


def snapshots(project: Project, as_of: date, tables: Any, splits: dict[str, Split], steps: Steps) -> Dataset:
    """One frame for all targets and dates, built as on any night; of each n-th customer where rows would be too many.

    Parameters
    ----------
    project
        Its settings.
    as_of
        What is known by then is used.
    tables
        The canonical tables as of that date.
    splits
        Target -> its split.
    steps
        Shows how far it is.

    Returns
    -------
    Dataset
        Of every date of the splits.

    Raises
    ------
    HeadwaterError
        E284 (exit 2) for a column that is confirmed and is not there, E430 (exit 4) where nobody was a customer then.
    """
    suspects.check_confirmed(project)
    settings = project.settings
    dates = sorted({day for split in splits.values() for day in split.dates})
    with steps.step("snapshots") as facts:
        learnt = max(day for split in splits.values() for day in split.every)
        with Assembly(project, _without_answer(tables), dates, steps, most=settings.training.most_rows) as assembly:
            if not assembly.total:
                raise nobody(as_of, newest_day(tables, project.mapping.timezone))
            everybody = assembly.everybody
            learnt_from = everybody.filter(everybody.as_of <= learnt)
            targets = outcomes.fixed(learnt_from, tables.tables, settings.targets, settings.features)
            wide = pd.concat(list(assembly.snapshots()), ignore_index=True)
            labels = labels_to_learn(project, tables, assembly.spine, targets, as_of).drop(columns=KEY)
        frame = ordered(pd.concat([wide, labels], axis=1))
        if settings.population.min_history_days:
            frame = frame[frame["tenure_days"] >= settings.population.min_history_days]
        features = tuple(f.column for f in project.features)
        columns = telling_columns(frame, features, settings.training.candidates.rules)
        idle = [column for column in features if column not in columns]
        facts.update(_shape(frame, columns, idle, dates, assembly.one_in, steps.lang))
        left_out = suspects.found(project, frame, columns, targets)
        if left_out:
            facts["left_out"] = {name: vars(leak) for name, leak in left_out.items()}
    for problem in suspects.problems(project, left_out):
        steps.warn(errors.render_line(problem, steps.lang))
    columns = tuple(column for column in columns if column not in left_out)
    names = tuple(sorted(tables.tables))
    inputs = inputs_of(project, tables)
    return Dataset(frame, splits, targets, columns, inputs, as_of, names, left_out)


def inputs_of(project: Project, tables: Tables) -> str:
    """Identity of everything that labels and features are made of: the same one gives the same rows and weights.

    Parameters
    ----------
    project
        Its workspace.
    tables
        The canonical tables.
    """
    return "-".join(filter(None, (tables.fingerprint, treated.fingerprint(project))))


def _shape(
    frame: pd.DataFrame, columns: Sequence[str], idle: Sequence[str], dates: Sequence[date], one_in: int, lang: str
) -> dict[str, Any]:
    """How many rows of which dates there are, and the sentence that says so."""
    said = [f"{len(frame):,} × {len(columns)}", f"{dates[0]} … {dates[-1]}"]
    if idle:
        said.append(text("steps.idle", lang, n=len(idle), names=shortened(idle)))
    if one_in > 1:
        said.append(text("steps.drawn", lang, n=one_in))
    facts = {"rows": len(frame), "dates": len(dates), "one_customer_in": one_in, "said": " · ".join(said)}
    return facts | ({"idle": list(idle)} if idle else {})


def telling_columns(frame: pd.DataFrame, features: Sequence[str], rules: Rules) -> tuple[str, ...]:
    """The features that differ between rows, unknown counting as a value; what people rank by today stays whatever it is.

    The others say nothing of anybody here: nothing learns from them, and a night does not build them.

    Parameters
    ----------
    frame
        Snapshots of every date.
    features
        In order.
    rules
        The rules of today.
    """
    kept = {rule.column for _, rule in rules}
    return tuple(c for c in features if c in kept or _differs(frame[c]))


def _differs(values: pd.Series) -> bool:
    """Has a column more than one value, unknown being one?"""
    known = values.notna()
    if known.any() and not known.all():
        return True
    return bool(known.any() and (values != values.iloc[0]).any())


def shortened(names: Sequence[str]) -> str:
    """The first few of some names."""
    return ", ".join(names[:FEW]) + (" …" if len(names) > FEW else "")


def _without_answer(tables: Tables) -> Tables:
    """What is learnt from: the tables without who has left, so that nobody is missing and nothing can see the answer."""
    customers = tables["customers"]
    if CHURNED.name not in customers.columns:
        return tables
    return dataclasses.replace(tables, tables=tables.tables | {"customers": customers.drop(CHURNED.name)})


def labels_to_learn(
    project: Project, tables: Tables, spine: ir.Table, targets: TargetSettings, as_of: date
) -> pd.DataFrame:
    """The same as `labels_of`, whose parameters it has: who was on the list of a registered campaign is marked as such.

    Raises
    ------
    HeadwaterError
        E371 (exit 3) for a campaign that is damaged.
    """
    marked = dataclasses.replace(tables, tables=treated.with_registered(project, tables.tables))
    return labels_of(project, marked, spine, targets, as_of)


def labels_of(project: Project, tables: Tables, spine: ir.Table, targets: TargetSettings, as_of: date) -> pd.DataFrame:
    """Outcomes as far as they were known at a date.

    Parameters
    ----------
    project
        Its protocol and time zone.
    tables
        The canonical tables.
    spine
        Whose outcomes: customer_id and as_of.
    targets
        What is predicted.
    as_of
        What is known by then is used.

    Returns
    -------
    pandas.DataFrame
        A row per row of the spine, ordered by customer and date: both, and the label columns; null is not known yet.
    """
    rows = outcomes.labels(
        spine,
        tables.tables,
        targets,
        project.cutoff(months.told_until(tables, project.mapping, as_of)),
        features=project.settings.features,
        reporting_delay_days=project.settings.protocol.reporting_delay_days,
    )
    return rows.order_by(KEY).to_pyarrow().to_pandas(date_as_object=True)
