"""ARPU: what a customer is billed per month, where it is heading and how much it swings.

Months are closed calendar months with us, the joining month included; a month without a bill counts as 0.
"""

import ibis.expr.types as ir

from features.definition import Window, feature, months
from features.series import Series, number, over

YOUNG = ("no closed month with us yet", "尚无完整账期")
ZERO_BEFORE = ("nothing billed to compare with", "之前没有账单可比")
YOUNGER = ("no closed month with us before those", "更早没有完整账期")
TWO = ("fewer than two closed months", "不足两个账期")


def billed(rows: ir.Table) -> Series:
    """What was billed per closed month, in hundredths."""
    return Series(rows.billed, rows.ago, rows.known)


@feature(
    "bills",
    unit="currency/month",
    label=("average monthly bill, {n} months", "近{n}个月月均账单"),
    zh="近{n}个已出账月的月均账单，无账单的月份按 0 计",
    null=YOUNG,
    reason="bill_level",
    windows=months(1, 3, 6, 12),
)
def arpu(rows: ir.Table, window: Window) -> ir.Value:
    """Mean billed per month over the last {n} months that are closed; a month without a bill counts as 0."""
    return billed(rows).mean(window)


@feature(
    "bills",
    unit="currency/month",
    label=("average monthly bill, the {n} months before", "前{n}个月月均账单"),
    zh="再往前{n}个月的月均账单",
    null=YOUNG,
    reason="bill_level",
    windows=months(3, 6),
)
def arpu_before(rows: ir.Table, window: Window) -> ir.Value:
    """Mean billed per month over the {n} closed months before the last {n}."""
    return billed(rows).mean(window.before())


@feature(
    "bills",
    unit="ratio",
    label=("bill, last {n} months over the {n} before", "近{n}个月账单与前{n}个月之比"),
    zh="近{n}个月月均账单除以再往前{n}个月的月均账单",
    null=ZERO_BEFORE,
    reason="bill_trend",
    windows=months(1, 3, 6),
    no_events=None,
)
def arpu_ratio(rows: ir.Table, window: Window) -> ir.Value:
    """ARPU of the last {n} months over ARPU of the {n} months before."""
    return over(arpu(rows, window), arpu(rows, window.before()))


@feature(
    "bills",
    unit="currency/month per month",
    label=("bill slope, {n} months", "{n}个月账单斜率"),
    zh="近{n}个月月账单的最小二乘斜率，上升为正",
    null=TWO,
    reason="bill_trend",
    windows=months(3, 6, 12),
)
def arpu_slope(rows: ir.Table, window: Window) -> ir.Value:
    """Least-squares slope of monthly billing over {n} months; rising is positive."""
    return billed(rows).slope(window)


@feature(
    "bills",
    unit="share per month",
    label=("bill trend, {n} months", "{n}个月账单趋势"),
    zh="近{n}个月账单斜率除以同期月均账单",
    null=ZERO_BEFORE,
    reason="bill_trend",
    windows=months(3, 6, 12),
    no_events=None,
)
def arpu_trend(rows: ir.Table, window: Window) -> ir.Value:
    """Slope of monthly billing over {n} months as a share of its mean."""
    return over(arpu_slope(rows, window), arpu(rows, window))


@feature(
    "bills",
    unit="share per month",
    label=("bill trend, the {n} months before", "前{n}个月账单趋势"),
    zh="再往前{n}个月的账单斜率除以同期月均账单",
    null=ZERO_BEFORE,
    reason="bill_trend",
    windows=months(
        6,
    ),
    no_events=None,
)
def arpu_trend_before(rows: ir.Table, window: Window) -> ir.Value:
    """Slope of monthly billing over the {n} months before the last {n}, as a share of its mean."""
    return arpu_trend(rows, window.before())


@feature(
    "bills",
    unit="share per month",
    label=("bill trend of {n} months, {skip} months earlier", "{skip}个月前的{n}个月账单趋势"),
    zh="{skip}个月前的{n}个月账单趋势，用于判断阶段持续了多久",
    null=ZERO_BEFORE,
    reason="bill_trend",
    windows=[Window(6, "m").earlier(skip) for skip in range(1, 6)],
    no_events=None,
)
def arpu_trend_then(rows: ir.Table, window: Window) -> ir.Value:
    """The bill trend of {n} months as it stood {skip} months earlier; tells how long a stage has lasted."""
    return arpu_trend(rows, window)


@feature(
    "bills",
    unit="currency/month per month",
    label=("bill acceleration, {n} months", "{n}个月账单加速度"),
    zh="近{n}个月斜率减去再往前{n}个月斜率",
    null=TWO,
    reason="bill_trend",
    windows=months(
        3,
    ),
)
def arpu_acceleration(rows: ir.Table, window: Window) -> ir.Value:
    """Slope over the last {n} months minus the slope over the {n} months before."""
    return arpu_slope(rows, window) - arpu_slope(rows, window.before())


