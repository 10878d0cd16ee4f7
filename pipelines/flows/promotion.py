"""Which version is the champion: gate, record, local copy, alias, in that order; and the way back.

What nights score with is the local copy, so it is what counts: the alias follows it.
"""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pandas as pd

from features.errors import HeadwaterError, Problem
from models.estimators.bundle import from_files
from models.evaluation import gates
from models.training import Trained
from pipelines.project import Project
from pipelines.tracking import registry, tracking
from pipelines.tracking.tracking import CHALLENGER, CHAMPION, Version
from pipelines.wording import errors
from pipelines.wording.texts import text
from pipelines.workspace import bundles, evaluations, lock
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps

_log = logging.getLogger("headwater")


def _log_warning(problem: Problem) -> None:
    _log.warning(errors.render_line(problem, "en"))


def check_ready(project: Project, steps: Steps) -> None:
    """Before anything is trained for minutes: will there be a number for it? Damaged champions are told."""
    registry.check_store(project.workspace)
    for problem in bundles.damage_warnings(project.workspace):
        steps.warn(errors.render_line(problem, steps.lang))


def decide(project: Project, frame: pd.DataFrame, trained: Trained, model: str) -> dict[str, Any]:
    """The gate's decision on a candidate, the champion scored on the very same rows.

    Parameters
    ----------
    project
        Its gates and its champions.
    frame
        Labelled snapshots that hold the rows of the final window.
    trained
        Every candidate of a target.
    model
        The name of the candidate that is judged.

    Returns
    -------
    dict
        passed (bool), checks (a dict each), champion (its version; None without one), left_out (the columns that know too
        much, with their AUC and why) and leaks (AUC of features that tell the outcome and were learnt from). JSON-ready.
    """
    champion = _champion_of(project.workspace, trained.target)
    theirs = None
    if champion is not None:
        theirs = _champion_predictions(project.workspace, frame, trained, champion)
    decision = gates.decide(trained, theirs, project.settings.gates, model)
    return {
        "passed": decision.passed,
        "checks": [check.as_dict() for check in decision.checks],
        "champion": champion.version if champion else None,
        "left_out": {name: vars(leak) for name, leak in trained.left_out.items()},
        "leaks": trained.leaks,
    }


def _champion_of(workspace: Workspace, target: str) -> bundles.Champion | None:
    """The model of a target that nights score with; None before the first promotion, and when it is damaged."""
    return bundles.intact_champion(workspace, target)


def current_version(project: Project, target: str) -> str | None:
    """The version of the champion that can score today's features, or None.

    A damaged one is in force still: it can be put in place again, and no rule may take its place meanwhile.
    """
    champion = _champion_of(project.workspace, target)
    if champion is None:
        entry = bundles.champion_entries(project.workspace).get(target)
        return entry["version"] if entry else None
    return champion.version if champion.model.facts_["feature_set_hash"] == project.feature_set_hash else None


def _champion_predictions(
    workspace: Workspace, frame: pd.DataFrame, trained: Trained, champion: bundles.Champion
) -> pd.Series | None:
    """The champion's predictions for the rows of the challenger's final window.

    None when it was trained on other features: then it cannot score any more, and is no rival.
    """
    if champion.model.facts_["feature_set_hash"] != trained.model.facts_["feature_set_hash"]:
        return None
    keys = trained.final[["customer_id", "as_of"]]
    rows = keys.merge(frame, on=["customer_id", "as_of"], how="left", validate="one_to_one")
    return gates.prediction(trained.target, rival(workspace, trained, champion), rows)


def rival(workspace: Workspace, trained: Trained, champion: bundles.Champion) -> Any:
    """What stands for the champion in a comparison: itself, or, where it has learnt outcomes of the window that judges,
    the model that was judged for it. Where that is lost, itself: it is flattered then, and no challenger is.

    Parameters
    ----------
    workspace
        Where what was judged is kept.
    trained
        The challenger, with its final window.
    champion
        In force.
    """
    facts = champion.model.facts_
    seen = [date.fromisoformat(day) + timedelta(days=trained.split.days) for day in facts.get("learnt", ())]
    if not seen or max(seen) <= trained.split.final or facts.get("folds"):
        return champion.model
    texts = evaluations.judged_model(workspace, champion.version)
    if texts is None or bundles.digests(texts)[1] != facts.get("judged_sha256"):
        return champion.model
    return from_files(texts)


def sentence(decision: dict[str, Any], lang: str) -> str:
    """What the gates decided, with the names of those that refused."""
    if not failed_checks(decision):
        return text("steps.gate.passed", lang)
    return text("steps.gate.refused", lang, names=", ".join(failed_checks(decision)))


def failed_checks(decision: dict[str, Any]) -> list[str]:
    """Names of the checks that refused."""
    return [check["name"] for check in decision["checks"] if not check["passed"]]


def install(workspace: Workspace, version: Version, files: dict[str, str]) -> Problem | None:
    """Make a version the champion; the lock is held.

    The store is told what it must know first, then the local copy that nights score with is put in force, which is the
    commit; the alias moves last. From the commit on nothing fails: where the alias does not move, that is a warning.

    Parameters
    ----------
    workspace
        Where it becomes the champion.
    version
        Of a target.
    files
        Its model as text, by file name.

    Returns
    -------
    Problem | None
        W536 where the store names another champion still.
    """
    before = _in_force(workspace, version.target)
    tags = {"sha256": bundles.digests(files)[1], "before": before if before and before != version.name else ""}
    changed = {key: value for key, value in tags.items() if value or key not in version.tags}
    tracking.set_tags(workspace, version.target, version.number, changed)
    bundles.install(workspace, version.target, version.name, files)
    return _name_champion(workspace, version)


