"""ARPU: what a customer is billed per month, where it is heading and how much it swings.

Months are closed calendar months with us, the joining month included; a month without a bill counts as 0, unless the
bill is usual and may still come: then what is known ends before that month.
"""

import ibis.expr.types as ir

from features.definition import Kind, Window, months
from features.grains import Events
from features.series import Series, number, ratio

YOUNG = ("no closed month with us yet", "尚无完整账期")
ZERO_BEFORE = ("nothing billed to compare with", "之前没有账单可比")
YOUNGER = ("no closed month with us before those", "更早没有完整账期")
TWO = ("fewer than two closed months", "不足两个账期")

levels = Kind(Events, "bills", unit="currency/month", reason="bill_level", spans="bills", null=YOUNG)
slopes = Kind(Events, "bills", unit="currency/month per month", reason="bill_trend", spans="bills", null=TWO)
trends = Kind(
    Events, "bills", unit="share per month", reason="bill_trend", spans="bills", null=ZERO_BEFORE, no_events=None
)
swings = Kind(Events, "bills", unit="ratio", reason="bill_fluctuation", spans="bills", null=ZERO_BEFORE, no_events=None)
shares = Kind(Events, "bills", unit="ratio", reason="bill_fluctuation", null=YOUNGER)
counts = Kind(Events, "bills", unit="count", reason="bill_level")


def billed(rows: Events) -> Series:
    """What was billed per closed month, in hundredths."""
    return Series(rows.billed, rows.ago, rows.known)


@levels("average monthly bill, {n} months", "近{n}个月月均账单", months(1, 3, 6, 12))
def arpu(rows: Events, window: Window) -> ir.Scalar:
    """Mean billed per month over the last {n} months that are closed; a month without a bill counts as 0.
    近{n}个已出账月的月均账单，无账单的月份按 0 计"""
    return billed(rows).mean(window)


@levels("average monthly bill, the {n} months before", "前{n}个月月均账单", months(3, 6))
def arpu_before(rows: Events, window: Window) -> ir.Scalar:
    """Mean billed per month over the {n} closed months before the last {n}.
    再往前{n}个月的月均账单"""
    return billed(rows).mean(window.before())


@trends("bill, last {n} months over the {n} before", "近{n}个月账单与前{n}个月之比", months(1, 3, 6), unit="ratio")
def arpu_ratio(rows: Events, window: Window) -> ir.Scalar:
    """ARPU of the last {n} months over ARPU of the {n} months before.
    近{n}个月月均账单除以再往前{n}个月的月均账单"""
    return ratio(arpu(rows, window), arpu(rows, window.before()))


@slopes("bill slope, {n} months", "{n}个月账单斜率", months(3, 6, 12))
def arpu_slope(rows: Events, window: Window) -> ir.Scalar:
    """Least-squares slope of monthly billing over {n} months; rising is positive.
    近{n}个月月账单的最小二乘斜率，上升为正"""
    return billed(rows).slope(window)


@trends("bill trend, {n} months", "{n}个月账单趋势", months(3, 6, 12))
def arpu_trend(rows: Events, window: Window) -> ir.Scalar:
    """Slope of monthly billing over {n} months as a share of its mean.
    近{n}个月账单斜率除以同期月均账单"""
    return ratio(arpu_slope(rows, window), arpu(rows, window))


@trends("bill trend, the {n} months before", "前{n}个月账单趋势", months(6))
def arpu_trend_before(rows: Events, window: Window) -> ir.Scalar:
    """Slope of monthly billing over the {n} months before the last {n}, as a share of its mean.
    再往前{n}个月的账单斜率除以同期月均账单"""
    return arpu_trend(rows, window.before())


@trends(
    "bill trend of {n} months, {skip} months earlier",
    "{skip}个月前的{n}个月账单趋势",
    [Window(6, "m").earlier(skip) for skip in range(1, 6)],
    spans=None,
)
def arpu_trend_then(rows: Events, window: Window) -> ir.Scalar:
    """The bill trend of {n} months as it stood {skip} months earlier; tells how long a stage has lasted.
    {skip}个月前的{n}个月账单趋势，用于判断阶段持续了多久"""
    return arpu_trend(rows, window)


