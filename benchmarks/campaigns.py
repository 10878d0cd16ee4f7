"""Campaigns whose true effect is known: does the interval cover it, is nothing called nothing, and what does adjusting earn?

    python -m benchmarks.campaigns            # 2,000 campaigns that work and 2,000 that do nothing

Companies are those of `benchmarks.audience`, at the level of scores. A list is drawn by value at risk, a part of it is held out by
chance, would-be leavers who are contacted stay with a probability that nobody knows, some cannot be reached. The true effect is
that of the hidden probabilities, of being listed for contact; what `targeting.campaigns` says is held against it.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.audience import Market
from pipelines.workspace import files
from targeting.campaigns import Costs, Measurement, measure

OUT = Path("workspace/campaigns.json")
COUNT = 2_000
COSTS = Costs(contact=1.0, incentive=0.0)
KINDS = ("churn", "value")


@dataclass(frozen=True)
class Trial:
    """One campaign and one outcome.

    Attributes
    ----------
    number
        Of the company.
    outcome
        `churn`, or the money of the window.
    truth
        The effect of being listed for contact, from the hidden probabilities.
    status
        As it is told.
    covered, covered_plain
        Is the truth inside the adjusted interval, and inside the unadjusted one? None where there is none.
    shorter
        By which share the adjusted interval is shorter than the unadjusted one; None where there is none.
    """

    number: int
    outcome: str
    truth: float
    status: str
    covered: bool | None
    covered_plain: bool | None
    shorter: float | None


def trials(number: int, works: bool) -> list[Trial]:
    """The campaign of one company, looked at by who leaves and by money.

    Parameters
    ----------
    number
        Of the company.
    works
        False: nobody stays because of it.
    """
    market, rng = Market.of(number), np.random.default_rng([16, number, works])
    length, share = int(rng.integers(1_000, 3_001)), float(rng.uniform(0.1, 0.5))
    listed = np.argsort(-market.probability * market.value, kind="stable")[:length]
    acceptance = rng.uniform(0.1, 0.5) if works else 0.0
    reached = rng.uniform(0.7, 1.0)
    control = rng.random(len(listed)) < share
    contacted = ~control & (rng.random(len(listed)) < reached)
    stays = contacted & (rng.random(len(listed)) < acceptance)
    left = (rng.random(len(listed)) < market.hidden[listed]) & ~stays
    bills = market.value[listed] / 4 * rng.lognormal(-0.02, 0.2, len(listed))
    money = bills * np.where(left, rng.random(len(listed)), 1.0)
    rows = pd.DataFrame(
        {
            "arm": np.where(control, "control", "treated"),
            "unit": np.arange(len(listed)).astype(str),
            "left": left.astype(float),
            "money": money,
            "contacts": contacted.astype(float),
            "contact_cost": np.nan,
            "churn_probability": market.probability[listed],
            "value_pred": market.value[listed] / 4 * (1 - market.probability[listed] / 2),
            "vip_probability": np.nan,
        }
    )
    saved = market.hidden[listed] * acceptance * reached
    truths = {"churn": -saved.mean(), "value": (saved * market.value[listed] / 4).mean() / 2}
    came = {"churn": rows["left"], "value": rows["money"]}
    return [
        _trial(number, kind, float(truths[kind]), measure(rows.assign(came=came[kind]), kind, COSTS, share))
        for kind in KINDS
    ]


def _trial(number: int, outcome: str, truth: float, found: Measurement) -> Trial:
    if found.effect is None or found.unadjusted is None:
        return Trial(number, outcome, truth, found.status, None, None, None)
    covered, plain = (one.low <= truth <= one.high for one in (found.effect, found.unadjusted))
    shorter = 1 - found.effect.half_width / found.unadjusted.half_width
    return Trial(number, outcome, truth, found.status, covered, plain, shorter)


def summary(found: list[Trial]) -> dict[str, float]:
    """Of the campaigns of one outcome: how many have an interval, in which share it covers the truth and spans zero, and by how
    much adjusting shortens it (mean)."""
    rows = pd.DataFrame([asdict(one) for one in found if one.covered is not None])
    return {
        "campaigns": len(found),
        "with_interval": len(rows),
        "covered": float(rows["covered"].astype(bool).mean()),
        "covered_unadjusted": float(rows["covered_plain"].astype(bool).mean()),
        "open": float((rows["status"] == "open").mean()),
        "wrong_way": float((rows["status"] == "harms").mean()),
        "shorter": float(rows["shorter"].astype(float).mean()),
    }


def main() -> None:
    """Run the campaigns and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    count, told = parser.parse_args().count, {}
    for world, works in (("works", True), ("does nothing", False)):
        found = [one for number in range(1, count + 1) for one in trials(number, works)]
        for kind in KINDS:
            told[f"{world}, {kind}"] = figures = summary([one for one in found if one.outcome == kind])
            print(f"{count} campaigns, each {world}; outcome {kind}")
            for name, value in figures.items():
                print(f"  {name:20} {value:8.3f}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(OUT, told)


if __name__ == "__main__":
    main()
