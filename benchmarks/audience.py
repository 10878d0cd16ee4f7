"""Does the recommended length of a list earn what could be earned? Fifty simulated companies, at the level of scores.

`python -m benchmarks.audience` draws companies that differ in size, level of leaving, how much their scores tell, value, costs
and acceptance. The plan sees scores, values, costs and what it may believe of the acceptance; it is paid by hidden probabilities.
Beside it stand lists as long as its own by risk alone and by the monthly bill alone.

The bar is held against the best expected net benefit: that of the best length of the same ranking, true probabilities being known, on average
over acceptances. Net benefit is linear in the acceptance, so that is the net benefit at its mean. How many accept shows only afterwards;
what somebody who knew it beforehand would have earned stands beside, for one acceptance drawn per company and averaged over all of them, with
what the best length without that knowledge reaches of it, which no plan can pass on average.
"""

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit

from pipelines.workspace import files
from targeting.benefit import Costs, net_benefits
from targeting.profit import ProfitCurve, acceptances, maximum_profit
from targeting.profit_settings import ACCEPTANCE, ProfitSettings

COUNT = 50
OUT = Path("workspace/audience.json")
BELIEF = ProfitSettings().around(ACCEPTANCE)
"""What the plan believes of the acceptance, in every company."""
WORLDS: dict[str, Callable[["Market"], np.ndarray]] = {
    "expected": lambda market: np.array([BELIEF.mean]),
    "drawn once, known afterwards": lambda market: np.array([market.acceptance]),
    "each in turn, known afterwards": lambda market: acceptances(BELIEF),
}
"""By which acceptances a company pays, and against the best length for which of them a plan is held."""
LEAST = 0.90
"""Bar of the recommended length, as a share of the best expected net benefit."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
SHOWN = ("recommended", "but_acceptance", "by_risk", "by_bill")


@dataclass(frozen=True)
class Market:
    """One company: what the plan sees, and what comes true.

    Attributes
    ----------
    probability
        Published scores.
    hidden
        Probabilities by which customers really decide.
    value
        Money of twelve months if retained.
    bill
        Of a month.
    costs
        Of a contact and of an offer.
    acceptance
        The share of would-be leavers that takes the offer.
    """

    probability: np.ndarray
    hidden: np.ndarray
    value: np.ndarray
    bill: np.ndarray
    costs: Costs
    acceptance: float

    @classmethod
    def of(cls, number: int) -> "Market":
        """The company of a number, which is its seed, too."""
        rng = np.random.default_rng([15, number])
        n = int(rng.integers(3_000, 30_000))
        level, told, untold = rng.uniform(-3.8, -2.2), rng.uniform(0.5, 1.6), rng.uniform(0.2, 0.8)
        seen = rng.normal(size=n)
        hidden = _sigmoid(level + told * seen + untold * rng.normal(size=n))
        bill = np.exp(rng.normal(4.1, rng.uniform(0.3, 0.8), n) - rng.uniform(-0.1, 0.3) * seen)
        value = 12 * bill * np.exp(rng.normal(0, 0.25, n) - 0.03)
        wrong = rng.normal(0, 0.15)  # a level that is off by some percent, as judged models are
        probability = _sigmoid(logit(_expected(level + told * seen, untold)) + wrong)
        shares = rng.uniform(0.02, 0.08), rng.uniform(0.002, 0.01)
        costs = Costs(incentive=shares[0] * value.mean(), contact=shares[1] * value.mean())
        return cls(probability, hidden, value, bill, costs, float(rng.beta(*BELIEF.beta)))

    def earned(self, order: np.ndarray, rates: np.ndarray) -> np.ndarray:
        """What contacting the first k of an order brings by hidden probabilities, in shares of the mean value, per customer.

        Returns
        -------
        numpy.ndarray
            Acceptances x lengths 0 to n: linear in the acceptance, so two of them tell all.
        """
        none, everybody = (
            np.cumsum(np.r_[0.0, net_benefits(self.hidden, self.value, self.costs, rate)[order]]) for rate in (0, 1)
        )
        return (none + rates[:, None] * (everybody - none)) / len(order) / self.value.mean()


def _sigmoid(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _expected(log_odds: np.ndarray, untold: float) -> np.ndarray:
    """Mean probability where a normal deviation of the log-odds is not seen (Gauss-Hermite quadrature): a calibrated score."""
    shares = WEIGHTS / WEIGHTS.sum()
    return sum(share * _sigmoid(log_odds + untold * node) for node, share in zip(NODES, shares, strict=True))


@dataclass(frozen=True)
class Result:
    """What came of one company: money per customer, in shares of its mean value, averaged over the acceptances of a world.

    Attributes
    ----------
    number
        Of the company.
    customers
        How many it has.
    length
        The recommended one.
    best
        Of the best length of the same ranking for each acceptance, hidden probabilities being known.
    but_acceptance
        Of the best length if all is known but the acceptance.
    recommended
        Of the recommended length.
    by_risk, by_bill
        Of lists as long as the recommended one, by other orders.
    """

    number: int
    customers: int
    length: int
    best: float
    but_acceptance: float
    recommended: float
    by_risk: float
    by_bill: float


def run(number: int, world: str) -> Result:
    """One company: planned by what is seen, paid by hidden probabilities.

    Parameters
    ----------
    number
        Of the company.
    world
        A key of `WORLDS`.
    """
    market = Market.of(number)
    rates, order = WORLDS[world](market), np.argsort(-market.probability * market.value, kind="stable")
    everybody = np.ones(len(order), dtype=bool)
    curve = ProfitCurve.of(market.probability[order], market.value[order], everybody, market.costs)
    length = maximum_profit(curve, BELIEF).recommended
    earned = market.earned(order, rates)
    believed = int(np.argmax(market.earned(order, np.array([BELIEF.mean]))[0]))
    others = {"by_risk": market.probability, "by_bill": market.bill}
    return Result(
        number=number,
        customers=len(order),
        length=length,
        best=float(earned.max(axis=1).mean()),
        but_acceptance=float(earned[:, believed].mean()),
        recommended=float(earned[:, length].mean()),
        **{
            name: float(market.earned(np.argsort(-by, kind="stable"), rates)[:, length].mean())
            for name, by in others.items()
        },
    )


def summary(found: list[Result], resamples: int = 2_000) -> dict[str, tuple[float, float, float]]:
    """Shares of the best possible net benefit, averaged over companies, with 95 % intervals over resamples of companies."""
    table = pd.DataFrame([asdict(result) for result in found])
    draws, best = np.random.default_rng(7).integers(0, len(table), (resamples, len(table))), table["best"].to_numpy()
    told = {}
    for name in SHOWN:
        ours = table[name].to_numpy()
        low, high = np.quantile(ours[draws].sum(axis=1) / best[draws].sum(axis=1), (0.025, 0.975))
        told[name] = (float(ours.sum() / best.sum()), float(low), float(high))
    return told


def main() -> None:
    """Run the companies, print what came of them, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args().count
    told = {}
    for world in WORLDS:
        found = [run(number, world) for number in range(1, count + 1)]
        told[world] = {"companies": [asdict(result) for result in found], "share_of_best": summary(found)}
        print(f"{count} companies, acceptance {world}: share of the best possible net benefit")
        for name, (value, low, high) in summary(found).items():
            print(f"  {name:15} {value:6.3f} [{low:.3f}, {high:.3f}]")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(OUT, told)


if __name__ == "__main__":
    main()