@slopes("bill acceleration, {n} months", "{n}个月账单加速度", months(3))
def arpu_acceleration(rows: Events, window: Window) -> ir.Scalar:
    """Slope over the last {n} months minus the slope over the {n} months before.
    近{n}个月斜率减去再往前{n}个月斜率"""
    return arpu_slope(rows, window) - arpu_slope(rows, window.before())


@swings("bill variation, {n} months", "{n}个月账单波动系数", months(3, 6, 12))
def arpu_variation(rows: Events, window: Window) -> ir.Scalar:
    """Coefficient of variation of monthly billing over {n} months.
    近{n}个月月账单的标准差除以均值"""
    return ratio(billed(rows).deviation(window), arpu(rows, window))


@levels("highest monthly bill, {n} months", "{n}个月最高月账单", months(6, 12))
def arpu_peak(rows: Events, window: Window) -> ir.Scalar:
    """Largest monthly billing of the last {n} closed months.
    近{n}个月中最高的月账单"""
    return billed(rows).peak(window)


@swings("fall from the {n}-month peak", "较{n}个月峰值的降幅", months(6, 12))
def arpu_drop(rows: Events, window: Window) -> ir.Scalar:
    """Share by which the newest month lies below the peak of {n} months.
    最近一个月账单较近{n}个月峰值下降的比例"""
    return 1.0 - ratio(billed(rows).mean(Window(1, "m")), billed(rows).peak(window))


@swings("months since the {n}-month peak", "距{n}个月峰值的月数", months(12), unit="months")
def arpu_peak_ago(rows: Events, window: Window) -> ir.Scalar:
    """Closed months since the highest bill of {n} months; the newest of equals.
    距近{n}个月账单峰值过去了几个月"""
    return billed(rows).peak_ago(window)


@swings("spike in {n} months", "{n}个月账单突增倍数", months(6))
def arpu_spike(rows: Events, window: Window) -> ir.Scalar:
    """Peak month over the mean of the other months of {n}; null when those are all empty.
    近{n}个月最高月账单除以其余月份的均值，区分偶发与持续"""
    return billed(rows).spike(window)


@swings("share of {n} months without a bill", "{n}个月中无账单月份占比", months(3, 12), null=YOUNG, no_events=1.0)
def unbilled_share(rows: Events, window: Window) -> ir.Scalar:
    """Share of the closed months with us among the last {n} in which nothing was billed, or all of it credited.
    近{n}个已出账月中没有账单金额的月份占比，在网不足{n}个月按实际月数"""
    series = billed(rows)
    n = series.count(window)
    return (n - series.filled(window)) / n.nullif(0)


@counts("bills in {n} months", "{n}个月账单张数", months(3))
def bill_count(rows: Events, window: Window) -> ir.Scalar:
    """Number of bills of the last {n} closed months; credit notes are none.
    近{n}个已出账月的账单张数，冲减不计"""
    return number(rows.bills.sum(where=billed(rows).inside(window)))


@counts("bills awaited", "待到账账期数", unit="months")
def bills_awaited(rows: Events) -> ir.Scalar:
    """Newest closed months that are not known yet, because a usual bill has not come; everything here ends before them.
    因惯常账单尚未到达而未知的最近账期数，账单类特征都截至这些账期之前"""
    return number(rows.awaited.max())


@shares("share of {n} months below the {n} before", "近{n}个月中低于前{n}个月均值的月份占比", months(3))
def arpu_below(rows: Events, window: Window) -> ir.Scalar:
    """Share of the last {n} months billed below the mean of the {n} months before: 1 is lasting, one month a dip.
    近{n}个月中账单低于再往前{n}个月均值的月份占比：1 为持续下降，仅一个月为偶发"""
    return billed(rows).share_beyond(window, -1)


@shares("share of {n} months above the {n} before", "近{n}个月中高于前{n}个月均值的月份占比", months(3))
def arpu_above(rows: Events, window: Window) -> ir.Scalar:
    """Share of the last {n} months billed above the mean of the {n} months before: 1 is lasting, one month a spike.
    近{n}个月中账单高于再往前{n}个月均值的月份占比：1 为持续上升，仅一个月为偶发"""
    return billed(rows).share_beyond(window, 1)
