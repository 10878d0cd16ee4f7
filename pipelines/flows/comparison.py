"""Which of two models is better, on whom and in money: on the same rows and dates, none of which either has learnt from.

What is shipped has learnt from every label there was. Where the newest dates whose outcomes are in came later, what is
shipped is compared. Otherwise both are compared as they were judged, before they learnt from the newest labels.
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.errors import HeadwaterError
from models.estimators.bundle import from_files
from models.estimators.estimator import Model
from models.evaluation import comparing, gates
from models.evaluation.comparing import Pair
from models.evaluation.judging import Outcome
from models.snapshots import Rows
from models.splits import Split, newest_mature, stepped
from models.targets.registry import TARGETS
from models.training import SLICES, Trained
from pipelines.flows import dataset, promotion, retrain
from pipelines.flows.champions import refusal
from pipelines.flows.dataset import Dataset
from pipelines.ingest import months
from pipelines.project import Project
from pipelines.tracking import tracking
from pipelines.tracking.tracking import CHAMPION, Version
from pipelines.wording.texts import text
from pipelines.workspace import bundles, evaluations
from pipelines.workspace.progress import Steps

NAME = re.compile(r"(?P<target>\w+)(?:/(?P<number>[1-9]\d*)|@(?P<alias>champion|challenger))")
WINDOWS = 6
"""Most dates that are compared; the newest ones."""
Form = Literal["shipped", "judged", "trained"]


@dataclass(frozen=True)
class Comparison:
    """One model held against another.

    Attributes
    ----------
    target
        What both predict.
    names
        Of both.
    form
        `shipped`, `judged` (as they were before they learnt from the newest labels) or `trained` just now.
    windows
        The dates that were compared, oldest first.
    rows, positives
        On all of them together.
    length
        Of the list in whose figures they are compared.
    judged_by
        The metric that decides.
    figures
        As `comparing.figures` gives them.
    slices
        As `comparing.by_slice` gives them, by `judged_by`.
    """

    target: str
    names: tuple[str, str]
    form: Form
    windows: tuple[date, ...]
    rows: int
    positives: int
    length: int
    judged_by: str
    figures: pd.DataFrame
    slices: pd.DataFrame

    @property
    def better(self) -> str | None:
        """The name of the better one; None where the interval of their distance holds 0."""
        return self.ahead(self.judged_by)

    def ahead(self, metric: str) -> str | None:
        """Who is better by one figure, beyond chance."""
        low, high = self.figures.set_index("metric").loc[metric, ["low", "high"]]
        return self.names[0] if low > 0 else self.names[1] if high < 0 else None


@dataclass(frozen=True)
class Contestant:
    """A registered version: what is shipped, and what was judged for it where that is another model."""

    name: str
    shipped: Model
    judged: Model | None

    def model(self, form: Form) -> Model:
        """What was judged, or the shipped one where that is what was judged."""
        return self.judged or self.shipped if form == "judged" else self.shipped

    def unseen_from(self, form: Form, days: int) -> date:
        """The first date of which the model has learnt no outcome; cross-validated ones have not seen anybody."""
        facts = self.model(form).facts_
        if facts.get("folds"):
            return date.min
        seen = max(date.fromisoformat(day) for day in facts["learnt"]) + timedelta(days=days)
        return max(seen, date.fromisoformat(facts["final"])) if facts.get("partial") else seen


def named(project: Project, name: str) -> Version:
    """The version that `churn/3`, `churn@champion` or `churn@challenger` names.

    Raises
    ------
    HeadwaterError
        E285 (exit 2) for another form of name, E533 (no such version), E521 and E527 (no champion, no challenger).
    """
    match = NAME.fullmatch(name)
    if match is None or match["target"] not in TARGETS:
        raise HeadwaterError("E285", given=name, known=", ".join(TARGETS))
    target = match["target"]
    if match["alias"] != CHAMPION:
        return promotion.candidate(project.workspace, target, int(match["number"]) if match["number"] else None)
    champion = tracking.version_by_alias(project.workspace, target, CHAMPION)
    if champion is None:
        raise HeadwaterError("E521")
    return champion


def compare(project: Project, as_of: date, names: tuple[str, str], steps: Steps) -> Comparison:
    """Two registered versions on the newest dates that neither has learnt from.

    Parameters
    ----------
    project
        Its features, definitions and workspace.
    as_of
        Outcomes known by then are used.
    names
        As `named` reads them, of one target.
    steps
        Shows how far it is.

    Returns
    -------
    Comparison
        With what was shipped, where the outcomes of a later date are in, else with what was judged.

    Raises
    ------
    HeadwaterError
        E285 (two targets), E525 (trained on other features), E536 (other definitions), E455 (no date that neither has
        seen), and what `named` raises.
    """
    versions = [named(project, name) for name in names]
    if versions[0].target != versions[1].target:
        raise HeadwaterError("E285", given=" ".join(names), known=", ".join(TARGETS))
    target, both = versions[0].target, [_contestant(project, version) for version in versions]
    _check_same_definition(target, both)
    tables = dataset.read_tables(project, as_of, steps)
    days = project.settings.targets.of(target).window_days + project.settings.protocol.reporting_delay_days
    form, windows = _windows(project, months.told_until(tables, project.mapping, as_of), both, days)
    split = Split((), windows[-1], windows, days)
    data = dataset.snapshots(project, as_of, tables, {target: split}, steps)
    pairs = _pairs(project, data, target, [contestant.model(form) for contestant in both], split)
    return _compared(project, target, (both[0].name, both[1].name), form, windows, pairs)


def without(project: Project, as_of: date, target: str, families: Sequence[str], steps: Steps) -> Comparison:
    """The same training with every feature and without some families, on the customers of the final window.

    What people rank by today stays in both. Nothing is registered.

    Parameters
    ----------
    project
        Its settings and tables.
    as_of
        What is known by then is used.
    target
        That is trained, twice.
    families
        That are left out.
    steps
        Shows how far it is.

    Raises
    ------
    HeadwaterError
        E235 for a family that is not there, and what training raises.
    """
    family = {feature.column: feature.family for feature in project.features}
    for name in families:
        if name not in family.values():
            raise HeadwaterError("E235", given=name, known=", ".join(sorted(set(family.values()))))
    data = dataset.dataset(project, as_of, [target], steps)
    kept = {rule.column for _, rule in project.settings.training.candidates.rules}
    fewer = tuple(c for c in data.features if c in kept or family[c] not in families)
    trained = [
        retrain.learn(project, dataclasses.replace(data, features=features), target, steps, ship=False)
        for features in (data.features, fewer)
    ]
    names = (
        text("steps.compare.every_family", steps.lang, n=len(data.features)),
        text("steps.compare.without", steps.lang, names=", ".join(families), n=len(fewer)),
    )
    return _compared(project, target, names, "trained", (trained[0].split.final,), [_pair_of(*trained)])


def _contestant(project: Project, version: Version) -> Contestant:
    """The models of a version; raises E525 where they were trained on other features than those of today."""
    texts = promotion.version_texts(project.workspace, version)
    shipped = from_files(texts)
    if shipped.facts_["feature_set_hash"] != project.feature_set_hash:
        champion = bundles.Champion(version.target, version.name, "", shipped)
        raise HeadwaterError("E525", **refusal(champion, project.feature_set_hash))
    judged = evaluations.judged_model(project.workspace, version.name)
    whole = judged is not None and bundles.digests(judged)[1] == shipped.facts_.get("judged_sha256")
    return Contestant(version.name, shipped, from_files(judged) if judged is not None and whole else None)


def _check_same_definition(target: str, both: Sequence[Contestant]) -> None:
    """Raises E536 where a model predicts another thing; the line of high value is fixed anew in each training."""
    told = [dict(contestant.shipped.facts_["targets"][target]) for contestant in both]
    for definition in told:
        definition.pop("high_value", None)
        definition.setdefault("margin", 1.0)  # of value; models of before are of revenue
    if told[0] != told[1]:
        raise HeadwaterError("E536", target=target, names=" · ".join(contestant.name for contestant in both))


def _windows(project: Project, until: date, both: Sequence[Contestant], days: int) -> tuple[Form, tuple[date, ...]]:
    """Which form of the models is compared on which dates; raises E455 where there is none that both have not seen."""
    protocol = project.settings.protocol
    newest = protocol.final or newest_mature(until, days, protocol)
    forms: tuple[Form, ...] = ("shipped", "judged")
    for form in forms:
        first = max(contestant.unseen_from(form, days) for contestant in both)
        if all(contestant.model(form).facts_.get("folds") for contestant in both):
            return form, (date.fromisoformat(both[0].shipped.facts_["final"]),)
        dates = [stepped(newest, protocol.every, -back) for back in range(WINDOWS)]
        if found := tuple(day for day in reversed(dates) if day >= first):
            return form, found
    names = " · ".join(contestant.name for contestant in both)
    values = {"final": newest, "first": first, "ready": first + timedelta(days=days)}
    told = {name: day.isoformat() for name, day in values.items()}
    raise HeadwaterError("E455", names=names, target=both[0].name.partition("/")[0], **told)


def _pairs(project: Project, data: Dataset, target: str, models: Sequence[Model], split: Split) -> list[Pair]:
    """What both models say of each date; a date on which nothing can be judged is left out."""
    apart = dataclasses.replace(split, final=date.max)
    rows = Rows(TARGETS[target], data.frame, apart, data.features, project.settings.training)
    seen = [rows.on(day) for day in split.every]
    return [_told(rows, judged, models) for judged in seen if len(judged)]


def _told(rows: Rows, judged: pd.DataFrame, models: Sequence[Model]) -> Pair:
    ours, theirs = (gates.prediction(rows.target.name, model, judged).to_numpy(dtype=float) for model in models)
    return Pair(rows.outcome(judged), ours, theirs, judged[[c for c in SLICES if c in judged]])


def _pair_of(ours: Trained, theirs: Trained) -> Pair:
    """The final windows of two trainings, which are the same rows."""
    final = ours.final.merge(
        theirs.final[["customer_id", "as_of"]].assign(theirs=theirs.final[theirs.winner]),
        on=["customer_id", "as_of"],
        validate="one_to_one",
    )
    y, value, customers = (final[name].to_numpy() for name in ("y", "value", "customer_id"))
    mine, yours = (final[name].to_numpy(dtype=float) for name in (ours.winner, "theirs"))
    return Pair(Outcome(TARGETS[ours.target].task, y, value, customers), mine, yours, ours.sliced)


def _compared(
    project: Project,
    target: str,
    names: tuple[str, str],
    form: Form,
    windows: tuple[date, ...],
    pairs: Sequence[Pair],
) -> Comparison:
    settings, length = project.settings, project.settings.lists.top
    training, seed = settings.training, settings.seed
    judged_by = training.judges(target)
    listed = [pair.with_list(length) for pair in pairs]
    metrics = comparing.metrics_of(TARGETS[target], judged_by)
    limits = (settings.gates.slice_rows, training.min_positives)
    return Comparison(
        target=target,
        names=names,
        form=form,
        windows=windows,
        rows=sum(len(pair.outcome.y) for pair in pairs),
        positives=sum(int((pair.outcome.y > 0).sum()) for pair in pairs),
        length=length,
        judged_by=judged_by,
        figures=comparing.figures(listed, metrics, training.resamples, seed),
        slices=comparing.by_slice(pairs, judged_by, *limits, training.resamples, seed),
    )


def as_dict(found: Comparison) -> dict[str, Any]:
    """For `--json`: what is not defined is null."""
    return {
        "target": found.target,
        "models": list(found.names),
        "form": found.form,
        "windows": [day.isoformat() for day in found.windows],
        "rows": found.rows,
        "positives": found.positives,
        "list_length": found.length,
        "judged_by": found.judged_by,
        "better": found.better,
        "better_in_money": found.ahead(comparing.MONEY) if comparing.MONEY in set(found.figures["metric"]) else None,
        "figures": _records(found.figures),
        "slices": _records(found.slices),
    }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.astype(object).replace({np.nan: None}).to_dict("records")
