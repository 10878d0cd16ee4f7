"""Purchases: recency, frequency and money in days, for every business that bills when something is bought.

A purchase is a bill above zero, a return one below zero: a credit note, or goods given back. What is spent is counted
before returns. Windows are days before the as-of date; while a usual bill is awaited, before the day up to which
bills are known (`features.blocks.months.known_until`).
"""

import ibis
import ibis.expr.types as ir

from features.definition import Kind, Window, days
from features.grains import Events
from features.series import days_since, number, ratio, square

NEVER = ("never bought", "从未消费")
ONCE = ("fewer than two purchases", "不足两次消费")
ALWAYS = Window(100_000, "d")

amounts = Kind(Events, "purchases", unit="currency", reason="purchases", spans="purchases")
values = Kind(Events, "purchases", unit="currency", reason="purchases", null=NEVER, no_events=None)
counts = Kind(Events, "purchases", unit="count", reason="purchases", spans="purchases")
ages = Kind(Events, "purchases", unit="days", reason="purchase_rhythm", null=NEVER, no_events=None)
gaps = Kind(Events, "purchases", unit="days", reason="purchase_rhythm", null=ONCE, no_events=None)
ratios = Kind(Events, "purchases", unit="ratio", reason="purchases", null=NEVER, no_events=None, spans="purchases")


def _spent(rows: Events, window: Window) -> ir.Value:
    return rows.paid.sum(where=window.covers(rows.ago)).fill_null(0.0) / 100.0


@amounts("spent in {n} days", "{n}天消费额", days(30, 91, 182, 365))
def spend(rows: Events, window: Window) -> ir.Scalar:
    """Sum of bills above zero in the last {n} days.
    近{n}天大于 0 的账单金额合计"""
    return _spent(rows, window)


@amounts("spent ever", "累计消费额")
def spend_ever(rows: Events) -> ir.Scalar:
    """Sum of all bills above zero.
    入网以来大于 0 的账单金额合计"""
    return _spent(rows, ALWAYS)


@counts("purchases in {n} days", "{n}天消费次数", days(30, 91, 182, 365))
def orders(rows: Events, window: Window) -> ir.Scalar:
    """Number of bills above zero in the last {n} days.
    近{n}天的消费次数"""
    return number(rows.orders.sum(where=window.covers(rows.ago)))


@counts("purchases ever", "累计消费次数")
def orders_ever(rows: Events) -> ir.Scalar:
    """Number of all bills above zero.
    入网以来消费次数"""
    return number(rows.orders.sum())


@counts("days with a purchase in {n} days", "{n}天内有消费的天数", days(30, 91, 182, 365))
def purchase_days(rows: Events, window: Window) -> ir.Scalar:
    """Distinct days with a purchase in the last {n} days.
    近{n}天内有消费的天数"""
    return number(window.covers(rows.ago).sum())


@ages("days since the last purchase", "距最近消费天数")
def days_since_purchase(rows: Events) -> ir.Scalar:
    """Days since the newest purchase; 1 is the day before the as-of date.
    距最近一次消费的天数"""
    return days_since(rows.ago)


@ages("days since the first purchase", "距首次消费天数", reason="tenure")
def days_since_first_purchase(rows: Events) -> ir.Scalar:
    """Days since the first purchase.
    距首次消费的天数"""
    return rows.ago.max().cast("float64") + 1.0


@gaps("usual days between purchases", "平均消费间隔天数")
def purchase_gap(rows: Events) -> ir.Scalar:
    """Days from first to last purchase over the number of gaps between purchase days.
    首末次消费间隔除以（消费日数减一）"""
    span = (rows.ago.max() - rows.ago.min()).cast("float64")
    return ratio(span, rows.ago.count().cast("float64") - 1.0)


@gaps("silence against the usual gap", "沉默时长与平时间隔之比", unit="ratio")
def purchase_overdue(rows: Events) -> ir.Scalar:
    """Days since the last purchase over the usual days between purchases.
    距最近消费天数除以平均消费间隔"""
    return ratio(days_since_purchase(rows), purchase_gap(rows))


@values("average purchase", "平均每次消费额")
def order_value(rows: Events) -> ir.Scalar:
    """All spending over the number of purchases.
    累计消费额除以消费次数"""
    return ratio(rows.paid.sum(), 100.0 * rows.orders.sum().cast("float64"))


@values("largest purchase", "最大一次消费额")
def order_value_max(rows: Events) -> ir.Scalar:
    """Largest single purchase.
    最大一次消费的金额"""
    return rows.largest.max() / 100.0


