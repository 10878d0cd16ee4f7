"""Payments: late, overdue, in parts and regular. Where bills carry no due date, lateness is unknown.

Attempts that failed are no payments; no table records them.
"""

import ibis
import ibis.expr.types as ir

from features.definition import Window, days, feature
from features.series import NOTHING, number, over

NO_DUE = ("no bill fell due", "没有到期账单")
UNDATED = ("bills carry no due date, or payments name no bill", "账单没有应缴日期，或缴费未注明账单")
ONCE = ("fewer than two bills to judge", "可判断的账单不足两张")
TWICE = ("fewer than two payments to compare", "可比的缴费不足两次")
NEVER = ("never paid", "从未缴费")


def _where_dated(rows: ir.Table, value: ir.Value) -> ir.Value:
    """Null for a customer none of whose bills can be judged; without any bill there is simply nothing late."""
    return ibis.ifelse(rows.dated.any().fill_null(True), value, NOTHING)


@feature(
    "settled",
    unit="count",
    label=("bills due in {n} days", "近{n}天到期账单数"),
    zh="近{n}天到期的账单数",
    null=UNDATED,
    reason="payments",
    windows=days(91, 365),
)
def bills_due(rows: ir.Table, window: Window) -> ir.Value:
    """Bills that fell due in the last {n} days."""
    return _where_dated(rows, number(window.covers(rows.due_ago).sum()))


@feature(
    "settled",
    unit="count",
    label=("bills paid late or still open, {n} days", "近{n}天逾期账单数"),
    zh="近{n}天到期的账单中逾期缴纳或尚未缴清的数量",
    null=UNDATED,
    reason="payments",
    windows=days(91, 365),
)
def bills_late(rows: ir.Table, window: Window) -> ir.Value:
    """Bills due in the last {n} days that were paid late or are still open."""
    return _where_dated(rows, number((window.covers(rows.due_ago) & (rows.late > 0)).sum()))


@feature(
    "settled",
    unit="days",
    label=("average days late, {n} days", "近{n}天平均逾期天数"),
    zh="近{n}天到期账单的平均逾期天数，提前为负",
    null=NO_DUE,
    reason="payments",
    windows=days(
        182,
    ),
    no_events=None,
)
def days_late(rows: ir.Table, window: Window) -> ir.Value:
    """Mean days between due date and full payment of bills due in the last {n} days; early is negative."""
    return rows.late.cast("float64").mean(where=window.covers(rows.due_ago))


@feature(
    "settled",
    unit="days",
    label=("longest delay, {n} days", "近{n}天最长逾期天数"),
    zh="近{n}天到期账单的最长逾期天数",
    null=NO_DUE,
    reason="payments",
    windows=days(
        365,
    ),
    no_events=None,
)
def days_late_max(rows: ir.Table, window: Window) -> ir.Value:
    """Longest delay among the bills due in the last {n} days."""
    return rows.late.cast("float64").max(where=window.covers(rows.due_ago))


@feature(
    "settled",
    unit="currency",
    label=("overdue now", "当前欠费"),
    zh="已到期而未缴清的金额",
    null=UNDATED,
    reason="payments",
)
def overdue_amount(rows: ir.Table) -> ir.Value:
    """Unpaid part of all bills that are past their due date."""
    return _where_dated(rows, rows.open.sum().fill_null(0.0) / 100.0)


@feature(
    "settled",
    unit="count",
    label=("bills overdue now", "当前欠费账单数"),
    zh="已到期而未缴清的账单数",
    null=UNDATED,
    reason="payments",
)
def overdue_bills(rows: ir.Table) -> ir.Value:
    """Bills past their due date and not fully paid."""
    return _where_dated(rows, number((rows.open > 0).sum()))


@feature(
    "settled",
    unit="days",
    label=("days overdue now", "当前最长欠费天数"),
    zh="未缴清账单中最久的已欠天数",
    null=UNDATED,
    reason="payments",
)
def overdue_days(rows: ir.Table) -> ir.Value:
    """Days that the oldest open bill is past its due date."""
    return _where_dated(rows, number((rows.due_ago + 1).max(where=rows.open > 0)))


@feature(
    "payments",
    unit="count",
    label=("payments in {n} days", "近{n}天缴费次数"),
    zh="近{n}天的缴费次数",
    reason="payments",
    windows=days(91, 365),
)
def payment_count(rows: ir.Table, window: Window) -> ir.Value:
    """Payments of the last {n} days."""
    return number(window.covers(rows.days_ago).sum())


