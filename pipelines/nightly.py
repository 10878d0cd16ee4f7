"""The night: check -> features -> score -> gates -> publish -> lists -> report. Plain functions; a flow only wraps them.

Nothing is published before every gate has passed. Until then any failure leaves the last good scores as they are;
after it nothing says "failed" without saying `published`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import HeadwaterError, Problem
from models import gates
from models.scores import SCHEMA_VERSION
from pipelines import bundles, delivery, errors, pieces, spark, storage
from pipelines.bundles import Champion
from pipelines.delivery import Published
from pipelines.journal import Journal, code_version, identity
from pipelines.pieces import Pieces
from pipelines.progress import Steps
from pipelines.project import Project
from pipelines.report_data import ListMade
from pipelines.score_files import ScoreFile
from pipelines.scoring import plain
from pipelines.scoring_run import ScoringRun
from pipelines.storage import Workspace
from pipelines.tables import Tables
from pipelines.texts import LANGUAGES, text

if TYPE_CHECKING:
    from pipelines.command import Run


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
    already: bool = False
    outputs: list[Path] = field(default_factory=list)
    lists: list[ListMade] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return self.project.workspace

    def result(self) -> dict[str, Any]:
        """The facts of `--json`."""
        counts = self.tables.counts if self.tables else {}
        return {
            "run_id": self.run_id,
            "as_of": self.as_of.isoformat(),
            "published": self.published,
            "already_published": self.already,
            "serving_as_of": str(self.workspace.serving() or "") or None,
            "outputs": [str(path) for path in self.outputs],
            "warnings": [problem.code for problem in self.warnings],
            "rows": delivery.rows(counts),
            "files": self.tables.files if self.tables else {},
        }


def run(night: Night, *, dry_run: bool = False, lists: bool = True) -> Night:
    """A whole night under the workspace's lock. Raises HeadwaterError with the code of the first failing step."""
    with storage.exclusive(night.workspace, f"nightly {night.as_of}"):
        prepare(night)
        if not dry_run and not night.already:
            publish(night)
            if lists:
                deliver(night)
    return night


def command(run_: "Run", as_of: date, *, dry_run: bool, deliver: bool) -> Night:
    """`headwater nightly` and `headwater score`: the result is told whether the night succeeds or not."""
    night = Night(run_.project, as_of, run_.steps)
    try:
        run(night, dry_run=dry_run, lists=deliver)
    finally:
        run_.tell(**night.result())
    if night.already:
        run_.say(text("steps.already", run_.language, as_of=as_of.isoformat(), run_id=night.run_id))
    for path in night.outputs:
        run_.say(delivery.shown(path))
    return night


def prepare(night: Night) -> Night:
    """Everything up to the gates; writes nothing that anybody reads."""
    if night.project.settings.engine == "spark":
        spark.present()
    check(night)
    if not night.already:
        score(night)
        judge(night)
    return night


def check(night: Night) -> None:
    """Read and validate the tables, load the champions, and find out whether this very run is published already."""
    project = night.project
    with night.steps.step("check") as facts:
        night.tables = project.tables(night.as_of)
        night.warnings += night.tables.warnings
        night.champions = bundles.champions(project.workspace)
        night.run_id = identity(
            as_of=night.as_of,
            inputs=night.tables.fingerprint,
            code=code_version(),
            config=project.settings.fingerprint(),
            models={name: champion.sha256 for name, champion in night.champions.items()},
        )
        night.steps.journal = Journal.open(project.workspace, night.run_id)
        facts["rows"], facts["files"] = delivery.rows(night.tables.counts), night.tables.files
        facts["said"] = delivery.rows_said(night.tables, night.steps.lang)
    target = project.workspace.score_file(night.as_of)
    if target.exists() and ScoreFile(target).meta.get("run_id") == night.run_id:
        night.already = night.published = True
        night.outputs = delivery.existing(project.workspace, night.as_of)


def score(night: Night) -> None:
    """Features of everybody, then the three champions, chunk after chunk."""
    project, tables = night.project, night.tables
    assert tables is not None
    refuse_other_features(project, night.champions)
    kept = Pieces.open(night.workspace, night.run_id)
    with night.steps.step("features") as facts:
        night.scoring = engine(project)(project, tables, night.as_of, night.champions, kept, night.steps)
        night.scoring.prepare()
        customers = night.scoring.assembly.total
        facts["said"] = f"{customers:,} × {len(project.features)}"
        facts |= {"customers": customers, "features": len(project.features)}
    with night.steps.step("score") as facts:
        night.scoring.score()
        night.scoring.finish(before(night.workspace, night.as_of))
        facts.update(night.scoring.summary.facts())
        facts["said"] = delivery.scores_said(facts, night.steps.lang)


