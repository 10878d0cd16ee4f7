"""What people take away from a published date: the lists and the report, made from the score file itself."""

from __future__ import annotations

import dataclasses
import getpass
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import HeadwaterError
from models.targets.settings import TargetSettings
from pipelines.config.settings import Settings
from pipelines.delivery import export, presets, report
from pipelines.delivery.export import ExportContext
from pipelines.delivery.report_data import Evaluation, ListMade, ReportData, TableUse
from pipelines.flows import evaluations
from pipelines.ingest.tables import RowCount, Tables
from pipelines.wording.texts import text
from pipelines.workspace import runs, storage
from pipelines.workspace.bundles import Champion
from pipelines.workspace.score_files import ScoreFile
from pipelines.workspace.storage import Workspace
from targeting.ranking import ListResult, ListSettings, churn_list, vip_list

if TYPE_CHECKING:
    from pipelines.cli.run import Run
    from pipelines.project import Project

DRAWN = {"vip": vip_list, "churn": churn_list}
NEVER = frozenset({"no_consent"})


@dataclasses.dataclass(frozen=True)
class Published:
    """A published date: its metadata and its rows."""

    as_of: date
    meta: dict[str, str]
    scores: ScoreFile

    @property
    def models(self) -> dict[str, str]:
        """Target to version."""
        return {name: model["version"] for name, model in json.loads(self.meta["models"]).items()}


def published(workspace: Workspace, as_of: date | None) -> Published:
    """The newest published date, or the one asked for; exit 4 when it is not there, exit 3 when it is damaged."""
    found = as_of or workspace.serving()
    if found is None:
        raise HeadwaterError("E431", file=workspace.latest)
    scores = runs.whole(workspace, found)
    return Published(found, scores.meta, scores)


def texts(**facts: Any) -> dict[str, str]:
    """Metadata of a Parquet file is text; what is not becomes JSON."""
    return {key: fact if isinstance(fact, str) else json.dumps(fact, default=str) for key, fact in facts.items()}


def targets_of(champions: Mapping[str, Champion], settings: Settings) -> TargetSettings:
    """The targets that the champions were trained for: the high-value amount does not drift with later data.

    Where no champion scores potential VIPs another one tells the amount: it was fixed for all targets at once.
    """
    champion = champions.get("vip") or next(iter(champions.values()))
    return TargetSettings.model_validate(champion.model.facts_.get("targets") or settings.targets.model_dump())


def draw(project: Project, done: Published, kind: str, changes: Mapping[str, Any]) -> ListResult:
    """The list of a kind, with the options of a command laid over the project's settings.

    Raises E534 for one whose target was not scored.
    """
    if kind not in done.models:
        raise HeadwaterError("E534", target=kind, as_of=done.as_of.isoformat())
    given = {key: value for key, value in changes.items() if value is not None}
    settings = ListSettings.model_validate(project.settings.lists.model_dump() | given)
    return DRAWN[kind](done.scores, settings)


def _write(project: Project, done: Published, made: ListResult, shape: str, path: Path) -> export.Exported:
    """One list file, logged with who took it and when the scores were made; refusals known since then are obeyed."""
    context = ExportContext(
        features={feature.column: feature for feature in project.features},
        currency=project.mapping.currency,
        lang=presets.preset(shape).lang or project.settings.language,
        run={
            "run_id": done.meta["run_id"],
            "as_of": done.as_of.isoformat(),
            **done.models,
            "holdout_salt": project.settings.holdout.salt,
        },
        refused=_refused_since(project.workspace, done),
        log=project.workspace.root / "exports.jsonl",
        who=getpass.getuser(),
        when=done.as_of.isoformat(),
    )
    return export.write_list(made, path, shape, context)


def _refused_since(workspace: Workspace, done: Published) -> frozenset[str]:
    """Customers who have said no by the newest publication: an old list drawn again leaves them out too."""
    newest = workspace.serving()
    if newest is None or newest <= done.as_of:
        return frozenset()
    rows = published(workspace, newest).scores.select(["customer_id", "suppress_reason"]).to_pandas()
    return frozenset(rows.loc[rows["suppress_reason"].isin(NEVER), "customer_id"])


def list_path(workspace: Workspace, kind: str, as_of: date, ending: str) -> Path:
    return workspace.lists / f"{kind}-{as_of.isoformat()}.{ending}"


def listed(project: Project, done: Published, kind: str, *, written: bool = False) -> ListMade:
    """One list of a publication as a workbook in the project's language; `written` says that the file is there already.

    Raises E261 where nobody's consent is known.
    """
    made = draw(project, done, kind, {})
    path = list_path(project.workspace, kind, done.as_of, "xlsx")
    if not written:
        _write(project, done, made, presets.preset_name("xlsx", project.settings.language), path)
    return ListMade(kind, made.list_id, made.counts, (shown(path),))


