"""Who must not be contacted on a date, and the rule that says so."""

from collections.abc import Collection
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from features.strict import Strict

SuppressReason = Literal[
    "no_consent", "consent_unknown", "complaint_open", "recent_contact", "arrears", "employee", "minor"
]
Consent = Literal["recorded", "assumed", "not_needed"]
UNASKED = ("assumed", "not_needed")
"""With these an unknown consent is no reason against a contact."""
UNKNOWN: SuppressReason = "consent_unknown"


class ContactSettings(Strict):
    """The contact policy. All figures are assumptions: the documents say only "neither too near nor too far".

    `consent: recorded` follows the consents table, in which a customer who is not in it counts as no.
    `consent: assumed` says that consent is recorded elsewhere and applied before anybody is contacted.
    `consent: not_needed` says that a person has found these contacts to be lawful without consent.
    A refusal on record counts whatever is said. Left out, it is as `recorded`: nobody may be contacted where no consents table
    exists, and lists refuse (E261). A change counts from the next list on, without another night.
    """

    consent: Consent | None = Field(
        None,
        description="recorded: by the consents table; assumed: kept elsewhere; not_needed: lawful without; null: as recorded",
    )
    purpose: str = Field("marketing", description="whose rows of the consents table count")
    quiet_days: int = Field(14, ge=0, description="days after a contact by us without another")
    arrears_above: float = Field(0.0, ge=0, description="overdue money that may be open")
    details_for: tuple[str, ...] = Field(
        (),
        description="who may take lists away with telephone numbers and e-mail addresses (contact_details in the mapping): users "
        "of this system, and accounts of the page as page:NAME; nobody else may",
    )
    phone_prefix: str | None = Field(
        None,
        pattern=r"^\+[1-9][0-9]{0,3}$",
        description="country of telephone numbers that do not say theirs, such as +86; null: systems get those alone that do",
    )
    employee_types: tuple[str, ...] = Field(("employee",), description="values of customer_type that mean staff")
    minor_types: tuple[str, ...] = Field(("minor",), description="values of customer_type that mean minors")
    order: tuple[SuppressReason, ...] = Field(
        ("no_consent", "consent_unknown", "complaint_open", "recent_contact", "arrears", "employee", "minor"),
        description="which rule is named where several hold: the first; consent_unknown only where no other does",
    )


def contact_status(facts: pd.DataFrame, as_of: date, settings: ContactSettings) -> pd.DataFrame:
    """Who may be contacted. The global holdout is no reason: it stands in a column of its own.

    Parameters
    ----------
    facts
        As known at `as_of`, any of: consent (bool, null unknown), last_contact_on (date of the newest contact by us),
        open_complaints (count), overdue_amount (money), customer_type. An absent column is unknown: without consent
        that means no, everywhere else that nothing is known against a contact.
    as_of
        The date.
    settings
        The contact policy.

    Returns
    -------
    pandas.DataFrame
        contact_allowed (bool) and suppress_reason (null where allowed), one row per row of `facts`, same index.
    """
    applies = _rules(facts, as_of, settings)
    # Unknown consent last: where it is named nothing else speaks against a contact, and `with_consent` may lift it.
    order = sorted(settings.order, key=lambda reason: reason == UNKNOWN)
    steps = [applies[reason] for reason in order]
    first = np.select(steps, order, default="") if steps else np.full(len(facts), "")
    reason = pd.Series(first, index=facts.index, dtype=object)
    allowed = reason.eq("")
    return pd.DataFrame({"contact_allowed": allowed, "suppress_reason": reason.where(~allowed, None)})


def with_consent(status: pd.DataFrame, then: str | None, now: str | None, said_yes: Collection[str]) -> pd.DataFrame:
    """Who may be contacted by the `consent` of today, where scores were made under another one.

    Parameters
    ----------
    status
        customer_id, contact_allowed and suppress_reason as they were published.
    then, now
        `ContactSettings.consent` of that night and of today.
    said_yes
        Customers whose newest decision on record is yes.

    Returns
    -------
    pandas.DataFrame
        contact_allowed and suppress_reason, same index. Nobody who was suppressed for another reason is set free.
    """
    allowed, reason = status["contact_allowed"].astype(bool), status["suppress_reason"].astype(object)
    if now in UNASKED and then not in UNASKED:
        lifted = reason.eq(UNKNOWN)
        allowed, reason = allowed | lifted, reason.mask(lifted, None)
    elif then in UNASKED and now not in UNASKED:
        unknown = allowed & ~status["customer_id"].isin(said_yes)
        allowed, reason = allowed & ~unknown, reason.mask(unknown, UNKNOWN)
    return pd.DataFrame({"contact_allowed": allowed, "suppress_reason": reason.where(~allowed, None)})


def has_objected(facts: pd.DataFrame) -> pd.Series:
    """True for those who said no; they are not scored as potential VIPs either."""
    return _column(facts, "consent").eq(False).fillna(False).astype(bool)


def _rules(facts: pd.DataFrame, as_of: date, settings: ContactSettings) -> dict[str, np.ndarray]:
    consent = _column(facts, "consent")
    since_contact = (pd.Timestamp(as_of) - pd.to_datetime(_column(facts, "last_contact_on"))).dt.days
    customer_type = _column(facts, "customer_type")
    rules = {
        "no_consent": consent.eq(False),
        "consent_unknown": consent.isna() & (settings.consent not in UNASKED),
        "complaint_open": pd.to_numeric(_column(facts, "open_complaints")) > 0,
        "recent_contact": since_contact <= settings.quiet_days,
        "arrears": pd.to_numeric(_column(facts, "overdue_amount")) > settings.arrears_above,
        "employee": customer_type.isin(settings.employee_types),
        "minor": customer_type.isin(settings.minor_types),
    }
    return {name: rule.fillna(False).to_numpy(dtype=bool) for name, rule in rules.items()}


def _column(facts: pd.DataFrame, column: str) -> pd.Series:
    return facts[column] if column in facts else pd.Series(np.nan, index=facts.index, dtype=object)
