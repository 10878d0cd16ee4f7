"""BG/NBD and Gamma-Gamma: how often customers without a contract will buy again, and what a purchase of theirs brings.

Fader, Hardie and Lee (2005), "Counting your customers" the easy way, Marketing Science 24, and Fader and Hardie (2013),
the Gamma-Gamma model of monetary value. Purchases come at a customer's own rate (gamma over customers: `r`, `alpha`) until
they stop after one of them (beta: `a`, `b`); a customer's mean purchase is gamma with a gamma scale (`p`, `q`, `v`).
"""

from collections.abc import Mapping
from itertools import product
from math import factorial
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.optimize import brentq, minimize
from scipy.special import expit, gammaln, hyp2f1
from sklearn.base import BaseEstimator

from features.errors import HeadwaterError
from models.learners.encoding import KEYS, Matrix
from models.learners.learner import TINY

READ = ("days_since_first_purchase", "days_since_purchase", "purchase_gap", "spend_ever")
RIDGE = 1e-4
"""Penalty on logarithms of parameters: a few customers who all buy alike do not let them run away."""
MOST_ROWS = 5_000
"""Rows that tell the horizon; every k-th is taken."""
LONGEST = 3_650.0
NEVER_BOUGHT = (1.0, 1.0, 1.0)
"""Parameters of the Gamma-Gamma model where nobody has bought anything, as logarithms of p, q - 1 and v."""


