"""The night: check -> features -> score -> gates -> publish -> lists -> report. Plain functions; a flow only wraps them.

Nothing is published before every gate has passed. Until then any failure leaves the last good scores as they are;
after it nothing says "failed" without saying `published`. A night is done when all its outputs are there and whole: one
that was stopped after the commit has its lists and report made by the next run, from the published file.
"""

import dataclasses
from collections.abc import Callable
from contextlib import closing
from typing import Any

from features.errors import Problem
from models.scores.columns import SCHEMA
from models.targets.registry import TARGETS
from pipelines.delivery import delta
from pipelines.engine.engines import engine
from pipelines.flows import collection, outbreaks, outputs, sentences, verdict
from pipelines.flows.champions import scoring_champions
from pipelines.flows.night import Night
from pipelines.flows.score_metadata import playbook_metadata, score_metadata
from pipelines.tracking import registry
from pipelines.wording.texts import text
from pipelines.workspace import bundles, calls, checkpoints, disk, files, lock, paths, publication, runs
from pipelines.workspace.checkpoints import Pieces
from pipelines.workspace.journal import Journal, code_version, run_id
from pipelines.workspace.publication import Draft

Stage = Callable[[Night], Night]


def stages(*, dry_run: bool = False, lists: bool = True, collects: bool = False) -> dict[str, Stage]:
    """What a night does, by name, in this order and with the lock held; each finds out by itself whether it is done already."""
    before: dict[str, Stage] = {
        "check": check,
        "features": make_features,
        "score": score,
        "gates": judge,
        "outcomes": follow,
    }
    if dry_run:
        return before
    after: dict[str, Stage] = {"lists": make_lists, "report": make_report} if lists else {"close": close}
    return before | {"publish": publish} | after | ({"collect": collect} if collects and lists else {})


def run(night: Night, *, dry_run: bool = False, lists: bool = True) -> Night:
    """A whole night under the workspace's lock. Raises HeadwaterError with the code of the first failing step.

    Parameters
    ----------
    night
        Filled step by step.
    dry_run
        Stop before anything is published.
    lists
        Write lists and report after publication.

    Returns
    -------
    Night
        The same.

    Raises
    ------
    HeadwaterError
        With the code of the first failing step; E601 (exit 6) where another run holds the lock.
    """
    with lock.exclusive(night.workspace, f"{'nightly' if lists else 'score'} {night.as_of}"), closing(night):
        for stage in stages(dry_run=dry_run, lists=lists, collects=night.collects).values():
            stage(night)
    return night


def check(night: Night) -> Night:
    """Read and validate the tables, load the champions, and find out whether this very run is published already."""
    night.engine = engine(night.project.settings)
    night.warnings.clear()  # of a check that was tried before
    _check(night)
    return night


def make_features(night: Night) -> Night:
    """Features of everybody; writes nothing that anybody reads. Raises E703 (exit 7) where there is no room for a night."""
    if not night.already_published:
        disk.check_space(night.workspace)
        _make_features(night)
    return night


def score(night: Night) -> Night:
    """Scores of everybody, as a draft that no reader sees."""
    if not night.already_published:
        _score(night)
    return night


def judge(night: Night) -> Night:
    """The gates between scoring and publishing. Raises E5xx (exit 5) where one refuses."""
    if not night.already_published:
        _judge(night)
    return night


def follow(night: Night) -> Night:
    """Who has left since an earlier publication, and which groups leave faster than all others."""
    if not night.already_published:
        assert night.tables is not None
        for problem in outbreaks.follow(night.project, night.tables, night.as_of, night.steps):
            night.warn(problem)
    return night


def _check(night: Night) -> None:
    """Read and validate the tables, load the champions, and find out whether this very run is published already."""
    project = night.project
    with night.steps.step("check") as facts:
        _look_at_tracking(night)
        night.tables = project.tables(night.as_of)
        for warning in night.tables.warnings:
            night.warn(warning)
        sentences.warn_left_out(project.settings, night.steps)
        champions = bundles.champions(project.workspace)
        asked = {target: champions.get(target) for target in project.settings.predicted}
        night.champions = scoring_champions(asked, project.feature_set_hash, night.tables.tables, night.warn)
        night.run_id = run_id(
            as_of=night.as_of,
            inputs=night.tables.fingerprint,
            code=code_version(),
            config=project.settings.fingerprint(),
            models={name: champion.sha256 for name, champion in night.champions.items()},
        )
        night.steps.journal = Journal.open(project.workspace, night.run_id)
        night.steps.call.note(as_of=night.as_of.isoformat(), run_id=night.run_id)
        facts["rows"], facts["files"] = sentences.row_counts(night.tables.counts), night.tables.files
        facts["said"] = sentences.rows_read(night.tables, night.steps.lang)
    _check_published(night)


def _look_at_tracking(night: Night) -> None:
    """Scoring does without the tracking store; that it cannot be used is said at once, before training needs it."""
    if trouble := registry.trouble(night.workspace):
        problem = trouble.problem
        kept = dataclasses.replace(problem, code="W721", values=problem.values | {"why": f"@tracking.{problem.code}"})
        night.warn(kept)


