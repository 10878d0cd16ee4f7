"""Does a ranking put those first whom a treatment helps most? Qini curves of a randomised treatment (Radcliffe, 2007)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 500
POINTS = 10
"""Of a curve, beside its beginning."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its bootstrap interval."""

    value: float
    low: float
    high: float


def gains(outcome: np.ndarray, treated: np.ndarray, share: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """What treating each customer brought, row by row: noise around their true effect, which sums and means do away with.

    (t - e) (y - m) / (e (1 - e)): the weights of Horvitz and Thompson. With m the outcome that is expected of the row
    in the arm that it did not get, weighted by the share of that arm, it is the score of augmented inverse
    propensity weighting (Robins, Rotnitzky and Zhao, JASA 1994); right whatever m is, and less noisy where m is good.

    Parameters
    ----------
    outcome
        More is better.
    treated
        True for who was treated.
    share
        Of the treated, in the campaign of each row: between 0 and 1.
    expected
        m: (1 - e) times the outcome expected if treated, plus e times that if left alone; from other rows than this.
    """
    return (treated - share) * (outcome - expected) / (share * (1 - share))


@dataclass(frozen=True)
class Order:
    """The order of the customers of some campaigns by a score, each within their own campaign.

    Attributes
    ----------
    codes
        Of each row: customers of one campaign with one score share a code; codes go up with the score.
    campaigns
        Of each code.
    """

    codes: np.ndarray
    campaigns: np.ndarray

    @classmethod
    def of(cls, score: np.ndarray, campaigns: np.ndarray) -> "Order":
        """The order by a score, the highest first; `campaigns` is a number per row, from 0."""
        pairs, codes = np.unique(np.column_stack([campaigns, score]), axis=0, return_inverse=True)
        return cls(codes.ravel(), pairs[:, 0].astype(int))

    def ranks(self, weights: np.ndarray | None = None) -> np.ndarray:
        """The place of each row in its campaign, 1/2 for the very first and -1/2 for the last; ties share the middle of theirs.

        Parameters
        ----------
        weights
            How often each row is there; once if None.
        """
        sizes = np.bincount(self.codes, weights, minlength=len(self.campaigns)).astype(float)
        totals = np.bincount(self.campaigns, sizes)
        before = np.cumsum(totals) - totals
        middles = np.cumsum(sizes) - sizes / 2 - before[self.campaigns]
        places = middles / np.maximum(totals, 1)[self.campaigns] - 0.5
        return np.asarray(places[self.codes])


def coefficient(gain: np.ndarray, order: Order, weights: np.ndarray | None = None) -> float:
    """The area between the Qini curve and the straight line of a random order, per customer.

    The curve is what treating the first share of each list brings, over everybody on it. The area is the mean of gain
    times rank: what treating more of the first and fewer of the last is worth.

    Parameters
    ----------
    gain
        As `gains` gives it.
    order
        The first is treated first.
    weights
        How often each row is there; once if None.
    """
    return float(np.average(gain * order.ranks(weights), weights=weights))


def curve(gain: np.ndarray, order: Order) -> list[float]:
    """What treating the first 0 %, 10 % … 100 % of each list brings, per customer on it; parameters are those of `coefficient`."""
    place = 0.5 - order.ranks()
    return [float(np.sum(gain[place <= step / POINTS])) / len(gain) for step in range(POINTS + 1)]


def draws(units: np.ndarray, seed: int, count: int = DRAWS) -> Iterator[np.ndarray]:
    """How often each row is in each sample of a bootstrap by unit: rows of one customer or account are drawn together.

    One sample after the other, as all of them would take much memory.

    Parameters
    ----------
    units
        Of each row.
    seed
        The same seed draws the same samples.
    count
        Samples.
    """
    codes = np.unique(units, return_inverse=True)[1]
    rng, size = np.random.default_rng(seed), int(codes.max()) + 1
    for _ in range(count):
        yield np.bincount(rng.integers(size, size=size), minlength=size)[codes].astype(float)


def interval(value: float, sampled: Sequence[float] | np.ndarray, level: float) -> Estimate:
    """A figure with the percentiles of its bootstrap.

    Parameters
    ----------
    value
        Of everybody.
    sampled
        Of each sample.
    level
        Share of the samples between the ends.
    """
    low, high = np.quantile(sampled, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(value, float(low), float(high))
