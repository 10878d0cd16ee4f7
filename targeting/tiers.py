"""Tiers by money, and core customers by value and growth: the biggest payer in decline is not core."""

from typing import Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.strict import Strict

CLASSES = ("general", "quality", "core")


class Tier(Strict):
    """A class of customers, and the money per month from which it is held."""

    name: str = Field(description="as it is shown")
    from_monthly: float = Field(ge=0, description="money per month from which the tier is held")


class CoreRule(Strict):
    """Value x growth. All figures are assumptions."""

    core_rank: float = Field(
        0.80, gt=0, lt=1, description="core: predicted monthly value above that of this share of the customers"
    )
    quality_rank: float = Field(0.50, gt=0, lt=1, description="quality: the same with a lower share")
    decline: float = Field(0.10, ge=0, description="predicted this share below today's value: never core")
    growing: float = Field(0.20, ge=0, description="predicted this share above today's value: a class higher")
    ratings_before_demotion: int = Field(2, ge=1, description="ratings in a row below a class until it is lost")


class TierSettings(Strict):
    """`tiers` has no default: thresholds are the operator's own. Without them both tier columns are null."""

    tiers: tuple[Tier, ...] = Field((), description="from the lowest to the highest; none: both columns are null")
    core: CoreRule = CoreRule()

    @model_validator(mode="after")
    def _rising(self) -> Self:
        amounts = [tier.from_monthly for tier in self.tiers]
        if amounts != sorted(set(amounts)) or (amounts and amounts[0] != 0):
            raise ValueError("tiers: from_monthly must start at 0 and rise, so that everybody has a tier")
        return self


def tiers(monthly: pd.Series, settings: TierSettings) -> pd.Series:
    """The tier of each monthly amount; null where the amount is null or no tiers are configured."""
    if not settings.tiers:
        return pd.Series(None, index=monthly.index, dtype=object)
    edges = [tier.from_monthly for tier in settings.tiers]
    names = np.array([tier.name for tier in settings.tiers], dtype=object)
    at = np.clip(np.searchsorted(edges, monthly.fillna(0).to_numpy(), side="right") - 1, 0, None)
    return pd.Series(names[at], index=monthly.index, dtype=object).where(monthly.notna(), None)


def customer_classes(frame: pd.DataFrame, settings: TierSettings) -> pd.DataFrame:
    """general, quality or core for each customer, with what made it so; same index as `frame`.

    `frame` holds monthly_now and monthly_predicted (money per month) and, where a rating exists, previous_class and
    ratings_below (how often in a row the customer was rated below it). Null amounts keep the previous class.
    Gives customer_class, rated (before hysteresis), growth (share), ratings_below, demoted, review: everybody who is
    core and was rated lower is to be looked at by a person; nothing is ever deleted.
    """
    rule = settings.core
    growth = frame["monthly_predicted"] / frame["monthly_now"].where(frame["monthly_now"] > 0) - 1
    rated = _ratings(frame["monthly_predicted"], growth, rule)
    previous = _class_number(frame.get("previous_class"), frame.index)
    counted = frame.get("ratings_below", pd.Series(0, index=frame.index)).fillna(0)
    below = (counted + 1).where(rated < previous, 0).astype(int)
    keeps_class = rated.isna() | ((rated < previous) & (below < rule.ratings_before_demotion))
    number = previous.where(keeps_class, rated)
    return pd.DataFrame(
        {
            "customer_class": _class_name(number),
            "rated": _class_name(rated),
            "growth": growth,
            "ratings_below": below,
            "demoted": number < previous,
            "review": previous.eq(2) & (rated < 2),
        },
        index=frame.index,
    )


def pyramid(classes: pd.Series, value: pd.Series) -> pd.DataFrame:
    """Per class, highest first: customers, value, and their shares, which sum to one."""
    grouped = value.groupby(classes).agg(customers="size", value="sum").reindex(CLASSES[::-1], fill_value=0)
    grouped["share_of_customers"] = grouped["customers"] / max(grouped["customers"].sum(), 1)
    grouped["share_of_value"] = grouped["value"] / (grouped["value"].sum() or 1)
    return grouped


def _ratings(predicted: pd.Series, growth: pd.Series, rule: CoreRule) -> pd.Series:
    """0 general, 1 quality, 2 core; NaN where nothing is predicted."""
    rank = predicted.rank(pct=True)
    level = (rank > rule.quality_rank).astype(int) + (rank > rule.core_rank)
    raised = (level + ((growth >= rule.growing) & (level == 1))).astype(float)
    return raised.where(~(growth <= -rule.decline), np.minimum(raised, 1)).where(predicted.notna())


def _class_number(names: pd.Series | None, index: pd.Index) -> pd.Series:
    if names is None:
        return pd.Series(np.nan, index=index)
    return names.map({name: number for number, name in enumerate(CLASSES)}).astype(float)


def _class_name(number: pd.Series) -> pd.Series:
    return number.map(dict(enumerate(CLASSES))).astype(object)
