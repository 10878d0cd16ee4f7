"""A group that leaves faster is named, and nobody else is: not a season, not a level that is wrong everywhere."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation.outbreaks import ALPHA, outbreaks

CITIES = [f"city {n}" for n in range(11)]


def company(rng, customers=20_000):
    """Probabilities of a realistic shape, and groups that tell something of them: cheap plans leave more."""
    groups = pd.DataFrame(
        {
            "region": pd.Categorical(rng.choice(CITIES, customers, p=rng.dirichlet(np.full(11, 3.0)))),
            "plan": rng.choice(["cheap", "usual", "dear", None], customers, p=[0.3, 0.4, 0.2, 0.1]),
        }
    )
    promised = rng.beta(1, 20, customers) * groups["plan"].map({"cheap": 1.5}).fillna(1.0).to_numpy()
    return np.minimum(promised, 0.9), groups


def named(found):
    return [(each.column, each.value) for each in found]


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.4, 2.0])
def test_a_level_that_is_wrong_everywhere_names_nobody(level):
    """On 200 quiet nights, where all leave less or more than was promised; a false alarm is a chance of one in a thousand."""
    alarms = 0
    for night in range(200):
        rng = np.random.default_rng([night, int(level * 10)])
        promised, groups = company(rng, 4_000)
        alarms += bool(outbreaks(promised, rng.random(4_000) < np.minimum(promised * level, 1.0), groups))
    assert alarms <= 200 * 0.01


def test_an_attacked_city_is_named_and_no_other(city="city 3"):
    """It leaves three times as fast as was promised; what the others left is what it is held against."""
    hits = []
    for night in range(20):
        rng = np.random.default_rng(night)
        promised, groups = company(rng)
        attacked = (groups["region"] == city).to_numpy()
        left = rng.random(len(groups)) < np.minimum(promised * np.where(attacked, 1.5, 0.5), 1.0)
        found = outbreaks(promised, left, groups)
        hits.append(named(found) == [("region", city)])
        rate = left[~attacked].sum() / promised[~attacked].sum()
        assert found[0].expected == pytest.approx(rate * promised[attacked].sum())
        assert (found[0].observed, found[0].customers) == (left[attacked].sum(), attacked.sum())
    assert np.mean(hits) >= 0.95


def test_a_second_group_is_looked_for_without_the_first():
    """Who is on the plan that a city is all about is not told again; a second city is."""
    rng = np.random.default_rng(4)
    promised, groups = company(rng)
    groups["region"] = groups["region"].astype(str)
    first = (groups["region"] == "city 1").to_numpy()
    groups.loc[first, "plan"] = "local"
    faster = 1.0 + 3.0 * first + 2.0 * (groups["region"] == "city 2").to_numpy()
    found = outbreaks(promised, rng.random(len(groups)) < np.minimum(promised * faster, 1.0), groups)
    assert {each.value for each in found} in ({"city 1", "city 2"}, {"local", "city 2"})


def test_the_chance_is_that_of_all_draws_of_who_left():
    """Against the count of random draws: with two groups of equal promise, 18 of 20 in one of them."""
    promised, groups = np.full(2_000, 0.01), pd.DataFrame({"g": ["a"] * 1_000 + ["b"] * 1_000})
    left = np.zeros(2_000)
    left[:18] = left[1_000:1_002] = 1
    rng = np.random.default_rng(1)
    chance = np.mean(rng.binomial(20, 0.5, 400_000) >= 18)
    assert chance * 2 < ALPHA < np.mean(rng.binomial(20, 0.5, 400_000) >= 16) * 2
    assert named(outbreaks(promised, left, groups)) == [("g", "a")]
    left[[16, 17, 1_002, 1_003]] = 0, 0, 1, 1
    assert outbreaks(promised, left, groups) == []


@pytest.mark.parametrize("gone", [0.0, 1.0])
def test_nobody_or_everybody_left(gone):
    promised, groups = company(np.random.default_rng(2), 500)
    assert outbreaks(promised, np.full(500, gone), groups) == []
