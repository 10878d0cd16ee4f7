"""Purchases: recency, frequency and money in days, for every business that bills when something is bought.

A purchase is a bill above zero. Windows are days before the as-of date.
"""

import ibis
import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import number, over, square

NEVER = ("never bought", "从未消费")
ONCE = ("fewer than two purchases", "不足两次消费")
ALWAYS = Window(100_000, "d")


def _spent(rows: ir.Table, window: Window) -> ir.Value:
    return rows.paid.sum(where=window.covers(rows.ago)).fill_null(0.0) / 100.0


@feature(
    "purchases",
    unit="currency",
    label=("spent in {n} days", "{n}天消费额"),
    zh="近{n}天大于 0 的账单金额合计",
    reason="purchases",
    windows=days(30, 91, 182, 365),
)
def spend(rows: ir.Table, window: Window) -> ir.Value:
    """Sum of bills above zero in the last {n} days."""
    return _spent(rows, window)


@feature(
    "purchases",
    unit="currency",
    label=("spent ever", "累计消费额"),
    zh="入网以来大于 0 的账单金额合计",
    reason="purchases",
)
def spend_ever(rows: ir.Table) -> ir.Value:
    """Sum of all bills above zero."""
    return _spent(rows, ALWAYS)


@feature(
    "purchases",
    unit="count",
    label=("purchases in {n} days", "{n}天消费次数"),
    zh="近{n}天的消费次数",
    reason="purchases",
    windows=days(30, 91, 182, 365),
)
def orders(rows: ir.Table, window: Window) -> ir.Value:
    """Number of bills above zero in the last {n} days."""
    return number(rows.orders.sum(where=window.covers(rows.ago)))


@feature("purchases", unit="count", label=("purchases ever", "累计消费次数"), zh="入网以来消费次数", reason="purchases")
def orders_ever(rows: ir.Table) -> ir.Value:
    """Number of all bills above zero."""
    return number(rows.orders.sum())


@feature(
    "purchases",
    unit="count",
    label=("days with a purchase in {n} days", "{n}天内有消费的天数"),
    zh="近{n}天内有消费的天数",
    reason="purchases",
    windows=days(30, 91, 182, 365),
)
def purchase_days(rows: ir.Table, window: Window) -> ir.Value:
    """Distinct days with a purchase in the last {n} days."""
    return number(window.covers(rows.ago).sum())


@feature(
    "purchases",
    unit="days",
    label=("days since the last purchase", "距最近消费天数"),
    zh="距最近一次消费的天数",
    null=NEVER,
    reason="purchases",
    no_events=None,
)
def days_since_purchase(rows: ir.Table) -> ir.Value:
    """Days since the newest purchase; 1 is the day before the as-of date."""
    return rows.ago.min().cast("float64") + 1.0


@feature(
    "purchases",
    unit="days",
    label=("days since the first purchase", "距首次消费天数"),
    zh="距首次消费的天数",
    null=NEVER,
    reason="tenure",
    no_events=None,
)
def days_since_first_purchase(rows: ir.Table) -> ir.Value:
    """Days since the first purchase."""
    return rows.ago.max().cast("float64") + 1.0


@feature(
    "purchases",
    unit="days",
    label=("usual days between purchases", "平均消费间隔天数"),
    zh="首末次消费间隔除以（消费日数减一）",
    null=ONCE,
    reason="purchases",
    no_events=None,
)
def purchase_gap(rows: ir.Table) -> ir.Value:
    """Days from first to last purchase over the number of gaps between purchase days."""
    span = (rows.ago.max() - rows.ago.min()).cast("float64")
    return over(span, rows.ago.count().cast("float64") - 1.0)


@feature(
    "purchases",
    unit="ratio",
    label=("silence against the usual gap", "沉默时长与平时间隔之比"),
    zh="距最近消费天数除以平均消费间隔",
    null=ONCE,
    reason="purchases",
    no_events=None,
)
def purchase_overdue(rows: ir.Table) -> ir.Value:
    """Days since the last purchase over the usual days between purchases."""
    return over(days_since_purchase(rows), purchase_gap(rows))


@feature(
    "purchases",
    unit="currency",
    label=("average purchase", "平均每次消费额"),
    zh="累计消费额除以消费次数",
    null=NEVER,
    reason="purchases",
    no_events=None,
)
def order_value(rows: ir.Table) -> ir.Value:
    """All spending over the number of purchases."""
    return over(rows.paid.sum(), 100.0 * rows.orders.sum().cast("float64"))


