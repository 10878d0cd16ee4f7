"""The report of a published date as a page: its data gathered, and the file written."""

import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.delivery import report, report_grade
from pipelines.delivery.report_data import Evaluation, ReportData, TableUse
from pipelines.delivery.speech import Words
from pipelines.ingest.tables import Tables
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES, text
from pipelines.workspace import evaluations, files, history
from pipelines.workspace.paths import Workspace
from pipelines.workspace.publication import Publication

RECENT = 14
"""Runs that the page names."""


def write_page(project: Project, data: ReportData, out: Path | None = None, lang: str | None = None) -> Path:
    """Write the page, in both languages.

    Parameters
    ----------
    project
        Its workspace and language.
    data
        What the page shows.
    out
        The file; in the workspace if None.
    lang
        The language that is shown first; the project's if None.

    Returns
    -------
    pathlib.Path
        The file.
    """
    path = out or project.workspace.report(data.as_of)
    path.parent.mkdir(parents=True, exist_ok=True)
    return files.write_text(path, report.render(data, lang or project.settings.language))


def report_data(project: Project, publication: Publication, **more: Any) -> ReportData:
    """What the report shows, from the score file, its metadata and the evaluations kept beside the models."""
    high_value = json.loads(publication.meta["high_value"])
    return ReportData(
        name=project.settings.name,
        as_of=publication.as_of,
        run_id=publication.meta["run_id"],
        scores=publication.scores,
        models=publication.models,
        evaluations=judged(project.workspace, publication.models),
        left_out={lang: not_scored(project, publication, lang) for lang in LANGUAGES},
        features={feature.column: feature for feature in project.features},
        currency=project.mapping.currency,
        threshold=high_value.get("amount"),
        margin=float(publication.meta.get("value_margin", 1.0)),
        recent=tuple(history.history(project.workspace)[:RECENT]),
        tiers=project.settings.tiers.names,
        **more,
    )


def not_scored(project: Project, publication: Publication, lang: str) -> list[str]:
    """A sentence for each target without scores: it is not predicted, or the gate refused its model."""
    return _left_out(project, lang) + _refused(project, publication, lang)


def _left_out(project: Project, lang: str) -> list[str]:
    """A sentence for each target that the project does not predict."""
    return [errors.sentence(problem, "what", lang) for problem in project.settings.left_out.values()]


def _refused(project: Project, publication: Publication, lang: str) -> list[str]:
    """A sentence for each target that nothing scored because the gate refused its newest model, with what refused it."""
    speech, told = Words(lang, project.mapping.currency), []
    for target in project.settings.predicted:
        found = None if target in publication.models else evaluations.newest(project.workspace, target)
        if found and (why := report_grade.refused(speech, found[1].get("gate", {}).get("checks", ()))):
            name = text(f"targets.{target}.name", lang)
            told.append(speech.say("not_scored_refused", target=name, version=found[0], why=why))
    return told


def judged(workspace: Workspace, models: Mapping[str, str]) -> dict[str, Evaluation]:
    """How good each model was on its final window, where that was kept."""
    by_target = {}
    for target, version in models.items():
        if kept := evaluations.load(workspace, version):
            by_target[target] = Evaluation.of(*kept)
    return by_target


def table_use(tables: Tables, timezone: str) -> list[TableUse]:
    """What became of the rows of each table, and the day on which the newest was known, in the project's zone."""
    zone = ZoneInfo(timezone)
    newest = {name: when.replace(tzinfo=UTC).astimezone(zone).date() for name, when in tables.newest.items()}
    return [
        TableUse(name, count.in_, count.used, count.quarantined, count.duplicates, newest.get(name), count.filtered)
        for name, count in tables.counts.items()
    ]
