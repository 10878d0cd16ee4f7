"""Pairs of campaigns of which it is known whom they help: is a model of uplift adopted where there is something to know, and only there?

    python -m benchmarks.uplift               # 200 pairs of each world

Lists are of churn, at the level of what a campaign keeps of each customer. Segments are told of the same campaigns: do all their
intervals cover the truth at once?
"""

import argparse
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from pipelines.workspace import files
from targeting.known_before import FEATURES, NUMBERS, SEGMENTS
from targeting.segments import by_segment
from targeting.uplift import trial

OUT = Path("workspace/uplift.json")
COUNT = 200
World = Literal["nothing", "alike", "north"]


def campaign(number: int, world: World, n: int = 600, share: float = 0.4, seed: int = 0) -> pd.DataFrame:
    """A list of churn; who stays because of a contact differs by world, and risk does not tell it.

    Parameters
    ----------
    number
        Of the campaign; customers of two campaigns are others.
    world
        Whom contacting helps: of would-be leavers who are contacted seven in ten stay in the north, one in three where
        it helps all alike.
    n
        Customers.
    share
        Of the control.
    seed
        Of the world.
    """
    rng = np.random.default_rng([seed, number])
    risk = 0.2 + 0.6 * rng.beta(2, 2, n)
    region = rng.choice(["north", "south", "east"], n, p=[0.4, 0.3, 0.3])
    treated = rng.random(n) >= share
    helped = {"nothing": np.zeros(n), "alike": np.full(n, 0.33), "north": 0.7 * (region == "north")}[world]
    left = (rng.random(n) < risk) & ~(treated & (rng.random(n) < helped))
    names = [f"{number}-{place:05d}" for place in range(n)]
    columns = {"customer_id": names, "unit": names, "arm": np.where(treated, "treated", "control")}
    rows = pd.DataFrame(columns | {"came": left.astype(float), "rank": np.argsort(np.argsort(-risk)) + 1})
    noise = {name: rng.normal(size=n) for name in NUMBERS}
    others = {"tier_current": rng.choice(["silver", "gold"], n), "customer_type": "personal"}
    known = {"churn_probability": risk, "region": region, "lifecycle_stage": rng.choice(["steady", "declining"], n)}
    return rows.assign(**noise | others | known, truth=-risk * helped)[[*rows.columns, *FEATURES, "truth"]]


def pair(world: World, seed: int, n: int = 600) -> list[pd.DataFrame]:
    """Two campaigns of one world."""
    return [campaign(number, world, n, seed=seed) for number in range(2)]


def covers_at_once(rows: pd.DataFrame) -> bool:
    """Do the intervals of all segments of a campaign hold its true effects?"""
    truths = {
        (one.by, one.value): rows.loc[rows[SEGMENTS[one.by]] == one.value, "truth"].mean()
        for one in by_segment(rows, "churn")
    }
    return all(one.low <= truths[one.by, one.value] <= one.high for one in by_segment(rows, "churn"))


def summary(world: World, count: int) -> dict[str, float]:
    """Of pairs of campaigns of a world, with lists of 600 to 2,000: in which share a model is adopted, how far the better one is
    ahead of the risk (mean coefficient per 1,000 listed), and in which share of campaigns all segments cover the truth at once."""
    sizes = np.random.default_rng(23).integers(600, 2_001, count)
    lists = [pair(world, seed, int(size)) for seed, size in enumerate(sizes)]
    found = [one for one in (trial(each, "churn") for each in lists) if one]
    ahead = [max(each.ahead.value for each in one.learners if each.ahead) for one in found]
    return {
        "pairs": float(count),
        "adopted": float(np.mean([one.adopted is not None for one in found])),
        "ahead": 1_000 * float(np.mean(ahead)),
        "segments_covered_at_once": float(np.mean([covers_at_once(rows) for each in lists for rows in each])),
    }


def main() -> None:
    """Run the pairs and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    count, told = parser.parse_args().count, {}
    for world in get_args(World):
        told[world] = figures = summary(world, count)
        print(f"{count} pairs of campaigns; they help: {world}")
        for name, value in figures.items():
            print(f"  {name:26} {value:8.3f}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    files.write_json(OUT, told)


if __name__ == "__main__":
    main()
