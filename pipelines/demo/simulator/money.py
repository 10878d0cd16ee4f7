"""Bills and payments of the simulated customers. Money is integer fen."""

from collections.abc import Iterator

import numpy as np

from pipelines.demo.simulator.people import ALLOWANCE_GB, Calendar, People
from pipelines.demo.simulator.state import Life

PER_GB, OVERAGE_CAP, TRIP = 2.5, 45.0, 60.0
MOBILE, BROADBAND = 0, 1
DUE_DAYS = 20  # after the billed month


def bills_by_month(who: People, life: Life, when: Calendar, rng: np.random.Generator) -> Iterator[tuple[int, dict]]:
    """Yield (month, columns): one mobile bill per customer of the month, a second one for those with broadband.

    The last month is not billed: its bills are made after the period."""
    for month in range(when.months - 1):
        days = np.minimum(life.left, when.edges[month + 1]) - np.maximum(who.joined, when.edges[month])
        share = np.clip(days / (when.edges[month + 1] - when.edges[month]), 0, 1)
        mobile = np.flatnonzero(share > 0)
        fixed = np.flatnonzero((share > 0) & (who.broadband > 0))
        gross, discount = _mobile_fen(who, life, (month, share), rng)
        columns = {
            "life": np.concatenate([mobile, fixed]),
            "service": np.repeat([MOBILE, BROADBAND], [len(mobile), len(fixed)]),
            "gross": np.concatenate([gross[mobile], _fen(who.broadband * share)[fixed]]),
            "discount": np.concatenate([discount[mobile], np.zeros(len(fixed), "int64")]),
        }
        yield month, columns | {"due": np.full(len(columns["life"]), when.edges[month + 1] + DUE_DAYS)}


def _mobile_fen(who: People, life: Life, at: tuple[int, np.ndarray], rng: np.random.Generator):
    """Gross amount and discount. A rise of usage is carried by the allowance until the month in which it is billed."""
    month, share = at
    n = len(who)
    fee, extra, plan, metered = (life.months[name][month] for name in ("fee", "extra", "plan", "metered"))
    used = np.exp(who.data + life.months["settled"][month] + rng.normal(0, 0.30, n))
    over = np.minimum(np.maximum(used - ALLOWANCE_GB[plan], 0) * PER_GB, OVERAGE_CAP) * metered
    small = np.where(rng.random(n) < np.where(metered, 0.5, 0.25), rng.gamma(1.5, 3.0, n), 0.0)
    trip = life.months["trip"][month] * np.maximum(fee, TRIP)
    gross = _fen((fee + extra) * share + over + small + trip)
    rebate = life.months["rebate"][month]
    return gross, _fen((rebate + (fee - rebate) * who.discount) * share)


def _fen(yuan: np.ndarray) -> np.ndarray:
    return np.rint(yuan * 100).astype("int64")


def payments(bills: dict, who: People, life: Life, when: Calendar, rng: np.random.Generator) -> dict:
    """One payment for each paid bill of a month; people short of money pay late or never, leavers often not the last.

    Parameters
    ----------
    bills
        Columns of the bills.
    who
        The people simulated.
    life
        What happened to them month by month.
    when
        The calendar of the simulation.
    rng
        Source of chance.
    """
    holder, size = bills["life"], len(bills["life"])
    month = int(when.month_of(bills["due"][:1] - DUE_DAYS - 1)[0])
    strain = life.months["strain"][month][holder]
    automatic = np.modf(np.abs(who.sms[holder]) * 97)[0] < 0.65  # a lasting habit, independent of everything else
    usual = np.where(automatic, rng.integers(4, 12, size), rng.integers(3, 27, size))
    wait = np.where(strain, rng.integers(15, 80, size), usual)
    gone = life.left[holder] < bills["due"]
    owed = (strain & (rng.random(size) < 0.3)) | (gone & (rng.random(size) < 0.35))
    second = (bills["due"] - DUE_DAYS + wait) * 86400 + rng.integers(8 * 3600, 22 * 3600, size)
    amount = bills["gross"] - bills["discount"]
    paid = np.flatnonzero(~owed & (amount > 0) & (second < when.days * 86400))
    return {"bill": paid, "paid": second[paid], "amount": amount[paid]}
