"""Lifecycle: the stage a customer is in and where he is heading. The same ARPU rising, flat and falling are three stages.

Rules in order, the first that holds decides, so that stages are exhaustive and exclusive:
onboarding (young), dormant (long silence), declining, growing (trend of the bill), steady.
"""

import ibis
import ibis.expr.types as ir

from features.definition import feature
from features.settings import StageSettings

HEALTH = {"dormant": 0, "declining": 1, "onboarding": 2, "steady": 2, "growing": 3}
"""How well a stage bodes; only the order counts."""


def stage(age: ir.Value, silence: ir.Value, trend: ir.Value, rules: StageSettings) -> ir.StringValue:
    """The stage of a customer `age` days old, silent for `silence` days, whose bill changes by `trend` a month."""
    return ibis.cases(
        (age < rules.onboarding_days, "onboarding"),
        (silence >= rules.dormant_days, "dormant"),
        (trend <= -rules.trend, "declining"),
        (trend >= rules.trend, "growing"),
        else_="steady",
    )


def silence(row: ir.Table) -> ir.Value:
    """Days without use; a customer who did not use anything within a year has been silent since joining."""
    return ibis.coalesce(row.days_since_usage, row.tenure_days)


def health(name: ir.StringValue) -> ir.Value:
    return name.cases(*HEALTH.items())


@feature(
    "wide",
    unit="text",
    label=("lifecycle stage", "生命周期阶段"),
    zh="按规则划分的生命周期阶段",
    reason="lifecycle",
    null=("never", "无"),
    no_events="dormant",
)
def lifecycle_stage(row: ir.Table, rules: StageSettings) -> ir.Value:
    """Onboarding, dormant, declining, growing or steady, by the first rule that holds."""
    return stage(row.tenure_days, silence(row), row.arpu_trend_6m, rules)


@feature(
    "wide",
    unit="text",
    label=("stage half a year ago", "半年前的阶段"),
    zh="半年前的生命周期阶段",
    reason="lifecycle",
    null=("not yet with us", "尚未入网"),
    no_events="steady",
)
def lifecycle_stage_before(row: ir.Table, rules: StageSettings) -> ir.Value:
    """The stage half a year before, by age and bill alone; null for customers younger than that."""
    then = row.tenure_days - 182.0
    before = stage(then, ibis.literal(0.0), row.arpu_trend_before_6m, rules)
    return ibis.ifelse(then > 0, before, ibis.null("string"))


@feature(
    "wide",
    unit="text",
    label=("direction of the stage", "阶段走向"),
    zh="与半年前相比的走向",
    reason="lifecycle",
    null=("not yet with us half a year ago", "半年前尚未入网"),
    no_events="worsening",
)
def lifecycle_direction(row: ir.Table, rules: StageSettings) -> ir.Value:
    """Improving, steady or worsening against the stage half a year before."""
    change = health(lifecycle_stage(row, rules)) - health(lifecycle_stage_before(row, rules))
    return ibis.cases((change > 0, "improving"), (change < 0, "worsening"), (change == 0, "steady"))


@feature(
    "wide",
    unit="text",
    label=("kind of fluctuation", "波动类型"),
    zh="近6个月账单的波动类型",
    reason="bill_fluctuation",
    null=("nothing billed", "没有账单"),
    no_events=None,
)
def fluctuation_type(row: ir.Table, rules: StageSettings) -> ir.Value:
    """Spike, rising, falling, volatile or steady, by the bills of six months; the only bill of them is a spike."""
    volatile = row.arpu_variation_6m >= rules.volatile
    spiked = row.arpu_spike_6m.fill_null(rules.spike) >= rules.spike  # null: nothing beside the peak
    return ibis.cases(
        (row.arpu_variation_6m.isnull(), ibis.null("string")),
        (volatile & spiked, "spike"),
        (row.arpu_trend_6m >= rules.trend, "rising"),
        (row.arpu_trend_6m <= -rules.trend, "falling"),
        (volatile, "volatile"),
        else_="steady",
    )
