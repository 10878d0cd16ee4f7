"""Tiers by value and growth, held with caution: one low rating demotes nobody, and a core customer's is looked at by a person."""

from datetime import date
from typing import Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.strict import Strict

CAUSES = ("bill", "growth", "decline")
"""Why a rating is what it is: what is paid now, or where it is expected to go."""
REASONS = ("new", "kept", *(f"{step}_{cause}" for step in ("raised", "below", "lowered") for cause in CAUSES))
STATE = ("tier_current", "tier_reason", "tier_review", "tier_ratings_below", "tier_rated_on")
"""What of a publication the next rating goes on from."""


class Tier(Strict):
    """A class of customers, and from what it is held: an amount of money, or a multiple of the high-value line."""

    name: str = Field(description="as it is shown")
    from_monthly: float | None = Field(None, ge=0, description="money per month from which the tier is held")
    from_high_value: float | None = Field(
        None,
        ge=0,
        description="the same as a multiple of the high-value line, which models fix and which does not drift",
    )

    @property
    def least(self) -> float:
        """Money, or a multiple."""
        return self.from_monthly if self.from_monthly is not None else (self.from_high_value or 0.0)


LADDER = tuple(
    Tier(name=name, from_high_value=least)
    for name, least in (("general", 0.0), ("silver", 1.0), ("gold", 1.5), ("diamond", 2.0))
)


