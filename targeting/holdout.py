"""Who is left untouched, so that effects can be measured: ranges of permanent random buckets.

A customer's bucket is a keyed hash of their id and nothing else, so it is there before anybody is scored, and the same on
every list. Some buckets are never contacted (the global holdout), some are the control of one kind of list.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from pydantic import Field

from features.strict import Strict

BUCKETS = 10_000
STARTS = {"churn": 4_000, "vip": 7_000}
"""The bucket from which the holdout of each kind of list is taken; that of everything begins at 0. Never change one."""


class HoldoutSettings(Strict):
    """The global holdout. Never change `salt` or lower `share` while campaigns are being measured."""

    salt: str = Field("headwater", min_length=1, max_length=64, description="goes into the hash: another draws anew")
    share: float = Field(0.02, ge=0, le=0.5, description="of all customers, who are never contacted (assumption: 2 %)")


def random_buckets(customer_ids: Iterable[str], salt: str) -> np.ndarray:
    """One bucket, 0 to 9999, per customer: the same for this id and salt on every machine and in every release."""
    key = blake2b(salt.encode(), digest_size=32).digest()
    hashes = b"".join([blake2b(customer.encode(), digest_size=8, key=key).digest() for customer in customer_ids])
    return (np.frombuffer(hashes, dtype="<u8") % BUCKETS).astype("int16")


def is_holdout(buckets: np.ndarray, settings: HoldoutSettings) -> np.ndarray:
    """True for the buckets from 0 up to the configured share."""
    return buckets < round(settings.share * BUCKETS)


def control_buckets(kind: str, share: float, settings: HoldoutSettings) -> np.ndarray:
    """True for the buckets that are the control of every list of a kind, whenever it is drawn.

    They follow each other from `STARTS[kind]` on, around the end and over those of the global holdout, until `share` of
    the others is reached: whoever was held out of last night's list is held out of tonight's, and a larger share only adds.

    Parameters
    ----------
    kind
        Of the list; lists of another kind hold out others, as long as the shares leave room.
    share
        Of the customers who are not in the global holdout, 0 to 1.
    settings
        The global holdout.

    Returns
    -------
    numpy.ndarray
        A flag for each of the `BUCKETS`.
    """
    around = (np.arange(BUCKETS) + STARTS[kind]) % BUCKETS
    free = around[~is_holdout(around, settings)]
    flags = np.zeros(BUCKETS, dtype=bool)
    flags[free[: round(share * len(free))]] = True
    return flags


def arms(units: Iterable[str], kind: str, share: float, settings: HoldoutSettings) -> np.ndarray:
    """`control` for about `share` of those whom a list names, else `treated`; no score is asked.

    Parameters
    ----------
    units
        Whom a contact reaches: the account of a household where one is known, else the customer.
    kind
        Of the list.
    share
        Of the control, 0 to 1.
    settings
        Salt of the buckets, and the global holdout.

    Returns
    -------
    numpy.ndarray
        A word per unit.
    """
    is_control = control_buckets(kind, share, settings)[random_buckets(units, settings.salt)]
    return np.where(is_control, "control", "treated")
