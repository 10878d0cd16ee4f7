"""One look of the monitor: what it found, as a step and on a page, and whether anybody is to be told of it."""

from dataclasses import dataclass
from datetime import date
from math import isnan
from pathlib import Path
from typing import Any

from pipelines.delivery import monitor_page
from pipelines.delivery.monitor_page import MonitorData
from pipelines.flows import monitor
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES, text
from pipelines.workspace import files
from pipelines.workspace.progress import Steps


@dataclass(frozen=True)
class Look:
    """What a look has come to: `data` of the page, and the `page` that was written."""

    data: MonitorData
    page: Path

    def summary(self) -> dict[str, Any]:
        """For the record of the call: the night that was looked at, the codes of its warnings, the page."""
        found = self.data.found
        codes = [problem.code for problem in found.problems]
        return {"as_of": found.as_of.isoformat(), "warnings": codes, "outputs": [str(self.page)]}


def looks_back(project: Project, as_of: date, since: date | None) -> bool:
    """Does somebody look at what is past? What stood so then opens no incident, and ends none of today.

    Parameters
    ----------
    project
        Its workspace.
    as_of
        The date that is asked for.
    since
        The first day that was asked for; None where the monitor chooses it, as on a schedule.
    """
    serving = project.workspace.serving_date()
    return since is not None or (serving is not None and as_of < serving)


def look(
    project: Project,
    as_of: date,
    since: date | None,
    steps: Steps,
    out: Path | None = None,
    lang: str | None = None,
) -> Look:
    """Look at the newest night by a date, warn of what asks for something, and write the page.

    Parameters
    ----------
    project
        Its workspace and settings.
    as_of
        What is known before it counts.
    since
        The first day whose nights are looked at; 35 days before the newest night if None.
    steps
        Where the step and the warnings are said.
    out
        The page; in the workspace if None.
    lang
        The language that it shows first; the project's if None.

    Raises
    ------
    HeadwaterError
        As `flows.monitor.monitor`; E703 to E705 for what the disk refuses.
    """
    with steps.step("monitor") as facts:
        found = monitor.monitor(project, as_of, since)
        facts["warnings"] = len(found.problems)
        counts = {"nights": len(found.nights), "kept": len(found.kept), "n": len(found.problems)}
        facts["said"] = text("monitor.said", steps.lang, as_of=found.as_of.isoformat(), **counts)
        for problem in found.problems:
            steps.warn(errors.render_line(problem, steps.lang))
        data = _data(project, found)
        page = out or project.workspace.monitor_page(found.as_of)
        monitor_page.write_page(page, data, lang or project.settings.language)
        if out is None:
            files.write_json(project.workspace.monitor_figures(found.as_of), {"promises": promises(found)})
    return Look(data, page)


def promises(found: monitor.Monitoring) -> list[dict[str, Any]]:
    """What was promised of each night and what came of it; None where an interval is not known."""
    return [
        {
            "target": kept.target,
            "version": kept.version,
            "as_of": kept.as_of.isoformat(),
            "days": kept.days,
            "early": kept.early,
            "n": kept.result.n,
            "promised": kept.result.promised,
            "observed": kept.result.observed,
            "low": None if isnan(kept.result.low) else kept.result.low,
            "high": None if isnan(kept.result.high) else kept.result.high,
            "broken": kept.result.level_broken,
        }
        for kept in found.kept
    ]


def _data(project: Project, found: monitor.Monitoring) -> MonitorData:
    warnings = {
        lang: [" · ".join((errors.sentence(p, "what", lang), errors.sentence(p, "fix", lang))) for p in found.problems]
        for lang in LANGUAGES
    }
    features = {feature.column: feature for feature in project.features}
    return MonitorData(project.settings.name, found, warnings, features, project.mapping.currency)
