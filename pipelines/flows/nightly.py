"""The night: check -> features -> score -> gates -> publish -> lists -> report. Plain functions; a flow only wraps them.

Nothing is published before every gate has passed. Until then any failure leaves the last good scores as they are;
after it nothing says "failed" without saying `published`. A night is done when all its outputs are there and whole: one
that was stopped after the commit has its lists and report made by the next run, from the published file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import takewhile
from pathlib import Path
from typing import Any

from features import identity
from features.errors import HeadwaterError, Problem
from models.evaluation import gates
from models.scores.score_table import SCHEMA_VERSION
from models.targets.registry import TARGETS
from pipelines.delivery import lists, pages
from pipelines.delivery.report_data import ListEntry
from pipelines.engine import scoring
from pipelines.engine.engines import Engine, engine
from pipelines.engine.scoring import plain_types
from pipelines.engine.scoring_run import ScoringRun
from pipelines.flows import sentences
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES
from pipelines.workspace import bundles, checkpoints, files, lock, paths, publication, runs
from pipelines.workspace.bundles import Champion
from pipelines.workspace.checkpoints import Pieces
from pipelines.workspace.journal import Journal, code_version, run_id
from pipelines.workspace.paths import Workspace
from pipelines.workspace.progress import Steps
from pipelines.workspace.publication import Publication
from pipelines.workspace.score_files import ScoreFile

ROUTINE = ("W301", "W302", "W303")
"""Rows that were put aside: every night has some; the check step counts them, `data check` and the report name them."""


@dataclass
class Night:
    """What one night has found so far; filled step by step."""

    project: Project
    as_of: date
    steps: Steps
    tables: Tables | None = None
    champions: dict[str, Champion] = field(default_factory=dict)
    run_id: str = ""
    scoring: ScoringRun | None = None
    meta: dict[str, str] = field(default_factory=dict)
    published: bool = False
    already_published: bool = False
    remade: list[str] = field(default_factory=list)
    outputs: list[Path] = field(default_factory=list)
    lists: list[ListEntry] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return self.project.workspace

    @property
    def record(self) -> dict[str, Any]:
        """What the record of this run says so far."""
        return runs.record(self.workspace, self.run_id)

    def is_intact(self, path: Path) -> bool:
        """Is this output of the run there, and whole?"""
        return runs.is_output_intact(path, self.run_id, self.record.get("delivered", {}).get(self.relative_name(path)))

    def recorded_outputs(self) -> list[Path]:
        """The lists and the report that this run has on record; where nobody's consent is known, only the report."""
        possible = [*map(self.workbook, lists.LISTS), self.workspace.report(self.as_of)]
        return [path for path in possible if self.relative_name(path) in self.record.get("delivered", {})]

    def workbook(self, kind: str) -> Path:
        """Where the list of a kind lies."""
        return self.workspace.list_file(kind, self.as_of, "xlsx")

    def relative_name(self, path: Path) -> str:
        """An output as the record calls it, wherever the workspace lies."""
        return path.relative_to(self.workspace.root).as_posix()

    def warn(self, problem: Problem) -> None:
        """Keep a warning for the report, and tell it unless it is one that every night has."""
        self.warnings.append(problem)
        if problem.code not in ROUTINE:
            self.steps.warn(errors.render_line(problem, self.steps.lang))

    def result(self) -> dict[str, Any]:
        """The facts of `--json`."""
        counts = self.tables.counts if self.tables else {}
        return {
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "published": self.published,
            "already_published": self.already_published,
            "serving_as_of": str(self.workspace.serving_date() or "") or None,
            "outputs": [str(path) for path in self.outputs],
            "warnings": [problem.code for problem in self.warnings],
            "rows": sentences.row_counts(counts),
            "files": self.tables.files if self.tables else {},
        }


def stages(*, dry_run: bool = False, lists: bool = True) -> tuple[Callable[[Night], Night], ...]:
    """What a night does, in this order and with the lock held; each finds out by itself whether it is done already."""
    if dry_run:
        return (prepare,)
    return prepare, publish, deliver if lists else close


def run(night: Night, *, dry_run: bool = False, lists: bool = True) -> Night:
    """A whole night under the workspace's lock. Raises HeadwaterError with the code of the first failing step."""
    with lock.exclusive(night.workspace, f"nightly {night.as_of}"):
        for stage in stages(dry_run=dry_run, lists=lists):
            stage(night)
    return night


def prepare(night: Night) -> Night:
    """Everything up to the gates; writes nothing that anybody reads."""
    chosen = engine(night.project.settings)
    _check(night)
    if not night.already_published:
        _score(night, chosen)
        _judge(night)
    return night