@feature(
    "payments",
    unit="days",
    label=("days since the last payment", "距最近缴费天数"),
    zh="距最近一次缴费的天数",
    null=NEVER,
    reason="payments",
    no_events=None,
)
def days_since_payment(rows: ir.Table) -> ir.Value:
    """Days since the newest payment; 1 is the day before the as-of date."""
    return rows.days_ago.min().cast("float64") + 1.0


@feature(
    "payments",
    unit="currency",
    label=("paid in {n} days", "近{n}天缴费金额"),
    zh="近{n}天缴费金额合计",
    reason="payments",
    windows=days(
        91,
    ),
)
def paid_amount(rows: ir.Table, window: Window) -> ir.Value:
    """Sum of payments of the last {n} days."""
    return rows.amount.sum(where=window.covers(rows.days_ago)).cast("float64").fill_null(0.0)


@feature(
    "settled",
    unit="count",
    label=("bills paid in parts, {n} days", "近{n}天分次缴纳账单数"),
    zh="近{n}天到期的账单中分多次缴纳或只缴了一部分的数量",
    null=UNDATED,
    reason="payments",
    windows=days(
        365,
    ),
)
def bills_split(rows: ir.Table, window: Window) -> ir.Value:
    """Bills due in the last {n} days that were paid in several payments, or so far only in part."""
    return _where_dated(rows, number((window.covers(rows.due_ago) & rows.split).sum()))


@feature(
    "settled",
    unit="ratio",
    label=("share of bills paid in parts, {n} days", "近{n}天分次缴纳账单占比"),
    zh="近{n}天到期的账单中分多次缴纳或只缴了一部分的占比",
    null=NO_DUE,
    reason="payments",
    windows=days(
        365,
    ),
    no_events=None,
)
def bills_split_share(rows: ir.Table, window: Window) -> ir.Value:
    """Share of the bills due in the last {n} days that were paid in several payments, or so far only in part."""
    return over(bills_split(rows, window), bills_due(rows, window))


@feature(
    "settled",
    unit="ratio",
    label=("share of bills late, {n} days", "近{n}天逾期账单占比"),
    zh="近{n}天到期的账单中逾期缴纳或尚未缴清的占比",
    null=NO_DUE,
    reason="payments",
    windows=days(
        365,
    ),
    no_events=None,
)
def bills_late_share(rows: ir.Table, window: Window) -> ir.Value:
    """Share of the bills due in the last {n} days that were paid late or are still open."""
    return over(bills_late(rows, window), bills_due(rows, window))


@feature(
    "settled",
    unit="days",
    label=("variation of days late, {n} days", "近{n}天缴费时点波动天数"),
    zh="近{n}天到期账单逾期天数的标准差，越小缴费越规律",
    null=ONCE,
    reason="payments",
    windows=days(
        365,
    ),
    no_events=None,
)
def days_late_spread(rows: ir.Table, window: Window) -> ir.Value:
    """Standard deviation of the days late of bills due in the last {n} days; small is regular."""
    late, inside = rows.late.cast("float64"), window.covers(rows.due_ago)
    n = late.count(where=inside).cast("float64")
    total, squares = late.sum(where=inside), (late * late).sum(where=inside)
    deviation = ibis.greatest(n * squares - total * total, 0.0).sqrt() / n.nullif(0.0)
    return ibis.ifelse(n >= 2, deviation, NOTHING)


@feature(
    "payments",
    unit="days",
    label=("usual days between payments, {n} days", "近{n}天平均缴费间隔天数"),
    zh="近{n}天首末次缴费之间的天数除以（缴费次数减一）",
    null=TWICE,
    reason="payments",
    windows=days(
        365,
    ),
    no_events=None,
)
def payment_gap(rows: ir.Table, window: Window) -> ir.Value:
    """Days from the first to the last payment of the last {n} days over the number of payments less one."""
    inside = window.covers(rows.days_ago)
    span = (rows.days_ago.max(where=inside) - rows.days_ago.min(where=inside)).cast("float64")
    return over(span, number(inside.sum()) - 1.0)


@feature(
    "payments",
    unit="ratio",
    label=("time since the last payment against the usual gap", "距最近缴费天数与平时间隔之比"),
    zh="距最近一次缴费的天数除以近365天的平均缴费间隔",
    null=TWICE,
    reason="payments",
    no_events=None,
)
def payment_overdue(rows: ir.Table) -> ir.Value:
    """Days since the last payment over the usual days between the payments of a year."""
    return over(days_since_payment(rows), payment_gap(rows, Window(365, "d")))