@feature(
    "purchases",
    unit="currency",
    label=("largest purchase", "最大一次消费额"),
    zh="最大一次消费的金额",
    null=NEVER,
    reason="purchases",
    no_events=None,
)
def order_value_max(rows: ir.Table) -> ir.Value:
    """Largest single purchase."""
    return rows.largest.max() / 100.0


@feature(
    "purchases",
    unit="currency",
    label=("last purchase", "最近一次消费额"),
    zh="最近消费日里最大一笔的金额",
    null=NEVER,
    reason="purchases",
    no_events=None,
)
def order_value_last(rows: ir.Table) -> ir.Value:
    """Largest purchase of the newest day with one."""
    return rows.largest.argmin(rows.ago, where=rows.ago.notnull()) / 100.0


@feature(
    "purchases",
    unit="ratio",
    label=("spending, last {n} days over the {n} before", "近{n}天消费与前{n}天之比"),
    zh="近{n}天消费额除以再往前{n}天的消费额",
    null=("nothing spent in the days before", "之前没有消费"),
    reason="purchases",
    windows=days(91, 182),
    no_events=None,
)
def spend_ratio(rows: ir.Table, window: Window) -> ir.Value:
    """Spending of the last {n} days over spending of the {n} days before."""
    return over(_spent(rows, window), _spent(rows, window.before()))


@feature(
    "purchases",
    unit="count per 30 days",
    label=("purchases per 30 days with us", "在网期间每30天消费次数"),
    zh="消费次数除以在网天数再乘以 30",
    reason="purchases",
)
def order_rate(rows: ir.Table) -> ir.Value:
    """Purchases per thirty days since joining."""
    return rows.orders.sum().cast("float64") * 30.0 / rows.age.max().cast("float64")


@feature(
    "purchases",
    unit="currency per 30 days",
    label=("spending per 30 days with us", "在网期间每30天消费额"),
    zh="累计消费额除以在网天数再乘以 30",
    reason="purchases",
)
def spend_rate(rows: ir.Table) -> ir.Value:
    """Spending per thirty days since joining."""
    return _spent(rows, ALWAYS) * 30.0 / rows.age.max().cast("float64")


@feature(
    "purchases",
    unit="currency",
    label=("variation of purchases", "单次消费波动"),
    zh="单次消费金额的标准差",
    null=NEVER,
    reason="purchases",
    no_events=None,
)
def order_value_spread(rows: ir.Table) -> ir.Value:
    """Standard deviation of single purchases."""
    n = rows.orders.sum().cast("float64")
    total, squares = rows.paid.sum(), square(rows.high.sum(), rows.cross.sum(), rows.low.sum())
    return ibis.greatest(n * squares - total * total, 0.0).sqrt() / (100.0 * n).nullif(0.0)


@feature(
    "purchases",
    unit="days",
    label=("longest gap between purchases", "最长消费间隔天数"),
    zh="两次消费之间最长的天数",
    null=ONCE,
    reason="purchases",
    no_events=None,
)
def purchase_gap_max(rows: ir.Table) -> ir.Value:
    """Most days ever between two purchases."""
    return rows.gap.max().cast("float64")


@feature(
    "purchases",
    unit="days",
    label=("variation of the gaps", "消费间隔波动"),
    zh="消费间隔天数的标准差",
    null=ONCE,
    reason="purchases",
    no_events=None,
)
def purchase_gap_spread(rows: ir.Table) -> ir.Value:
    """Population standard deviation of the days between purchases."""
    n, gap = rows.gap.count().cast("float64"), rows.gap.cast("float64")
    total, squares = gap.sum(), (gap * gap).sum()
    return ibis.greatest(n * squares - total * total, 0.0).sqrt() / n.nullif(0.0)


@feature(
    "purchases",
    unit="days",
    label=("gap before the last purchase", "最近一次消费前的间隔天数"),
    zh="最近一次消费与其前一次之间的天数",
    null=ONCE,
    reason="purchases",
    no_events=None,
)
def purchase_gap_last(rows: ir.Table) -> ir.Value:
    """Days between the newest purchase day and the one before."""
    return rows.gap.argmin(rows.ago, where=rows.gap.notnull()).cast("float64")


@feature(
    "purchases",
    unit="ratio",
    label=("share of the relation since the last purchase", "沉默占消费历程的比例"),
    zh="距最近消费天数除以距首次消费天数",
    null=NEVER,
    reason="purchases",
    no_events=None,
)
def purchase_silence_share(rows: ir.Table) -> ir.Value:
    """Days since the last purchase over days since the first."""
    return over(days_since_purchase(rows), days_since_first_purchase(rows))
