"""Where more customers leave than elsewhere, by name: what an attack on one city looks like long before labels mature."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binom

from models.learners.encoding import Matrix

ALPHA = 0.001
"""Chance that any group at all is named although none leaves faster."""
LEAST_RATIO = 1.25
"""Times as many as elsewhere that are worth telling: of a million customers chance leaves almost nothing open."""
MOST_TOLD = 5


@dataclass(frozen=True)
class Outbreak:
    """A group of customers of whom more left than of the others.

    Attributes
    ----------
    column, value
        Which group.
    customers
        How many of them were promised something.
    observed
        How many left.
    expected
        How many would have, had they left as often as the others beside what was promised of both.
    """

    column: str
    value: str
    customers: int
    observed: int
    expected: float


def outbreaks(promised: Matrix, left: Matrix, groups: pd.DataFrame) -> list[Outbreak]:
    """Groups that leave faster than all others, the least likely first; each is looked for without those before it.

    What was promised says only how those who left should be spread over the groups: a season, the end of a month or a
    level that is wrong everywhere names nobody. Of n who left, those of a group are Binomial(n, its share of what was
    promised) where its rate is that of the others: the conditional comparison of two Poisson rates (Przyborowski and
    Wilenski, Biometrika 1940), here at `ALPHA` over the number of groups (Bonferroni).

    Parameters
    ----------
    promised
        Probability of leaving of each customer, over whichever horizon, shape (n,).
    left
        Did they leave, shape (n,).
    groups
        n rows of categories or text; null belongs to no group.
    """
    tests = sum(groups[column].nunique() for column in groups)
    promised, left, open_ = np.asarray(promised, float), np.asarray(left, float), np.ones(len(groups), dtype=bool)
    found: list[Outbreak] = []
    while len(found) < MOST_TOLD:
        rows = groups[open_]
        likely = [(p, o) for column in groups for p, o in _faster(promised[open_], left[open_], rows[column], tests)]
        if not likely:
            break
        found.append(min(likely, key=lambda one: (one[0], one[1].column, one[1].value))[1])
        open_ &= (groups[found[-1].column].astype("string") != found[-1].value).fillna(True).to_numpy(dtype=bool)
    return found


def _faster(promised: Matrix, left: Matrix, group: pd.Series, tests: int) -> Iterator[tuple[float, Outbreak]]:
    """The values of one column whose customers leave faster, each with the chance of so many."""
    rows = pd.DataFrame({"promised": promised, "left": left, "value": group.astype("string").to_numpy()})
    sums = rows.groupby("value").agg(promised=("promised", "sum"), left=("left", "sum"), customers=("left", "size"))
    whole, gone = promised.sum(), left.sum()
    others = whole - sums["promised"]
    sums = sums[(sums["promised"] > 0) & (others > 1e-9 * whole)]
    expected = sums["promised"] / others[sums.index] * (gone - sums["left"])
    chance = binom.sf(sums["left"] - 1, gone, sums["promised"] / whole)
    for value, few, p in zip(sums.index, expected, chance, strict=True):
        observed = int(sums.at[value, "left"])
        if p * tests <= ALPHA and observed >= LEAST_RATIO * few:
            yield float(p), Outbreak(str(group.name), value, int(sums.at[value, "customers"]), observed, float(few))
