"""Potential VIP: who becomes, and stays, high-value, among those who are not."""

from collections.abc import Mapping
from typing import Literal

import ibis
import ibis.expr.types as ir
from ibis import _
from pydantic import Field, model_validator

from features.blocks.months import awaiting, billed_month
from features.definition import KEY
from features.series import hundredths
from features.settings import FeatureSettings
from features.strict import Strict
from features.visible import Tables, seen
from models.targets.candidate import (
    BLEND,
    LINEAR,
    TREES,
    VALUE_BG_NBD,
    VALUE_BG_NBD_BLEND,
    VALUE_BLEND,
    VALUE_LINEAR,
    VALUE_TREES,
)
from models.targets.follow_up import FollowUp, inside
from models.targets.target import Definition, RuleSettings, Target
from models.targets.task import CLASSIFICATION


class HighValue(Strict):
    """Who is high-value now: at or above `amount`, or above a percentile of the population.

    `monthly_bill` is the mean over the known billing months of the lookback, `spend` its total. With `per_as_of` the
    percentile is taken anew on each as-of date; otherwise it must be fixed once by `fixed`.
    """

    amount: float | None = Field(None, gt=0, description="currency a month, or of the lookback for measure spend")
    percentile: float = Field(80, gt=0, lt=100, description="of the population, where no amount is given")
    measure: Literal["monthly_bill", "spend"] = Field("monthly_bill", description="what is compared with the amount")
    lookback_days: int = Field(91, gt=0, description="days before the as-of date whose bills count")
    per_as_of: bool = Field(False, description="take the percentile anew on each as-of date")


class Becomes(Strict):
    """`sustained`: mean monthly value and `share_of_months` of the window's months reach the amount.

    `horizon_total`: value of the window above its `percentile` of the whole population on that as-of date.
    """

    rule: Literal["sustained", "horizon_total"] = Field("sustained", description="what counts as becoming high-value")
    share_of_months: float = Field(0.67, gt=0, le=1, description="of the window's months; for sustained")
    percentile: float = Field(90, gt=0, lt=100, description="of everybody's value of the window; for horizon_total")


class VipTarget(Definition):
    """Becomes, and stays, high-value in the window, among those who are not."""

    high_value: HighValue = Field(HighValue(), description="who is high-value now")
    becomes: Becomes = Field(Becomes(), description="who becomes high-value in the window")

    @model_validator(mode="after")
    def _sustained_needs_months(self) -> "VipTarget":
        monthly = self.high_value.measure == "monthly_bill"
        if self.becomes.rule == "sustained" and not (monthly and not self.high_value.per_as_of):
            raise ValueError("sustained needs measure monthly_bill and one fixed amount; else use horizon_total")
        return self


def _worth_now(spine: ir.Table, tables: Tables, target: HighValue, features: FeatureSettings) -> ir.Table:
    """What a customer brings now, from bills visible at the cutoff: key, `worth` (currency, or currency/month).

    A month counts as a billing month of the lookback when anybody was billed for it; for a customer without a bill of
    it only when it is closed and none is awaited.
    """
    if target.measure == "spend":
        rows = _billed(spine, tables["bills"], target, features)
        sums = rows.group_by(*KEY).aggregate(cents=rows.amount.sum())
        out = spine.select(*KEY).left_join(sums, KEY)
        return out.select(*KEY, worth=out.cents.fill_null(0.0) / 100.0)
    people = awaiting(spine, tables, features).mutate(newest=_.closed - _.awaited)
    rows = _billed(people, tables["bills"], target, features)
    months = rows.group_by(*KEY, "newest", "month").aggregate(cents=rows.amount.sum())
    own = months.group_by(*KEY).aggregate(cents=months.cents.sum(), newer=(months.month > months.newest).sum())
    out = people.select(*KEY, "newest").left_join(own, KEY).drop("customer_id_right", "as_of_right")
    out = out.left_join(_months_up_to(people, rows), ["as_of", "newest"]).drop("as_of_right", "newest_right")
    count = ibis.greatest(out.months.fill_null(0) + out.newer.fill_null(0), 1)
    return out.select(*KEY, worth=out.cents.fill_null(0.0) / 100.0 / count)


