"""Published scores by the consent setting of today: a change counts from the next list on, without another night."""

from collections.abc import Collection

import pyarrow as pa

from pipelines.ingest import refusals
from pipelines.project import Project
from pipelines.workspace.publication import Publication
from targeting.candidates import Scores
from targeting.suppression import UNASKED, with_consent

STATUS = ("contact_allowed", "suppress_reason")


def consented(project: Project, publication: Publication) -> Scores:
    """The scores of a publication; their own columns of contact where the setting is that of their night, or where a file of
    before does not say which it was.

    Parameters
    ----------
    project
        Its settings of contact, and what was read of consents.
    publication
        The scores.

    Raises
    ------
    HeadwaterError
        E331 (exit 3) where who has said yes has to be known, and what was read of consents is missing or altered.
    """
    then, now = publication.meta.get("consent"), project.settings.contact.consent
    if then is None or (then in UNASKED) == (now in UNASKED):
        return publication.scores
    contact = project.settings.contact
    said_yes = frozenset() if now in UNASKED else refusals.agreed(project.workspace.root, contact.purpose)
    return ConsentedScores(publication.scores, then, now, said_yes)


class ConsentedScores:
    """Scores whose columns of contact are those of another consent setting; they are read as a score table is."""

    def __init__(self, scores: Scores, then: str | None, now: str | None, said_yes: Collection[str]):
        self._scores, self._then, self._now, self._said_yes = scores, then, now, said_yes

    @property
    def column_names(self) -> list[str]:
        """Those of the publication."""
        return self._scores.column_names

    def select(self, columns: list[str]) -> pa.Table:
        """Some columns of everybody."""
        asked = list(dict.fromkeys([*columns, "customer_id", *STATUS]))
        if set(columns).isdisjoint(STATUS):
            return self._scores.select(columns)
        return self._changed(self._scores.select(asked)).select(columns)

    def take(self, places: pa.Array) -> pa.Table:
        """Whole rows by their place."""
        return self._changed(self._scores.take(places))

    def _changed(self, table: pa.Table) -> pa.Table:
        status = table.select(["customer_id", *STATUS]).to_pandas()
        found = with_consent(status, self._then, self._now, self._said_yes)
        for name in STATUS:
            place = table.column_names.index(name)
            field = table.schema.field(name)
            values = pa.array(found[name].astype(object), pa.bool_() if name == STATUS[0] else pa.string())
            table = table.set_column(place, field, values.cast(field.type))
        return table
