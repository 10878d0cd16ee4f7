"""How small an effect a list can show: the power of comparing those contacted with the control."""

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

POWER, SIGNIFICANCE = 0.80, 0.05
LIMIT = float(ndtri(1 - SIGNIFICANCE / 2))
MOST_LISTS = 10_000


def power(effect: Any, base: Any, treated: Any, control: Any) -> Any:
    """Chance that a two-sided test at 5 % tells two shares apart.

    The z-test of two independent proportions, its variance pooled under "no effect" and apart otherwise (Fleiss, Levin and Paik,
    Statistical Methods for Rates and Proportions, 3rd ed., 4.3).

    Parameters
    ----------
    effect
        By which the share of the treated lies below that of the control, 0 to `base`; a number or an array, as all of them.
    base
        Share of the control that leaves.
    treated, control
        Customers in each, one at least.

    Returns
    -------
    float or numpy.ndarray
        0 to 1.
    """
    ours = base - effect
    pooled = (treated * ours + control * base) / (treated + control)
    without = np.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    within = np.sqrt(ours * (1 - ours) / treated + base * (1 - base) / control)
    limit, spread = LIMIT * without, np.where(within == 0, 1.0, within)
    seen = ndtr((effect - limit) / spread) + ndtr((-limit - effect) / spread)
    found = np.where(within == 0, np.asarray(effect) > 0, seen)
    return found if found.ndim else float(found)


def detectable_effect(base: float, treated: int, control: int) -> float | None:
    """The smallest drop of the share that leaves which is seen with a power of 80 %.

    Parameters
    ----------
    base
        Share of the control that leaves.
    treated, control
        Customers in each.

    Returns
    -------
    float or None
        In shares (0.04 is four points); None where not even all of them staying would be seen, or one side is empty.
    """
    if not (treated and control and 0 < base < 1) or power(base, base, treated, control) < POWER:
        return None
    low, high = 0.0, base
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if power(middle, base, treated, control) >= POWER else (middle, high)
    return high


def lists_needed(effect: float, base: float, customers: int) -> int | None:
    """How many lists of a length, half of each held out, show an effect together with a power of 80 %.

    Parameters
    ----------
    effect
        By which the share of the contacted that leaves is expected to be lower.
    base
        Share of the control that leaves.
    customers
        On each list.

    Returns
    -------
    int or None
        None where not even 10,000 would.
    """

    def seen(lists: int) -> bool:
        half = lists * customers / 2
        return bool(power(effect, base, half, half) >= POWER)

    if customers < 2 or not (0 < base < 1 and effect > 0) or not seen(MOST_LISTS):
        return None
    low, high = 0, MOST_LISTS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high