@feature(
    "bills",
    unit="ratio",
    label=("bill variation, {n} months", "{n}个月账单波动系数"),
    zh="近{n}个月月账单的标准差除以均值",
    null=ZERO_BEFORE,
    reason="bill_fluctuation",
    windows=months(3, 6, 12),
    no_events=None,
)
def arpu_variation(rows: ir.Table, window: Window) -> ir.Value:
    """Coefficient of variation of monthly billing over {n} months."""
    return over(billed(rows).deviation(window), arpu(rows, window))


@feature(
    "bills",
    unit="currency/month",
    label=("highest monthly bill, {n} months", "{n}个月最高月账单"),
    zh="近{n}个月中最高的月账单",
    null=YOUNG,
    reason="bill_level",
    windows=months(6, 12),
)
def arpu_peak(rows: ir.Table, window: Window) -> ir.Value:
    """Largest monthly billing of the last {n} closed months."""
    return billed(rows).peak(window)


@feature(
    "bills",
    unit="ratio",
    label=("fall from the {n}-month peak", "较{n}个月峰值的降幅"),
    zh="最近一个月账单较近{n}个月峰值下降的比例",
    null=ZERO_BEFORE,
    reason="bill_fluctuation",
    windows=months(6, 12),
    no_events=None,
)
def arpu_drop(rows: ir.Table, window: Window) -> ir.Value:
    """Share by which the newest month lies below the peak of {n} months."""
    return 1.0 - over(billed(rows).mean(Window(1, "m")), billed(rows).peak(window))


@feature(
    "bills",
    unit="months",
    label=("months since the {n}-month peak", "距{n}个月峰值的月数"),
    zh="距近{n}个月账单峰值过去了几个月",
    null=ZERO_BEFORE,
    reason="bill_fluctuation",
    windows=months(
        12,
    ),
    no_events=None,
)
def arpu_peak_ago(rows: ir.Table, window: Window) -> ir.Value:
    """Closed months since the highest bill of {n} months; the newest of equals."""
    return billed(rows).peak_ago(window)


@feature(
    "bills",
    unit="ratio",
    label=("spike in {n} months", "{n}个月账单突增倍数"),
    zh="近{n}个月最高月账单除以其余月份的均值，区分偶发与持续",
    null=ZERO_BEFORE,
    reason="bill_fluctuation",
    windows=months(
        6,
    ),
    no_events=None,
)
def arpu_spike(rows: ir.Table, window: Window) -> ir.Value:
    """Peak month over the mean of the other months of {n}; null when those are all empty."""
    return billed(rows).spike(window)


@feature(
    "bills",
    unit="ratio",
    label=("share of {n} months without a bill", "{n}个月中无账单月份占比"),
    zh="近{n}个已出账月中没有账单金额的月份占比，在网不足{n}个月按实际月数",
    null=YOUNG,
    reason="bill_fluctuation",
    windows=months(3, 12),
    no_events=1.0,
)
def unbilled_share(rows: ir.Table, window: Window) -> ir.Value:
    """Share of the closed months with us among the last {n} that have nothing billed."""
    series = billed(rows)
    n = series.count(window)
    return (n - series.filled(window)) / n.nullif(0)


@feature(
    "bills",
    unit="count",
    label=("bills in {n} months", "{n}个月账单张数"),
    zh="近{n}个已出账月的账单张数",
    reason="bill_level",
    windows=months(
        3,
    ),
)
def bill_count(rows: ir.Table, window: Window) -> ir.Value:
    """Number of bills of the last {n} closed months."""
    return number(rows.bills.sum(where=billed(rows).inside(window)))


@feature(
    "bills",
    unit="ratio",
    label=("share of {n} months below the {n} before", "近{n}个月中低于前{n}个月均值的月份占比"),
    zh="近{n}个月中账单低于再往前{n}个月均值的月份占比：1 为持续下降，仅一个月为偶发",
    null=YOUNGER,
    reason="bill_fluctuation",
    windows=months(3),
)
def arpu_below(rows: ir.Table, window: Window) -> ir.Value:
    """Share of the last {n} months billed below the mean of the {n} months before: 1 is lasting, one month a dip."""
    return billed(rows).lying(window, -1)


@feature(
    "bills",
    unit="ratio",
    label=("share of {n} months above the {n} before", "近{n}个月中高于前{n}个月均值的月份占比"),
    zh="近{n}个月中账单高于再往前{n}个月均值的月份占比：1 为持续上升，仅一个月为偶发",
    null=YOUNGER,
    reason="bill_fluctuation",
    windows=months(3),
)
def arpu_above(rows: ir.Table, window: Window) -> ir.Value:
    """Share of the last {n} months billed above the mean of the {n} months before: 1 is lasting, one month a spike."""
    return billed(rows).lying(window, 1)
