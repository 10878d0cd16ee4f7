"""Ten planted shifts alarm within two runs, two hundred quiet nights nearly never; promises are judged as they came true."""

import numpy as np
import pandas as pd
import pytest

from models.evaluation import monitoring, sketches
from models.evaluation.judging import Outcome
from models.settings import MonitorSettings
from models.targets.registry import TARGETS

SETTINGS = MonitorSettings()
COLUMNS = ["arpu_3m", "arpu_1m", "sms", "voice", "data", "idle_days", "tenure", "plan", "complaints", "late_share"]
WEIGHTS = dict.fromkeys(COLUMNS, 0.1)
MONEY = frozenset({"arpu_3m", "arpu_1m"})


class Customers:
    """A population that stays: every night each of them is nearly what they were; days since they paid go with the month."""

    def __init__(self, seed, n=1200):
        self.rng = np.random.default_rng(seed)
        self.level = self.rng.lognormal(4, 0.7, n)
        self.use = self.rng.lognormal(3, 1, n)
        self.tenure = self.rng.integers(30, 3000, n).astype(float)
        self.plan = self.rng.choice(["p10", "p20", "p30"], n, p=[0.5, 0.3, 0.2])
        self.paid_on = self.rng.integers(5, 10, n)

    def night(self, day):
        rng, n = self.rng, len(self.level)
        season = 1 + 0.05 * np.sin(2 * np.pi * day / 365)

        def noisy(values, by):
            return values * rng.lognormal(0, by, n)

        return pd.DataFrame(
            {
                "arpu_3m": noisy(self.level, 0.03),
                "arpu_1m": noisy(self.level * season, 0.08),
                "sms": rng.poisson(self.use / 10).astype(float),
                "voice": noisy(self.use * season, 0.2),
                "data": np.where(rng.random(n) < 0.02, np.nan, noisy(self.use * 30, 0.3)),
                "idle_days": (day - self.paid_on) % 30.0,
                "tenure": self.tenure + day,
                "plan": np.where(rng.random(n) < 0.005, "p40", self.plan),
                "complaints": rng.poisson(0.1, n).astype(float),
                "late_share": rng.beta(1, 9, n),
            }
        )


def alarms(before, now, weights=None, settings=SETTINGS):
    found = monitoring.drifts(before, sketches.sketch(now, COLUMNS), weights or WEIGHTS, MONEY, settings)
    return [drift.feature for drift in found if drift.alarm]


def sketched(rows):
    return sketches.sketch(rows, COLUMNS)


