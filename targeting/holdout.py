"""Who is left untouched, so that effects can be measured. Drawn by hash from the id alone, before anyone is scored."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from pydantic import Field

from features.strict import Strict

BUCKETS = 10_000


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


def arms(customer_ids: Iterable[str], list_id: str, share: float) -> np.ndarray:
    """`control` for about `share` of the customers, else `treated`, by hash of customer and list.

    Parameters
    ----------
    customer_ids
        Of a list.
    list_id
        Another list draws anew.
    share
        Of the control, 0 to 1.

    Returns
    -------
    numpy.ndarray
        A word per customer.
    """
    is_control = random_buckets(customer_ids, f"list:{list_id}") < round(share * BUCKETS)
    return np.where(is_control, "control", "treated")