class TierSettings(Strict):
    """A ladder of tiers, and how customers move on it. All figures are assumptions; thresholds in money are the operator's own."""

    tiers: tuple[Tier, ...] = Field(LADDER, description="from the lowest to the highest; none: no columns of tiers")
    core_from: str | None = Field(
        None,
        description="the lowest tier whose customers are core; null: the highest two of them, if there are three or more",
    )
    decline: float = Field(0.10, gt=0, description="predicted this share below today: rated by that, and never core")
    growing: float = Field(
        0.20, gt=0, description="predicted this share above today: rated by that, at most a tier higher"
    )
    ratings_before_demotion: int = Field(2, ge=1, description="ratings in a row below a tier until it is lost")
    review_months: int = Field(1, ge=1, description="calendar months from one rating of a customer to the next")

    @model_validator(mode="after")
    def _rising(self) -> Self:
        kinds = {(tier.from_monthly is None, tier.from_high_value is None) for tier in self.tiers}
        if len(kinds) > 1 or not kinds <= {(True, False), (False, True)}:
            raise ValueError("tiers: give each one from_monthly, or each one from_high_value")
        amounts = [tier.least for tier in self.tiers]
        if amounts != sorted(set(amounts)) or (amounts and amounts[0] != 0):
            raise ValueError("tiers: the first must begin at 0 and the others rise, so that everybody has a tier")
        if self.core_from is not None and self.core_from not in self.names:
            raise ValueError(f"core_from: take one of {', '.join(self.names) or '—'}")
        if len(set(self.names)) < len(self.names):
            raise ValueError("tiers: two have the same name")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of the tiers, the lowest first."""
        return tuple(tier.name for tier in self.tiers)

    @property
    def relative(self) -> bool:
        """Are tiers multiples of the high-value line?"""
        return bool(self.tiers) and self.tiers[0].from_monthly is None

    @property
    def core(self) -> int:
        """Place of the lowest core tier."""
        if self.core_from is not None:
            return self.names.index(self.core_from)
        return max(len(self.tiers) - (2 if len(self.tiers) > 2 else 1), 1)


def tiers(amounts: pd.Series, settings: TierSettings) -> pd.Series:
    """The tier of each amount, in the unit of the ladder; null where it is null or there is no ladder."""
    return _names(pd.Series(_places(amounts, settings), index=amounts.index), settings)


def ratings(now: pd.Series, predicted: pd.Series, settings: TierSettings) -> pd.DataFrame:
    """How customers would be rated on their own, by value and growth.

    Who is growing is rated by what is predicted, at most a tier higher than today's; who is declining by that, too, and is never
    core; all others by today's. Without a prediction today's counts, without a value of today the prediction.

    Parameters
    ----------
    now
        Money of today, in the unit of the ladder; null where nothing is known.
    predicted
        The same as it is expected if the customer stays.
    settings
        The ladder.

    Returns
    -------
    pandas.DataFrame
        rated (place of the tier, from 0; NaN where neither is known) and cause (one of `CAUSES`), same index.
    """
    own, later = _places(now, settings), _places(predicted, settings)
    growth = (predicted / now.where(now > 0) - 1).to_numpy(dtype=float)
    declines, grows = growth <= -settings.decline, (growth >= settings.growing) & (later > own)
    fallen = np.fmin(np.fmin(own, later), settings.core - 1)
    rated = np.select([declines, grows], [fallen, own + 1], np.where(np.isnan(own), later, own))
    cause = np.select([declines & (fallen < own), grows], ["decline", "growth"], "bill")
    return pd.DataFrame({"rated": rated, "cause": cause}, index=now.index)


def held(rated: pd.DataFrame, before: pd.DataFrame | None, as_of: date, settings: TierSettings) -> pd.DataFrame:
    """The tier that each customer holds after a rating, and what has to be known for the next one.

    Between ratings nothing moves. A higher rating counts at once, a lower one after `ratings_before_demotion` in a row; a core
    customer who was rated lower is marked for review from the first one on. Who is not rated keeps what they have.

    Parameters
    ----------
    rated
        What `ratings` gave.
    before
        The columns `STATE` of the publication before, row for row, null for who was not in it; None without one.
    as_of
        The date.
    settings
        The ladder.

    Returns
    -------
    pandas.DataFrame
        The columns `STATE`, same index: tier_reason is one of `REASONS`; all null where nobody ever rated a customer.
    """
    state = _state(before, rated.index, settings)
    number, cause = rated["rated"].to_numpy(dtype=float), rated["cause"].to_numpy(dtype=object)
    had, known = state["had"], ~np.isnan(state["had"])
    due = ~np.isnan(number) & (~known | (_months(as_of) - state["month"] >= settings.review_months))
    lower = due & known & (number < had)
    below = np.where(lower, state["below"] + 1, np.where(due, 0, state["below"]))
    lost = lower & (below >= settings.ratings_before_demotion)
    now = np.where(due & (~lower | lost), number, had)
    step = np.select([~known, number > had, lost, lower], ["new", "raised_", "lowered_", "below_"], "kept")
    reason = np.where(np.isin(step, ("new", "kept")), step, step.astype(object) + cause)
    ever = pd.Series(~np.isnan(now), index=rated.index)
    columns = {
        "tier_reason": np.where(due, reason, state["reason"]),
        "tier_rated_on": np.where(due, np.array(as_of, dtype=object), state["on"]),
    }
    words = {name: pd.Series(cells, rated.index, dtype=object).where(ever, None) for name, cells in columns.items()}
    review = np.where(due, lower & (had >= settings.core), state["review"])
    numbers = {
        "tier_review": pd.Series(pd.array(review.astype(bool), "boolean"), rated.index).where(ever),
        "tier_ratings_below": pd.Series(pd.array(below.astype(int), "Int16"), rated.index).where(ever),
    }
    current = {"tier_current": _names(pd.Series(now, index=rated.index), settings)}
    return pd.DataFrame(current | words | numbers)[list(STATE)]


def _state(before: pd.DataFrame | None, index: pd.Index, settings: TierSettings) -> dict[str, np.ndarray]:
    """What is known from before, as arrays; a tier that the ladder does not have any more is none."""
    n = len(index)
    if before is None:
        before = pd.DataFrame(index=index, columns=list(STATE), dtype=object)
    places = {name: float(number) for number, name in enumerate(settings.names)}
    on = before["tier_rated_on"].astype(object).where(before["tier_rated_on"].notna(), None)
    review = before["tier_review"].astype(object)
    return {
        "had": before["tier_current"].astype(object).map(places).to_numpy(dtype=float, na_value=np.nan),
        "below": pd.to_numeric(before["tier_ratings_below"]).fillna(0).to_numpy(dtype=float).reshape(n),
        "reason": before["tier_reason"].astype(object).where(before["tier_reason"].notna(), None).to_numpy(),
        "review": review.eq(True).fillna(False).to_numpy(dtype=bool),
        "on": on.to_numpy(dtype=object),
        "month": np.array([-np.inf if day is None else _months(day) for day in on], dtype=float),
    }


def _months(day: date) -> int:
    return 12 * day.year + day.month


def _places(amounts: pd.Series, settings: TierSettings) -> np.ndarray:
    """Place of the tier of each amount, from 0; NaN where it is unknown."""
    if not settings.tiers:
        return np.full(len(amounts), np.nan)
    known = amounts.to_numpy(dtype=float, na_value=np.nan)
    edges = [tier.least for tier in settings.tiers]
    at = np.clip(np.searchsorted(edges, np.nan_to_num(known), side="right") - 1, 0, None)
    return np.where(np.isnan(known), np.nan, at)


def _names(places: pd.Series, settings: TierSettings) -> pd.Series:
    return places.map(dict(enumerate(settings.names))).astype(object).where(places.notna(), None)