def _billed(spine: ir.Table, bills: ir.Table, target: HighValue, features: FeatureSettings) -> ir.Table:
    """Visible bills of the lookback beside the columns of the spine: `month` that they are for, `amount` (hundredths)."""
    rows = spine.inner_join(bills, [spine.customer_id == bills.customer_id, seen(spine, bills)])
    rows = rows.filter(rows.happened_on >= rows.as_of - ibis.interval(days=target.lookback_days))
    kept = [c for c in (*KEY, "newest") if c in rows.columns]
    return rows.select(*kept, month=billed_month(rows, features), amount=hundredths(rows.amount))


def _months_up_to(people: ir.Table, rows: ir.Table) -> ir.Table:
    """By as-of date and each `newest` month known of somebody: how many `months` up to it anybody was billed for."""
    feed = rows.select("as_of", "month").distinct()
    ends = people.select("as_of", "newest").distinct()
    pairs = ends.inner_join(feed, [ends.as_of == feed.as_of, feed.month <= ends.newest])
    return pairs.group_by("as_of", "newest").aggregate(months=pairs.month.count())


def high_value(
    spine: ir.Table, tables: Mapping[str, ir.Table], target: HighValue, features: FeatureSettings
) -> ir.Table:
    """Key, `worth`, `threshold` (same unit) and `high_value_now`, for training and for scoring alike.

    Parameters
    ----------
    spine
        customer_id, as_of, cutoff (UTC instant), activated_on; the whole population of each date.
    tables
        Canonical tables; `bills` is read. Without it everything but the key is null: nobody's worth is known.
    target
        Who is high-value.
    features
        When months of bills close and settle.

    Raises
    ------
    ValueError
        The amount was not fixed and the percentile is not to be taken per as-of date.
    """
    if "bills" not in tables:
        unknown = {"worth": ibis.null("float64"), "threshold": ibis.null("float64")}
        return spine.select(*KEY).mutate(**unknown, high_value_now=ibis.null("boolean"))
    rows = _worth_now(spine, tables, target, features)
    if target.amount is not None:
        return rows.mutate(threshold=ibis.literal(target.amount, "float64"), high_value_now=rows.worth >= target.amount)
    if not target.per_as_of:
        raise ValueError("fix the high-value amount first: settings = fixed(spine, tables, settings)")
    lines = rows.group_by("as_of").aggregate(threshold=rows.worth.quantile(target.percentile / 100))
    rows = rows.left_join(lines, "as_of").drop("as_of_right")
    return rows.mutate(high_value_now=rows.worth > rows.threshold)


def fixed(spine: ir.Table, tables: Mapping[str, ir.Table], target: VipTarget, features: FeatureSettings) -> VipTarget:
    """The same settings with the high-value line as an amount of money: the percentile of the newest date of `spine`.

    Called once per training with a date that is learnt from; the amount is kept with the model and does not drift.
    """
    line = target.high_value
    if line.amount is not None or line.per_as_of:
        return target
    newest = spine.filter(spine.as_of == spine.as_of.max())
    worth = _worth_now(newest, tables, line, features).worth
    amount = round(float(worth.quantile(line.percentile / 100).to_pyarrow().as_py()), 2)
    return target.model_copy(update={"high_value": line.model_copy(update={"amount": max(amount, 0.01)})})


def labels(after: FollowUp, target: VipTarget) -> ir.Table:
    """Key, `high_value_now`, `vip` (boolean): null for those who are high-value already, or await a bill; and `vip_early`
    as `early` has it."""
    now = high_value(after.spine, after.tables, target.high_value, after.features).select(
        *KEY, "threshold", "high_value_now"
    )
    rule = _sustained if target.becomes.rule == "sustained" else _above_percentile
    rows = now.join(after.known(rule(now, after, target), "vip", target.gap_days, target.horizon_days), KEY)
    rows = rows.join(early(after.spine, after.tables, now, after.features), KEY)
    return rows.select(*KEY, "high_value_now", "vip_early", vip=(~rows.high_value_now).ifelse(rows.vip, None))


