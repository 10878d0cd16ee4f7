"""The Qini coefficient against a slow look at the curve itself, and the laws that it obeys."""

import numpy as np
import pytest

from models.evaluation.qini import Order, coefficient, curve, draws, gains, interval


def drawn(seed: int, n: int = 80, levels: int = 12) -> dict[str, np.ndarray]:
    """Customers of two campaigns, with scores that tie."""
    rng = np.random.default_rng(seed)
    campaigns = rng.integers(0, 2, n)
    treated = rng.random(n) < np.array([0.5, 0.8])[campaigns]
    share = np.array([treated[campaigns == each].mean() for each in (0, 1)])[campaigns]
    score = rng.integers(0, levels, n).astype(float)
    outcome = (rng.random(n) < 0.3 + 0.03 * score * treated).astype(float)
    return {"campaigns": campaigns, "treated": treated, "share": share, "score": score, "outcome": outcome}


def twin(rows: dict[str, np.ndarray]) -> float:
    """Walks down each list, block of ties after block, counts good outcomes in both arms, and adds up trapezoids."""
    total = 0.0
    for campaign in set(rows["campaigns"].tolist()):
        people = [i for i in range(len(rows["score"])) if rows["campaigns"][i] == campaign]
        share = sum(bool(rows["treated"][i]) for i in people) / len(people)
        heights, widths = [0.0], [0.0]
        for score in sorted({rows["score"][i] for i in people}, reverse=True):
            block = [i for i in people if rows["score"][i] == score]
            good = sum(rows["outcome"][i] for i in block if rows["treated"][i]) / share
            left = sum(rows["outcome"][i] for i in block if not rows["treated"][i]) / (1 - share)
            heights.append(heights[-1] + good - left)
            widths.append(widths[-1] + len(block))
        area = sum(
            (heights[k] + heights[k - 1]) / 2 * (widths[k] - widths[k - 1]) / len(people)
            for k in range(1, len(heights))
        )
        total += area - heights[-1] / 2
    return total / len(rows["score"])


def plain(rows: dict[str, np.ndarray]) -> np.ndarray:
    return gains(rows["outcome"], rows["treated"].astype(float), rows["share"], np.zeros(len(rows["score"])))


def order(rows: dict[str, np.ndarray], score: np.ndarray | None = None) -> Order:
    return Order.of(rows["score"] if score is None else score, rows["campaigns"])


@pytest.mark.parametrize("seed", range(10))
def test_the_coefficient_is_the_area_that_a_slow_walk_finds(seed):
    rows = drawn(seed)
    assert coefficient(plain(rows), order(rows)) == pytest.approx(twin(rows), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_weight_is_a_repetition(seed):
    rows, gain = drawn(seed), plain(drawn(seed))
    weights = np.random.default_rng(seed).integers(0, 4, len(gain))
    often = Order.of(np.repeat(rows["score"], weights), np.repeat(rows["campaigns"], weights))
    expected = coefficient(np.repeat(gain, weights), often)
    assert coefficient(gain, order(rows), weights.astype(float)) == pytest.approx(expected, abs=1e-12)


def test_laws_of_an_order():
    rows, gain = drawn(3), plain(drawn(3))
    ours = coefficient(gain, order(rows))
    assert coefficient(gain, order(rows, -rows["score"])) == pytest.approx(-ours), "the other way round"
    assert coefficient(gain, order(rows, np.ones(len(gain)))) == pytest.approx(0, abs=1e-12), "no order at all"
    assert coefficient(gain + 5, order(rows)) == pytest.approx(ours), "what helps everybody alike is no order"
    best = coefficient(gain, order(rows, gain))
    assert best >= max(coefficient(gain, order(rows, other)) for other in np.random.default_rng(1).random((50, 80)))
    moved = rows["score"] + 100 * rows["campaigns"]
    assert coefficient(gain, order(rows, moved)) == pytest.approx(ours), "campaigns are not ranked against each other"


def test_gains_add_up_to_the_difference_of_the_arms_whatever_was_expected():
    rows = drawn(4) | {"campaigns": np.zeros(80, dtype=int)}
    treated, outcome = rows["treated"], rows["outcome"]
    share = np.full(80, treated.mean())
    difference = outcome[treated].mean() - outcome[~treated].mean()
    for expected in (0.0, 0.3, 7.0):
        gain = gains(outcome, treated.astype(float), share, np.full(80, expected))
        assert gain.mean() == pytest.approx(difference)
    shown = curve(
        gains(outcome, treated.astype(float), share, np.zeros(80)), Order.of(rows["score"], rows["campaigns"])
    )
    assert shown[0] == 0 and shown[-1] == pytest.approx(difference)


def test_customers_of_one_account_are_drawn_together():
    units = np.array(["a", "b", "a", "c", "b"])
    found = list(draws(units, seed=1, count=200))
    assert all(w[0] == w[2] and w[1] == w[4] for w in found)
    assert np.mean(found, axis=0) == pytest.approx(np.ones(5), abs=0.25) and np.std([w[3] for w in found]) > 0.5
    assert all((w == again).all() for w, again in zip(found, draws(units, seed=1, count=200), strict=True))


def test_an_interval_is_that_of_its_samples():
    found = interval(2.0, list(np.linspace(0, 1, 1_001)), 0.9)
    assert (found.value, found.low, found.high) == pytest.approx((2.0, 0.05, 0.95))
