"""Who was on a list and may not be contacted by now: as they said since, or because they were never asked."""

from datetime import date

from pipelines.ingest import refusals
from pipelines.project import Project
from pipelines.workspace.frozen_lists import FrozenList
from pipelines.workspace.publication import read_publication
from targeting.suppression import UNASKED

_REFUSING = frozenset({"no_consent"})


def unasked(project: Project, frozen: FrozenList) -> frozenset[str]:
    """Customers of a list who were not asked, where consent has to be on record now and had not to be then."""
    then, contact = frozen.basis.get("consent"), project.settings.contact
    if then not in UNASKED or contact.consent in UNASKED:
        return frozenset()
    said_yes = refusals.agreed(project.workspace.root, contact.purpose)
    return frozenset(frozen.result.rows["customer_id"]) - said_yes


def refused_since(project: Project, as_of: date | None) -> frozenset[str]:
    """Customers who have said no by the newest publication, or by the newest reading of consents, which may know more than
    any scores: an old list drawn again leaves them out, too."""
    read = refusals.refused(project.workspace.root, project.settings.contact.purpose)
    newest = project.workspace.serving_date()
    if newest is None or (as_of is not None and newest <= as_of):
        return read
    rows = read_publication(project.workspace, newest).scores.select(["customer_id", "suppress_reason"]).to_pandas()
    return read | frozenset(rows.loc[rows["suppress_reason"].isin(_REFUSING), "customer_id"])
