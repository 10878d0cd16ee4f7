"""How small an effect a list can show: the power of comparing those contacted with the control."""

import numpy as np
from scipy.special import ndtr, ndtri

POWER, SIGNIFICANCE = 0.80, 0.05
_LIMIT = float(ndtri(1 - SIGNIFICANCE / 2))


def power(effect: float, base: float, treated: int, control: int) -> float:
    """Chance that a two-sided test at 5 % tells two shares apart.

    The z-test of two independent proportions, its variance pooled under "no effect" and apart otherwise (Fleiss, Levin and Paik,
    Statistical Methods for Rates and Proportions, 3rd ed., 4.3).

    Parameters
    ----------
    effect
        By which the share of the treated lies below that of the control, 0 to `base`.
    base
        Share of the control that leaves.
    treated, control
        Customers in each.

    Returns
    -------
    float
        0 to 1.
    """
    ours = base - effect
    pooled = (treated * ours + control * base) / (treated + control)
    without = np.sqrt(pooled * (1 - pooled) * (1 / treated + 1 / control))
    within = np.sqrt(ours * (1 - ours) / treated + base * (1 - base) / control)
    if within == 0:
        return float(effect > 0)
    limit = _LIMIT * without
    return float(ndtr((effect - limit) / within) + ndtr((-limit - effect) / within))


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