def page(project: Project, data: ReportData, out: Path | None = None, lang: str | None = None) -> Path:
    """Write the page; both languages are in it, `lang` (the project's, when left out) is shown first."""
    path = out or report_path(project.workspace, data.as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    return storage.write_text(path, report.render(data, lang or project.settings.language))


def report_path(workspace: Workspace, as_of: date) -> Path:
    return workspace.reports / f"{as_of.isoformat()}.html"


def report_data(project: Project, done: Published, **more: Any) -> ReportData:
    """What the report shows, from the score file, its metadata and the evaluations kept beside the models."""
    high_value = json.loads(done.meta["high_value"])
    return ReportData(
        name=project.settings.name,
        as_of=done.as_of,
        run_id=done.meta["run_id"],
        scores=done.scores,
        models=done.models,
        evaluations=_judged(project.workspace, done.models),
        features={feature.column: feature for feature in project.features},
        currency=project.mapping.currency,
        threshold=high_value.get("amount"),
        **more,
    )


def _judged(workspace: Workspace, models: Mapping[str, str]) -> dict[str, Evaluation]:
    """How good each model was on its final window, where that was kept."""
    import pandas as pd

    found = {}
    for target, version in models.items():
        if kept := evaluations.kept(workspace, version):
            facts, final = kept
            metrics = pd.DataFrame(facts["metrics"])
            level = facts.get("levels", {}).get(facts["winner"])
            found[target] = Evaluation(metrics, final, facts["winner"], facts["beats_rule"], level=level)
    return found


def table_use(tables: Tables) -> list[TableUse]:
    """What became of the rows of each table, and the day of the newest."""
    newest = {name: when.date() for name, when in tables.newest.items()}
    return [
        TableUse(name, count.in_, count.used, count.quarantined, count.duplicates, newest.get(name))
        for name, count in tables.counts.items()
    ]


def shown(path: Path) -> str:
    """A path as people type it: relative to where they are, if it lies below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def rows(counts: Mapping[str, RowCount]) -> dict[str, dict[str, int]]:
    """Per table: in = used + quarantined + duplicates."""
    return {name: {key.rstrip("_"): number for key, number in vars(c).items()} for name, c in counts.items()}


def rows_said(tables: Tables, lang: str) -> str:
    """Rows used and left out over all tables, and how many files had to be read for that, in words."""
    counts, files = tables.counts.values(), tables.files
    return text(
        "steps.rows",
        lang,
        tables=len(tables.counts),
        used=sum(count.used for count in counts),
        quarantined=sum(count.quarantined for count in counts),
        duplicates=sum(count.duplicates for count in counts),
        read=files["read"],
        files=files["read"] + files["known"],
    )


def scores_said(facts: Mapping[str, Any], lang: str) -> str:
    parts = [name for name in ("scored", "high_risk", "potential_vips") if facts[name] is not None]
    return text("terms.line.comma", lang).join(text(f"steps.{name}", lang, n=facts[name]) for name in parts)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What `headwater list` was asked for; what is None comes from the project's settings."""

    kind: str
    changes: Mapping[str, Any]
    ending: str = "xlsx"
    preset: str | None = None
    as_of: date | None = None
    out: Path | None = None


def list_command(run: Run, wanted: Wanted) -> None:
    """`headwater list vip|churn`."""
    project = run.project
    done = published(project.workspace, wanted.as_of)
    made = draw(project, done, wanted.kind, wanted.changes)
    shape = wanted.preset or presets.preset_name(wanted.ending, run.lang or project.settings.language)
    ending = presets.preset(shape).format.removesuffix("-excel")
    name = f"{wanted.kind}-{shape}-top{made.filters['top']}"  # never the name of the night's own list
    path = wanted.out or list_path(project.workspace, name, done.as_of, ending)
    exported = _write(project, done, made, shape, path)
    counts = dataclasses.asdict(made.counts)
    run.tell(as_of=done.as_of.isoformat(), list_id=made.list_id, outputs=[str(path)], counts=counts)
    run.say(text("steps.list_written", run.language, path=shown(path), rows=exported.rows))
    run.say(_counted(made, run.language), style="dim")


def _counted(made: ListResult, lang: str) -> str:
    """eligible = listed + suppressed + held out + beyond, in words."""
    counts = made.counts
    return text(
        "steps.list_counts",
        lang,
        eligible=counts.eligible,
        listed=counts.listed,
        suppressed=sum(counts.suppressed.values()),
        held_out=counts.held_out,
        beyond=counts.beyond_top,
    )


def share(given: str | None) -> float | None:
    """`10%` or `0.1`."""
    if given is None:
        return None
    try:
        number = float(given.removesuffix("%")) / (100 if given.endswith("%") else 1)
    except ValueError:
        raise HeadwaterError("E234", given=given) from None
    if not 0 <= number < 1:
        raise HeadwaterError("E234", given=given)
    return number


def report_command(run: Run, as_of: date | None, out: Path | None) -> None:
    """`headwater report`."""
    done = published(run.project.workspace, as_of)
    path = page(run.project, report_data(run.project, done), out, run.lang)
    run.tell(as_of=done.as_of.isoformat(), outputs=[str(path)])
    run.say(shown(path))
