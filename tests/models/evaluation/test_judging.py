"""Intervals by customers, paired differences, and a final window that can be looked at once."""

import numpy as np
import pandas as pd
import pytest

from features.errors import HeadwaterError
from models.evaluation import judging
from models.evaluation.judging import FinalWindow, Outcome
from models.evaluation.metrics import auc
from models.targets.registry import TARGETS


def outcome(size=600, seed=0, target="churn"):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=size)
    y = (rng.random(size) < 1 / (1 + np.exp(-truth))).astype(float)
    return Outcome(TARGETS[target].task, y, rng.gamma(1, 10, size), np.arange(size)), truth


def test_a_customer_is_drawn_with_all_rows_or_not_at_all():
    customers = np.repeat(["a", "b", "c", "d"], 3)
    weights = judging.resamples(customers, 50, seed=1)
    assert weights.shape == (50, 12)
    assert (weights.reshape(50, 4, 3) == weights.reshape(50, 4, 3)[:, :, :1]).all()
    assert (weights.sum(axis=1) == 12).all()
    assert np.array_equal(weights, judging.resamples(customers, 50, seed=1))
    assert not np.array_equal(weights, judging.resamples(customers, 50, seed=2))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """The population's AUC lies in 95 % intervals of forty samples nearly always."""
    big, truth = outcome(200_000, 99)
    population = auc(big.y, truth)
    held = 0
    for seed in range(40):
        small, score = outcome(400, seed)
        figure = judging.measure(small, score, "auc", judging.resamples(small.customers, 200, seed))
        held += figure.low <= population <= figure.high
    assert held >= 34


def test_a_bootstrap_by_hand_agrees():
    got, score = outcome(80)
    weights = judging.resamples(got.customers, 30, 5)
    by_hand = [auc(np.repeat(got.y, w), np.repeat(score, w)) for w in weights.astype(int)]
    assert judging.replicates(got, score, "auc", weights) == pytest.approx(np.array(by_hand))
    figure = judging.measure(got, score, "auc", weights)
    assert (figure.low, figure.high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])))


def test_an_advantage_is_paired_and_points_upwards_for_every_metric():
    got, score = outcome()
    probability = 1 / (1 + np.exp(-score))
    weights = judging.resamples(got.customers, 100, 5)
    for metric in ("auc", "brier", "log_loss"):
        lead = judging.advantage(got, probability, np.full(len(score), 0.5), metric, weights)
        assert lead.low > 0 and lead.low <= lead.value <= lead.high
        none = judging.advantage(got, probability, probability, metric, weights)
        assert (none.value, none.low, none.high) == (0, 0, 0)


def test_the_table_has_every_model_and_metric():
    got, score = outcome()
    probability = 1 / (1 + np.exp(-score))
    found = judging.table(got, {"a": probability, "rule": probability / 2}, judging.resamples(got.customers, 20, 1))
    assert len(found) == 2 * len(TARGETS["churn"].task.metrics)
    assert (found["low"] <= found["value"] + 1e-9).mean() > 0.9 and (found["n"] == 600).all()


def test_slices_are_figures_of_their_own_rows_and_small_ones_are_left_out():
    got, score = outcome()
    slices = pd.DataFrame(
        {"region": np.where(np.arange(600) < 350, "north", np.where(np.arange(600) < 590, "south", "x"))}
    )
    found = judging.by_slice(got, score, slices, least=200)
    assert set(found["level"]) == {"north", "south"}
    north = found[(found["level"] == "north") & (found["metric"] == "auc")].iloc[0]
    assert north["value"] == pytest.approx(auc(got.y[:350], score[:350])) and north["positives"] == got.y[:350].sum()


def test_slices_have_the_intervals_of_their_own_rows_where_resamples_are_given():
    got, score = outcome()
    weights = judging.resamples(got.customers, 60, 1)
    slices = pd.DataFrame({"region": np.where(np.arange(600) < 350, "north", "south")})
    found = judging.by_slice(got, score, slices, weights=weights).set_index(["level", "metric"])
    places = np.arange(350)
    figure = judging.measure(got.take(places), score[places], "auc", weights[:, places])
    assert found.loc[("north", "auc"), ["value", "low", "high"]].tolist() == [figure.value, figure.low, figure.high]
    assert found["value"].to_numpy() == pytest.approx(judging.by_slice(got, score, slices)["value"].to_numpy())


