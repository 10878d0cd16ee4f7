"""Lists and report of a night, over what was published; what is there already, whole, is not written again."""

from features.errors import HeadwaterError, Problem
from pipelines.delivery import lists, pages
from pipelines.delivery.report_data import ListEntry
from pipelines.flows.night import LISTLESS, Night
from pipelines.wording import errors
from pipelines.wording.texts import LANGUAGES, text
from pipelines.workspace import paths, runs
from pipelines.workspace.publication import Publication

REFUSED = {"E261": "W261", "E239": "W239"}
"""Why a night has no lists, as its warning: the scores are out, and a person must say something first."""


def is_delivered(night: Night) -> bool:
    """Did this run make its lists and report, and are they still there?"""
    return night.record.get("outcome") == runs.PUBLISHED and all(map(night.is_intact, night.recorded_outputs()))


def write_lists(night: Night, done: Publication) -> None:
    """The lists of the targets that were scored. Where consent or a least value is not known they are not written: a warning says why."""
    with night.steps.step("lists") as facts:
        try:
            night.lists = [_write_list(night, done, kind) for kind in lists.LISTS if kind in done.models]
        except HeadwaterError as error:
            if error.problem.code not in REFUSED:
                raise
            night.warn(Problem(REFUSED[error.problem.code], values=error.problem.values))
        night.outputs += [night.workbook(entry.kind) for entry in night.lists]
        written = " · ".join(f"{entry.kind} {entry.counts.listed:,}" for entry in night.lists)
        facts["listed"] = {entry.kind: entry.counts.listed for entry in night.lists}
        facts["said"] = written or text("steps.no_lists", night.steps.lang)
    if not any(entry.counts.listed for entry in night.lists) and set(lists.LISTS) & set(
        night.project.settings.predicted
    ):
        night.warn(Problem(LISTLESS, values={"as_of": night.as_of.isoformat()}))


def _write_list(night: Night, done: Publication, kind: str) -> ListEntry:
    """One list; a workbook of this run that is there already stays as it is, whoever has written in it since."""
    intact = night.is_intact(night.workbook(kind))
    entry = lists.write_nightly(night.project, done, kind, exists=intact)
    if not intact and "lists" not in night.remade:
        night.remade.append("lists")
    return entry


def write_report(night: Night, done: Publication) -> None:
    """The page of the night that was published, with its tables and warnings."""
    assert night.tables is not None
    path = night.workspace.report(night.as_of)
    night.outputs.append(path)
    if night.is_intact(path):
        return
    with night.steps.step("report") as facts:
        warnings = {lang: [errors.sentence(w, "what", lang) for w in night.warnings] for lang in LANGUAGES}
        use = pages.table_use(night.tables, night.project.mapping.timezone)
        data = pages.report_data(night.project, done, lists=night.lists, warnings=warnings, quality=use)
        facts["said"] = paths.relative_path(pages.write_page(night.project, data))
        night.remade.append("report")
