"""Telephone numbers and e-mail addresses on a list: for those who may, at the moment at which it leaves."""

from collections.abc import Collection

import pandas as pd

from features.errors import HeadwaterError
from pipelines.delivery import addresses
from pipelines.ingest import contact_details
from pipelines.project import Project
from pipelines.workspace.erasures import erasures
from targeting.suppression import ContactSettings


def may_take(settings: ContactSettings, user: str) -> bool:
    """May a user of the system (`anna`, or `anna@host` as the record of calls has them) or an account of the page
    (`page:anna`) take contact details away?"""
    return user.partition("@")[0] in settings.details_for


def require(settings: ContactSettings, user: str) -> None:
    """Go no further for who may not. Raises E723 (exit 7)."""
    if not may_take(settings, user):
        raise HeadwaterError("E723", user=user.partition("@")[0])


def of_customers(project: Project, ids: Collection[str]) -> pd.DataFrame:
    """How customers are reached, as it is known now; nothing of it is kept.

    Parameters
    ----------
    project
        Its mapping, its settings of contact and who was erased.
    ids
        Of the customers.

    Returns
    -------
    pandas.DataFrame
        By customer_id: contact_name; phone and email as they were delivered; phone_e164, phone_digits (the same without +) and
        email_safe as other systems take them. None where that is not known.

    Raises
    ------
    HeadwaterError
        What `pipelines.ingest.contact_details.read` raises.
    """
    found = contact_details.read(project.mapping, ids, erasures(project.workspace.root))
    prefix = project.settings.contact.phone_prefix
    numbers = [addresses.phone(text, prefix) for text in found["phone"]]
    return found.assign(
        phone_e164=pd.Series(numbers, found.index, dtype=object),
        phone_digits=pd.Series([one and one[1:] for one in numbers], found.index, dtype=object),
        email_safe=found["email"].map(addresses.email).astype(object),
    )