def test_the_final_window_opens_once():
    window = FinalWindow(pd.DataFrame({"x": [1]}))
    window.open()
    with pytest.raises(HeadwaterError) as caught:
        window.open()
    assert caught.value.problem.code == "E515" and window.opened == 2


def test_what_is_not_defined_has_no_interval():
    got = Outcome(TARGETS["churn"].task, np.zeros(10), np.zeros(10), np.arange(10))
    figure = judging.measure(got, np.arange(10.0), "auc", judging.resamples(got.customers, 5, 1))
    assert np.isnan([figure.value, figure.low, figure.high]).all()


def test_an_interval_is_judged_in_each_tenth_of_the_prediction_like_its_slow_twin():
    """The band holds in the lower half and lies too low in the upper one: on the whole it only looks too narrow."""
    rng = np.random.default_rng(3)
    score = rng.permutation(np.arange(1.0, 204.0))
    y = score * rng.uniform(0.5, 1.5, len(score)) * np.where(score > 102, 2.0, 1.0)
    low, high = np.where(score < 31, 0.0, score * 0.6), score * 1.4
    y[::7], y[3::7] = low[::7], high[3::7]  # inside, as all are who pay nothing where p10 is 0
    paid = Outcome(TARGETS["value"].task, y, y, np.arange(len(y)) // 2)
    found = judging.by_tenth(paid, score, low, high, judging.resamples(paid.customers, 40, 1))
    rows = sorted(range(len(score)), key=lambda i: score[i])
    start = 0
    for tenth in range(1, 11):
        mine = rows[start : start + (21 if tenth <= 3 else 20)]
        start += len(mine)
        told = found[found["tenth"] == tenth].set_index("metric")
        assert told.loc["below", "value"] == pytest.approx(sum(y[i] < low[i] for i in mine) / len(mine))
        assert told.loc["above", "value"] == pytest.approx(sum(y[i] > high[i] for i in mine) / len(mine))
        assert told.loc["meant", "value"] == pytest.approx(np.mean([0.8 if low[i] > 0 else 0.9 for i in mine]))
        assert told["value"].drop("meant").sum() == pytest.approx(1) and (told["n"] == len(mine)).all()
        assert ((told["low"] <= told["value"]) & (told["value"] <= told["high"])).all()
    above = found[found["metric"] == "above"].set_index("tenth")["value"]
    assert above[:5].max() < 0.4 < above[6:].min()


def test_tenths_of_fewer_rows_than_ten_are_those_that_have_one():
    few = Outcome(TARGETS["value"].task, np.array([1.0, 5.0]), np.array([1.0, 5.0]), np.arange(2))
    found = judging.by_tenth(few, np.array([4.0, 2.0]), np.zeros(2), np.full(2, 3.0), np.ones((3, 2)))
    assert found.loc[found["metric"] == "coverage", ["tenth", "value"]].to_numpy().tolist() == [[1, 0], [2, 1]]


def test_some_are_judged_by_themselves_and_found_among_everybody():
    """Of 40, the ten at the end are early and four of them positive: two of these stand in the first tenth of everybody."""
    y, among = np.zeros(40), np.arange(40) >= 30
    y[[0, 1, 30, 31, 32, 33]] = 1
    ours = np.linspace(0.5, 0.1, 40)
    ours[[30, 31]] = 0.9, 0.8
    rule = np.linspace(1.0, 0.0, 40)
    got = Outcome(TARGETS["vip"].task, y, y, np.arange(40))
    found = judging.apart(got, {"trees": ours, "rule": rule}, among, judging.resamples(got.customers, 50, 1))
    told = found.set_index(["model", "metric"])["value"]
    assert set(found["n"]) == {10} and set(found["positives"]) == {4}
    assert told["trees", "found_at_5pct"] == pytest.approx(2 / 4) and told["rule", "found_at_5pct"] == 0
    alone = got.take(among)
    assert told["trees", "auc"] == alone.task.metrics["auc"](alone.y, ours[30:]) == 1
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()
    assert judging.apart(got, {"rule": rule}, np.zeros(40, bool), np.ones((3, 40))).empty
