"""A business with a clock and a table of customers that is exported today: honest columns, and columns that saw the end.

Time is in months. A row is a customer on one of `DATES`; they leave in the three months after it, or do not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

DATES, HORIZON, TODAY = range(8), 3, 11
FIRST = date(2025, 1, 1)


@dataclass(frozen=True)
class World:
    """Customers (a row each, `left` in months, infinite for those still here) and their rows on each date."""

    customers: pd.DataFrame
    rows: pd.DataFrame
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """The same draws for each column, whatever was made before it."""
        return np.random.default_rng(self.seed + 1_000)

    @property
    def gone(self) -> np.ndarray:
        """Who has left by today, per customer."""
        return self.customers["left"].to_numpy() < TODAY

    def recorded(self, values: object) -> pd.Series:
        """One value per customer, as every row sees it."""
        return pd.Series(np.asarray(values))[self.rows["who"]].reset_index(drop=True)

    def days_since(self, months: np.ndarray) -> pd.Series:
        """Days from a month per customer to the date of each row; null where there is none."""
        return (self.rows["at"] - self.recorded(months)) * 30


def world(seed: int, customers: int = 1500) -> World:
    """Leaving depends on the end of contracts, and on region, where a competitor attacks one for half of the time; a tenth
    are staff, who never leave."""
    rng = np.random.default_rng(seed)
    joined = rng.integers(-30, 6, customers).astype(float)
    region, staff = rng.choice(list("NSEW"), customers), rng.random(customers) < 0.1
    pull = rng.normal(0, 0.5, customers)
    term = rng.choice([12, 24], customers)
    left = np.full(customers, np.inf)
    for month in range(-30, TODAY + 4):
        here = (joined <= month) & np.isinf(left) & ~staff
        ends = (month - joined) % term == term - 1
        attacked = np.where((region == "N") & (month < 6), 4.0, 1.0)
        risk = 0.01 * np.exp(pull) * attacked + np.where(ends, 0.35, 0.0)
        left[here & (rng.random(customers) < risk)] = month + rng.random()
    people = pd.DataFrame({"joined": joined, "left": left, "region": region, "staff": staff, "term": term})
    parts = [people.assign(who=people.index, at=float(at)) for at in DATES]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[(rows["joined"] <= rows["at"]) & (rows["left"] > rows["at"])].reset_index(drop=True)
    rows["churned_90"] = rows["left"] <= rows["at"] + HORIZON
    rows["customer_id"] = "C" + rows["who"].astype(str)
    rows["as_of"] = [FIRST + timedelta(days=int(30 * at)) for at in rows["at"]]
    return World(people, rows, seed)


def honest(found: World) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The frame of a clean world, what is recorded in it, and what is cut by time; strong columns among both."""
    rows, people, rng = found.rows, found.customers, found.rng
    size, soon = len(people), rows["left"] - rows["at"]
    recorded = {
        "region": people["region"],
        "staff": people["staff"].astype(float),
        "staff_number": np.where(people["staff"], rng.random(size), np.nan),
        "term": people["term"].astype(float),
        "subscriber": rng.permutation(size).astype(float),
        "subscriber_text": [f"1{n:010d}" for n in rng.permutation(size)],
        "postcode": rng.integers(0, size // 8, size).astype(str),
        "street": rng.integers(0, size // 2, size).astype(str),
        "email": np.where(rng.random(size) < 0.5, "yes", None),
        "age": rng.normal(45, 15, size),
    }
    made = {name: found.recorded(values) for name, values in recorded.items()}
    made |= {
        "days_since_born": found.days_since(-12 * rng.normal(45, 15, size)),
        "days_since_campaign": found.days_since(np.where(rng.random(size) < 0.7, rng.random(size) - 3, np.nan)),
        "days_since_renewed": found.days_since(people["joined"].to_numpy()),
    }
    timed = {
        "contract_months_left": people["term"].to_numpy()[rows["who"]] - (rows["at"] - rows["joined"]) % rows["term"],
        "notice_given": ((soon < 2) & (rng.random(len(rows)) < 0.8)).astype(float),
        "months_since_purchase": np.where(soon < HORIZON, rng.exponential(4, len(rows)), rng.exponential(1, len(rows))),
    }
    return rows.assign(**made, **timed), list(made), list(timed)


def _reason(found: World) -> pd.Series:
    """Known of six in ten of those who have left."""
    said = found.gone & (found.rng.random(len(found.gone)) < 0.6)
    return found.recorded(np.where(said, found.rng.choice(["price", "moved"], len(said)), None))


def _group_rate(found: World) -> pd.Series:
    """The share of leavers in a building, the customer's own outcome among them."""
    building = found.rng.integers(0, len(found.gone) // 2, len(found.gone))
    return found.recorded(pd.Series(found.gone.astype(float)).groupby(building).transform("mean"))


def _ids(found: World) -> pd.Series:
    """Who left was moved to number ranges of their own, scattered among the others."""
    rng, size = found.rng, len(found.gone)
    bands = rng.permutation(20)
    theirs, others = bands[rng.integers(0, 6, size)], bands[rng.integers(6, 20, size)]
    return found.recorded(np.where(found.gone, theirs, others) * 1000.0 + rng.integers(0, 1000, size))


def _late_status(found: World) -> pd.Series:
    """Back office closes an account months after it was left: the newest windows know nothing of it."""
    return found.recorded(np.where(found.customers["left"] < TODAY - 4.5, "closed", "open"))


def _late_class(found: World) -> pd.Series:
    """A number that is reviewed months after somebody has left, and says it roughly."""
    return found.recorded(found.rng.normal(0, 1, len(found.gone)) + 2 * (found.customers["left"] < TODAY - 4.5))


def _last_invoice(found: World) -> pd.Series:
    """Of everybody; for those who are here it lies beyond every date that is learnt from."""
    return found.days_since(
        np.where(found.gone, np.floor(found.customers["left"]), TODAY - found.rng.random(len(found.gone)))
    )


def _among(found: World, share: float) -> np.ndarray:
    """A share of those who have left."""
    return found.gone & (found.rng.random(len(found.gone)) < share)


def _last_month(found: World) -> np.ndarray:
    """When somebody left; null for those still here."""
    return np.where(found.gone, found.customers["left"], np.nan)


PLANTED: dict[str, Callable[[World], pd.Series]] = {
    "copy of the outcome": lambda w: w.recorded(w.gone.astype(float)),
    "noisy copy": lambda w: w.recorded(w.gone + w.rng.normal(0, 0.3, len(w.gone))),
    "copy with errors": lambda w: w.recorded((w.gone ^ (w.rng.random(len(w.gone)) < 0.03)).astype(float)),
    "flag of leavers only": lambda w: w.recorded(np.where(_among(w, 0.5), 1.0, np.nan)),
    "day of leaving": lambda w: w.days_since(_last_month(w)),
    "reason": _reason,
    "last invoice": _last_invoice,
    "next invoice": lambda w: w.recorded(np.where(w.gone, np.nan, 30.0)),
    "sum after the cutoff": lambda w: w.recorded(np.where(w.gone, 0.0, w.rng.gamma(2, 50, len(w.gone)))),
    "status": lambda w: w.recorded(np.where(w.gone, "closed", w.rng.choice(["active", "new"], len(w.gone)))),
    "status of some": lambda w: w.recorded(np.where(_among(w, 0.4), "closed", "active")),
    "status written late": _late_status,
    "class reviewed late": _late_class,
    "number ranges": _ids,
    "rate of a group": _group_rate,
    "days since a final call": lambda w: w.days_since(np.where(_among(w, 0.5), _last_month(w) + 0.1, np.nan)),
    "balance settled": lambda w: w.recorded(np.where(w.gone, 0.0, w.rng.normal(20, 30, len(w.gone)))),
}
"""What an export of today may hold of those who have left; a date still to come is below zero days."""
