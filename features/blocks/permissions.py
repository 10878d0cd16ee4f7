"""What lists and scores need of a customer beside features, as it stood at the as-of date: models never see it."""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.blocks.service import took_place
from features.definition import KEY
from features.visible import as_known, visible

FACTS = ("account_id", "consent", "last_contact_on", "usage_lag")


def permissions(tables: Mapping[str, ir.Table], spine: ir.Table, purpose: str) -> ir.Table:
    """Consent and last contact of every row of the spine.

    Parameters
    ----------
    tables : `consents` and `contacts` where they are there
    spine : one row per (customer_id, as_of)
    purpose : what the consent was asked for

    Returns
    -------
    ir.Table
        customer_id, as_of, `consent` (the newest decision for the purpose; null: never asked, or no such table) and
        `last_contact_on` (the newest contact that we began; null: none, or no such table)
    """
    rows = spine.select(*KEY)
    rows = rows.left_join(_consents(tables, spine, purpose), KEY).drop("customer_id_right", "as_of_right")
    rows = rows.left_join(_our_contacts(tables, spine), KEY)
    return rows.select(*KEY, "consent", "last_contact_on")


def facts(tables: Mapping[str, ir.Table], spine: ir.Table, purpose: str) -> ir.Table:
    """`FACTS` of every row of the spine.

    Parameters
    ----------
    tables : `customers`, and `consents` and `contacts` where they are there
    spine : one row per (customer_id, as_of), with `usage_lag` where there is usage
    purpose : what the consent was asked for

    Returns
    -------
    ir.Table
        customer_id, as_of, what `permissions` gives, `account_id` (null: on none) and `usage_lag`, newest days of usage
        that have not come for anybody (null: no usage)
    """
    own = as_known(spine, tables["customers"])
    lag = own.usage_lag if "usage_lag" in own.columns else ibis.null("int64")
    rows = permissions(tables, spine, purpose).left_join(own.select(*KEY, "account_id", usage_lag=lag), KEY)
    return rows.select(*KEY, *FACTS)


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
