"""Expected money of a contact: the one formula behind the actions of a playbook and the length of a list."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Costs:
    """Money per contact, and per offer that is taken; numbers, or one for each customer."""

    contact: Any
    incentive: Any


def net_benefits(probability: np.ndarray, value: np.ndarray, costs: Costs, acceptance: Any) -> np.ndarray:
    """Expected money that contacting each customer brings beside leaving them alone, at a known acceptance.

    p gamma (v - d) - (1 - p) d - f (Verbraken, Verbeke and Baesens, IEEE TKDE 25, 2013): a saved customer's value less the
    incentive, the incentive for who would have stayed, and the contact.

    Parameters
    ----------
    probability
        Of leaving, 0 to 1.
    value
        Money of twelve months if retained.
    costs
        Of a contact and of an offer.
    acceptance
        Share of would-be leavers who take the offer and stay; a number, or one for each customer.

    Returns
    -------
    numpy.ndarray
        Money per customer.
    """
    return probability * acceptance * (value - costs.incentive) - (1 - probability) * costs.incentive - costs.contact
