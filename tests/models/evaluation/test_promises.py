"""What was promised against what happened, by tenth and at the top."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation import promises
from models.evaluation.judging import Outcome
from models.targets.task import CLASSIFICATION, REGRESSION, Task


def window(n: int, seed: int, task: Task = CLASSIFICATION, first: int = 0) -> tuple[Outcome, np.ndarray]:
    """Rows whose outcome is drawn from what was predicted; equal predictions among them."""
    rng = np.random.default_rng(seed)
    score = rng.beta(1, 8, n).round(2)
    y = (rng.random(n) < score).astype(float) if task is CLASSIFICATION else score * 100 * rng.gamma(2, 0.5, n)
    customers = np.array([f"C{i}" for i in range(first, first + n)])
    return Outcome(task, y, y, customers), score if task is CLASSIFICATION else score * 100


def by_hand(windows: list, group: str) -> tuple[float, float, int]:
    """The same by sorting every window and walking through it."""
    said, seen = [], []
    for outcome, score in windows:
        rows = sorted(range(len(score)), key=lambda i: -score[i])
        if group.startswith("top="):
            rows = rows[: max(1, round(len(rows) * float(group[4:-1]) / 100))]
        said += [score[i] for i in rows]
        seen += [outcome.y[i] for i in rows]
    return sum(said) / len(said), sum(seen) / len(seen), len(said)


@pytest.mark.parametrize("task", [CLASSIFICATION, REGRESSION])
@pytest.mark.parametrize("group", ["everybody", "top=1%", "top=5%"])
def test_means_are_those_of_the_part_in_every_window(task, group):
    windows = [window(313, 1, task), window(190, 2, task, first=100)]
    found = promises.promises(windows, 50, 1).set_index("group").loc[group]
    promised, observed, n = by_hand(windows, group)
    assert (found["promised"], found["observed"], found["n"]) == pytest.approx((promised, observed, n))
    assert found["low"] <= found["observed"] <= found["high"]


def test_tenths_hold_everybody_once_the_smallest_first():
    told = window(313, 3)
    found = promises.promises([told], 10, 1).set_index("group")
    tenths = found.loc[[f"tenth={number}" for number in range(1, 11)]]
    assert tenths["n"].sum() == 313 and tenths["promised"].is_monotonic_increasing
    weighted = np.average(tenths["observed"], weights=tenths["n"])
    assert weighted == pytest.approx(found.loc["everybody", "observed"])


def test_right_probabilities_are_within_their_interval_nearly_always():
    inside = []
    for seed in range(60):
        found = promises.promises([window(600, seed)], 10, 1)
        inside += [(found["low"] <= found["promised"]) & (found["promised"] <= found["high"])]
    assert 0.92 < pd.concat(inside).mean() < 0.99


def test_a_customer_of_several_windows_counts_once_for_the_width():
    told = window(400, 1)
    once, thrice = (promises.promises([told] * times, 10, 1).set_index("group").loc["everybody"] for times in (1, 3))
    assert thrice["n"] == 1_200
    assert (once["low"], once["high"]) == pytest.approx((thrice["low"], thrice["high"]))
    others = [window(400, 1), window(400, 2, first=400)]
    apart = promises.promises(others, 10, 1).set_index("group").loc["everybody"]
    assert apart["high"] - apart["low"] < once["high"] - once["low"]


def test_few_rows_have_fewer_parts_and_no_empty_one():
    found = promises.promises([window(4, 1)], 10, 1)
    assert (found["n"] > 0).all() and len(found) == 3 + 4


def test_wilson_against_published_figures():
    """Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611."""
    low, high = promises.wilson(np.array([81, 0]), np.array([263, 20]))
    assert low.round(4).tolist() == [0.2553, 0.0] and high.round(4).tolist() == [0.3662, 0.1611]


@pytest.mark.parametrize("all_of_them", [False, True])
def test_an_interval_holds_its_share_to_the_last_bit(all_of_them):
    """With no hit at all, or nothing but hits, rounding left one bar in nine below nothing: nothing could be drawn."""
    n = np.arange(1, 5_001)
    hits = n * all_of_them
    low, high = promises.wilson(hits, n)
    assert (low <= hits / n).all() and (hits / n <= high).all() and (low < high).all()