def _in_force(workspace: Workspace, target: str) -> str | None:
    """The version that nights score with; where the local copy is lost, the one that the store calls champion."""
    try:
        entry = bundles.champion_entries(workspace).get(target)
    except HeadwaterError as error:
        if error.problem.code != "E531":
            raise
        entry = None
    if entry:
        return str(entry["version"])
    aliased = tracking.version_by_alias(workspace, target, CHAMPION)
    return aliased.name if aliased else None


def _name_champion(workspace: Workspace, version: Version) -> Problem | None:
    """Let the store call a version the champion that is in force already; what goes wrong is a warning."""
    try:
        tracking.set_alias(workspace, version.target, CHAMPION, version.number)
    except Exception as raised:
        error = errors.translate(raised)
        values = {"version": version.name, "target": version.target, "number": version.number, "detail": str(error)}
        return Problem("W536", str(workspace.tracking), values=values)
    return None


def refuse_when_none(models: list[dict[str, Any]]) -> None:
    """Exit 5 when every challenger was refused and no champion changed."""
    if models and not any(model["champion"] for model in models):
        names = "; ".join(f"{m['target']}: {', '.join(m['failed_checks'])}" for m in models)
        raise HeadwaterError("E526", names=names)


def promote(
    project: Project,
    target: str,
    *,
    version: int | None = None,
    force: bool = False,
    reason: str | None = None,
    warn: Callable[[Problem], None] = _log_warning,
) -> Version:
    """Make the challenger, or a version, the champion if its gate passed against the one in force.

    A version that is the champion already is put in place again, whatever became of its files; no gate is asked.

    Parameters
    ----------
    project
        Whose champion changes.
    target
        Which of them.
    version
        The number; the challenger if None.
    force
        Although the gate refuses.
    reason
        Why it is forced; kept with the version.
    warn
        Is told what went wrong once it is the champion.

    Returns
    -------
    Version
        The new champion.

    Raises
    ------
    HeadwaterError
        E232 (force without a reason), E527 (no challenger), E533 (no such version), E526 (gate refused), E528 (decided
        against another champion).
    """
    if force and not (reason or "").strip():
        raise HeadwaterError("E232")
    workspace = project.workspace
    with lock.exclusive(workspace, f"promote {target}"):
        chosen = candidate(workspace, target, version)
        if not force:
            _check_gate(workspace, chosen)
        files = version_texts(workspace, chosen)
        if force:
            tracking.set_alias(workspace, target, CHALLENGER, chosen.number, {"forced": str(reason)})
        if problem := install(workspace, chosen, files):
            warn(problem)
    return chosen


def candidate(workspace: Workspace, target: str, number: int | None) -> Version:
    """The version of a number, or the challenger. Raises E533 or E527 where it is not there."""
    if number is None:
        challenger = tracking.version_by_alias(workspace, target, CHALLENGER)
        if challenger is None:
            raise HeadwaterError("E527", target=target)
        return challenger
    known = {version.number: version for version in tracking.versions(workspace, target)}
    if number not in known:
        raise HeadwaterError("E533", target=target, number=number, known=", ".join(map(str, sorted(known))) or "—")
    return known[number]


def version_texts(workspace: Workspace, version: Version) -> dict[str, str]:
    """The files of a version from the store, or, where they are gone or damaged there, from a generation kept here."""
    try:
        return tracking.files(workspace, version)
    except HeadwaterError as error:
        if error.problem.code not in ("E524", "E530"):
            raise
        texts = bundles.local_texts(workspace, version.name)
        if texts is None or bundles.digests(texts)[1] != version.tags.get("sha256", bundles.digests(texts)[1]):
            raise
        return texts


def _check_gate(workspace: Workspace, version: Version) -> None:
    """Raise E528 or E526 unless the gate passed a version against the champion in force, or it is the champion."""
    entry = bundles.champion_entries(workspace).get(version.target)
    in_force = entry["version"] if entry else None
    if in_force == version.name:
        return
    decision = tracking.report(workspace, version, "gate")
    no_rival = decision["champion"] is None and _champion_of(workspace, version.target) is None
    if decision["champion"] != in_force and not no_rival:
        raise HeadwaterError("E528", version=version.name, found=str(in_force), expected=str(decision["champion"]))
    if not decision["passed"]:
        names = ", ".join(check["name"] for check in decision["checks"] if not check["passed"])
        raise HeadwaterError("E526", names=f"{version.target}: {names}")


def rollback(project: Project, target: str, warn: Callable[[Problem], None] = _log_warning) -> Version:
    """The champion before the one in force is the champion again; `warn` as in `promote`. Raises E529 when there was none."""
    workspace = project.workspace
    with lock.exclusive(workspace, f"rollback {target}"):
        known = {version.name: version for version in tracking.versions(workspace, target)}
        champion = known.get(_in_force(workspace, target) or "")
        before = known.get(champion.tags.get("before", "")) if champion else None
        if before is None:
            raise HeadwaterError("E529", target=target)
        bundles.install(workspace, target, before.name, version_texts(workspace, before))
        if problem := _name_champion(workspace, before):
            warn(problem)
    return before