def _check(night: Night) -> None:
    """Read and validate the tables, load the champions, and find out whether this very run is published already."""
    project = night.project
    with night.steps.step("check") as facts:
        night.tables = project.tables(night.as_of)
        for warning in night.tables.warnings:
            night.warn(warning)
        night.champions = scoring_champions(night, bundles.champions(project.workspace))
        night.run_id = run_id(
            as_of=night.as_of,
            inputs=night.tables.fingerprint,
            code=code_version(),
            config=project.settings.fingerprint(),
            models={name: champion.sha256 for name, champion in night.champions.items()},
        )
        night.steps.journal = Journal.open(project.workspace, night.run_id)
        facts["rows"], facts["files"] = sentences.row_counts(night.tables.counts), night.tables.files
        facts["said"] = sentences.rows_read(night.tables, night.steps.lang)
    _check_published(night)


def _check_published(night: Night) -> None:
    """Is this very run published already? Score files that are damaged are told, and are as good as not there."""
    workspace, days = night.workspace, night.workspace.published_dates()
    if night.as_of in days and not runs.is_score_file_intact(workspace, night.as_of):
        night.warn(Problem("W341", str(workspace.score_file(night.as_of)), values={"as_of": night.as_of.isoformat()}))
    elif night.as_of in days:
        night.already_published = night.published = (
            runs.verified_score_file(workspace, night.as_of).meta["run_id"] == night.run_id
        )
    if night.already_published:
        night.outputs = [workspace.score_file(night.as_of), *filter(night.is_intact, night.recorded_outputs())]
        return
    for day in _damaged_before(workspace, night.as_of):
        night.warn(Problem("W340", str(workspace.score_file(day)), values={"as_of": day.isoformat()}))


def scoring_champions(night: Night, champions: Mapping[str, Champion]) -> dict[str, Champion]:
    """Those that were trained on these very features; a warning names each target that nothing scores.

    Raises E525 (exit 5) when every champion was trained on other features, or on other code for them.
    """
    expected, found = night.project.feature_set_hash, dict[str, Champion]()
    others = []
    for target in TARGETS:
        champion = champions.get(target)
        if champion is None:
            night.warn(Problem("W521", values={"target": target}))
            continue
        trained_on = champion.model.facts_.get("feature_set_hash")
        if trained_on == expected:
            found[target] = champion
        else:
            others.append(
                {
                    "version": champion.version,
                    "found": expected,
                    "expected": str(trained_on),
                    "target": target,
                    "why": _identity_note(champion),
                }
            )
    if others and not found:
        raise HeadwaterError("E525", **others[0])
    for values in others:
        night.warn(Problem("W525", values=values))
    return found


def _identity_note(champion: Champion) -> str:
    """The key of what is to be added where the identity of features was made in another way."""
    return "@identity.same" if champion.model.facts_.get("identity") == identity.FORMAT else "@identity.earlier"


def _score(night: Night, chosen: Engine) -> None:
    """Features of everybody, then the champions, chunk after chunk."""
    project, tables = night.project, night.tables
    assert tables is not None
    pieces = Pieces.open(night.workspace, night.run_id)
    with night.steps.step("features") as facts:
        night.scoring = chosen.scoring(project, tables, night.as_of, night.champions, pieces, night.steps)
        night.scoring.prepare()
        customers = night.scoring.assembly.total
        facts["said"] = f"{customers:,} × {len(project.features)}"
        facts |= {"customers": customers, "features": len(project.features)}
    with night.steps.step("score") as facts:
        night.scoring.score()
        night.scoring.finish(previous_scores(night.workspace, night.as_of))
        facts.update(night.scoring.summary.facts())
        facts |= {name: None for t in TARGETS.values() if t.name not in night.champions for name in t.counted}
        facts["said"] = sentences.customers_scored(facts, night.steps.lang)


def previous_scores(workspace: Workspace, as_of: date) -> ScoreFile | None:
    """The latest publication before a date that is whole."""
    earlier = (day for day in reversed(workspace.published_dates()) if day < as_of)
    day = next((day for day in earlier if runs.is_score_file_intact(workspace, day)), None)
    return runs.verified_score_file(workspace, day) if day else None


def _damaged_before(workspace: Workspace, as_of: date) -> list[date]:
    """The damaged publications between a date and the one that `previous_scores` gives, newest first."""
    earlier = (day for day in reversed(workspace.published_dates()) if day < as_of)
    return list(takewhile(lambda day: not runs.is_score_file_intact(workspace, day), earlier))