class BgNbd(BaseEstimator):
    """Expected money of purchases to come, from the first and last purchase, their usual gap and the money so far.

    Other columns are not looked at. The horizon is not told: it is that over which customers would bring, on the whole,
    what they did bring. For amounts only.

    Attributes
    ----------
    rates_
        r, alpha (days), a, b.
    spend_
        p, q, v (currency).
    horizon_
        Days.
    typical_
        Medians of the columns read, which contributions are held against.
    """

    kind = "bg_nbd"

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn from the histories in X; y is money, without nulls, and only its total is looked at."""
        self.columns_ = [str(c) for c in X.columns if c not in KEYS]
        inputs, money = self._inputs(X), np.maximum(np.asarray(y, dtype=float), 0)
        self.typical_ = np.median(inputs, axis=0)
        bought, last, age, mean = _history(inputs)
        self.rates_ = fit_rates(bought, last, age)
        self.spend_ = fit_spend(bought[mean > 0] + 1, mean[mean > 0])
        step = -(-len(money) // MOST_ROWS)
        some, total = inputs[::step], money[::step].sum()

        def beyond(days: float) -> float:
            return float(np.exp(self._raw(some, days)).sum() - total)

        self.horizon_ = 1.0 if beyond(1.0) >= 0 else LONGEST
        if beyond(1.0) < 0 < beyond(LONGEST):
            self.horizon_ = float(brentq(beyond, 1.0, LONGEST, xtol=0.01))
        return self

    def _inputs(self, X: pd.DataFrame) -> Matrix:
        """Rows x columns of `READ`; 0 where there was no purchase, or only one."""
        missing = [c for c in READ if c not in X.columns]
        if missing:
            raise HeadwaterError("E511", column=missing[0], sample=missing[:3], missing=len(missing))
        return np.nan_to_num(X[list(READ)].to_numpy(dtype=float, na_value=np.nan))

    def _raw(self, inputs: Matrix, days: float) -> Matrix:
        bought, last, age, mean = _history(inputs)
        purchases = expected_purchases(self.rates_, bought, last, age, days)
        money = purchases * expected_spend(self.spend_, np.where(mean > 0, bought + 1, 0), mean)
        return np.log(np.maximum(money, TINY))

    @property
    def used_columns(self) -> list[str]:
        """Columns in the order of the contributions: all that were fitted, so that blends may have it as a member."""
        return self.columns_

    def raw(self, X: pd.DataFrame) -> Matrix:
        """The logarithm of money."""
        return self._raw(self._inputs(X), self.horizon_)

    def contributions(self, X: pd.DataFrame) -> tuple[Matrix, str]:
        """Rows x (features + 1): exact Shapley values of the columns read against their medians; 0 for all others."""
        inputs, n = self._inputs(X), len(READ)
        told = {
            which: self._raw(np.where(which, inputs, self.typical_), self.horizon_)
            for which in product((False, True), repeat=n)
        }
        parts = np.zeros((len(X), len(self.columns_) + 1))
        parts[:, -1] = told[(False,) * n]
        for place, column in enumerate(READ):
            for without in (which for which in told if not which[place]):
                known = sum(without)
                share = factorial(known) * factorial(n - 1 - known) / factorial(n)
                having = (*without[:place], True, *without[place + 1 :])
                parts[:, self.columns_.index(column)] += share * (told[having] - told[without])
        return parts, "shapley"

    def state(self) -> dict[str, Any]:
        """What was fitted, as JSON."""
        fitted = {"rates": list(self.rates_), "spend": list(self.spend_), "horizon": self.horizon_}
        return {"kind": self.kind, "columns": self.columns_, "typical": self.typical_.tolist()} | fitted

    def texts(self) -> dict[str, str]:
        """None: JSON holds all of it."""
        return {}

    @classmethod
    def restore(cls, state: Mapping[str, Any], texts: Mapping[str, str]) -> Self:
        """The learner that wrote this state."""
        learner = cls()
        learner.columns_, learner.typical_ = list(state["columns"]), np.array(state["typical"], dtype=float)
        learner.rates_, learner.spend_ = tuple(state["rates"]), tuple(state["spend"])
        learner.horizon_ = float(state["horizon"])
        return learner


def _history(inputs: Matrix) -> tuple[Matrix, Matrix, Matrix, Matrix]:
    """Purchase days after the first one, days from it to the last, days since it, and money per purchase day."""
    first, since, gap, money = inputs.T
    last = np.maximum(first - since, 0.0)
    bought = np.where(gap > 0, last / np.where(gap > 0, gap, 1.0), 0.0).round(6)
    return bought, last, first, np.maximum(money, 0.0) / (bought + 1)


def fit_rates(bought: Matrix, last: Matrix, age: Matrix) -> tuple[float, ...]:
    """r, alpha, a and b of the BG/NBD model by maximum likelihood.

    Parameters
    ----------
    bought, last, age
        Repeat purchases, time of the last one and time observed, both since the first purchase and in one unit.
    """
    kinds, number = np.unique(np.column_stack([bought, last, age]), axis=0, return_counts=True)
    unit = max(float(np.mean(age)), 1.0)
    scale = np.array([1.0, unit, 1.0, 1.0])

    def lost(logs: Matrix) -> float:
        likely = log_likelihood(tuple(np.exp(logs) * scale), *kinds.T)
        return float(-(number * likely).sum() / number.sum() + RIDGE * (logs**2).sum())

    found = minimize(lost, np.zeros(4), method="L-BFGS-B", bounds=[(-12, 12)] * 4)
    return tuple(float(value) for value in np.exp(found.x) * scale)


def log_likelihood(rates: tuple[float, ...], bought: Matrix, last: Matrix, age: Matrix) -> Matrix:
    """Of each history; equation 6 of Fader, Hardie and Lee, in logarithms."""
    r, alpha, a, b = rates
    common = gammaln(r + bought) - gammaln(r) + r * np.log(alpha)
    common += gammaln(a + b) + gammaln(b + bought) - gammaln(b) - gammaln(a + b + bought)
    alive = -(r + bought) * np.log(alpha + age)
    again = np.maximum(b + bought - 1, TINY)
    stopped = np.log(a) - np.log(again) - (r + bought) * np.log(alpha + last)
    return common + np.where(bought > 0, np.logaddexp(alive, stopped), alive)


def expected_purchases(rates: tuple[float, ...], bought: Matrix, last: Matrix, age: Matrix, days: float) -> Matrix:
    """Purchases of each customer in the `days` to come; equation 10 of Fader, Hardie and Lee.

    Euler's transformation of the hypergeometric function keeps it finite for customers with hundreds of purchases.
    """
    r, alpha, a, b = rates
    a = a if abs(a - 1) > TINY else 1 + TINY  # the limit exists, the formula does not
    z = days / (alpha + age + days)
    rest = (1 - z) ** (a - 1) * hyp2f1(a + b - 1 - r, a - 1, a + b + bought - 1, z)
    odds = np.log(a / np.maximum(b + bought - 1, TINY)) + (r + bought) * np.log((alpha + age) / (alpha + last))
    alive = expit(np.where(bought > 0, -odds, np.inf))
    return (a + b + bought - 1) / (a - 1) * (1 - rest) * alive


def fit_spend(number: Matrix, mean: Matrix) -> tuple[float, ...]:
    """p, q and v of the Gamma-Gamma model by maximum likelihood; q above 1, so that there is a mean.

    Parameters
    ----------
    number, mean
        Purchases of customers who have bought, and what one of them brought on the mean.
    """
    unit = float(np.mean(mean)) if len(mean) else 1.0

    def lost(logs: Matrix) -> float:
        p, q, v = _spend(logs)
        x, m = number, mean / unit
        likely = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
        likely += (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(v + m * x)
        return float(-likely.mean() + RIDGE * (logs**2).sum())

    logs = np.array(NEVER_BOUGHT)
    if len(mean):
        logs = minimize(lost, logs, method="L-BFGS-B", bounds=[(-8, 8)] * 3).x
    p, q, v = _spend(logs)
    return p, q, v * unit


def _spend(logs: Matrix) -> tuple[float, float, float]:
    p, q, v = (float(value) for value in np.exp(logs))
    return p, 1 + q, v


def expected_spend(spend: tuple[float, ...], number: Matrix, mean: Matrix) -> Matrix:
    """What one purchase of each customer brings on the mean: theirs and everybody's, weighed by how many they made."""
    p, q, v = spend
    return (v + number * mean) * p / (p * number + q - 1)
