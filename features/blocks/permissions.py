"""What decides whether a customer may be contacted, as it stood at the as-of date. Not features: models never see it."""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.blocks.service import took_place
from features.definition import KEY
from features.visible import visible


def permissions(tables: Mapping[str, ir.Table], spine: ir.Table, purpose: str) -> ir.Table:
    """One row per row of the spine: `consent` (newest decision for the purpose; null unknown), `last_contact_on`.

    A column whose table is not there is null.
    """
    rows = spine.select(*KEY)
    rows = rows.left_join(_consents(tables, spine, purpose), KEY).drop("customer_id_right", "as_of_right")
    rows = rows.left_join(_our_contacts(tables, spine), KEY)
    return rows.select(*KEY, "consent", "last_contact_on")


def _consents(tables: Mapping[str, ir.Table], spine: ir.Table, purpose: str) -> ir.Table:
    if "consents" not in tables:
        return spine.select(*KEY, consent=ibis.null("boolean"))
    decided = visible(spine, tables["consents"].filter(tables["consents"].purpose == purpose))
    return decided.group_by(*KEY).aggregate(consent=decided.allowed.argmax(decided.happened_at))


def _our_contacts(tables: Mapping[str, ir.Table], spine: ir.Table) -> ir.Table:
    """Date of the newest contact that we began."""
    if "contacts" not in tables:
        return spine.select(*KEY, last_contact_on=ibis.null("date"))
    contacts = took_place(tables["contacts"])
    ours = visible(spine, contacts.filter(contacts.direction == "outbound"))
    return ours.group_by(*KEY).aggregate(last_contact_on=ours.happened_on.max())