def early(spine: ir.Table, tables: Mapping[str, ir.Table], now: ir.Table, features: FeatureSettings) -> ir.Table:
    """Key and `vip_early`, for training and for scoring alike.

    Early is who has reached the threshold in no month whose bills were known at the cutoff: whoever ranks by bills
    cannot see them. Null for those who are high-value now, and for everybody without bills.

    Parameters
    ----------
    spine
        customer_id, as_of, cutoff (UTC instant), activated_on; any part of the population of each date.
    tables
        Canonical tables; `bills` is read.
    now
        Of the same rows: key, `threshold` and `high_value_now`, as `high_value` has them of the whole population.
    features
        What month a bill is for.
    """
    if "bills" not in tables:
        return now.select(*KEY, vip_early=ibis.null("boolean"))
    bills = tables["bills"]
    rows = spine.inner_join(bills, [spine.customer_id == bills.customer_id, seen(spine, bills)])
    rows = rows.select(*KEY, month=billed_month(rows, features), amount=hundredths(rows.amount))
    months = rows.group_by(*KEY, "month").aggregate(cents=_.amount.sum())
    best = months.group_by(*KEY).aggregate(best=_.cents.max())
    out = now.select(*KEY, "threshold", "high_value_now").left_join(best, KEY)
    reached = (out.best / 100.0 >= out.threshold).fill_null(False)
    return out.select(*KEY, vip_early=(~out.high_value_now).ifelse(~reached, None))


def _sustained(now: ir.Table, after: FollowUp, target: VipTarget) -> ir.Table:
    """Mean monthly value at the threshold, and enough of the months: one spike is not enough."""
    window = after.bills.filter(inside(after.bills.day, target.gap_days, target.horizon_days))
    months = window.group_by(*KEY, "month").aggregate(billed=window.amount.sum())
    feed = window.group_by("as_of").aggregate(months=window.month.nunique())
    months = months.join(now.select(*KEY, "threshold"), KEY)
    reached = (months.billed / 100.0 >= months.threshold).sum()
    sums = months.group_by(*KEY).aggregate(cents=months.billed.sum(), reached=reached)
    rows = now.left_join(sums, KEY).drop("customer_id_right", "as_of_right").left_join(feed, "as_of")
    mean = rows.cents.fill_null(0.0) / 100.0 >= rows.threshold * rows.months
    share = (rows.reached.fill_null(0) / rows.months).round(2)  # in whole percents: 0.67 means two of three
    enough = share >= target.becomes.share_of_months
    return rows.select(*KEY, vip=(mean & enough).fill_null(False))


def _above_percentile(now: ir.Table, after: FollowUp, target: VipTarget) -> ir.Table:
    """Value of the window above the percentile of everybody's on that date."""
    rows = after.billed(target.gap_days, target.horizon_days)
    lines = rows.group_by("as_of").aggregate(line=rows.value.quantile(target.becomes.percentile / 100))
    rows = rows.left_join(lines, "as_of")
    return rows.select(*KEY, vip=rows.value > rows.line)


VIP = Target(
    name="vip",
    task=CLASSIFICATION,
    definition=VipTarget,
    label="vip",
    labels=labels,
    asks=lambda target: ("bills",),
    estimator=("models.estimators.potential_vip", "PotentialVipClassifier"),
    candidates=(VALUE_BLEND, BLEND, VALUE_LINEAR, LINEAR, VALUE_TREES, TREES),
    further=(VALUE_BG_NBD, VALUE_BG_NBD_BLEND),
    rule=RuleSettings(column="arpu_3m"),
    metric="average_precision",
    score="vip_probability",
    outputs={"vip_probability": "vip_probability", "vip_score_raw": "_vip_score_raw"},
    ranked=("vip_probability", "_vip_score_raw"),
    facts=("high_value_now", "vip_early"),
    apart="vip_early",
    fixed=fixed,
    everybody=False,
    learnt_where="value",  # ranking by value also learns from those who are high-value already
    reasons=True,
    figures=("auc", "average_precision", "precision_at_1pct", "precision_at_5pct", "lift_at_5pct", "ece"),
    report_figures=("average_precision", "auc", "lift_at_5pct", "captured_value_at_5pct", "ece", "brier"),
    sold_figures=("lift_at_5pct",),
    counted=("potential_vips",),
    counts=("is_potential_vip",),
)
"""An operator's rule of today: VIPs are those who pay much."""
