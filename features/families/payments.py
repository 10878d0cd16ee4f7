"""Payments: late, overdue, in parts and regular, refunded and failed. Where bills carry no due date, lateness is unknown.

Attempts that failed, and refunds, are no payments.
"""

import ibis
import ibis.expr.types as ir

from features.definition import Kind, Window, days
from features.grains import Events
from features.series import NOTHING, days_since, number, ratio, usual_gap

NO_DUE = ("no bill fell due", "没有到期账单")
UNDATED = ("bills carry no due date, or payments name no bill", "账单没有应缴日期，或缴费未注明账单")
ONCE = ("fewer than two bills to judge", "可判断的账单不足两张")
TWICE = ("fewer than two payments to compare", "可比的缴费不足两次")
UNTOLD = ("payments do not say whether they failed", "缴费未注明是否失败")
NEVER = ("never paid", "从未缴费")

due = Kind(Events, "settled", unit="count", reason="payments", null=UNDATED)
overdue = Kind(Events, "settled", unit="days", reason="payments", null=UNDATED)
delays = Kind(Events, "settled", unit="days", reason="payments", null=NO_DUE, no_events=None)
shares = Kind(Events, "settled", unit="ratio", reason="payments", null=NO_DUE, no_events=None)
counts = Kind(Events, "payments", unit="count", reason="payments")
amounts = Kind(Events, "payments", unit="currency", reason="payments")
ages = Kind(Events, "payments", unit="days", reason="payments", null=NEVER, no_events=None)
gaps = Kind(Events, "payments", unit="days", reason="payments", null=TWICE, no_events=None)


def _where_dated(rows: Events, value: ir.Value) -> ir.Value:
    """Null for a customer none of whose bills can be judged; without any bill there is simply nothing late."""
    return ibis.ifelse(rows.dated.any().fill_null(True), value, NOTHING)


@due("bills due in {n} days", "近{n}天到期账单数", days(91, 365))
def bills_due(rows: Events, window: Window) -> ir.Scalar:
    """Bills that fell due in the last {n} days.
    近{n}天到期的账单数"""
    return _where_dated(rows, number(window.covers(rows.due_ago).sum()))


@due("bills paid late or still open, {n} days", "近{n}天逾期账单数", days(91, 365))
def bills_late(rows: Events, window: Window) -> ir.Scalar:
    """Bills due in the last {n} days that were paid late or are still open.
    近{n}天到期的账单中逾期缴纳或尚未缴清的数量"""
    return _where_dated(rows, number((window.covers(rows.due_ago) & (rows.late > 0)).sum()))


@delays("average days late, {n} days", "近{n}天平均逾期天数", days(182))
def days_late(rows: Events, window: Window) -> ir.Scalar:
    """Mean days between due date and full payment of bills due in the last {n} days; early is negative.
    近{n}天到期账单的平均逾期天数，提前为负"""
    return rows.late.cast("float64").mean(where=window.covers(rows.due_ago))


@delays("longest delay, {n} days", "近{n}天最长逾期天数", days(365))
def days_late_max(rows: Events, window: Window) -> ir.Scalar:
    """Longest delay among the bills due in the last {n} days.
    近{n}天到期账单的最长逾期天数"""
    return rows.late.cast("float64").max(where=window.covers(rows.due_ago))


@due("overdue now", "当前欠费", unit="currency")
def overdue_amount(rows: Events) -> ir.Scalar:
    """Unpaid part of all bills that are past their due date.
    已到期而未缴清的金额"""
    return _where_dated(rows, rows.open.sum().fill_null(0.0) / 100.0)


@due("bills overdue now", "当前欠费账单数")
def overdue_bills(rows: Events) -> ir.Scalar:
    """Bills past their due date and not fully paid.
    已到期而未缴清的账单数"""
    return _where_dated(rows, number((rows.open > 0).sum()))


@overdue("days overdue now", "当前最长欠费天数")
def overdue_days(rows: Events) -> ir.Scalar:
    """Days that the oldest open bill is past its due date.
    未缴清账单中最久的已欠天数"""
    return _where_dated(rows, number((rows.due_ago + 1).max(where=rows.open > 0)))


@counts("payments in {n} days", "近{n}天缴费次数", days(91, 365))
def payment_count(rows: Events, window: Window) -> ir.Scalar:
    """Payments of the last {n} days; refunds are none.
    近{n}天的缴费次数，退款不计"""
    return number(window.covers(rows.days_ago).sum())


@ages("days since the last payment", "距最近缴费天数")
def days_since_payment(rows: Events) -> ir.Scalar:
    """Days since the newest payment; 1 is the day before the as-of date.
    距最近一次缴费的天数"""
    return days_since(rows.days_ago)


