"""What a list is worth in money at every length, and how long it should be: expected maximum profit.

Verbraken, Verbeke and Baesens, "A novel profit maximizing metric for measuring classification performance of customer churn
prediction models", IEEE Transactions on Knowledge and Data Engineering 25 (2013): everybody contacted costs `f`; a would-be
leaver takes the offer with probability gamma, costs the incentive `d` and keeps their value; who would have stayed takes it, too.
How many accept is not known beforehand, so gamma is a random number: Beta(6, 14), mean 0.3, by default, as in that article. There all
customers have one value; here each has their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from targeting.benefit import Costs
from targeting.profit_settings import ACCEPTANCE, Acceptance, ProfitSettings

INCENTIVE_SHARE, CONTACT_SHARE = 0.05, 0.005
"""Incentive and contact of the article, 10 and 1 of a value of 200, as shares of the mean value."""
GRID = 201
"""Places in the distribution of the acceptance at which sums are made."""


@dataclass(frozen=True)
class Treatment:
    """What is done for a customer in money.

    Attributes
    ----------
    contact
        Money per contact.
    incentive
        Money per offer that is taken.
    acceptance
        Share of would-be leavers who stay because of it.
    """

    contact: float
    incentive: float
    acceptance: float


@dataclass(frozen=True)
class Treatments:
    """What is done for each customer of a ranking.

    Attributes
    ----------
    costs
        Arrays, a number per customer.
    relative
        Their acceptance as a share of the largest, 0 to 1.
    acceptance
        The largest, and how unsure it is; all others go up and down with it.
    """

    costs: Costs
    relative: np.ndarray
    acceptance: Acceptance


def treatments(
    rules: pd.Series, paid: Mapping[str, Treatment], values: pd.Series, settings: ProfitSettings
) -> Treatments:
    """Costs and acceptance of each customer: a setting that is set is for everybody, the rest is that of their own action.

    Parameters
    ----------
    rules
        The rule of the playbook that each customer was given an action by; null where that is not known.
    paid
        Rule -> its money. A rule that is not in it costs what `default_treatment` says.
    values
        Money of twelve months if retained, of everybody whom the list is about; nulls do not count.
    settings
        Those of the project.
    """
    names, codes = np.unique(rules.astype(object).fillna("").to_numpy(dtype=str), return_inverse=True)
    usual = default_treatment(values)
    known = [paid.get(name, usual) for name in names]

    def of_each(setting: float | None, money: list[float]) -> np.ndarray:
        return np.array(money, dtype=float)[codes] if setting is None else np.full(len(rules), setting)

    contact = of_each(settings.contact_cost, [treatment.contact for treatment in known])
    incentive = of_each(settings.incentive, [treatment.incentive for treatment in known])
    acceptance = of_each(settings.acceptance, [treatment.acceptance for treatment in known])
    largest = float(acceptance.max(initial=0.0))
    relative = acceptance / largest if largest else acceptance
    return Treatments(Costs(contact, incentive), relative, settings.around(largest))


def default_treatment(values: pd.Series) -> Treatment:
    """What a contact costs and brings where no playbook says so: shares of the mean of these values, as in the article."""
    mean = float(values.mean()) if values.notna().any() else 0.0
    return Treatment(CONTACT_SHARE * mean, INCENTIVE_SHARE * mean, ACCEPTANCE)


@dataclass(frozen=True)
class ProfitCurve:
    """Sums over those contacted among the first k customers of a ranking, for k = 0 … n; all arrays have n + 1 values.

    Customer i accepts with gamma x r_i, r_i being their action's acceptance relative to the largest, so gamma x gain - outlay is the mean. Its variance is that of independent customers who
    leave with their probability and, if they would, take the offer with gamma: gamma x squares + rest - gamma^2 x gains_squared +
    2 gamma x crossed.

    Attributes
    ----------
    contacted
        How many.
    leavers
        Expected number of would-be leavers among them.
    kept
        Expected number of them who would stay at an acceptance of one.
    at_risk
        Expected money that these would take along.
    offers
        Expected money of the incentives that these would take.
    gain
        Expected money if every would-be leaver takes the offer and stays, less their incentives.
    outlay
        Expected incentives of those who would have stayed, and contacts.
    squares, rest, gains_squared, crossed
        Parts of the variance.
    """

    contacted: np.ndarray
    leavers: np.ndarray
    kept: np.ndarray
    at_risk: np.ndarray
    offers: np.ndarray
    gain: np.ndarray
    outlay: np.ndarray
    squares: np.ndarray
    rest: np.ndarray
    gains_squared: np.ndarray
    crossed: np.ndarray

    @classmethod
    def of(
        cls, probability: np.ndarray, value: np.ndarray, contacted: np.ndarray, costs: Costs, relative: Any = 1.0
    ) -> "ProfitCurve":
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
        relative
            Acceptance as a share of the largest; a number, or one for each customer.
        """
        p, v, d, kept = probability, value, costs.incentive, relative * probability
        gain, wasted = kept * (v - d), (1 - p) * d
        parts = (
            *(np.ones(len(p)), p, kept, kept * v, kept * d, gain, wasted + costs.contact),
            *(kept * (v - d) ** 2, (1 - p) * d**2 - wasted**2, gain**2, gain * wasted),
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


def acceptances(belief: Acceptance) -> np.ndarray:
    """Values of the acceptance that stand for equal parts of its distribution, rising."""
    return stats.beta.ppf((np.arange(GRID) + 0.5) / GRID, *belief.beta)


def net_interval(curve: ProfitCurve, k: int, belief: Acceptance, level: float = 0.95) -> tuple[float, float]:
    """Between what the money of the first k lies: over how many accept and who would leave, probabilities being right.

    Parameters
    ----------
    curve
        Of the ranking.
    k
        Length.
    belief
        Distribution of the acceptance.
    level
        Of the interval.

    Returns
    -------
    low, high
        Money.
    """
    rates = acceptances(belief)
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
        That share as a number of customers. Where that list costs more than it is expected to bring: the best length at the
        mean acceptance, 0 where none pays.
    """

    expected: float
    share: float
    recommended: int


def maximum_profit(curve: ProfitCurve, belief: Acceptance) -> MaximumProfit:
    """The expected maximum profit, and at which length it is had."""
    rates = acceptances(belief)
    lengths = [int(np.argmax(curve.net(slice(None), rate))) for rate in rates]
    profits = [float(curve.net(k, rate)) for k, rate in zip(lengths, rates, strict=True)]
    length = round(float(np.mean(lengths)))
    if curve.net(length, belief.mean) <= 0:  # the mean of lengths may pay nothing where one of them does
        length = int(np.argmax(curve.net(slice(None), belief.mean)))
    share = float(np.mean(lengths)) / max(len(curve.gain) - 1, 1)
    return MaximumProfit(float(np.mean(profits)), share, length)
