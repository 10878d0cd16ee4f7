"""The lists that marketing takes away, drawn from a published date and written for one receiver."""

import getpass
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from features.errors import HeadwaterError
from pipelines.delivery import export, presets
from pipelines.delivery.export import ExportContext
from pipelines.delivery.report_data import ListEntry
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import Language
from pipelines.workspace.paths import Workspace, relative_path
from pipelines.workspace.publication import Publication, read_publication
from targeting.ranking import ListResult, ListSettings, churn_list, vip_list

LISTS = {"vip": vip_list, "churn": churn_list}
"""The lists that a night draws, by their target."""
_REFUSING = frozenset({"no_consent"})


def draw(project: Project, publication: Publication, kind: str, changes: Mapping[str, Any]) -> ListResult:
    """The list of a kind, with the options of a command laid over the project's settings.

    Parameters
    ----------
    project
        Its settings of lists.
    publication
        Whose scores are ranked.
    kind
        A key of `LISTS`.
    changes
        Fields of `ListSettings`; None leaves the project's.

    Returns
    -------
    ListResult
        Rows, control and counts.

    Raises
    ------
    HeadwaterError
        E534 for a target that was not scored, E238 for one that is no part of the project, E261 where nobody's consent
        is known, E239 for a least value where nobody's is.
    """
    if kind not in publication.models:
        if kind in project.settings.left_out:
            raise HeadwaterError.of([replace(project.settings.left_out[kind], code="E238")])
        raise HeadwaterError("E534", target=kind, as_of=publication.as_of.isoformat())
    options = {key: value for key, value in changes.items() if value is not None}
    settings = ListSettings.model_validate(project.settings.lists.model_dump() | options)
    return LISTS[kind](publication.scores, settings)


def write(project: Project, publication: Publication, result: ListResult, shape: str, path: Path) -> export.Exported:
    """One list file, logged with who took it and when the scores were made; refusals known since then are obeyed.

    Parameters
    ----------
    project
        Its features, currency and workspace.
    publication
        What the list was drawn from.
    result
        The list.
    shape
        Name of the preset.
    path
        The file.

    Returns
    -------
    Exported
        What was written.
    """
    context = ExportContext(
        features={feature.column: feature for feature in project.features},
        currency=project.mapping.currency,
        lang=presets.preset(shape).lang or project.settings.language,
        run={
            "run_id": publication.meta["run_id"],
            "as_of": publication.as_of.isoformat(),
            **publication.models,
            "holdout_salt": project.settings.holdout.salt,
        },
        notes=tuple(_notes(project, presets.preset(shape).lang or project.settings.language)),
        refused=_refused_since(project.workspace, publication),
        log=project.workspace.root / "exports.jsonl",
        who=getpass.getuser(),
        when=publication.as_of.isoformat(),
    )
    return export.write_list(result, path, shape, context)


def write_nightly(project: Project, publication: Publication, kind: str, *, exists: bool = False) -> ListEntry:
    """One list of a publication as a workbook in the project's language.

    Parameters
    ----------
    project
        Its settings and workspace.
    publication
        Whose scores are ranked.
    kind
        A key of `LISTS`.
    exists
        The file is there already, and stays as it is.

    Returns
    -------
    ListEntry
        For the report.

    Raises
    ------
    HeadwaterError
        E261 where nobody's consent is known, E239 for a least value where nobody's is.
    """
    result = draw(project, publication, kind, {})
    path = project.workspace.list_file(kind, publication.as_of, "xlsx")
    if not exists:
        write(project, publication, result, presets.preset_name("xlsx", project.settings.language), path)
    return ListEntry(kind, result.list_id, result.counts, (relative_path(path),))


def _notes(project: Project, lang: Language) -> list[str]:
    """What the list cannot tell, and why."""
    return [errors.sentence(problem, "what", lang) for problem in project.settings.left_out.values()]


def _refused_since(workspace: Workspace, publication: Publication) -> frozenset[str]:
    """Customers who have said no by the newest publication: an old list drawn again leaves them out too."""
    newest = workspace.serving_date()
    if newest is None or newest <= publication.as_of:
        return frozenset()
    rows = read_publication(workspace, newest).scores.select(["customer_id", "suppress_reason"]).to_pandas()
    return frozenset(rows.loc[rows["suppress_reason"].isin(_REFUSING), "customer_id"])