@pytest.mark.parametrize("operators", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_quiet_nights_alarm_in_five_of_a_hundred_at_most(operators):
    """Twenty nights of each operator, each against the two before and the same day of the month before."""
    false, nights = 0, 0
    for seed in range(operators):
        people = Customers(seed, 500)
        past = {day: sketched(people.night(day)) for day in range(30, 60)}
        for day in range(60, 80):
            rows = people.night(day)
            before = [past[d] for d in (day - 2, day - 1, day - 30)]
            false += bool(alarms(before, rows))
            nights += 1
            past[day] = sketched(rows)
    assert nights == 20 * operators and false <= 0.05 * nights


def scaled(column, factor):
    return lambda rows: rows.assign(**{column: rows[column] * factor})


SHIFTS = {
    "bills in fen": lambda r: r.assign(arpu_3m=r["arpu_3m"] * 100, arpu_1m=r["arpu_1m"] * 100),
    "a price list ten per cent dearer": lambda r: r.assign(arpu_1m=r["arpu_1m"] * 1.1),
    "a promotion of a fifth": scaled("arpu_1m", 0.8),
    "minutes for seconds": scaled("voice", 60),
    "MB for KB": scaled("data", 1 / 1024),
    "half of the usage did not come": lambda r: r.assign(data=r["data"].where(r.index % 2 == 0)),
    "messages twice delivered": scaled("sms", 2),
    "everybody moved to a new plan": lambda r: r.assign(plan=np.where(r.index % 3 == 0, "p99", r["plan"])),
    "a wave of complaints": lambda r: r.assign(complaints=r["complaints"] + (r.index % 4 == 0)),
    "payments are late": lambda r: r.assign(late_share=np.minimum(r["late_share"] + 0.1, 1)),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_a_planted_shift_alarms_within_two_runs(name):
    """On the first night, and on the second where the first is the nearest to it no more."""
    people = Customers(99)
    before = [sketched(people.night(day)) for day in (30, 31, 0, 1)]
    assert alarms(before, people.night(60)) == []
    assert alarms(before, SHIFTS[name](people.night(60)))


def test_a_night_is_held_against_the_nearest_and_not_the_newest():
    """Days since the payment are others than yesterday, and those of the same day a month before."""
    people = Customers(4)
    before = [sketched(people.night(day)) for day in (30, 57)]
    found = monitoring.drifts(before, sketched(people.night(60)), WEIGHTS, MONEY, SETTINGS)
    psi = {drift.feature: drift.shift.psi for drift in found}
    assert psi["idle_days"] < 0.01


def test_what_scores_do_not_go_by_does_not_alarm():
    people = Customers(5)
    before = [sketched(people.night(day)) for day in (30, 31)]
    moved = SHIFTS["minutes for seconds"](people.night(60))
    assert alarms(before, moved, WEIGHTS | {"voice": 0.001}) == []
    assert alarms(before, moved, {"voice": 0.0}) == []
    assert alarms([], moved) == []


def test_the_most_important_comes_first_and_not_the_farthest():
    people = Customers(6)
    rows = people.night(60)
    moved = rows.assign(voice=rows["voice"] * 60, arpu_3m=rows["arpu_3m"] * 1.6)
    weights = dict.fromkeys(COLUMNS, 0.001) | {"arpu_3m": 0.8}
    found = monitoring.drifts([sketched(people.night(30))], sketched(moved), weights, MONEY, SETTINGS)
    assert found[0].feature == "arpu_3m" and found[0].shift.psi < max(d.shift.psi for d in found)
    assert found[0].change == pytest.approx(0.6, abs=0.05)


def test_few_customers_alarm_by_more_than_chance_only():
    """Of forty customers an index of .5 is nothing."""
    false = 0
    for seed in range(12):
        people = Customers(seed, 40)
        other = Customers(1000 + seed, 40)
        false += bool(alarms([sketched(people.night(30))], other.night(60)))
    assert false <= 1


def naive_auc(p):
    """Over all pairs, each customer being one of both kinds by halves of their probability."""
    hits = misses = 0.0
    for a in p:
        for b in p:
            weight = a * (1 - b)
            misses += weight
            hits += weight * ((a > b) + 0.5 * (a == b))
    return hits / misses


def test_estimates_are_those_of_all_pairs_and_come_true_where_probabilities_are_right():
    rng = np.random.default_rng(0)
    few = np.round(rng.beta(1, 5, 80), 2)
    assert monitoring.estimated(few)["auc"] == pytest.approx(naive_auc(few))
    p = rng.beta(1, 8, 60_000)
    happened = rng.random(len(p)) < p
    told = monitoring.estimated(p)
    ranks = pd.Series(p).rank().to_numpy()
    n = happened.sum()
    auc = (ranks[happened].sum() - n * (n + 1) / 2) / (n * (len(p) - n))
    top = np.argsort(p)[-3000:]
    assert told["auc"] == pytest.approx(auc, abs=0.01)
    assert told["brier"] == pytest.approx(((p - happened) ** 2).mean(), abs=0.003)
    assert told["precision_at_5pct"] == pytest.approx(happened[top].mean(), abs=0.03)
    assert np.isnan(monitoring.estimated(np.empty(0))["auc"]) and np.isnan(monitoring.estimated(np.zeros(5))["auc"])


def outcome(y, target="churn"):
    y = np.asarray(y, dtype=float)
    return Outcome(TARGETS[target].task, y, np.zeros(len(y)), np.arange(len(y)).astype(str))


def test_promises_that_are_right_are_kept_in_most_nights_and_doubled_ones_are_not():
    inside = broken = seen = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        p = rng.beta(1, 15, 1500)
        y = rng.random(1500) < p
        good = monitoring.realised(outcome(y), p, "auc")
        inside += good.low <= good.observed <= good.high
        broken += good.level_broken
        seen += monitoring.realised(outcome(y), np.minimum(2 * p, 1), "auc").level_broken
    assert inside >= 17 and broken == 0 and seen == 20


def naive_tail(told, observed):
    """The distribution of the sum of unequal coins, one coin after the other."""
    shares = np.ones(1)
    for p in told:
        shares = np.convolve(shares, [1 - p, p])
    return shares[observed:].sum() if observed > told.sum() else shares[: observed + 1].sum()


@pytest.mark.parametrize(("n", "least"), [(400, 6), (60, 30)])
def test_few_events_are_by_chance_as_often_as_the_sum_of_coins_has_them(n, least):
    told = np.random.default_rng(3).beta(1, 60 if n == 400 else 1, n)
    for observed in range(0, 3 * round(told.sum()), max(1, round(told.sum()) // 5)):
        if observed <= n and (exact := naive_tail(told, observed)) > 1e-6:
            assert monitoring.by_chance(told, observed) == pytest.approx(exact, rel=0.2, abs=5e-5)
    assert told.sum() == pytest.approx(least, rel=0.25)
    assert (monitoring.by_chance(np.zeros(3), 0), monitoring.by_chance(np.zeros(3), 1)) == (1, 0)


def test_money_is_judged_by_its_total():
    rng = np.random.default_rng(1)
    told = rng.lognormal(4, 0.5, 800)
    paid = told * rng.lognormal(-0.02, 0.2, 800)
    assert not monitoring.realised(outcome(paid, "value"), told, "normalised_gini").level_broken
    dear = monitoring.realised(outcome(paid, "value"), told * 1.4, "normalised_gini")
    assert dear.level_broken and np.isnan(dear.low)


def test_calibration_marks_the_tenths_whose_promise_is_off():
    rng = np.random.default_rng(2)
    p = rng.beta(1, 8, 4000)
    y = (rng.random(4000) < p).astype(float)
    right, wrong = monitoring.calibration(p, y), monitoring.calibration(np.minimum(p * 2, 1), y)
    assert right["off"].sum() <= 3 < wrong["off"].sum()
    assert set(right["part"]) >= {"everybody", "top=1%", "tenth=10"}


@pytest.mark.parametrize(("days", "of"), [(7, 30), (14, 30), (30, 30)])
def test_early_promises_go_on_at_one_pace(days, of):
    told = monitoring.early(np.array([0.0, 0.2, 1.0]), days, of)
    assert told[0] == 0 and told[2] == 1
    assert (1 - told[1]) ** (of / days) == pytest.approx(0.8)
