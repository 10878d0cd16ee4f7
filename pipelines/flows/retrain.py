"""Retraining: labelled snapshots -> train -> register the challenger -> gate -> promote. Plain functions; a flow wraps them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from features import identity
from features.errors import HeadwaterError, Problem
from models import cross_validation, training, tuning
from models.settings import TrainingSettings
from models.training import Trained
from models.tuning import Budget, Search
from pipelines.flows import contact_log, outbreaks, promotion, run_records, sentences, training_record
from pipelines.flows.dataset import Dataset, read_tables, snapshots, split_plans
from pipelines.project import Project
from pipelines.tracking import tracking, training_runs
from pipelines.tracking.tracking import Version
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import bundles, lock
from pipelines.workspace.progress import Steps


def learn(
    project: Project,
    data: Dataset,
    name: str,
    steps: Steps,
    *,
    ship: bool = True,
    tune: Budget | None = None,
) -> Trained:
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
    ship
        False where only the record is wanted: nothing is fitted on the final window then.
    tune
        How long to search for better trees first; None for those of the configuration.

    Returns
    -------
    Trained
        Every candidate and the winner; the winner's `facts_` say what it was trained on.
    """
    chosen = project.settings.learning
    search = _tuned(data, name, chosen, tune, steps) if tune else None
    if search:
        chosen = with_trees(chosen, search)
    with steps.step(f"train_{name}", f"targets.{name}.train") as facts:
        split = data.splits[name]
        train = cross_validation.train if split.folds else training.train
        trained = train(name, data.frame, split, chosen, data.features, ship=ship)
        trained = dataclasses.replace(trained, left_out=dict(data.left_out), search=search)
        trained.model.facts_ |= _origin(project, data)
        if trained.agreement and trained.agreement.adopted:
            trained.judged.facts_ = {**trained.model.facts_, "learnt": trained.model.facts_["every"]}
            trained.model.facts_["judged_sha256"] = bundles.digests(trained.judged.to_files())[1]
        facts |= {"winner": trained.winner, "beats_rule": trained.beats_rule}
        facts["said"] = training_record.sentence(trained, steps.lang)
    return trained


def _origin(project: Project, data: Dataset) -> dict[str, Any]:
    """What a model was trained on, for it to carry."""
    return {
        "feature_set_hash": project.feature_set_hash,
        "identity": identity.FORMAT,
        "targets": data.targets.model_dump(mode="json"),
        "inputs": data.inputs,
        "tables": list(data.tables),
    }


def _tuned(data: Dataset, name: str, settings: TrainingSettings, budget: Budget, steps: Steps) -> Search | None:
    """A search for better trees of one target; where nothing can be told beforehand, that is told."""
    with steps.step("tune") as facts:
        search = tuning.search(name, data.frame, data.splits[name], settings, data.features, budget, steps.progress)
        facts["said"] = training_record.search_sentence(search, name, steps.lang)
        facts.update({"trials": len(search.trials), "better": search.better} if search else {})
    return search


def with_trees(settings: TrainingSettings, search: Search) -> TrainingSettings:
    """The same settings with the trees that a search has found for its target."""
    found = {**settings.candidates.trees_for, search.target: search.trees}
    return settings.model_copy(update={"candidates": settings.candidates.model_copy(update={"trees_for": found})})


@dataclass
class Retrained:
    """What came of each target: a summary of those that were trained, and why the others were not; the run of all."""

    models: list[dict[str, Any]] = field(default_factory=list)
    failures: dict[str, HeadwaterError] = field(default_factory=dict)
    run_id: str | None = None

    def raise_for_failures(self) -> None:
        """Raises what must not be passed over: a fault of ours, or that nothing was trained; the others with it."""
        failures = sorted(self.failures.values(), key=lambda error: error.exit_code != 1)
        if failures and (not self.models or failures[0].exit_code == 1):
            raise HeadwaterError.of([error.problem for error in failures]) from failures[0].__cause__

    def as_dict(self, lang: str) -> dict[str, Any]:
        """For `--json`."""
        return {"models": self.models, "failures": {n: errors.as_dict(e, lang) for n, e in self.failures.items()}}


MACHINE = 7
"""Exit code of a fault that would befall the next target too."""


