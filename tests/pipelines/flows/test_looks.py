"""Each alarm of promises fires on the schedule of the monitor, months after its night where it must, and quiet nights alarm nearly never."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation import monitoring
from models.evaluation.judging import Outcome
from models.targets.registry import TARGETS
from pipelines.flows import looks
from pipelines.flows.realised import Kept

DAY = date(2026, 11, 1)
DELAY = 5
LOOKS = {"churn": (7, 14, 30, 60, 90), "value": (89,), "vip": (89,)}
WAITS = sorted({days + DELAY for known in LOOKS.values() for days in known})
FIRST = date(2026, 1, 1)
CHAMPIONS = {name: f"{name}/1" for name in LOOKS}


def files(*days):
    return [SimpleNamespace(meta={"as_of": day.isoformat()}, day=day) for day in sorted(days)]


def test_a_night_is_compared_with_the_newest_two_the_same_day_of_months_and_others():
    every = files(*[DAY - timedelta(days=n) for n in range(1, 70)])
    chosen = [file.day for file in looks.compared(every, DAY, 8)]
    assert chosen == sorted(chosen) and len(chosen) == 8
    assert {date(2026, 10, 31), date(2026, 10, 30), date(2026, 10, 1), date(2026, 9, 1)} <= set(chosen)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_with_few_nights_all_are_compared(n):
    every = files(*[DAY - timedelta(days=k) for k in range(1, n + 1)])
    assert [f.day for f in looks.compared(every, DAY, 8)] == [f.day for f in every]


@given(
    st.sets(st.integers(0, 400), max_size=60),
    st.sets(st.integers(5, 120), min_size=1, max_size=5),
    st.integers(0, 420),
    st.none() | st.integers(0, 400),
    st.integers(0, 9),
)
def test_of_each_look_the_newest_night_that_is_over_is_among_them(nights, waits, until, since, most):
    """The twin: every night is asked for every look."""
    days = [FIRST + timedelta(days=n) for n in sorted(nights)]
    end, first = FIRST + timedelta(days=until), None if since is None else FIRST + timedelta(days=since)
    found = looks.with_outcomes(days, sorted(waits), end, first, most)
    assert found == sorted(set(found)) and set(found) <= set(days) and len(found) <= len(waits) + most
    for wait in waits:
        over = [d for d in days if d + timedelta(days=wait) <= end and (first is None or d >= first)]
        assert not over or over[-1] in found


def test_without_an_answer_that_has_a_date_nothing_is_looked_at():
    assert looks.with_outcomes([DAY], [], DAY, None, 8) == []


class Operator:
    """Customers who leave at a pace of their own and are followed by others; what is promised of them is right, or is
    not from a night on: `shuffled` among them, they leave twice as `fast`, or pay more (`dearer`)."""

    BEFORE = 400
    """Days that went before the first night, so that who is there has been for long."""

    def __init__(self, seed, n=400, **planted):
        rng, self.seed, self.n, self.planted = np.random.default_rng(seed), seed, n, planted
        self.hazards = np.minimum(0.2, 0.0012 * rng.lognormal(0, 1.1, (n, 40)))
        stays = np.round(rng.exponential(1 / self.hazards)) + 1
        self.ends = stays.cumsum(axis=1)
        if "fast" in planted:
            self.ends = np.where(
                self.ends > self.day("fast"), self.day("fast") + (self.ends - self.day("fast")) / 2, self.ends
            )

    def day(self, name):
        return planted + self.BEFORE if (planted := self.planted.get(name)) is not None else np.inf

    @cache  # noqa: B019  a night is looked at by many monitors
    def kept(self, night, target, days):
        today, everybody = night + self.BEFORE, np.arange(self.n)
        at = (self.ends <= today).sum(axis=1)
        hazard, rng = self.hazards[everybody, at], np.random.default_rng((self.seed, night))
        told, y = 1 - np.exp(-hazard * days), (self.ends[everybody, at] - today <= days).astype(float)
        if target == "value":
            told = 10 / np.sqrt(hazard)
            y = told * rng.lognormal(-0.02, 0.2, self.n) * (1.3 if today >= self.day("dearer") else 1)
        if today >= self.day("shuffled"):
            told = rng.permutation(told)
        outcome = Outcome(TARGETS[target].task, y, y, everybody.astype(str))
        result = monitoring.realised(outcome, told, TARGETS[target].metric, seed=night)
        announced = (judged.low, judged.high) if (judged := self.announced(target, days)) else None
        when = FIRST + timedelta(days=night)
        return Kept(target, f"{target}/1", when, days, days < 89, result, announced, pd.DataFrame())

    def announced(self, target, days):
        """What a window before all nights said; nothing of looks that training does not judge."""
        if days < 30 or self.BEFORE < 400:
            return None
        return self._before(target, days).result.figure

    @cache  # noqa: B019
    def _before(self, target, days):
        earlier = Operator(self.seed, self.n)
        earlier.BEFORE = 300
        return earlier.kept(0, target, days)


def alarms(operator, day, since=None):
    """What the monitor of a day says, a night having been published on each day before."""
    days, until = [FIRST + timedelta(days=n) for n in range(day + 1)], FIRST + timedelta(days=day)
    nights = looks.with_outcomes(days, WAITS, until, since, 0)
    kept = [
        operator.kept((night - FIRST).days, target, length)
        for night in nights
        for target, known in LOOKS.items()
        for length in known
        if night + timedelta(days=length + DELAY) <= until
    ]
    return {(p.code, p.values["target"]): p.values["days"] for p in looks.broken(kept, CHAMPIONS)}


@pytest.mark.parametrize(("operators", "nights"), [(1, 12), pytest.param(10, 20, marks=pytest.mark.slow)])
def test_quiet_nights_alarm_in_five_of_a_hundred_at_most(operators, nights):
    loud = [bool(alarms(one, 100 + n)) for one in map(Operator, range(operators)) for n in range(nights)]
    assert sum(loud) <= 0.05 * len(loud)


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize(
    ("planted", "wanted", "within"),
    [
        ({"shuffled": 100}, ("W574", "churn"), 45),
        ({"shuffled": 100}, ("W574", "vip"), 100),
        ({"fast": 100}, ("W573", "churn"), 100),
        ({"dearer": 100}, ("W573", "value"), 100),
    ],
)
def test_a_decline_alarms_on_the_schedule_of_the_monitor(planted, wanted, within):
    """From its first night on, as soon as outcomes are there; within the 35 days of inputs those of a whole horizon never would."""
    operator = Operator(3, 1200, **planted)
    assert wanted not in alarms(operator, 100)
    assert wanted in alarms(operator, 100 + within)
    inputs = FIRST + timedelta(days=100 + within - looks.DAYS)
    assert (wanted in alarms(operator, 100 + within, since=inputs)) == (wanted[1] == "churn")


@pytest.mark.parametrize("change", [{"version": "churn/0"}, {"learnt": True}])
def test_a_champion_that_is_none_any_more_and_a_night_that_was_learnt_from_ask_for_nothing(change):
    broken = Operator(3, 1200, shuffled=0).kept(0, "churn", 90)
    assert [p.code for p in looks.broken([broken], CHAMPIONS)] == ["W574"]
    assert looks.broken([replace(broken, **change)], CHAMPIONS) == []


def test_a_newer_early_look_does_not_hide_a_full_one_and_of_several_the_longest_is_told():
    right, wrong = Operator(3, 1200), Operator(3, 1200, shuffled=0)
    early, full = right.kept(83, "churn", 7), wrong.kept(0, "churn", 90)
    (told,) = looks.broken([full, early, wrong.kept(60, "churn", 30)], CHAMPIONS)
    assert (told.code, told.values["days"], told.values["since"]) == ("W574", 90, "2026-01-01")
    newer = right.kept(1, "churn", 90)
    assert looks.broken([newer, full, early], CHAMPIONS) == []