def _check_published(night: Night) -> None:
    """Is this very run published already? Score files that are damaged are told, and are as good as not there."""
    workspace, days = night.workspace, night.workspace.published_dates()
    if night.as_of in days and not runs.is_score_file_intact(workspace, night.as_of):
        night.warn(Problem("W341", str(workspace.score_file(night.as_of)), values={"as_of": night.as_of.isoformat()}))
    elif night.as_of in days:
        night.already_published = night.published = (
            runs.verified_score_file(workspace, night.as_of).meta["run_id"] == night.run_id
        )
        _tell_release(night)
    if night.already_published:
        night.outputs = [workspace.score_file(night.as_of), *filter(night.is_intact, night.recorded_outputs())]
        return
    for day in runs.damaged_before(workspace, night.as_of):
        night.warn(Problem("W340", str(workspace.score_file(day)), values={"as_of": day.isoformat()}))


def _tell_release(night: Night) -> None:
    """A date that another release has published is made anew, for code is a part of what a night is: not in silence."""
    published = runs.verified_score_file(night.workspace, night.as_of).meta["code_version"]
    if not night.already_published and published != code_version():
        night.warn(Problem("W346", values={"as_of": night.as_of.isoformat(), "release": published}))


def _make_features(night: Night) -> None:
    """The wide table of everybody, as far as it is made before the champions ask for it."""
    assert night.tables is not None and night.engine is not None
    pieces = Pieces.open(night.workspace, night.run_id)
    with night.steps.step("features") as facts:
        night.scoring = night.engine.scoring(
            night.project, night.tables, night.as_of, night.champions, pieces, night.steps
        )
        night.scoring.prepare()
        customers = night.scoring.assembly.total
        built = len(night.scoring.assembly.features)
        facts["said"] = f"{customers:,} × {built}"
        facts |= {"customers": customers, "features": built}


def _score(night: Night) -> None:
    """The champions, chunk after chunk."""
    assert night.scoring is not None
    with night.steps.step("score") as facts:
        night.scoring.score()
        night.meta = score_metadata(night)
        night.draft = Draft(night.workspace, night.as_of, SCHEMA, night.meta)
        night.scoring.finish(runs.previous_scores(night.workspace, night.as_of), night.draft.add)
        night.meta |= playbook_metadata(night.scoring.chosen, night.project.settings.actions.playbook)
        facts.update(night.scoring.summary.facts())
        facts |= {name: None for t in TARGETS.values() if t.name not in night.champions for name in t.counted}
        facts["said"] = sentences.customers_scored(facts, night.steps.lang)


def _judge(night: Night) -> None:
    """The gates between scoring and publishing; a refusal is exit 5 and names the check and what moved it."""
    assert night.scoring is not None
    with night.steps.step("gates") as facts:
        found = verdict.judge(night)
        facts["checks"] = [check.as_dict() for check in found.decision.checks]
        facts["said"] = ", ".join(check.name for check in found.decision.checks)
        scored = {"rows": night.scoring.assembly.total, "rows_sha256": night.scoring.digest.hexdigest()}
        night.meta |= publication.as_texts(**scored, gates=facts["checks"], figures=found.figures.as_dict())


def publish(night: Night) -> Night:
    """The commit: one file, whole or not at all. Call with the lock held; never retried, never done twice."""
    if night.already_published:
        return night
    assert night.draft is not None and night.steps.journal is not None
    journal = night.steps.journal
    with night.steps.step("publish") as facts:

        def record(sha256: str) -> None:
            journal.record(outcome=runs.PUBLISHING, as_of=night.as_of, sha256=sha256, meta=night.meta)

        path = night.draft.publish(night.meta, record)
        night.published = True
        checkpoints.remove_pieces(night.workspace)
        night.outputs.append(path)
        facts["said"] = paths.relative_path(path)
    _follow_with_delta(night)
    return night


def _follow_with_delta(night: Night) -> None:
    """The log of the Delta table, after the commit: the scores are out, whatever comes of it."""
    if night.project.settings.delta:
        for problem in delta.attempted(delta.follow, night.workspace):
            night.warn(problem)


def make_lists(night: Night) -> Night:
    """Lists over what was published, as far as they are not there; a failure says that the scores are out."""
    if night.already_published and outputs.is_delivered(night):
        return night
    night.publication = publication.read_publication(night.workspace, night.as_of)
    night.outputs = [night.workspace.score_file(night.as_of)]
    outputs.write_lists(night, night.publication)
    return night


def make_report(night: Night) -> Night:
    """The report, after which the night is done; nothing where it was done before."""
    if night.publication is None:
        return night
    outputs.write_report(night, night.publication)
    delivered = {night.relative_name(path): files.sha256(path) for path in night.outputs[1:]}
    return _record_outcome(night, runs.PUBLISHED, delivered=delivered)


def collect(night: Night) -> Night:
    """Remove what is older than it is to be kept; the night is out, so what fails here is only told."""
    with night.steps.step("collect") as facts:
        try:
            found = collection.collect(night.project, calls.now())
        except OSError as error:
            night.warn(Problem("W345", values={"detail": str(error)}))
            return night
        facts["collected"] = found.as_dict()
        facts["said"] = text("steps.collected", night.steps.lang, files=len(found.old), size=found.bytes / 1024**2)
        for problem in found.warnings:
            night.warn(problem)
    return night


def close(night: Night) -> Night:
    """The end of `headwater score`, which makes no lists; those of an earlier `nightly` stay on record."""
    if night.record.get("outcome") == runs.PUBLISHED:
        return night
    return _record_outcome(night, runs.SCORED)


def _record_outcome(night: Night, outcome: str, **facts: Any) -> Night:
    """Record what became of the night."""
    assert night.steps.journal is not None
    sha256 = night.record.get("sha256") or files.sha256(night.workspace.score_file(night.as_of))
    night.steps.journal.add(outcome=outcome, sha256=sha256, **night.result(), **facts)
    return night