def run(
    project: Project, as_of: date, names: Sequence[str], steps: Steps, *, promote: bool, tune: Budget | None = None
) -> Retrained:
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
    tune
        How long to search for better trees of each target; None for those of the configuration.

    Returns
    -------
    Retrained
        A summary of each trained target, and why the others were not.

    Raises
    ------
    HeadwaterError
        Before anything is trained: E601 (exit 6) where another run holds the lock, E714 and E715 (exit 7) for a
        tracking store that would not number versions rightly, E716 for a search without its extra.
    """
    if tune:
        tuning.require_optuna()
    with lock.exclusive(project.workspace, f"{'retrain' if promote else 'train'} {as_of}"):
        promotion.check_ready(project, steps)
        sentences.warn_left_out(project.settings, steps)
        tables = read_tables(project, as_of, steps)
        splits, failures = split_plans(project, as_of, names, tables)
        retrained = Retrained(failures=failures)
        warnings = [errors.render_line(p, steps.lang) for p in outbreaks.follow(project, tables, as_of, steps)]
        for line in [*warnings, *(sentences.not_trained(*failure, steps.lang) for failure in failures.items())]:
            steps.warn(line)
        if splits:
            data = snapshots(project, as_of, tables, splits, steps)
            if problem := contact_log.lacking(project, data):
                steps.warn(errors.render_line(problem, steps.lang))
            for name in splits:
                _attempt(project, data, name, steps, retrained, promote=promote, tune=tune)
        if retrained.run_id:
            told = run_records.session(project, as_of, retrained.models, retrained.failures)
            training_runs.tell(project.workspace, retrained.run_id, told)
    return retrained


def _attempt(
    project: Project,
    data: Dataset,
    name: str,
    steps: Steps,
    retrained: Retrained,
    *,
    promote: bool,
    tune: Budget | None,
) -> None:
    """One target; what fails is kept for the end, so that it takes no other target with it."""
    try:
        trained = learn(project, data, name, steps, tune=tune)
        if retrained.run_id is None:
            begun = run_records.session(project, data.as_of, [], retrained.failures)
            retrained.run_id = training_runs.begin(project.workspace, begun)
        registered = register(project, data, trained, steps, promote=promote, parent=retrained.run_id)
        retrained.models.append(registered)
    except Exception as raised:
        error = errors.translate(raised)
        if error.exit_code == MACHINE:
            raise
        error.__cause__ = raised if error is not raised else raised.__cause__
        retrained.failures[name] = error
        steps.warn(sentences.not_trained(name, error, steps.lang))


def register(
    project: Project, data: Dataset, trained: Trained, steps: Steps, *, promote: bool, parent: str | None = None
) -> dict[str, Any]:
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
    parent
        Id of the run that stands above those of the targets; None for none.

    Returns
    -------
    dict
        A summary for people and programs.
    """
    lang = steps.lang
    with steps.step(f"register_{trained.target}", f"targets.{trained.target}.register") as facts:
        decision = promotion.decide(project, data.frame, trained, trained.winner)
        version = _register_version(project, data, trained, decision, parent)
        parts = [version.name, promotion.sentence(decision, lang)]
        champion = promotion.current_version(project, trained.target)
        if promote and decision["passed"]:
            champion = version.name
            warning = promotion.install(project.workspace, version, trained.model.to_files())
            _warn(steps, warning)
            parts.append(text("steps.champion", lang, version=champion))
        elif promote and champion:
            parts.append(text("steps.champion_stays", lang, version=champion))
        elif promote:
            champion, outcome = _promote_rule(project, data, trained, (version, decision), steps, parent)
            parts.append(outcome)
        facts["said"] = " · ".join(parts)
        facts |= {"version": version.name, "passed": decision["passed"]}
    return _summary(trained, version, decision, champion if promote else None)


def _register_version(
    project: Project,
    data: Dataset,
    trained: Trained,
    decision: dict[str, Any],
    parent: str | None,
    refused: dict[str, Any] | None = None,
) -> Version:
    """The registered version of a training, with its figures kept beside the models; and whose place it takes, and why."""
    shares = training_record.importance_shares(trained, data.frame)
    facts = training_record.evaluation(trained) | ({"refused": refused} if refused else {})
    facts |= training_record.circumstances(project, data, trained, decision, shares)
    told = run_records.record(project, data, trained, decision, facts)

    def keep(version: Version) -> None:
        training_record.save_evaluation(project.workspace, version, trained, facts)

    return training_runs.log(project.workspace, told, parent, keep)


def _promote_rule(
    project: Project,
    data: Dataset,
    trained: Trained,
    challenger: tuple[Version, dict[str, Any]],
    steps: Steps,
    parent: str | None,
) -> tuple[str | None, str]:
    """Make the rule that competed the champion if it passes the gate; its version or None, and the sentence.

    The refused model stays the challenger: it is what `promote --force` would promote.
    """
    decision = promotion.decide(project, data.frame, trained, "rule")
    if not decision["passed"] or trained.winner == "rule":
        names = ", ".join(promotion.failed_checks(decision))
        return None, text("steps.rule_refused", steps.lang, names=names, target=trained.target)
    rule = trained.shipped["rule"]
    rule.facts_ = {**trained.model.facts_, "learner": "rule"}
    rule.facts_.pop("judged_sha256", None)
    as_rule = dataclasses.replace(trained, winner="rule", beats_rule=False)
    model, refusal = challenger
    refused = {"version": model.name, "checks": refusal["checks"]}
    version = _register_version(project, data, as_rule, decision, parent, refused)
    tracking.set_alias(project.workspace, trained.target, tracking.CHALLENGER, model.number)
    _warn(steps, promotion.install(project.workspace, version, rule.to_files()))
    return version.name, text("steps.rule_champion", steps.lang, version=version.name)


def _warn(steps: Steps, problem: Problem | None) -> None:
    if problem:
        steps.warn(errors.render_line(problem, steps.lang))


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
        "trees": trained.search.trees.model_dump() if trained.search and trained.search.better else None,
        "gate_passed": decision["passed"],
        "failed_checks": promotion.failed_checks(decision),
        "promoted": champion == version.name,
        "champion": champion,
    }
