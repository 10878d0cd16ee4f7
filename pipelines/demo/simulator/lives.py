"""What happens to the simulated customers month by month: troubles, complaints, campaigns and leaving.

The order inside a month is fixed: moods and complaints, moves of usage, plan changes, campaign, decision to leave.
Every effect on leaving is planted in `log_hazard` and nowhere else.
"""

import numpy as np

from pipelines.demo.simulator.moves import RISE, SAG, moves, plan_changes, trips
from pipelines.demo.simulator.people import (
    ALLOWANCE_GB,
    DEMO,
    FAMILY,
    GROUP,
    NEVER,
    RAISED_MONTH,
    RAISED_PLAN,
    Calendar,
    Market,
    People,
)
from pipelines.demo.simulator.state import Life, Turn, newborn

BASE_LOG_HAZARD = np.log(0.0113)
CAMPAIGN_EFFECTS = {"RETAIN": -0.8, "POINTS": 0.0}  # on the log hazard, for three months
CONTROL_SHARE = 0.25
FIRST_CAMPAIGN, EVERY = 5, 3  # months
TOPICS = (0.16, 0.05, 0.20, 0.10, 0.06, 0.07, 0.10, 0.05, 0.05, 0.10, 0.06)
COVERAGE, NOT_SOLVED = 0, 8


def live(who: People, when: Calendar, rng: np.random.Generator, market: Market = DEMO) -> Life:
    """Simulate every month; `months` of the result holds arrays of n per month, `events` the dated ones."""
    life = newborn(who, rng, market)
    everyone, signed = np.arange(len(who)), who.joined - rng.integers(0, 3, len(who))
    life.note("plans", everyone, who.joined, signed, life.plan.copy(), life.fee.copy(), life.contract_end.copy())
    for month in range(when.months):
        here = (who.joined < when.edges[month + 1]) & (life.left > when.edges[month])
        turn = Turn(who, life, when, month, here, rng, market)
        for happens in (_experiences, moves, trips, plan_changes, _campaigns, _decisions):
            happens(turn)
    return life


def _experiences(turn: Turn) -> None:
    """Bad experiences sour the mood whether or not they are voiced; slow answers to complaints sour it more."""
    life, who, rng = turn.life, turn.who, turn.rng
    fault = (who.region == (turn.month * 5) % 11).astype(float)  # a network fault passes through the regions
    life.mood *= 0.72
    bad = turn.here & (turn.chance() < 0.038 * np.exp(0.9 * fault))
    voiced = bad & (turn.chance() < who.outspoken)
    again = turn.here & (life.mood > 0.8) & (turn.chance() < 0.35 * who.outspoken)
    trifling = turn.here & (turn.chance() < 0.003)
    slow = turn.chance() < 0.35
    life.mood += 1.1 * bad + 0.6 * (voiced & slow) - 0.4 * (voiced & ~slow) + 0.4 * again
    life.silent += bad & ~voiced
    severity = np.where(bad, rng.integers(2, 4, len(who)), rng.integers(1, 3, len(who)))
    _complain(turn, voiced | again | trifling, (_topics(turn, fault, again), severity, slow))
    life.strain = np.where(life.strain, turn.chance() < 0.72, turn.chance() < 0.014)
    life.keep(mood=life.mood, strain=life.strain)


def _complain(turn: Turn, voiced: np.ndarray, about: tuple) -> None:
    """Note the complaints: life, day, topic, severity, days until solved."""
    topic, severity, slow = about
    which = np.flatnonzero(voiced)
    wait = np.where(slow[which], turn.rng.gamma(2.0, 14.0, len(which)), turn.rng.gamma(2.0, 1.6, len(which)))
    turn.life.note("complaints", which, turn.days(len(which)), topic[which], severity[which], wait)


def _topics(turn: Turn, fault: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Topic numbers 0 to 10: network where a fault is, `handled but not solved` on a repeat."""
    usual = turn.rng.choice(len(TOPICS), len(fault), p=TOPICS)
    usual = np.where((fault > 0) & (turn.chance() < 0.6), COVERAGE, usual)
    return np.where(again & (turn.chance() < 0.7), NOT_SOLVED, usual)


def campaign_months(months: int) -> dict[int, str]:
    """Month -> name of its campaign, the names in turn."""
    names = list(CAMPAIGN_EFFECTS)
    return {month: names[month // EVERY % len(names)] for month in range(FIRST_CAMPAIGN, months, EVERY)}


def _campaigns(turn: Turn) -> None:
    """A random tenth, more of those whose contract ends, is listed; a quarter of it is left alone."""
    name = campaign_months(turn.when.months).get(turn.month)
    if name is None:
        return
    ending = np.abs(turn.life.contract_end - turn.start) < 60
    listed = np.flatnonzero(turn.here & (turn.chance() < np.where(ending, 0.22, 0.09)))
    control = turn.rng.random(len(listed)) < CONTROL_SHARE
    day = turn.start + turn.rng.integers(0, 5, len(listed))
    turn.life.note("campaigns", listed, day, np.full(len(listed), turn.month), control)
    if CAMPAIGN_EFFECTS[name]:
        turn.life.treated_until[listed[~control]] = turn.month + 3


def _decisions(turn: Turn) -> None:
    """Draw the hidden decision to leave; the day of leaving follows at once, after fading, or at the contract's end."""
    life, who, rng, n = turn.life, turn.who, turn.rng, len(turn.who)
    hazard = np.exp(_log_hazard(turn)) * turn.here * (life.left == NEVER)
    decides = turn.chance() < 1 - np.exp(-hazard)
    day = np.maximum(turn.days(n), who.joined + 20)
    wait = np.where(who.fades, 14 + rng.gamma(2.2, 30.0, n), rng.uniform(1, 20, n)).astype("int64")
    leaves, end = day + wait, life.contract_end
    waits = (end > leaves) & (end < leaves + 120) & (turn.chance() < 0.6)
    leaves = np.where(waits, end + rng.integers(0, 12, n), leaves)
    life.decided = np.where(decides, day, life.decided)
    life.left = np.where(decides, leaves, life.left)
    life.keep(hazard=hazard, here=turn.here & (life.left > turn.start))


def _log_hazard(turn: Turn) -> np.ndarray:
    """Log of the monthly hazard of deciding to leave."""
    who, life, month = turn.who, turn.life, turn.month
    tenure = np.maximum(turn.start - who.joined, 0) / 30
    to_run = life.contract_end - turn.start
    raised = (life.plan == RAISED_PLAN) & (month >= RAISED_MONTH - 1) & (month < RAISED_MONTH + 3)
    slack = who.data + life.usage + life.drift < np.log(ALLOWANCE_GB[life.plan]) - 1.2
    return (
        BASE_LOG_HAZARD
        + turn.market.log_hazard(turn.when, month)
        + turn.market.attacked(who.region, month)
        + turn.market.unseen * who.frailty
        + 0.75 * np.exp(-tenure / 5)
        - 1.0 * (to_run > 75)
        + 1.3 * ((to_run <= 45) & (to_run > -75))
        + 1.45 * np.minimum(life.mood, 2.5)
        + 0.9 * life.strain
        + 0.9 * (raised & who.price_sensitive)
        + 0.35 * slack
        + 0.45 * (life.move == SAG)
        - 0.5 * (life.move == RISE)
        - 0.5 * (who.kind == GROUP)
        - 0.25 * (who.kind == FAMILY)
        + 0.15 * np.isin(turn.when.numbers[month], (3, 9))
        + CAMPAIGN_EFFECTS["RETAIN"] * (month < life.treated_until)
    )
