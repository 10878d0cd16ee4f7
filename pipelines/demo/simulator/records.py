"""What was on record of every holder of a number, and when: the log that an operator's nightly customers file comes from.

Rows are entered late, regions and types change when people move or mistakes are corrected, plans change on the day of
the change, and leaving is entered days after it. The newest version of each holder is what the customers file of the
last night says.
"""

from dataclasses import dataclass

import numpy as np

from pipelines.demo.simulator.people import NEVER, REGIONS, People
from pipelines.demo.simulator.state import Life

MOVES, CORRECTED, LATE = 0.12, 0.12, 0.25
"""Shares of lives that move, whose type was entered wrongly at first, and who are entered days after they joined."""


@dataclass(frozen=True)
class Records:
    """Versions, ordered by when they were entered: arrays of equal length.

    Attributes
    ----------
    life
        Whose it is.
    known
        Day on which it was entered.
    left
        Day of leaving on record; NEVER until it is entered.
    kind, region, plan
        Codes on record.
    """

    life: np.ndarray
    known: np.ndarray
    left: np.ndarray
    kind: np.ndarray
    region: np.ndarray
    plan: np.ndarray

    def at(self, day: int) -> "Records":
        """The newest version of each life entered before a day."""
        there = np.flatnonzero(self.known < day)
        _, newest = np.unique(self.life[there][::-1], return_index=True)
        return self.of(np.sort(there[::-1][newest]))

    def of(self, rows: np.ndarray) -> "Records":
        """Some of the versions, by position."""
        return Records(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def records(who: People, life: Life, rng: np.random.Generator) -> Records:
    """The log of everybody.

    Parameters
    ----------
    who
        The people simulated.
    life
        What happened to them month by month.
    rng
        Source of chance.
    """
    n = len(who)
    entered = who.joined + np.where(rng.random(n) < LATE, rng.integers(1, 12, n), 0)
    holder, start, _, plan, _, _ = life.events_of("plans", 6)
    first = plan[np.unique(holder, return_index=True)[1]]
    moments = {
        "region": np.where(rng.random(n) < MOVES, entered + rng.integers(30, 700, n), NEVER),
        "kind": np.where(rng.random(n) < CORRECTED, entered + rng.integers(1, 400, n), NEVER),
        "left": np.where(life.left < NEVER, life.left + rng.integers(0, 6, n), NEVER),
    }
    before = {
        "region": np.where(moments["region"] < NEVER, rng.integers(0, REGIONS, n), who.region),
        "kind": np.where(moments["kind"] < NEVER, 0, who.kind),
        "left": np.full(n, NEVER),
    }
    after = {"region": who.region, "kind": who.kind, "left": life.left}
    changes = [(np.arange(n), entered)] + [(np.flatnonzero(m < NEVER), m[m < NEVER]) for m in moments.values()]
    changes.append((holder, np.maximum(start, entered[holder])))
    lives, known = (np.concatenate(part) for part in zip(*changes, strict=True))
    lives, known = np.unique(np.stack([lives, np.maximum(known, entered[lives])]), axis=1)
    said = {c: np.where(moments[c][lives] <= known, after[c][lives], before[c][lives]) for c in after}
    order = np.lexsort([lives, known])
    plans = _plan_on(lives, known, (holder, start, plan), first)
    return Records(lives, known, said["left"], said["kind"], said["region"], plans).of(order)


def _plan_on(lives: np.ndarray, day: np.ndarray, signed: tuple, first: np.ndarray) -> np.ndarray:
    """The plan that each life was on at a day: the newest begun by then, before that the first one."""
    holder, start, plan = signed
    order = np.lexsort([start, holder])
    holder, start, plan = holder[order], start[order], plan[order]
    span = 4 * NEVER
    place = np.searchsorted(holder * span + start, lives * span + day, side="right") - 1
    own = (place >= 0) & (holder[np.maximum(place, 0)] == lives)
    return np.where(own, plan[np.maximum(place, 0)], first[lives])
