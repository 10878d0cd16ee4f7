"""The state of the simulated customers, and the month that they are living through.

Every number in the simulator is invented; together they give about two percent churn a month.
"""

from dataclasses import dataclass, field

import numpy as np

from pipelines.demo.simulator.people import DEMO, FEES, NEVER, Calendar, Market, People


@dataclass
class Life:
    """State of all lives at the month being simulated (arrays of n), and what has been recorded so far."""

    plan: np.ndarray
    fee: np.ndarray
    extra: np.ndarray
    metered: np.ndarray
    contract_end: np.ndarray  # day, -NEVER without
    left: np.ndarray  # first day no longer a customer
    decided: np.ndarray  # day of the hidden decision to leave
    mood: np.ndarray  # 0 content; 1 a bad experience; fades
    strain: np.ndarray  # short of money
    usage: np.ndarray  # log change against the trait
    drift: np.ndarray  # persistent noise in usage
    move: np.ndarray
    move_start: np.ndarray
    move_lead: np.ndarray
    move_gain: np.ndarray
    move_target: np.ndarray  # yuan a month that a rise ends at
    by_plan: np.ndarray  # a rise ends in a bigger plan; otherwise in bought packs
    trial_end: np.ndarray  # month in which a trial of a bigger plan ends; -1 without
    trial_from: np.ndarray  # plan before the trial
    treated_until: np.ndarray
    rise_start: np.ndarray
    rise_billed: np.ndarray
    silent: np.ndarray  # bad experiences that were not voiced
    months: dict[str, list[np.ndarray]] = field(default_factory=dict)
    events: dict[str, list[tuple]] = field(default_factory=dict)

    def keep(self, **columns: np.ndarray) -> None:
        """Record the month's arrays, in the smallest types that serve: they are most of the memory used."""
        small = {"f": np.float32, "i": np.int16, "b": np.bool_}
        for name, values in columns.items():
            self.months.setdefault(name, []).append(values.astype(small[values.dtype.kind]))

    def note(self, table: str, *columns: np.ndarray) -> None:
        """Record events: the first column is the life."""
        self.events.setdefault(table, []).append(columns)

    def events_of(self, table: str, width: int) -> list[np.ndarray]:
        """All columns of the events of one table; empty columns if there were none."""
        parts = self.events.get(table) or [tuple(np.zeros(0, "int64") for _ in range(width))]
        return [np.concatenate([part[k] for part in parts]) for k in range(width)]


def newborn(who: People, rng: np.random.Generator, market: Market = DEMO) -> Life:
    """The state in which customers begin."""
    n = len(who)
    whole, zero = np.zeros(n, "int64"), np.zeros(n)
    ends = np.maximum(who.joined, 0) + rng.integers(1, 700, n)
    return Life(
        plan=who.plan.copy(),
        fee=FEES[who.plan].copy(),
        extra=who.extra.copy(),
        metered=who.metered.copy(),
        contract_end=np.where(rng.random(n) < market.bound, ends, -NEVER),
        left=whole + NEVER,
        decided=whole + NEVER,
        mood=np.where(rng.random(n) < 0.13, rng.uniform(0.2, 1.3, n), 0.0),  # as if they had been here before
        strain=rng.random(n) < 0.04,
        usage=zero.copy(),
        drift=zero.copy(),
        move=whole.copy(),
        move_start=whole.copy(),
        move_lead=whole + 1,
        move_gain=zero.copy(),
        move_target=zero.copy(),
        by_plan=np.zeros(n, bool),
        trial_end=whole - 1,
        trial_from=whole.copy(),
        treated_until=whole - 1,
        rise_start=whole + NEVER,
        rise_billed=whole + NEVER,
        silent=whole.copy(),
    )


@dataclass(frozen=True)
class Turn:
    """One month of everybody: `here` marks who is a customer in it; `start` is its first day."""

    who: People
    life: Life
    when: Calendar
    month: int
    here: np.ndarray
    rng: np.random.Generator
    market: Market = DEMO

    @property
    def start(self) -> int:
        """The first day of the month."""
        return int(self.when.edges[self.month])

    @property
    def after(self) -> int:
        """The first day of the month after it."""
        return int(self.when.edges[self.month + 1])

    def chance(self) -> np.ndarray:
        """One uniform draw per life."""
        return self.rng.random(len(self.who))

    def days(self, size: int) -> np.ndarray:
        """Random days of the month."""
        return self.rng.integers(self.start, self.after, size)

    def price(self) -> np.ndarray:
        """Yuan a month without use beyond the allowance."""
        return self.life.fee * (1 - self.who.discount) + self.life.extra