def _judge(night: Night) -> None:
    """The gates between scoring and publishing; a refusal is exit 5 and names the check."""
    assert night.scoring is not None
    with night.steps.step("gates") as facts:
        earlier = previous_scores(night.workspace, night.as_of)
        old = plain_types(earlier.select(gates.WATCHED)).to_pandas() if earlier else None
        decision = gates.scores_gate(night.scoring.summary.watched, old, night.project.settings.gates)
        facts["checks"] = [check.as_dict() for check in decision.checks]
        if not decision.passed:
            failed = next(check for check in decision.checks if not check.passed)
            dates = {"as_of": night.as_of, "before": earlier.meta["as_of"] if earlier else None}
            advice = "money" if failed.name.startswith(("money_", "share_", "count_")) else "scores"
            values = {"name": failed.name, "value": failed.value, "limit": failed.limit}
            raise HeadwaterError("E502", advice=f"@refused.{advice}", **values, **dates)
        facts["said"] = ", ".join(check.name for check in decision.checks)
        night.meta = _metadata(night, facts["checks"])


def _metadata(night: Night, checks: list[dict]) -> dict[str, str]:
    """Everything needed to judge the rows, for the file that holds them. All text."""
    assert night.scoring is not None and night.tables is not None
    project = night.project
    return publication.as_texts(
        run_id=night.run_id,
        as_of=night.as_of.isoformat(),
        schema_version=SCHEMA_VERSION,
        rows=night.scoring.assembly.total,
        rows_sha256=night.scoring.digest.hexdigest(),
        models={n: {"version": c.version, "sha256": c.sha256} for n, c in night.champions.items()},
        feature_set_hash=project.feature_set_hash,
        inputs=night.tables.fingerprint,
        input_files={n: [vars(f) for f in files] for n, files in night.tables.fingerprints.items()},
        gates=checks,
        high_value=scoring.targets_of(night.champions, project.settings).vip.high_value.model_dump(),
        code_version=code_version(),
        config_sha256=project.settings.fingerprint(),
    )


def publish(night: Night) -> Night:
    """The commit: one file, whole or not at all. Call with the lock held; never retried, never done twice."""
    if night.already_published:
        return night
    assert night.scoring is not None and night.steps.journal is not None
    journal = night.steps.journal
    with night.steps.step("publish") as facts:

        def record(sha256: str) -> None:
            journal.record(outcome=runs.PUBLISHING, as_of=night.as_of, sha256=sha256, meta=night.meta)

        path = publication.publish(night.workspace, night.scoring.tables(), night.meta, record)
        night.published = True
        checkpoints.remove_pieces(night.workspace)
        night.outputs.append(path)
        facts["said"] = paths.relative_path(path)
    return night


def deliver(night: Night) -> Night:
    """Lists and report over what was published, as far as they are not there; a failure says that the scores are out."""
    if night.already_published and _is_delivered(night):
        return night
    scores = publication.read_publication(night.workspace, night.as_of)
    night.outputs = [night.workspace.score_file(night.as_of)]
    _write_lists(night, scores)
    _write_report(night, scores)
    delivered = {night.relative_name(path): files.sha256(path) for path in night.outputs[1:]}
    return _record_outcome(night, runs.PUBLISHED, delivered=delivered)


def _is_delivered(night: Night) -> bool:
    """Did this run make its lists and report, and are they still there?"""
    return night.record.get("outcome") == runs.PUBLISHED and all(map(night.is_intact, night.recorded_outputs()))


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


def _write_lists(night: Night, done: Publication) -> None:
    """The lists of the targets that were scored. Where nobody's consent is known they are not written, and a warning says why."""
    with night.steps.step("lists") as facts:
        try:
            night.lists = [_write_list(night, done, kind) for kind in lists.LISTS if kind in done.models]
        except HeadwaterError as error:
            if error.problem.code != "E261":
                raise
            night.warn(Problem("W261", values=error.problem.values))
        night.outputs += [night.workbook(entry.kind) for entry in night.lists]
        facts["said"] = " · ".join(f"{entry.kind} {entry.counts.listed:,}" for entry in night.lists)


def _write_list(night: Night, done: Publication, kind: str) -> ListEntry:
    """One list; a workbook of this run that is there already stays as it is, whoever has written in it since."""
    intact = night.is_intact(night.workbook(kind))
    entry = lists.write_nightly(night.project, done, kind, exists=intact)
    if not intact and "lists" not in night.remade:
        night.remade.append("lists")
    return entry


def _write_report(night: Night, done: Publication) -> None:
    """The page of the night that was published, with its tables and warnings."""
    assert night.tables is not None
    path = night.workspace.report(night.as_of)
    night.outputs.append(path)
    if night.is_intact(path):
        return
    with night.steps.step("report") as facts:
        warnings = {lang: [errors.sentence(w, "what", lang) for w in night.warnings] for lang in LANGUAGES}
        use = pages.table_use(night.tables)
        data = pages.report_data(night.project, done, lists=night.lists, warnings=warnings, quality=use)
        facts["said"] = paths.relative_path(pages.write_page(night.project, data))
        night.remade.append("report")
