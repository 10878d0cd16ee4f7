"""What was promised against what happened, in each tenth of the prediction and at its top.

Those with the highest predictions are the ones that something is done about, so the top is told apart. Over several
windows a part is the same part of each window: its customers are those who would have been called that night.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.evaluation import judging
from models.evaluation.judging import TENTHS, Outcome
from models.evaluation.metrics import Array

TOPS = (0.01, 0.05)
"""The shares at the top that are told apart."""
EVERYBODY = "everybody"
Told = tuple[Outcome, Array]
"""What happened in a window, and what was predicted of its rows."""


def wilson(hits: np.ndarray, n: np.ndarray, z: float = 1.96) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of a share after Wilson (1927), which is right for few hits too; the share always lies in it.

    Without a hit it begins at 0 and with nothing but hits it ends at 1; rounding would miss both by a last bit.

    Parameters
    ----------
    hits
        How many.
    n
        Of how many; more than 0.
    z
        Quantile of the normal distribution.

    Returns
    -------
    tuple
        Lower and upper bounds, 0 to 1.
    """
    share, weight = hits / n, z * z / n
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * np.sqrt(share * (1 - share) / n + weight / (4 * n))
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)


def parts(score: Array) -> dict[str, np.ndarray]:
    """Places of the rows of each part: `everybody`, `top=1%`, `top=5%`, `tenth=1` (smallest predictions) to `tenth=10`.

    Equal predictions are told apart by their place. A part without a row is left out.
    """
    order = np.argsort(-score, kind="stable")
    found = {EVERYBODY: order} | {f"top={share:.0%}": order[: max(1, round(len(order) * share))] for share in TOPS}
    tenths = np.array_split(np.argsort(score, kind="stable"), TENTHS)
    found |= {f"tenth={number}": places for number, places in enumerate(tenths, 1)}
    return {name: places for name, places in found.items() if len(places)}


def promises(windows: Sequence[Told], resamples: int, seed: int) -> pd.DataFrame:
    """Mean prediction and mean outcome of each part, over one window or several.

    Parameters
    ----------
    windows
        What happened, and what was predicted; all of one target.
    resamples, seed
        Of the intervals of money.

    Returns
    -------
    pandas.DataFrame
        group (as `parts` names them), promised, observed, low, high (of observed, 95 %), n (rows). The interval of a share
        is Wilson's, for as many as there are customers: one who is in several windows counts once. That of money is a
        bootstrap over customers.
    """
    cut = [parts(score) for _, score in windows]
    return pd.DataFrame(
        [
            _part(
                name,
                [(o.take(found[name]), s[found[name]]) for found, (o, s) in zip(cut, windows, strict=True)],
                (resamples, seed),
            )
            for name in dict.fromkeys(name for found in cut for name in found)
            if all(name in found for found in cut)
        ],
        columns=["group", "promised", "observed", "low", "high", "n"],
    )


def _part(name: str, told: Sequence[Told], drawn: tuple[int, int]) -> dict[str, Any]:
    y = np.concatenate([outcome.y for outcome, _ in told])
    customers = np.concatenate([outcome.customers for outcome, _ in told])
    promised = float(np.concatenate([score for _, score in told]).mean())
    observed = float(y.mean())
    if told[0][0].task.objective == "binary":
        people = len(np.unique(customers))
        bounds = wilson(np.array([observed * people]), np.array([people]))
        low, high = (float(bound[0]) for bound in bounds)
    else:
        weights = judging.resamples(customers, *drawn)
        found = judging.estimate(observed, (weights @ y) / weights.sum(axis=1))
        low, high = found.low, found.high
    return {"group": name, "promised": promised, "observed": observed, "low": low, "high": high, "n": len(y)}
