"""Who the simulated customers are: traits that nobody observes, the plans on sale and the calendar.

Money is yuan, days are whole days counted from the first simulated day, `n` is the number of lives. A life is one
holder of one number: a recycled number has two lives.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

# Price list: fee per month and data included (GB). Invented, in the range of what Chinese operators sell.
FEES = np.array([19.0, 29.0, 39.0, 59.0, 79.0, 99.0, 129.0, 169.0, 239.0, 399.0])
ALLOWANCE_GB = np.array([2.0, 5.0, 10.0, 20.0, 30.0, 45.0, 70.0, 110.0, 180.0, 320.0])
SHARES = np.array([0.11, 0.13, 0.20, 0.21, 0.14, 0.08, 0.06, 0.04, 0.02, 0.01])
RAISED_PLAN, RAISED_FEE, RAISED_MONTH = 3, 66.0, 10  # the 59 plan costs 66 from the eleventh month

PERSONAL, FAMILY, GROUP = 0, 1, 2
REGIONS = 6
NEVER = 10**6  # a day after every simulated day


@dataclass(frozen=True)
class Calendar:
    """The simulated period [start, end), both the first of a month. `edges` are the days on which months begin."""

    start: np.datetime64
    edges: np.ndarray
    numbers: np.ndarray

    @property
    def months(self) -> int:
        """How many months."""
        return len(self.numbers)

    @property
    def days(self) -> int:
        """How many days."""
        return int(self.edges[-1])

    def dates(self, days: np.ndarray) -> np.ndarray:
        """datetime64[D] of day counts."""
        return self.start + days.astype("timedelta64[D]")

    def month_of(self, days: np.ndarray) -> np.ndarray:
        """Index of the month that a day lies in, held inside the period."""
        return np.clip(np.searchsorted(self.edges, days, side="right") - 1, 0, self.months - 1)


@dataclass(frozen=True)
class Attack:
    """A competitor who goes for one region for some months: what is added to the log hazard there."""

    region: int
    first: int  # month of the simulation, from 0
    months: int
    effect: float

    def log_hazard(self, region: np.ndarray, month: int) -> np.ndarray:
        """What is added to each customer's log hazard in a month."""
        return self.effect * ((region == self.region) & (self.first <= month < self.first + self.months))


@dataclass(frozen=True)
class Market:
    """What differs from one operator to another; as it stands, that of the demo."""

    churn: float = 1.0  # factor on everybody's hazard of deciding to leave
    trend: float = 0.0  # added to its logarithm per year, 0 in the middle of the period
    season: float = 0.0  # on its logarithm: how far the worst month lies above a usual one
    worst: int = 9  # month of the year, 1 to 12
    unseen: float = 0.5  # on its logarithm: what no file shows, a standard deviation of it
    bound: float = 0.55  # share of customers with a contract in the beginning
    attacks: tuple[Attack, ...] = ()

    def log_hazard(self, when: Calendar, month: int) -> float:
        """What is added to everybody's log hazard in a month."""
        years = (month - when.months / 2) / 12
        wave = np.cos(2 * np.pi * (int(when.numbers[month]) - self.worst) / 12)
        return float(np.log(self.churn) + self.trend * years + self.season * wave)

    def attacked(self, region: np.ndarray, month: int) -> np.ndarray:
        """What competitors add to each customer's log hazard in a month, by the region that they live in."""
        return sum((attack.log_hazard(region, month) for attack in self.attacks), np.zeros(len(region)))


DEMO = Market()


def calendar(start: date, end: date) -> Calendar:
    """Both dates must be the first of a month; `numbers` holds the month of the year, 1 to 12."""
    months = np.arange(np.datetime64(start, "M"), np.datetime64(end, "M") + 1)
    first = months.astype("datetime64[D]")
    return Calendar(first[0], (first - first[0]).astype("int64"), months[:-1].astype("int64") % 12 + 1)


