"""Does the recommended length of a list earn what could be earned? Fifty simulated companies, at the level of scores.

`python -m benchmarks.audience` draws companies that differ in size, level of leaving, how much their scores tell, value, costs
and acceptance. The plan sees scores, values, costs and what it may believe of the acceptance; it is paid by hidden probabilities and the
acceptance that came true. Beside it stand lists as long as its own by risk alone and by the monthly bill alone, and the best length that
somebody who knows everything could have cut the same ranking at.
"""

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.workspace import files
from targeting.benefit import Costs, net_benefits
from targeting.profit import ProfitCurve, maximum_profit
from targeting.profit_settings import ACCEPTANCE, ProfitSettings

COUNT = 50
OUT = Path("workspace/audience.json")
BELIEF = ProfitSettings().around(ACCEPTANCE)
"""What the plan believes of the acceptance, in every company."""
WORLDS = {"the one believed in": False, "drawn": True}
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
        probability = _sigmoid(level + wrong + (told * seen) / np.sqrt(1 + 0.35 * untold**2))
        shares = rng.uniform(0.02, 0.08), rng.uniform(0.002, 0.01)
        costs = Costs(incentive=shares[0] * value.mean(), contact=shares[1] * value.mean())
        return cls(probability, hidden, value, bill, costs, float(rng.beta(*BELIEF.beta)))

    def earned(self, order: np.ndarray, length: int) -> float:
        """Money that contacting the first of an order brings, as it comes true, per customer of the company."""
        truth = net_benefits(self.hidden, self.value, self.costs, self.acceptance)
        return float(truth[order[:length]].sum()) / len(truth)


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logit))


@dataclass(frozen=True)
class Result:
    """What came of one company: money per customer, in shares of its mean value.

    Attributes
    ----------
    number
        Of the company.
    customers
        How many it has.
    length
        The recommended one.
    best
        Of the best length of the same ranking, all being known.
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


def run(number: int, drawn: bool) -> Result:
    """One company: planned by what is seen, paid by what comes true.

    Parameters
    ----------
    number
        Of the company.
    drawn
        Its acceptance is drawn; the one that is believed in if False.
    """
    market = Market.of(number)
    market = market if drawn else replace(market, acceptance=BELIEF.mean)
    order = np.argsort(-market.probability * market.value, kind="stable")
    everybody = np.ones(len(order), dtype=bool)
    curve = ProfitCurve.of(market.probability[order], market.value[order], everybody, market.costs)
    length, unit = maximum_profit(curve, BELIEF).recommended, market.value.mean()
    sums = {
        rate: np.cumsum(np.r_[0.0, net_benefits(market.hidden, market.value, market.costs, rate)[order]])
        for rate in (market.acceptance, BELIEF.mean)
    }
    truth = sums[market.acceptance] / len(order) / unit
    return Result(
        number=number,
        customers=len(order),
        length=length,
        best=float(truth.max()),
        but_acceptance=float(truth[np.argmax(sums[BELIEF.mean])]),
        recommended=float(truth[length]),
        by_risk=market.earned(np.argsort(-market.probability, kind="stable"), length) / unit,
        by_bill=market.earned(np.argsort(-market.bill, kind="stable"), length) / unit,
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
    """Run the companies and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_args().count
    told = {}
    for world, drawn in WORLDS.items():
        found = [run(number, drawn) for number in range(1, count + 1)]
        told[world] = {"companies": [asdict(result) for result in found], "share_of_best": summary(found)}
        print(f"{count} companies, the acceptance is {world}: share of the best possible net benefit")
        for name, (value, low, high) in summary(found).items():
            print(f"  {name:15} {value:6.3f} [{low:.3f}, {high:.3f}]")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(OUT, told)


if __name__ == "__main__":
    main()
