"""From probabilities and amounts to words: percentiles, bands, trend, and who counts as a potential VIP.

A calibrated probability is never cut at fixed places such as 0.33 and 0.66: where few customers leave, nobody would be
"high". Bands follow capacity (a share of the customers) or multiples of the base rate.
"""

from typing import Literal, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from features.strict import Strict

Share = float


class RiskCuts(Strict):
    """Three rising (multiples) or falling (shares) cut-offs."""

    medium: float = Field(gt=0, description="from here on the risk is medium")
    high: float = Field(gt=0, description="from here on the risk is high")
    critical: float = Field(gt=0, description="from here on the risk is critical")


class VipRule(Strict):
    """A potential VIP passes every condition that is set. Assumptions: the documents give no figure."""

    top_share: Share | None = Field(
        0.05, gt=0, le=1, description="of those who are not high-value now, by rank; null: no such condition"
    )
    min_probability: float | None = Field(None, ge=0, le=1, description="least probability; null: no such condition")
    min_lift: float | None = Field(
        1.5, ge=0, description="multiple of the mean probability of the same customers; null: no such condition"
    )

    @model_validator(mode="after")
    def _one_condition(self) -> Self:
        if self.top_share is None and self.min_probability is None and self.min_lift is None:
            raise ValueError("set at least one of top_share, min_probability, min_lift")
        return self


class BandSettings(Strict):
    """How scores become bands. All figures are assumptions to be set per operator."""

    risk_rule: Literal["capacity", "base_rate"] = Field(
        "capacity", description="which cuts make risk bands; capacity works whatever share leaves"
    )
    capacity: RiskCuts = Field(
        RiskCuts(medium=0.20, high=0.05, critical=0.01), description="shares of the customers, the riskiest first"
    )
    base_rate: RiskCuts = Field(
        RiskCuts(medium=1.0, high=2.0, critical=4.0), description="multiples of the share of customers that leaves"
    )
    value_quantiles: tuple[float, float] = Field(
        (0.50, 0.80), description="shares of the customers: low value up to the first, high from the second on"
    )
    trend_dead_band: float = Field(0.02, ge=0, description="smaller moves of the probability are steady")
    trend_dead_band_relative: float = Field(0.20, ge=0, description="so are moves below this share of the old one")
    vip: VipRule = VipRule()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        cuts, multiples = self.capacity, self.base_rate
        if not 1 >= cuts.medium >= cuts.high >= cuts.critical:
            raise ValueError("capacity: medium, high and critical are shares of the customers and must fall")
        if not multiples.medium <= multiples.high <= multiples.critical:
            raise ValueError("base_rate: medium, high and critical must rise")
        if not 0 < self.value_quantiles[0] < self.value_quantiles[1] < 1:
            raise ValueError("value_quantiles: two rising numbers between 0 and 1")
        return self


def ranks(everybody: pd.DataFrame) -> pd.DataFrame:
    """churn_percentile, value_rank (0 to 1) and vip_percentile among everybody, same index.

    `everybody` holds churn_probability, value_pred, vip_probability (NaN for those who are high-value now) and, where
    known, churn_score_raw and vip_score_raw, which break ties.
    """
    columns = {
        "churn_percentile": percentiles(everybody["churn_probability"], everybody.get("churn_score_raw")),
        "value_rank": everybody["value_pred"].rank(pct=True),
        "vip_percentile": percentiles(everybody["vip_probability"], everybody.get("vip_score_raw")),
    }
    return pd.DataFrame(columns, index=everybody.index)


def bands(
    frame: pd.DataFrame, settings: BandSettings, churn_mean: float | None = None, vip_mean: float | None = None
) -> pd.DataFrame:
    """All band columns of the score table for some customers.

    Parameters
    ----------
    frame
        The probabilities, the columns of `ranks` (made of these rows alone where they are left out) and, where known,
        churn_probability_prev.
    settings
        The cuts.
    churn_mean
        Share of everybody that leaves within the horizon; None takes the mean of these rows.
    vip_mean
        Mean probability of becoming a VIP, among everybody; None takes the mean of these rows.

    Returns
    -------
    pandas.DataFrame
        One row per row of `frame`, same index; null where there is no score.
    """
    churn, vip = frame["churn_probability"], frame["vip_probability"]
    standing = frame if "value_rank" in frame else ranks(frame)
    risk = risk_bands(churn, standing["churn_percentile"], settings, churn_mean)
    value = value_bands(frame["value_pred"], standing["value_rank"], settings)
    columns = {
        "churn_percentile": standing["churn_percentile"],
        "churn_risk_band": risk,
        "churn_trend": churn_trend(churn, frame.get("churn_probability_prev"), settings),
        "value_band": value,
        "value_risk_cell": _value_risk_cell(value, risk),
        "vip_percentile": standing["vip_percentile"],
        "is_potential_vip": potential_vip(vip, standing["vip_percentile"], settings.vip, vip_mean),
    }
    return pd.DataFrame(columns, index=frame.index)