@amounts("paid in {n} days", "近{n}天缴费金额", days(91))
def paid_amount(rows: Events, window: Window) -> ir.Scalar:
    """Sum of payments of the last {n} days; refunds are not taken off.
    近{n}天缴费金额合计，不扣退款"""
    return rows.paid.sum(where=window.covers(rows.days_ago)).cast("float64").fill_null(0.0)


@counts("failed payments in {n} days", "近{n}天扣款失败次数", days(91, 365), null=UNTOLD)
def failed_payments(rows: Events, window: Window) -> ir.Scalar:
    """Payments of the last {n} days that were tried and did not come.
    近{n}天扣款失败的次数"""
    return ibis.ifelse(rows.told.any().fill_null(True), number(window.covers(rows.failed_ago).sum()), NOTHING)


@ages("days since a payment failed", "距最近扣款失败天数", null=("no payment failed", "没有失败的扣款"))
def days_since_failed_payment(rows: Events) -> ir.Scalar:
    """Days since a payment was last tried and did not come; 1 is the day before the as-of date.
    距最近一次扣款失败的天数"""
    return days_since(rows.failed_ago)


@counts("refunds in {n} days", "近{n}天退款次数", days(365))
def refund_count(rows: Events, window: Window) -> ir.Scalar:
    """Payments below zero, money that was given back, in the last {n} days.
    近{n}天负数缴费（退款）的次数"""
    return number(window.covers(rows.refunded_ago).sum())


@amounts("refunded in {n} days", "近{n}天退款金额", days(365))
def refund_amount(rows: Events, window: Window) -> ir.Scalar:
    """Money that was given back in the last {n} days.
    近{n}天退款金额合计"""
    return (-rows.amount).sum(where=window.covers(rows.refunded_ago)).cast("float64").fill_null(0.0)


@ages("days since the last refund", "距最近退款天数", null=("never refunded", "从未退款"))
def days_since_refund(rows: Events) -> ir.Scalar:
    """Days since money was last given back; 1 is the day before the as-of date.
    距最近一次退款的天数"""
    return days_since(rows.refunded_ago)


@due("bills paid in parts, {n} days", "近{n}天分次缴纳账单数", days(365))
def bills_split(rows: Events, window: Window) -> ir.Scalar:
    """Bills due in the last {n} days that were paid in several payments, or so far only in part.
    近{n}天到期的账单中分多次缴纳或只缴了一部分的数量"""
    return _where_dated(rows, number((window.covers(rows.due_ago) & rows.split).sum()))


@shares("share of bills paid in parts, {n} days", "近{n}天分次缴纳账单占比", days(365))
def bills_split_share(rows: Events, window: Window) -> ir.Scalar:
    """Share of the bills due in the last {n} days that were paid in several payments, or so far only in part.
    近{n}天到期的账单中分多次缴纳或只缴了一部分的占比"""
    return ratio(bills_split(rows, window), bills_due(rows, window))


@shares("share of bills late, {n} days", "近{n}天逾期账单占比", days(365))
def bills_late_share(rows: Events, window: Window) -> ir.Scalar:
    """Share of the bills due in the last {n} days that were paid late or are still open.
    近{n}天到期的账单中逾期缴纳或尚未缴清的占比"""
    return ratio(bills_late(rows, window), bills_due(rows, window))


@delays("variation of days late, {n} days", "近{n}天缴费时点波动天数", days(365), null=ONCE)
def days_late_spread(rows: Events, window: Window) -> ir.Scalar:
    """Standard deviation of the days late of bills due in the last {n} days; small is regular.
    近{n}天到期账单逾期天数的标准差，越小缴费越规律"""
    late, inside = rows.late.cast("float64"), window.covers(rows.due_ago)
    n = late.count(where=inside).cast("float64")
    total, squares = late.sum(where=inside), (late * late).sum(where=inside)
    deviation = ibis.greatest(n * squares - total * total, 0.0).sqrt() / n.nullif(0.0)
    return ibis.ifelse(n >= 2, deviation, NOTHING)


@gaps("usual days between payments, {n} days", "近{n}天平均缴费间隔天数", days(365))
def payment_gap(rows: Events, window: Window) -> ir.Scalar:
    """Days from the first to the last payment of the last {n} days over the number of payments less one.
    近{n}天首末次缴费之间的天数除以（缴费次数减一）"""
    return usual_gap(rows.days_ago, window.covers(rows.days_ago))


@gaps("time since the last payment against the usual gap", "距最近缴费天数与平时间隔之比", unit="ratio")
def payment_overdue(rows: Events) -> ir.Scalar:
    """Days since the last payment over the usual days between the payments of a year.
    距最近一次缴费的天数除以近365天的平均缴费间隔"""
    return ratio(days_since_payment(rows), payment_gap(rows, Window(365, "d")))
