"""Retraining: snapshots -> train -> register the challenger -> gate -> promote. Plain functions; a flow wraps them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from features import identity
from features.contracts import CHURNED
from features.definition import KEY
from features.errors import HeadwaterError
from models import cross_validation, training
from models.settings import Rules
from models.snapshots import ordered
from models.splits import Protocol, Split, plan
from models.targets import outcomes
from models.targets.settings import TargetSettings
from models.training import Trained
from pipelines.engine.assembly import Assembly
from pipelines.flows import promotion, sentences, training_record
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.tracking import tracking
from pipelines.tracking.tracking import Version
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import lock
from pipelines.workspace.progress import Steps


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
        Columns that may be learnt from: those that differ between rows.
    inputs
        Fingerprint of the tables.
    tables
        Their names.
    """

    frame: pd.DataFrame
    splits: dict[str, Split]
    targets: TargetSettings
    features: tuple[str, ...]
    inputs: str
    tables: tuple[str, ...] = ()


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
    tables = _read_tables(project, as_of, steps)
    splits, failures = _split_plans(project, as_of, names, tables)
    if failures:
        raise HeadwaterError.of([error.problem for error in failures.values()])
    return snapshots(project, as_of, tables, splits, steps)


def _read_tables(project: Project, as_of: date, steps: Steps) -> Tables:
    with steps.step("check") as facts:
        tables = project.tables(as_of)
        facts["said"] = sentences.rows_read(tables, steps.lang)
    return tables


def _split_plans(
    project: Project, as_of: date, names: Sequence[str], tables: Tables
) -> tuple[dict[str, Split], dict[str, HeadwaterError]]:
    """The split of each target, or why there is none."""
    settings, splits, failures = project.settings, dict[str, Split](), dict[str, HeadwaterError]()
    first = earliest_date(tables.tables, settings.protocol)
    for name in names:
        try:
            splits[name] = plan(as_of, settings.protocol, settings.targets.of(name).window_days, first)
        except HeadwaterError as error:
            failures[name] = error
    return splits, failures