@values("last purchase", "最近一次消费额")
def order_value_last(rows: Events) -> ir.Scalar:
    """Largest purchase of the newest day with one.
    最近消费日里最大一笔的金额"""
    return rows.largest.argmin(rows.ago, where=rows.ago.notnull()) / 100.0


@ratios(
    "spending, last {n} days over the {n} before",
    "近{n}天消费与前{n}天之比",
    days(91, 182),
    null=("nothing spent in the days before", "之前没有消费"),
)
def spend_ratio(rows: Events, window: Window) -> ir.Scalar:
    """Spending of the last {n} days over spending of the {n} days before.
    近{n}天消费额除以再往前{n}天的消费额"""
    return ratio(_spent(rows, window), _spent(rows, window.before()))


@amounts("purchases per 30 days with us", "在网期间每30天消费次数", unit="count per 30 days")
def order_rate(rows: Events) -> ir.Scalar:
    """Purchases per thirty days since joining.
    消费次数除以在网天数再乘以 30"""
    return rows.orders.sum().cast("float64") * 30.0 / rows.age.max().cast("float64")


@amounts("spending per 30 days with us", "在网期间每30天消费额", unit="currency per 30 days")
def spend_rate(rows: Events) -> ir.Scalar:
    """Spending per thirty days since joining.
    累计消费额除以在网天数再乘以 30"""
    return _spent(rows, ALWAYS) * 30.0 / rows.age.max().cast("float64")


@values("variation of purchases", "单次消费波动")
def order_value_spread(rows: Events) -> ir.Scalar:
    """Standard deviation of single purchases.
    单次消费金额的标准差"""
    n = rows.orders.sum().cast("float64")
    total, squares = rows.paid.sum(), square(rows.high.sum(), rows.cross.sum(), rows.low.sum())
    return ibis.greatest(n * squares - total * total, 0.0).sqrt() / (100.0 * n).nullif(0.0)


@gaps("longest gap between purchases", "最长消费间隔天数")
def purchase_gap_max(rows: Events) -> ir.Scalar:
    """Most days ever between two purchases.
    两次消费之间最长的天数"""
    return rows.gap.max().cast("float64")


@gaps("variation of the gaps", "消费间隔波动")
def purchase_gap_spread(rows: Events) -> ir.Scalar:
    """Population standard deviation of the days between purchases.
    消费间隔天数的标准差"""
    n, gap = rows.gap.count().cast("float64"), rows.gap.cast("float64")
    total, squares = gap.sum(), (gap * gap).sum()
    return ibis.greatest(n * squares - total * total, 0.0).sqrt() / n.nullif(0.0)


@gaps("gap before the last purchase", "最近一次消费前的间隔天数")
def purchase_gap_last(rows: Events) -> ir.Scalar:
    """Days between the newest purchase day and the one before.
    最近一次消费与其前一次之间的天数"""
    return rows.gap.argmin(rows.ago, where=rows.gap.notnull()).cast("float64")


@ratios("share of the relation since the last purchase", "沉默占消费历程的比例", reason="purchase_rhythm")
def purchase_silence_share(rows: Events) -> ir.Scalar:
    """Days since the last purchase over days since the first.
    距最近消费天数除以距首次消费天数"""
    return ratio(days_since_purchase(rows), days_since_first_purchase(rows))


@counts("returns in {n} days", "近{n}天退货次数", days(91, 365), reason="returns")
def returns(rows: Events, window: Window) -> ir.Scalar:
    """Number of bills below zero in the last {n} days: returns and credit notes.
    近{n}天小于 0 的账单数，即退货与冲减次数"""
    return number(rows.returns.sum(where=window.covers(rows.back)))


@amounts("returned in {n} days", "近{n}天退货金额", days(91, 365), reason="returns")
def returned(rows: Events, window: Window) -> ir.Scalar:
    """Money of the bills below zero in the last {n} days, as a number above zero.
    近{n}天小于 0 的账单金额合计，取正数"""
    return rows.returned.sum(where=window.covers(rows.back)).fill_null(0.0) / 100.0


@ratios(
    "share of spending returned, {n} days",
    "近{n}天退货金额占消费额",
    days(91, 365),
    reason="returns",
    null=("nothing spent in that time", "该期间没有消费"),
)
def return_share(rows: Events, window: Window) -> ir.Scalar:
    """Money returned in the last {n} days over what was spent in them.
    近{n}天退货金额除以消费额"""
    return ratio(returned(rows, window), _spent(rows, window))


@ages("days since the last return", "距最近退货天数", reason="returns", null=("never returned anything", "从未退货"))
def days_since_return(rows: Events) -> ir.Scalar:
    """Days since the newest bill below zero; 1 is the day before the as-of date.
    距最近一次退货（冲减）的天数"""
    return days_since(rows.back)