def engine(project: Project) -> type[ScoringRun]:
    """Who makes features and scores: DuckDB in this process, or Spark's executors."""
    if project.settings.engine == "duckdb":
        return ScoringRun
    from pipelines.spark_scoring import SparkScoringRun

    return SparkScoringRun


def refuse_other_features(project: Project, champions: Mapping[str, Champion]) -> None:
    """A champion that was trained on other features, or on other code for them, is exit 5."""
    for champion in champions.values():
        trained_on = champion.model.facts_.get("feature_set_hash")
        if trained_on != project.feature_set_hash:
            raise HeadwaterError(
                "E525", version=champion.version, found=project.feature_set_hash, expected=str(trained_on)
            )


def before(workspace: Workspace, as_of: date) -> ScoreFile | None:
    """The latest publication before a date."""
    earlier = [day for day in workspace.published() if day < as_of]
    return ScoreFile(workspace.score_file(earlier[-1])) if earlier else None


def judge(night: Night) -> None:
    """The gates between scoring and publishing; a refusal is exit 5 and names the check."""
    assert night.scoring is not None
    with night.steps.step("gates") as facts:
        earlier = before(night.workspace, night.as_of)
        old = plain(earlier.select(gates.WATCHED)).to_pandas() if earlier else None
        decision = gates.scores_gate(night.scoring.summary.gated, old, night.project.settings.gates)
        facts["checks"] = [check.as_dict() for check in decision.checks]
        if not decision.passed:
            failed = next(check for check in decision.checks if not check.passed)
            dates = {"as_of": night.as_of, "before": earlier.meta["as_of"] if earlier else None}
            advice = "money" if failed.name.startswith(("money_", "share_", "count_")) else "scores"
            values = {"name": failed.name, "value": failed.value, "limit": failed.limit}
            raise HeadwaterError("E502", advice=f"@refused.{advice}", **values, **dates)
        facts["said"] = ", ".join(check.name for check in decision.checks)
        night.meta = metadata(night, facts["checks"])


def metadata(night: Night, checks: list[dict]) -> dict[str, str]:
    """Everything needed to judge the rows, for the file that holds them. All text."""
    assert night.scoring is not None and night.tables is not None
    project = night.project
    return delivery.texts(
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
        high_value=delivery.targets_of(night.champions["vip"], project.settings).vip.high_value.model_dump(),
        code_version=code_version(),
        config_sha256=project.settings.fingerprint(),
    )


def publish(night: Night) -> Night:
    """The commit: one file, whole or not at all. Call with the lock held; never retried."""
    assert night.scoring is not None and night.steps.journal is not None
    journal = night.steps.journal
    with night.steps.step("publish") as facts:

        def record(sha256: str) -> None:
            journal.record(outcome="publishing", as_of=night.as_of, sha256=sha256, meta=night.meta)

        path = storage.publish(night.workspace, night.scoring.tables(), night.meta, record)
        night.published = True
        pieces.forget(night.workspace)
        night.outputs.append(path)
        facts["said"] = delivery.shown(path)
    return night


def deliver(night: Night) -> Night:
    """Lists and report over what was published; a failure here says that the scores are out."""
    assert night.steps.journal is not None
    done = delivery.published(night.workspace, night.as_of)
    draw(night, done)
    write_report(night, done)
    night.steps.journal.record(outcome="published", **night.result())
    return night


def draw(night: Night, done: Published) -> None:
    """Both lists. Where nobody's consent is known they are not written, and a warning says why."""
    with night.steps.step("lists") as facts:
        try:
            night.lists = delivery.lists(night.project, done)
        except HeadwaterError as error:
            if error.problem.code != "E261":
                raise
            night.warnings.append(Problem("W261", values=error.problem.values))
        night.outputs += [Path(file) for entry in night.lists for file in entry.files]
        facts["said"] = " · ".join(f"{entry.kind} {entry.counts.listed:,}" for entry in night.lists)


def write_report(night: Night, done: Published) -> None:
    """The page of the night that was just published, with its tables and warnings."""
    assert night.tables is not None
    with night.steps.step("report") as facts:
        warnings = {lang: [errors.sentence(w, "what", lang) for w in night.warnings] for lang in LANGUAGES}
        use = delivery.table_use(night.tables)
        data = delivery.report_data(night.project, done, lists=night.lists, warnings=warnings, quality=use)
        path = delivery.page(night.project, data)
        night.outputs.append(path)
        facts["said"] = delivery.shown(path)