def percentiles(scores: pd.Series, tie_breaker: pd.Series | None = None) -> pd.Series:
    """Rank among the known scores, 0 to 100, 100 the highest; equal scores share their mean rank; NaN stays NaN.

    Calibration makes many probabilities equal; the score before it, where given, tells them apart.
    """
    if tie_breaker is None:
        return scores.rank(pct=True) * 100
    first = scores.rank(method="dense")
    within = tie_breaker.where(scores.notna()).rank(pct=True)
    return (first + within.fillna(0.5) / 2).rank(pct=True) * 100


def risk_bands(
    probability: pd.Series, percentile: pd.Series, settings: BandSettings, base_rate: float | None = None
) -> pd.Series:
    """low, medium, high or critical; null where the probability is null.

    Parameters
    ----------
    probability
        Of leaving, 0 to 1.
    percentile
        Its rank among everybody, 0 to 100.
    settings
        The cuts, and which of them count.
    base_rate
        Share of everybody that leaves; None takes the mean of these rows.

    Returns
    -------
    pandas.Series
        Same index.
    """
    if settings.risk_rule == "capacity":
        cuts = settings.capacity
        steps = [_among_top(percentile, share) for share in (cuts.critical, cuts.high, cuts.medium)]
    else:
        rate = float(probability.mean()) if base_rate is None else base_rate
        factors = settings.base_rate
        steps = [probability >= rate * f for f in (factors.critical, factors.high, factors.medium)]
    return _words(probability, np.select(steps, ["critical", "high", "medium"], "low"))


def value_bands(value: pd.Series, rank: pd.Series, settings: BandSettings) -> pd.Series:
    """low, medium or high by rank (0 to 1) of the predicted value; null where it is null.

    Parameters
    ----------
    value
        Predicted money.
    rank
        Its rank among everybody, 0 to 1.
    settings
        The cuts.

    Returns
    -------
    pandas.Series
        Same index.
    """
    low, high = settings.value_quantiles
    return _words(value, np.select([rank > high, rank > low], ["high", "medium"], "low"))


def _value_risk_cell(value_band: pd.Series, risk_band: pd.Series) -> pd.Series:
    """Value, then risk, as in `high_low`; critical counts as high."""
    return value_band + "_" + risk_band.replace("critical", "high")


def churn_trend(probability: pd.Series, previous: pd.Series | None, settings: BandSettings) -> pd.Series:
    """worsening, steady or improving against the latest published probability, `new` without one.

    Parameters
    ----------
    probability
        Of leaving, 0 to 1.
    previous
        The same in the latest publication; None without one, null for who was not in it.
    settings
        Moves that count as none.

    Returns
    -------
    pandas.Series
        Same index; null where the probability is null.
    """
    if previous is None:
        return _words(probability, np.full(len(probability), "new", dtype=object))
    change = probability - previous
    least = np.maximum(settings.trend_dead_band, settings.trend_dead_band_relative * previous)
    steps = [previous.isna(), change > least, change < -least]
    return _words(probability, np.select(steps, ["new", "worsening", "improving"], "steady"))


def potential_vip(probability: pd.Series, percentile: pd.Series, rule: VipRule, mean: float | None = None) -> pd.Series:
    """True where every condition of the rule holds; false where the probability is null.

    Parameters
    ----------
    probability
        Of becoming a VIP, 0 to 1.
    percentile
        Its rank among everybody, 0 to 100.
    rule
        The conditions.
    mean
        As `vip_mean` in `bands`.

    Returns
    -------
    pandas.Series
        Bool, same index.
    """
    passes = probability.notna()
    if rule.top_share is not None:
        passes &= _among_top(percentile, rule.top_share)
    if rule.min_probability is not None:
        passes &= probability >= rule.min_probability
    if rule.min_lift is not None:
        passes &= probability >= rule.min_lift * (probability.mean() if mean is None else mean)
    return passes


def _among_top(percentile: pd.Series, share: float) -> pd.Series:
    """Rounded, so that the last bit of a float decides about nobody."""
    return percentile.round(6) > round(100 * (1 - share), 6)


def _words(known: pd.Series, words: np.ndarray) -> pd.Series:
    return pd.Series(words, index=known.index, dtype=object).where(known.notna(), None)
