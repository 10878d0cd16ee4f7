"""Usage and plans of the simulated customers, month by month: rises, sags, trips, trials, new contracts.

A rise of usage begins two to four months before it reaches the bill, and stays; a surge looks the same and passes.
"""

import numpy as np

from pipelines.demo.simulator.people import FEES, NEVER, RAISED_FEE, RAISED_MONTH, RAISED_PLAN
from pipelines.demo.simulator.state import Turn

RISE, SAG, SURGE, DIP = 1, 2, 3, 4  # the first two stay, the last two pass


def moves(turn: Turn) -> None:
    """Let usage begin to move, let moves under way grow, and record the month's usage."""
    life, month, n = turn.life, turn.month, len(turn.who)
    _begin_moves(turn, _drawn_moves(turn))
    life.drift = 0.85 * life.drift + turn.rng.normal(0, 0.10, n)
    ramp = np.clip((month - life.move_start + 1) / life.move_lead, 0, 1) * (life.move > 0) * life.move_gain
    settled = life.usage + life.drift
    life.keep(usage=settled + ramp, settled=settled, ramp=ramp, move=life.move)


def _drawn_moves(turn: Turn) -> np.ndarray:
    """Kind of move that begins this month, 0 for none: one at a time, and one rise in a life."""
    life, now, odds = turn.life, turn.price(), turn.chance()
    middle = np.where(now < 40, 0.45, np.where(now < 110, 1.4, 0.25))
    rise = 0.0165 * middle * np.exp(0.7 * turn.who.growth - 0.25)
    sag = rise + np.where(now >= 95, 0.040, 0.004)
    surge, dip = sag + 0.028, sag + 0.028 + 0.014
    kind = np.select([odds < rise, odds < sag, odds < surge, odds < dip], [RISE, SAG, SURGE, DIP], 0)
    free = turn.here & (life.move == 0) & (life.left == NEVER) & (turn.month > 0)
    return np.where(free & ((kind != RISE) | (life.rise_start == NEVER)), kind, 0)


def _begin_moves(turn: Turn, kind: np.ndarray) -> None:
    life, rng, begin = turn.life, turn.rng, np.flatnonzero(kind)
    size, now = len(begin), turn.price()[begin]
    up = np.isin(kind[begin], (RISE, SURGE))
    gain = np.maximum(rng.normal(0.50, 0.25, size), 0.05)
    life.move[begin], life.move_start[begin] = kind[begin], turn.month
    life.move_lead[begin] = rng.integers(2, 5, size)
    life.move_gain[begin] = np.where(up, gain, -rng.uniform(0.35, 1.1, size))
    life.move_target[begin] = np.maximum(now * rng.uniform(1.35, 2.7, size), 60)
    life.by_plan[begin] = rng.random(size) < 0.32
    life.rise_start[kind == RISE] = turn.month


def trips(turn: Turn) -> None:
    """Months that cost far more and are not repeated: journeys abroad, gifts. Recorded as a share of the fee."""
    holiday = 2.0 if turn.when.numbers[turn.month] in (2, 5, 10) else 1.0
    away = turn.here & (turn.chance() < 0.011 * holiday)
    turn.life.keep(trip=np.where(away, turn.rng.uniform(0.7, 2.8, len(away)), 0.0))


def plan_changes(turn: Turn) -> None:
    """Ends of moves, everyday changes, trials, the price rise and renewed contracts, all on the first of the month."""
    life, rng, n = turn.life, turn.rng, len(turn.who)
    over = turn.here & (life.move > 0) & (turn.month - life.move_start >= life.move_lead)
    plan = np.where(over & (life.move == RISE), _risen_plan(turn), life.plan)
    plan = np.where(over & (life.move == SAG), np.maximum(life.plan - rng.integers(1, 4, n), 0), plan)
    idle = turn.here & (life.move == 0) & (life.left == NEVER) & (life.trial_end < turn.month)
    small = rng.choice([-1, 0, 1], n, p=[0.008, 0.984, 0.008])
    plan = np.where(idle & (life.fee < 90), np.clip(plan + small, 0, 4), plan)
    plan = _trials(turn, idle & (plan == life.plan), plan)
    _end_moves(turn, over)
    _sign(turn, plan)


def _risen_plan(turn: Turn) -> np.ndarray:
    """The cheapest plan that reaches the target of the rise, for those who rise by plan."""
    life = turn.life
    wanted = (life.move_target - life.extra) / (1 - turn.who.discount)
    bigger = np.minimum(np.searchsorted(FEES, wanted), len(FEES) - 1)
    return np.where(life.by_plan, np.maximum(bigger, life.plan), life.plan)


def _trials(turn: Turn, idle: np.ndarray, plan: np.ndarray) -> np.ndarray:
    """A bigger plan for three months at the old price; most go back to the old plan when it ends."""
    life, n = turn.life, len(plan)
    begins = idle & (life.fee < 99) & (turn.chance() < 0.022)
    back = (life.trial_end == turn.month) & (plan == life.plan) & (turn.chance() < 0.85)
    life.trial_from = np.where(begins, life.plan, life.trial_from)
    life.trial_end = np.where(begins, turn.month + 3, life.trial_end)
    plan = np.where(back, life.trial_from, plan)
    bigger = np.minimum(plan + turn.rng.integers(2, 5, n), len(FEES) - 1)
    return np.where(begins, bigger, plan)


def _end_moves(turn: Turn, over: np.ndarray) -> None:
    """A rise ends in a bigger plan or in packs bought every month; a sag ends in a smaller plan."""
    life = turn.life
    rise, sag = over & (life.move == RISE), over & (life.move == SAG)
    packs = np.round(life.move_target - life.fee * (1 - turn.who.discount), 1)
    life.extra = np.where(rise & ~life.by_plan, packs, np.where(sag, np.round(life.extra * 0.3, 1), life.extra))
    life.metered &= ~(rise & ~life.by_plan)
    life.usage += np.where(rise, 0.9 * life.move_gain, np.where(sag, 0.8 * life.move_gain, 0.0))
    life.rise_billed[rise] = turn.month
    life.move[over] = 0


def _sign(turn: Turn, plan: np.ndarray) -> None:
    """Write the new plan rows. A changed plan often carries a new commitment; some renew when theirs has ended."""
    life, day, n = turn.life, turn.start, len(plan)
    signs = turn.here & (turn.who.joined < day)
    fee = np.where((plan == RAISED_PLAN) & (turn.month >= RAISED_MONTH), RAISED_FEE, FEES[plan])
    changed = signs & (plan != life.plan)
    raised = signs & ~changed & (fee != life.fee)
    ended = (life.contract_end >= day - 120) & (life.contract_end < day) & (life.decided == NEVER)
    renewed = turn.here & ended & ~changed & (turn.chance() < 0.22)
    commit = renewed | (changed & (turn.chance() < 0.4))
    term = np.where(turn.chance() < 0.6, 365, 730)
    life.plan, life.fee = np.where(turn.here, plan, life.plan), np.where(turn.here, fee, life.fee)
    life.contract_end = np.where(commit, day + term, life.contract_end)
    which = np.flatnonzero(changed | raised | renewed)
    notice = np.where(raised, 31, turn.rng.integers(1, 26, n))[which]
    signed = (life.plan[which], life.fee[which], life.contract_end[which])
    life.note("plans", which, np.full(len(which), day), day - notice, *signed)
    rebate = np.where(life.trial_end > turn.month, np.maximum(life.fee - FEES[life.trial_from], 0.0), 0.0)
    life.keep(rebate=rebate, plan=life.plan, fee=life.fee, extra=life.extra, metered=life.metered)
