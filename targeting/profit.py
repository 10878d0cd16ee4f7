"""What a list is worth in money at every length, and how long it should be: expected maximum profit.

Verbraken, Verbeke and Baesens, "A novel profit maximizing metric for measuring classification performance of customer churn
prediction models", IEEE Transactions on Knowledge and Data Engineering 25 (2013): everybody contacted costs `f`; a would-be
leaver takes the offer with probability gamma, costs the incentive `d` and keeps their value; who would have stayed takes it, too.
How many accept is not known beforehand, so gamma is a random number: Beta(6, 14), mean 0.3, by default, as in that article. There all
customers have one value; here each has their own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from targeting.profit_settings import ProfitSettings

INCENTIVE_SHARE, CONTACT_SHARE = 0.05, 0.005
"""Incentive and contact of the article, 10 and 1 of a value of 200, as shares of the mean value."""
GRID = 201
"""Places in the distribution of the acceptance at which sums are made."""


@dataclass(frozen=True)
class Costs:
    """Money per contact, and per offer that is taken."""

    contact: float
    incentive: float


def costs(values: pd.Series, settings: ProfitSettings) -> Costs:
    """The configured costs; what is not configured is a share of the mean of these values.

    Parameters
    ----------
    values
        Money of twelve months if retained, of everybody whom the list is about; nulls do not count.
    settings
        Those of the project.
    """
    mean = float(values.mean()) if values.notna().any() else 0.0
    contact = CONTACT_SHARE * mean if settings.contact_cost is None else settings.contact_cost
    return Costs(contact, INCENTIVE_SHARE * mean if settings.incentive is None else settings.incentive)


def net_benefits(probability: np.ndarray, value: np.ndarray, costs: Costs, acceptance: float) -> np.ndarray:
    """Expected money that contacting each customer brings beside leaving them alone, at a known acceptance.

    p gamma (v - d) - (1 - p) d - f: a saved customer's value less the incentive, the incentive for who would have stayed, and
    the contact.

    Parameters
    ----------
    probability
        Of leaving, 0 to 1.
    value
        Money of twelve months if retained.
    costs
        Of a contact and of an offer.
    acceptance
        Share of would-be leavers who take the offer and stay.

    Returns
    -------
    numpy.ndarray
        Money per customer.
    """
    return probability * acceptance * (value - costs.incentive) - (1 - probability) * costs.incentive - costs.contact


@dataclass(frozen=True)
class ProfitCurve:
    """Sums over those contacted among the first k customers of a ranking, for k = 0 … n; all arrays have n + 1 values.

    At an acceptance of gamma the money is gamma x gain - outlay in the mean. Its variance is that of independent customers who
    leave with their probability and, if they would, take the offer with gamma: gamma x squares + rest - gamma^2 x gains_squared +
    2 gamma x crossed.

    Attributes
    ----------
    contacted
        How many.
    leavers
        Expected number of would-be leavers among them.
    at_risk
        Expected money that they would take along.
    gain
        Expected money if every would-be leaver takes the offer and stays, less their incentives.
    outlay
        Expected incentives of those who would have stayed, and contacts.
    squares, rest, gains_squared, crossed
        Parts of the variance.
    """

    contacted: np.ndarray
    leavers: np.ndarray
    at_risk: np.ndarray
    gain: np.ndarray
    outlay: np.ndarray
    squares: np.ndarray
    rest: np.ndarray
    gains_squared: np.ndarray
    crossed: np.ndarray

    @classmethod
    def of(cls, probability: np.ndarray, value: np.ndarray, contacted: np.ndarray, costs: Costs) -> "ProfitCurve":
        """The curve of customers in the order of a ranking; who is not contacted costs and brings nothing.

        Parameters
        ----------
        probability
            Of leaving, 0 to 1.
        value
            Money of twelve months if retained.
        contacted
            False for the control.
        costs
            Of a contact and of an offer.
        """
        p, v, d = probability, value, costs.incentive
        gain, wasted = p * (v - d), (1 - p) * d
        parts = (
            *(np.ones(len(p)), p, p * v, gain, wasted + costs.contact),
            *(p * (v - d) ** 2, (1 - p) * d**2 - wasted**2, gain**2, gain * wasted),
        )
        return cls(*(np.concatenate([[0.0], np.cumsum(np.where(contacted, part, 0.0))]) for part in parts))

    def net(self, k: int | slice, acceptance: float) -> Any:
        """Expected money of the first k at a known acceptance."""
        return acceptance * self.gain[k] - self.outlay[k]

    def deviation(self, k: int, acceptance: np.ndarray) -> np.ndarray:
        """Standard deviation of the money of the first k at some known acceptances."""
        g = acceptance
        variance = g * self.squares[k] + self.rest[k] - g**2 * self.gains_squared[k] + 2 * g * self.crossed[k]
        return np.sqrt(np.maximum(variance, 0.0))


def acceptances(settings: ProfitSettings) -> np.ndarray:
    """Values of the acceptance that stand for equal parts of its distribution, rising."""
    return stats.beta.ppf((np.arange(GRID) + 0.5) / GRID, *settings.beta)


def net_interval(curve: ProfitCurve, k: int, settings: ProfitSettings, level: float = 0.95) -> tuple[float, float]:
    """Between what the money of the first k lies: over how many accept and who would leave, probabilities being right.

    Parameters
    ----------
    curve
        Of the ranking.
    k
        Length.
    settings
        Distribution of the acceptance.
    level
        Of the interval.

    Returns
    -------
    low, high
        Money.
    """
    rates = acceptances(settings)
    means, deviations = rates * curve.gain[k] - curve.outlay[k], np.maximum(curve.deviation(k, rates), 1e-9)
    width = 8 * deviations.max() + np.ptp(means)

    def quantile(share: float) -> float:
        low, high = means.min() - width, means.max() + width
        for _ in range(80):
            middle = (low + high) / 2
            below = stats.norm.cdf((middle - means) / deviations).mean() < share
            low, high = (middle, high) if below else (low, middle)
        return float((low + high) / 2)

    return quantile((1 - level) / 2), quantile((1 + level) / 2)


@dataclass(frozen=True)
class MaximumProfit:
    """The expected maximum profit of a ranking.

    Attributes
    ----------
    expected
        Money, the best length being chosen for every acceptance, averaged over its distribution (EMP x customers).
    share
        Of the customers, averaged in the same way: the fraction that Verbraken et al. recommend.
    recommended
        That share as a number of customers; 0 where the list of that length costs more than it is expected to bring.
    """

    expected: float
    share: float
    recommended: int


def maximum_profit(curve: ProfitCurve, settings: ProfitSettings) -> MaximumProfit:
    """The expected maximum profit, and at which length it is had."""
    lengths = [int(np.argmax(curve.net(slice(None), rate))) for rate in acceptances(settings)]
    profits = [float(curve.net(k, rate)) for k, rate in zip(lengths, acceptances(settings), strict=True)]
    length = round(float(np.mean(lengths)))
    pays = curve.net(length, settings.acceptance) > 0
    share = float(np.mean(lengths)) / max(len(curve.gain) - 1, 1)
    return MaximumProfit(float(np.mean(profits)), share, length if pays else 0)
