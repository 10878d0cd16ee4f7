"""Lifecycle: the stage a customer is in and where they are heading. The same ARPU rising, flat and falling are three stages.

Rules in order, the first that holds decides, so that stages are exhaustive and exclusive:
onboarding (young), dormant (long silence), declining, growing (trend of the bill), steady.
"""

import ibis
import ibis.expr.types as ir

from features.definition import Kind
from features.grains import WholeRow
from features.settings import StageSettings

MONTH = 182.0 / 6
"""Days of a month of half a year."""
HISTORY = 6
"""Months that stages are looked back to."""
PAST_TRENDS = (*[f"arpu_trend_then_6m_{ago}m_ago" for ago in range(1, HISTORY)], "arpu_trend_before_6m")
"""The trend of the bill one month before, two months before and so on."""
BILLED = "spend_365d"
"""Null where there are no bills at all: then nobody's trend is known, and no stage but those of age and silence."""
SILENCE = ("tenure_days", "usage_days_52w", "days_since_usage", BILLED, "days_since_purchase")
HEALTH = {"dormant": 0, "declining": 1, "onboarding": 2, "steady": 2, "growing": 3}
"""How well a stage bodes; only the order counts."""

NEVER = ("never", "无")
UNSEEN = ("neither young nor silent, and there are no bills to tell more by", "既非新入网也非沉默，且没有账单可供判断")
UNBILLED = ("nothing billed", "没有账单")
stages = Kind(WholeRow, "wide", unit="text", reason="lifecycle", null=NEVER)
durations = Kind(WholeRow, "wide", unit="months", reason="lifecycle", null=UNSEEN, no_events=6.0)
fluctuations = Kind(WholeRow, "wide", unit="text", reason="bill_fluctuation", null=UNBILLED, no_events=None)


def _stage(
    age: ir.Value, silence: ir.Value, trend: ir.Value, steady: ir.StringValue, rules: StageSettings
) -> ir.StringValue:
    """The stage of a customer `age` days old, silent for `silence` days, whose bill changes by `trend` a month."""
    return ibis.cases(
        (age < rules.onboarding_days, "onboarding"),
        (silence >= rules.dormant_days, "dormant"),
        (trend <= -rules.trend, "declining"),
        (trend >= rules.trend, "growing"),
        else_=steady,
    )


def _silence(row: WholeRow) -> ir.Value:
    """Days without use, or without a purchase where no use is known; who never did has been silent since joining."""
    used = ibis.coalesce(row.days_since_usage, row.tenure_days)
    bought = ibis.coalesce(row.days_since_purchase, row.tenure_days)
    nothing = ibis.null("float64")
    return row.usage_days_52w.notnull().ifelse(used, row[BILLED].notnull().ifelse(bought, nothing))


def _steady(row: WholeRow) -> ir.StringValue:
    """The stage that is left when no other holds; null where there are no bills whose trend could say otherwise."""
    return row[BILLED].notnull().ifelse("steady", ibis.null("string"))


def _stage_then(row: WholeRow, ago: int, rules: StageSettings) -> ir.StringValue:
    """The stage so many months before, by age and bill alone; null before they joined."""
    then = row.tenure_days - MONTH * ago
    stage = _stage(then, ibis.literal(0.0), row[PAST_TRENDS[ago - 1]], _steady(row), rules)
    return ibis.ifelse(then > 0, stage, ibis.null("string"))


def _health(name: ir.StringValue) -> ir.Value:
    return name.cases(*HEALTH.items())


@stages("lifecycle stage", "生命周期阶段", reads=(*SILENCE, "arpu_trend_6m"), null=UNSEEN, no_events="dormant")
def lifecycle_stage(row: WholeRow, rules: StageSettings) -> ir.Column:
    """Onboarding, dormant, declining, growing or steady, by the first rule that holds.
    按规则划分的生命周期阶段"""
    return _stage(row.tenure_days, _silence(row), row.arpu_trend_6m, _steady(row), rules)


@stages(
    "stage half a year ago",
    "半年前的阶段",
    reads=("tenure_days", BILLED, "arpu_trend_before_6m"),
    null=("not yet with us", "尚未入网"),
    no_events="steady",
)
def lifecycle_stage_before(row: WholeRow, rules: StageSettings) -> ir.Column:
    """The stage half a year before, by age and bill alone; null for customers younger than that.
    半年前的生命周期阶段"""
    return _stage_then(row, HISTORY, rules)


@stages(
    "direction of the stage",
    "阶段走向",
    reads=("lifecycle_stage", "lifecycle_stage_before"),
    null=("not yet with us half a year ago", "半年前尚未入网"),
    no_events="worsening",
)
def lifecycle_direction(row: WholeRow, rules: StageSettings) -> ir.Column:
    """Improving, steady or worsening against the stage half a year before.
    与半年前相比的走向"""
    change = _health(row.lifecycle_stage) - _health(row.lifecycle_stage_before)
    return ibis.cases((change > 0, "improving"), (change < 0, "worsening"), (change == 0, "steady"))


@durations("months in the stage", "处于当前阶段的月数", reads=(*SILENCE, "lifecycle_stage", *PAST_TRENDS))
def lifecycle_months(row: WholeRow, rules: StageSettings) -> ir.Column:
    """Whole months that the stage has lasted, at most 6; earlier stages by age and bill alone, dormancy by silence.
    当前阶段已持续的整月数，最多计 6 个月；之前各月末的阶段只按在网时长和账单判断，沉默按沉默天数"""
    now = row.lifecycle_stage
    lasted = ibis.literal(float(HISTORY))
    for ago in range(HISTORY, 0, -1):
        lasted = ibis.ifelse(_stage_then(row, ago, rules) == now, lasted, ago - 1.0)
    silent = ((_silence(row) - rules.dormant_days) / MONTH).floor().cast("float64")
    months = ibis.ifelse(now == "dormant", ibis.least(silent, float(HISTORY)), lasted)
    return now.notnull().ifelse(months, ibis.null("float64"))


@stages(
    "stage before this one",
    "上一个阶段",
    reads=("tenure_days", BILLED, "lifecycle_months", *PAST_TRENDS),
    null=("in the same stage for six months or since joining", "半年内或入网以来一直处于当前阶段"),
    no_events=None,
)
def lifecycle_stage_previous(row: WholeRow, rules: StageSettings) -> ir.Column:
    """The stage that the present one followed within the last six months, by age and bill alone.
    进入当前阶段之前的生命周期阶段"""
    steps = [(row.lifecycle_months == ago - 1.0, _stage_then(row, ago, rules)) for ago in range(1, HISTORY + 1)]
    return ibis.cases(*steps, else_=ibis.null("string"))


@fluctuations("kind of fluctuation", "波动类型", reads=("arpu_trend_6m", "arpu_variation_6m", "arpu_spike_6m"))
def fluctuation_type(row: WholeRow, rules: StageSettings) -> ir.Column:
    """Spike, rising, falling, volatile or steady, by the bills of six months; the only bill of them is a spike.
    近6个月账单的波动类型"""
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