@dataclass(frozen=True)
class People:
    """Arrays of length n. What is observed: kind … discount, joined. What nobody observes: the rest."""

    kind: np.ndarray  # PERSONAL, FAMILY, GROUP
    size: np.ndarray  # 0 to 3, of groups only
    region: np.ndarray
    account: np.ndarray
    joined: np.ndarray  # day, negative before the period
    plan: np.ndarray  # index into FEES on the first day seen
    discount: np.ndarray  # share of the fee
    extra: np.ndarray  # yuan a month, constant add-ons
    broadband: np.ndarray  # yuan a month on a second bill, 0 without
    frailty: np.ndarray  # standard normal, raises the hazard
    growth: np.ndarray  # standard normal, raises the chance of a rise
    metered: np.ndarray  # pays for use beyond the allowance
    price_sensitive: np.ndarray
    outspoken: np.ndarray  # probability of complaining after a bad experience
    answers: np.ndarray  # readiness to answer surveys, 0 to 1
    fades: np.ndarray  # uses less before leaving; the others leave from one day to the next
    data: np.ndarray  # log GB a month
    voice: np.ndarray  # log minutes a month
    sms: np.ndarray  # log messages a month
    roams: np.ndarray  # log share of data used away
    night: np.ndarray  # share of data used at night

    def __len__(self) -> int:
        return len(self.kind)


def people(n: int, days: int, rng: np.random.Generator) -> People:
    """Draw n lives for a period of `days` days.

    Parameters
    ----------
    n
        How many.
    days
        Length of the simulation.
    rng
        Source of chance.
    """
    kind = rng.choice(3, n, p=[0.80, 0.14, 0.06])
    joined = _joining_days(n, days, rng)
    plan = rng.choice(len(FEES), n, p=SHARES)
    plan = np.where((joined >= 0) & (plan > 4) & (rng.random(n) < 0.75), plan - 4, plan)  # newcomers begin small
    plan = np.where((joined < 0) & (kind == GROUP) & (rng.random(n) < 0.5), np.minimum(plan + 2, len(FEES) - 1), plan)
    return People(
        kind=kind,
        size=rng.choice(4, n, p=[0.05, 0.15, 0.35, 0.45]),
        region=rng.choice(REGIONS, n, p=[0.28, 0.22, 0.18, 0.14, 0.10, 0.08]),
        account=_accounts(kind),
        joined=joined,
        plan=plan,
        discount=np.where(rng.random(n) < 0.4, rng.choice([0.1, 0.2, 0.3], n), 0.0),
        extra=np.where(rng.random(n) < 0.6, np.round(rng.gamma(1.6, 6.0, n), 1), 0.0),
        broadband=np.where(rng.random(n) < np.where(kind == FAMILY, 0.2, 0.03), rng.choice([10.0, 20.0, 30.0], n), 0.0),
        **_hidden(n, plan, rng),
    )


def _hidden(n: int, plan: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Traits that no file shows."""
    return {
        "frailty": rng.standard_normal(n),
        "growth": rng.standard_normal(n),
        "metered": rng.random(n) < 0.36,
        "price_sensitive": rng.random(n) < 0.35,
        "outspoken": rng.beta(1.3, 2.4, n),
        "answers": rng.beta(1.0, 3.0, n),
        "fades": rng.random(n) < 0.80,
        "data": np.log(ALLOWANCE_GB[plan]) + rng.normal(-0.55, 0.55, n),
        "voice": np.log(60 + 1.6 * FEES[plan]) + rng.normal(0, 0.7, n),
        "sms": rng.normal(2.0, 0.9, n),
        "roams": rng.normal(-4.2, 1.2, n),
        "night": rng.beta(3.0, 14.0, n),
    }


def _joining_days(n: int, days: int, rng: np.random.Generator) -> np.ndarray:
    """About as many join in the period as leave, so the number of active customers stays level."""
    before = -rng.exponential(900.0, n) - 1
    during = rng.random(n) * days
    return np.floor(np.where(rng.random(n) < 0.70, before, during)).astype("int64")


def _accounts(kind: np.ndarray) -> np.ndarray:
    """One paying account for two family members; otherwise one each."""
    own = np.arange(len(kind))
    members = np.flatnonzero(kind == FAMILY)
    own[members] = members[np.arange(len(members)) // 2 * 2]
    return own
