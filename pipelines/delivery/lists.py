"""The lists that marketing takes away, drawn from a published date and written for one receiver."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from features.errors import HeadwaterError
from pipelines.delivery import contact_details, export, presets
from pipelines.delivery.consented import consented
from pipelines.delivery.export import ExportContext
from pipelines.delivery.list_filters import resolved
from pipelines.delivery.night_playbook import paid_by_rule, rules
from pipelines.delivery.report_data import ListEntry
from pipelines.delivery.said_no import refused_since, unasked
from pipelines.project import Project
from pipelines.wording import errors
from pipelines.wording.texts import Language, text
from pipelines.workspace import calls, frozen_lists
from pipelines.workspace.frozen_lists import FrozenList
from pipelines.workspace.paths import relative_path
from pipelines.workspace.publication import Publication
from targeting.candidates import Scores
from targeting.holdout import STARTS
from targeting.list_settings import ListSettings
from targeting.plan import Plan, plan
from targeting.ranking import ListResult, churn_list, vip_list

LISTS = {"vip": vip_list, "churn": churn_list}
"""The lists that a night draws, by their target."""
NO_FILTERS: Mapping[str, Sequence[str] | None] = MappingProxyType({})


class Uplift(Protocol):
    """A model of uplift that ranks a list."""

    @property
    def label(self) -> str:
        """What stands in the record of the list."""
        ...

    def of(self, scores: Scores) -> np.ndarray:
        """What a contact is expected to change for each row of a score table."""
        ...


def draw(
    project: Project,
    publication: Publication,
    kind: str,
    changes: Mapping[str, Any],
    wanted: Mapping[str, Sequence[str] | None] = NO_FILTERS,
    uplift: Uplift | None = None,
) -> ListResult:
    """The list of a kind, with the options of a command laid over the project's settings, under the id of its content.

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
    wanted
        Name of a filter -> values as people write them; they replace the project's.
    uplift
        A model of uplift, by which the list is ranked; None: the usual order.

    Returns
    -------
    ListResult
        Rows, control and counts.

    Raises
    ------
    HeadwaterError
        E534 for a target that was not scored, E238 for one that is no part of the project, E261 where nobody's consent
        is known, E239 for a least value where nobody's is, E299 for a value of a filter that does not exist.
    """
    settings = drawn_by(project, publication, kind, changes, wanted)
    scores = consented(project, publication)
    gain = uplift.of(scores) if uplift else None
    result = LISTS[kind](scores, settings, None, project.settings.holdout, gain)
    if uplift:
        result = replace(result, filters=result.filters | {"uplift": uplift.label})
    return frozen_lists.identified(result, basis(project, publication, kind, settings))


def drawn_by(
    project: Project,
    publication: Publication,
    kind: str,
    changes: Mapping[str, Any],
    wanted: Mapping[str, Sequence[str] | None] = NO_FILTERS,
) -> ListSettings:
    """The settings that a list of a kind is drawn by. Parameters and errors are those of `draw`."""
    if kind not in publication.models:
        if kind in project.settings.left_out:
            raise HeadwaterError.of([replace(project.settings.left_out[kind], code="E238")])
        raise HeadwaterError("E534", target=kind, as_of=publication.as_of.isoformat())
    options = {key: value for key, value in changes.items() if value is not None}
    only = resolved(wanted, publication.scores, kind, project.settings)
    if only is not None:
        options["only"] = only.model_dump()
    return ListSettings.model_validate(project.settings.lists.model_dump() | options)


def planned(
    project: Project,
    publication: Publication,
    changes: Mapping[str, Any],
    wanted: Mapping[str, Sequence[str] | None] = NO_FILTERS,
) -> Plan:
    """The at-risk list in money at every length. Parameters are those of `draw`.

    Raises
    ------
    HeadwaterError
        What `draw` raises; E294 where nobody's value is predicted, E435 where nobody may be contacted.
    """
    settings = drawn_by(project, publication, "churn", changes, wanted)
    scores = consented(project, publication)
    paid = paid_by_rule(publication)
    found = plan(scores, settings, project.settings.profit, project.settings.holdout, paid=paid)
    if not len(found.table):
        raise export.nobody_left(churn_list(scores, settings, None, project.settings.holdout).counts)
    return found


def basis(project: Project, publication: Publication, kind: str, settings: ListSettings) -> dict[str, Any]:
    """What a list is drawn from, as its record keeps it: run, models, the buckets that are held out, and for whom each rule of
    the playbook of that night was; no rules where there was none."""
    buckets = project.settings.holdout
    held_out = {"salt": buckets.salt, "always": buckets.share, "from_bucket": STARTS[kind], "share": settings.holdout}
    drawn_from = {"run_id": publication.meta["run_id"], "models": publication.models, "holdout": held_out}
    told = {rule["rule"]: rule.get("when", {}) for rule in rules(publication)}
    return drawn_from | {"consent": project.settings.contact.consent} | ({"rules": told} if told else {})


def write(
    project: Project,
    publication: Publication,
    result: ListResult,
    shape: str,
    path: Path,
    *,
    may_be_empty: bool = False,
    who: str | None = None,
    contacts: str | None = None,
) -> export.Exported:
    """Freeze a list and write it to a file, logged with who took it and when; refusals known since then are obeyed.

    Parameters
    ----------
    project
        Its features, currency and workspace.
    publication
        What the list was drawn from.
    result
        The list, as `draw` gave it.
    shape
        Name of the preset.
    path
        The file.
    may_be_empty
        Write a file that says why nobody is in it, too.
    who
        Takes it; the user of the system if None.
    contacts
        As for `hand_out`.

    Returns
    -------
    Exported
        What was written.

    Raises
    ------
    HeadwaterError
        E723 for who may not take contact details; E435 where nobody is left, unless that may be; nothing is frozen then. What `export.write_list` raises.
    """
    if result.rows.empty and not may_be_empty:
        raise export.nobody_left(result.counts)
    if contacts is not None:
        contact_details.require(project.settings.contact, contacts)
    settings = ListSettings.model_validate({"holdout": result.filters["holdout"]})
    drawn_from = basis(project, publication, result.kind, settings)
    frozen = FrozenList(result, drawn_from, who or calls.user(), calls.now().isoformat(timespec="seconds"))
    frozen_lists.save(project.workspace, frozen)
    return hand_out(project, frozen, shape, path, may_be_empty=may_be_empty, contacts=contacts)


def hand_out(
    project: Project,
    frozen: FrozenList,
    shape: str,
    path: Path,
    *,
    may_be_empty: bool = False,
    contacts: str | None = None,
) -> export.Exported:
    """Write a frozen list for one receiver, without those who have refused by now or are never to be contacted any more.

    Parameters
    ----------
    project
        Its features, currency and workspace.
    frozen
        The list; who takes it and when stand in the log.
    shape
        Name of the preset.
    path
        The file.
    may_be_empty
        Write a file that says why nobody is in it, too.
    contacts
        Whoever takes telephone numbers and e-mail addresses along, as `contact_details.may_take` knows them; None without.

    Returns
    -------
    Exported
        What was written.

    Raises
    ------
    HeadwaterError
        What `export.write_list` and `contact_details.of_customers` raise; E723 for who may not take contact details.
    """
    if contacts is not None:
        contact_details.require(project.settings.contact, contacts)
    lang = presets.preset(shape).lang or project.settings.language
    models = {str(target): str(version) for target, version in frozen.basis["models"].items()}
    details = None if contacts is None else contact_details.of_customers(project, frozen.result.rows["customer_id"])
    context = ExportContext(
        features={feature.column: feature for feature in project.features},
        currency=project.mapping.currency,
        lang=lang,
        run={
            "run_id": frozen.basis["run_id"],
            **models,
            "holdout_salt": frozen.basis["holdout"]["salt"],
            "consent": frozen.basis.get("consent") or "recorded",
        },
        notes=(*_notes(project, lang), *_warnings(frozen, contacts is not None, lang)),
        rules=frozen.basis.get("rules", {}),
        details=details,
        refused=refused_since(project, frozen.result.as_of) | unasked(project, frozen),
        held_out=project.settings.holdout,
        may_be_empty=may_be_empty,
        log=project.workspace.root / "exports.jsonl",
        who=frozen.who,
        when=frozen.when,
    )
    return export.write_list(frozen.result, path, shape, context)


def draw_again(
    project: Project, list_id: str, shape: str, path: Path | None, contacts: bool = False
) -> tuple[FrozenList, export.Exported]:
    """Hand out a frozen list once more: the same customers in the same order, without those who have refused by now.

    Parameters
    ----------
    project
        Its workspace.
    list_id
        Of the list, or its beginning.
    shape
        Name of the preset.
    path
        The file; in the workspace if None.
    contacts
        With telephone numbers and e-mail addresses, if the user of the system may.

    Returns
    -------
    FrozenList, Exported
        The list, with who takes it now and when; and what was written.

    Raises
    ------
    HeadwaterError
        E298 for an id that no list has, E346 for a damaged one, E435 where nobody is left.
    """
    kept = frozen_lists.read(project.workspace, list_id)
    now = replace(kept, who=calls.user(), when=calls.now().isoformat(timespec="seconds"))
    path = path or file_of(project, kept.result, shape, contacts)
    return now, hand_out(project, now, shape, path, contacts=now.who if contacts else None)


def file_of(project: Project, result: ListResult, shape: str, contacts: bool = False) -> Path:
    """Where a list lies in the workspace that is asked for by hand: named by its id, beside those of the nights."""
    shape_told = f"{shape}-contacts" if contacts else shape
    ending = presets.preset(shape).format.removesuffix("-excel")
    return project.workspace.lists / f"{result.list_id}-{shape_told}.{ending}"


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
        shape = presets.preset_name("xlsx", project.settings.language)
        write(project, publication, result, shape, path, may_be_empty=True)
    return ListEntry(kind, result.list_id, result.counts, (relative_path(path),))


def _notes(project: Project, lang: Language) -> list[str]:
    """What the list cannot tell, and why."""
    return [errors.sentence(problem, "what", lang) for problem in project.settings.left_out.values()]


def _warnings(frozen: FrozenList, contacts: bool, lang: Language) -> list[str]:
    """What whoever uses the file has to do."""
    told = {"consent_assumed": frozen.basis.get("consent") == "assumed", "with_contacts": contacts}
    return [text(f"lists.{name}", lang) for name, holds in told.items() if holds]