def earliest_date(tables: Mapping[str, ir.Table], protocol: Protocol) -> date | None:
    """The first date with enough history behind it: the first bills bound the dates learnt from.

    Without bills the first use does, then the first event of any table; where there is none, the first activation. None
    where nothing has a date.
    """
    ordered = [tables[name] for name in ("bills", "usage", *tables) if name in tables]
    days = [rows.happened_on for rows in ordered if "happened_on" in rows.columns]
    first = (days or [tables["customers"].activated_on])[0]
    day = first.min().to_pyarrow().as_py()
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
    """
    settings = project.settings
    dates = sorted({day for split in splits.values() for day in split.dates})
    with steps.step("snapshots") as facts:
        learnt = max(day for split in splits.values() for day in split.every)
        with Assembly(project, _without_answer(tables), dates, steps, most=settings.training.most_rows) as assembly:
            everybody = assembly.everybody
            learnt_from = everybody.filter(everybody.as_of <= learnt)
            targets = outcomes.fixed(learnt_from, tables.tables, settings.targets, settings.features)
            wide = pd.concat(list(assembly.snapshots()), ignore_index=True)
            labels = labels_of(project, tables, assembly.spine, targets, as_of).drop(columns=KEY)
        frame = ordered(pd.concat([wide, labels], axis=1))
        if settings.population.min_history_days:
            frame = frame[frame["tenure_days"] >= settings.population.min_history_days]
        facts |= {"rows": len(frame), "dates": len(dates), "one_customer_in": assembly.one_in}
        features = tuple(f.column for f in project.features)
        columns = telling_columns(frame, features, settings.training.candidates.rules)
        facts["said"] = f"{len(frame):,} × {len(columns)} · {dates[0]} … {dates[-1]}"
        if idle := [column for column in features if column not in columns]:
            facts |= {"idle": idle}
            facts["said"] += " · " + text("steps.idle", steps.lang, n=len(idle), names=shortened(idle))
        if assembly.one_in > 1:
            facts["said"] += " · " + text("steps.drawn", steps.lang, n=assembly.one_in)
    return Dataset(frame, splits, targets, columns, tables.fingerprint, tuple(sorted(tables.tables)))


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
        project.cutoff(as_of),
        features=project.settings.features,
        reporting_delay_days=project.settings.protocol.reporting_delay_days,
    )
    return rows.order_by(KEY).to_pyarrow().to_pandas(date_as_object=True)


def learn(project: Project, data: Dataset, name: str, steps: Steps) -> Trained:
    """Train one target and judge it on its final window.

    Parameters
    ----------
    project
        Its settings.
    data
        Labelled snapshots.
    name
        Of the target.
    steps
        Shows how far it is.

    Returns
    -------
    Trained
        Every candidate and the winner; the winner's `facts_` say what it was trained on.
    """
    settings = project.settings
    chosen = settings.training.model_copy(update={"threads": settings.threads, "seed": settings.seed})
    with steps.step(f"train_{name}", f"targets.{name}.train") as facts:
        split = data.splits[name]
        train = cross_validation.train if split.folds else training.train
        trained = train(name, data.frame, split, chosen, data.features)
        trained.model.facts_ |= {
            "feature_set_hash": project.feature_set_hash,
            "identity": identity.FORMAT,
            "targets": data.targets.model_dump(mode="json"),
            "inputs": data.inputs,
            "tables": list(data.tables),
        }
        facts |= {"winner": trained.winner, "beats_rule": trained.beats_rule}
        facts["said"] = training_record.sentence(trained, steps.lang)
    return trained


@dataclass
class Retrained:
    """What came of each target: a summary of those that were trained, and why the others were not."""

    models: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[str, HeadwaterError] = field(default_factory=dict)

    def raise_for_failures(self) -> None:
        """Raises what must not be passed over: a fault of ours, or that nothing was trained; the others with it."""
        failures = sorted(self.failures.values(), key=lambda error: error.exit_code != 1)
        if failures and (not self.models or failures[0].exit_code == 1):
            raise HeadwaterError.of([error.problem for error in failures]) from failures[0].__cause__

    def as_dict(self, lang: str) -> dict[str, Any]:
        """For `--json`."""
        return {"models": self.models, "failures": {n: errors.as_dict(e, lang) for n, e in self.failures.items()}}


FEW = 6
"""Names that are told of many."""
MACHINE = 7
"""Exit code of a fault that would befall the next target too."""


def run(project: Project, as_of: date, names: Sequence[str], steps: Steps, *, promote: bool) -> Retrained:
    """Train, register, gate, and promote what passes when asked to; each target on its own.

    Parameters
    ----------
    project
        Its settings, tables and workspace.
    as_of
        What is known by then is used.
    names
        Targets.
    steps
        Shows how far it is; warned of each target that cannot be trained.
    promote
        Make champions of those that pass their gates.

    Returns
    -------
    Retrained
        A summary of each trained target, and why the others were not.

    Raises
    ------
    HeadwaterError
        Before anything is trained: E601 (exit 6) where another run holds the lock, E714 and E715 (exit 7) for a
        tracking store that would not number versions rightly.
    """
    with lock.exclusive(project.workspace, f"retrain {as_of}"):
        promotion.check_ready(project, steps)
        sentences.warn_left_out(project.settings, steps)
        tables = _read_tables(project, as_of, steps)
        splits, failures = _split_plans(project, as_of, names, tables)
        retrained = Retrained(failures=failures)
        for name, error in failures.items():
            steps.warn(sentences.not_trained(name, error, steps.lang))
        if splits:
            data = snapshots(project, as_of, tables, splits, steps)
            for name in splits:
                _attempt(project, data, name, steps, retrained, promote=promote)
    return retrained


def _attempt(project: Project, data: Dataset, name: str, steps: Steps, retrained: Retrained, *, promote: bool) -> None:
    """One target; what fails is kept for the end, so that it takes no other target with it."""
    try:
        retrained.models.append(register(project, data, learn(project, data, name, steps), steps, promote=promote))
    except Exception as raised:
        error = errors.translate(raised)
        if error.exit_code == MACHINE:
            raise
        error.__cause__ = raised if error is not raised else raised.__cause__
        retrained.failures[name] = error
        steps.warn(sentences.not_trained(name, error, steps.lang))


def register(project: Project, data: Dataset, trained: Trained, steps: Steps, *, promote: bool) -> dict[str, Any]:
    """Log and register one model, decide its gate on the champion's same rows, and promote it if it passes.

    Where it does not pass and no champion could score, the rule of today becomes the first one if it passes the same
    gate; otherwise nothing scores this target.

    Parameters
    ----------
    project
        Its gates and workspace.
    data
        Labelled snapshots that it was trained on.
    trained
        Every candidate of a target.
    steps
        Shows how far it is.
    promote
        Make it the champion if it passes.

    Returns
    -------
    dict
        A summary for people and programs.
    """
    lang = steps.lang
    with steps.step(f"register_{trained.target}", f"targets.{trained.target}.register") as facts:
        decision = promotion.decide(project, data.frame, trained, trained.winner)
        version = _register_version(project, data, trained, decision)
        parts = [version.name, promotion.sentence(decision, lang)]
        champion = promotion.current_version(project, trained.target)
        if promote and decision["passed"]:
            champion = version.name
            promotion.install(project.workspace, version, trained.model.to_files())
            parts.append(text("steps.champion", lang, version=champion))
        elif promote and champion:
            parts.append(text("steps.champion_stays", lang, version=champion))
        elif promote:
            champion, outcome = _promote_rule(project, data, trained, version, lang)
            parts.append(outcome)
        facts["said"] = " · ".join(parts)
        facts |= {"version": version.name, "passed": decision["passed"]}
    return _summary(trained, version, decision, champion if promote else None)


def _register_version(project: Project, data: Dataset, trained: Trained, decision: dict[str, Any]) -> Version:
    """The registered version of a training, with its figures kept beside the models."""
    weights = training_record.importance(project, trained, data.frame)
    version = tracking.log(project.workspace, training_record.training_record(project, trained, decision, weights))
    training_record.save_evaluation(project.workspace, version, trained)
    return version


def _promote_rule(
    project: Project, data: Dataset, trained: Trained, challenger: Version, lang: str
) -> tuple[str | None, str]:
    """Make the rule that competed the champion if it passes the gate; its version or None, and the sentence.

    The refused model stays the challenger: it is what `promote --force` would promote.
    """
    decision = promotion.decide(project, data.frame, trained, "rule")
    if not decision["passed"] or trained.winner == "rule":
        names = ", ".join(promotion.failed_checks(decision))
        return None, text("steps.rule_refused", lang, names=names, target=trained.target)
    rule = trained.candidates["rule"]
    rule.facts_ = trained.model.facts_ | {"learner": "rule"}
    as_rule = dataclasses.replace(trained, model=rule, winner="rule", beats_rule=False)
    version = _register_version(project, data, as_rule, decision)
    tracking.set_alias(project.workspace, trained.target, tracking.CHALLENGER, challenger.number)
    promotion.install(project.workspace, version, rule.to_files())
    return version.name, text("steps.rule_champion", lang, version=version.name)


def _summary(trained: Trained, version: Version, decision: dict[str, Any], champion: str | None) -> dict[str, Any]:
    figure, lead = trained.figure(trained.winner, trained.judged_by), trained.lead
    return {
        "target": trained.target,
        "version": version.name,
        "winner": trained.winner,
        "beats_rule": trained.beats_rule,
        "metric": trained.judged_by,
        "value": round(figure.value, 4),
        "interval": [round(figure.low, 4), round(figure.high, 4)],
        "expected_lead": round(lead.value, 4),
        "better_in": round(lead.sure, 4),
        "level": trained.levels.get(trained.winner),
        "gate_passed": decision["passed"],
        "failed_checks": promotion.failed_checks(decision),
        "promoted": champion == version.name,
        "champion": champion,
    }
